/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// item names an object under test.
type item struct{ kind, namespace, name string }

func (i item) String() string { return i.kind + " " + i.namespace + "/" + i.name }

// The kinds under test.
const (
	deployments = "Deployment"
	configMaps  = "ConfigMap"
	policies    = "PropagationPolicy"
)

// state is what users decide about an object, as far as the test looks at it.
type state struct {
	exists   bool
	replicas int32  // of a Deployment
	value    string // the image of a Deployment, the data of a ConfigMap, the placement of a policy
}

// change is what a write makes of a state. ok is false when the write cannot succeed in that state.
type change func(before state) (after state, ok bool)

// write is one request of a user, for reports.
type write struct {
	at     time.Time
	what   string
	answer string
}

// entry is what the ledger knows of one object.
type entry struct {
	possible []state // what may be stored: one state, unless an answer is missing
	writes   []write // the latest
	reasons  map[string][]time.Time
}

// ledger keeps what users have written and what they were answered. It knows of each object which states it may have:
// the one that was last acknowledged, and those that a request without an answer may have led to.
type ledger struct {
	mu      sync.Mutex
	entries map[item]*entry
}

func newLedger() *ledger { return &ledger{entries: map[item]*entry{}} }

// of must be called with the lock held.
func (l *ledger) of(i item) *entry {
	e := l.entries[i]
	if e == nil {
		e = &entry{possible: []state{{}}, reasons: map[string][]time.Time{}}
		l.entries[i] = e
	}
	return e
}

// possible returns the states that the object may have, at least one.
func (l *ledger) possible(i item) []state {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.of(i).possible)
}

// do sends a request by send and keeps what became of it. It returns an error for a violation only: an answer that does
// not go with what was acknowledged before.
func (l *ledger) do(i item, what string, c change, send func() error) (acknowledged bool, violation error) {
	at := time.Now()
	err := send()
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.of(i)
	answer := "acknowledged"
	if err != nil {
		answer = err.Error()
	}
	e.writes = last(append(e.writes, write{at, what, answer}), 20)
	next := e.after(c, err)
	if len(next) == 0 {
		return false, fmt.Errorf("%s: %s was answered with %q, which cannot be after what was acknowledged before:\n%s", i, what, answer, e.story())
	}
	e.possible = next
	return err == nil, nil
}

// after returns the states that are possible after a request that was answered with err.
func (e *entry) after(c change, err error) []state {
	var next []state
	add := func(s state) {
		if !slices.Contains(next, s) {
			next = append(next, s)
		}
	}
	for _, s := range e.possible {
		after, ok := c(s)
		switch {
		case err == nil && ok:
			add(after)
		case err == nil: // not in that state
		case apierrors.IsNotFound(err) && s.exists, apierrors.IsAlreadyExists(err) && !s.exists: // not in that state
		case apierrors.IsNotFound(err), apierrors.IsAlreadyExists(err), errors.Is(err, syscall.ECONNREFUSED):
			add(s)
		default: // it may have been carried out, or not
			add(s)
			if ok {
				add(after)
			}
		}
	}
	return next
}

// excuse says that from now on the copy of i in a member may be deleted, once.
func (l *ledger) excuse(i item, members ...string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.of(i)
	for _, m := range members {
		e.reasons[m] = append(e.reasons[m], time.Now())
	}
}

// reasons returns when it was said that the copy may be deleted, since the last call of settle.
func (l *ledger) reasons(i item, member string) []time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.of(i).reasons[member])
}

// verify returns what the store lacks, or has, against what was acknowledged.
func (l *ledger) verify(stored map[item]state) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []string
	for i, e := range l.entries {
		if !slices.Contains(e.possible, stored[i]) {
			out = append(out, fmt.Sprintf("%s: the hub has %+v, which was never acknowledged; it may have %+v:\n%s", i, stored[i], e.possible, e.story()))
		}
	}
	slices.Sort(out)
	return out
}

// settle takes what is stored as what there is from now on, and forgets the reasons for deletions.
func (l *ledger) settle(stored map[item]state) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, e := range l.entries {
		e.possible = []state{stored[i]}
		clear(e.reasons)
	}
}

// story tells what users did with an object.
func (l *ledger) story(i item) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.of(i).story()
}

func (e *entry) story() string {
	var b strings.Builder
	for _, w := range e.writes {
		fmt.Fprintf(&b, "    %s user: %s: %s\n", clockTime(w.at), w.what, w.answer)
	}
	return b.String()
}

// last returns the last n elements.
func last[T any](s []T, n int) []T { return s[max(0, len(s)-n):] }

func clockTime(t time.Time) string { return t.Format("15:04:05.000") }
