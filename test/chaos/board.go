/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package main

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// board prints what happens and keeps the violations.
type board struct {
	out io.Writer

	mu           sync.Mutex
	lines        int
	acknowledged int
	violations   []violation
}

// line reports a round or a fault, with its violations.
func (b *board) line(scenario, what string, begin time.Time, acknowledged, unanswered int, note string, violations []violation) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lines++
	b.acknowledged += acknowledged
	if acknowledged == 0 { // it would hold without a hub
		violations = append(violations, "no request was acknowledged")
	}
	verdict := "ok"
	if len(violations) > 0 {
		verdict = fmt.Sprintf("%d VIOLATIONS", len(violations))
	}
	fmt.Fprintf(b.out, "%-8s %-22s %5.1fs %4d acknowledged %4d not  %s; %s\n",
		scenario, what, time.Since(begin).Seconds(), acknowledged, unanswered, verdict, note)
	for _, v := range violations {
		fmt.Fprintf(b.out, "  ! %s\n", strings.TrimRight(string(v), "\n"))
		b.violations = append(b.violations, violation(scenario+" "+what+": ")+v)
	}
}

// log prints the end of a hub's log if there are violations of its scenario.
func (b *board) log(scenario string, tail func() string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, v := range b.violations {
		if strings.HasPrefix(string(v), scenario+" ") {
			fmt.Fprintf(b.out, "the end of the hub's log in %s:\n%s\n", scenario, tail())
			return
		}
	}
}
