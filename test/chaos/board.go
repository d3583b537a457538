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
	tail         func() string // the end of the latest hub's log
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

// watch remembers where the log of the hub is that lines are about.
func (b *board) watch(tail func() string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.tail = tail
}
