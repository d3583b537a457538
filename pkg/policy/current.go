/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package policy

import (
	"context"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"k8s.io/client-go/tools/cache"
	"k8s.io/utils/clock"

	"github.com/manifold-k8s/manifold/pkg/local"
)

// catchUpPoll is how often it is looked whether the store has what was written, as long as somebody waits for it: about
// what a watch in the same process takes.
const catchUpPoll = 2 * time.Millisecond

// Current reports whether the store holds all that this process has written of policies: all that a client of it can
// have been told is stored. What other replicas have written since is on its way, and not waited for. If it is false,
// wake is called once, when the store holds it; wake must return quickly. Nothing is outstanding most of the time, and
// then it costs a few comparisons.
//
// What a decision rests on has to be read in this order: the template and its binding, then Current, then the policies.
// So a policy that was stored before the template is never missing.
func (s *Store) Current(wake func()) bool { return s.line.current(wake) }

// Await waits until the store is current, for no longer than patience, and reports whether it is.
func (s *Store) Await(ctx context.Context, patience time.Duration) bool {
	current := make(chan struct{})
	if s.Current(func() { close(current) }) {
		return true
	}
	select {
	case <-current:
		return true
	case <-s.line.clock.After(patience):
	case <-ctx.Done():
	}
	return false
}

// shelf is the policies of one kind, with what this process has written of them.
type shelf struct {
	cache.SharedIndexInformer
	written *local.Written // nil: nobody keeps count, and nothing is waited for
	reached atomic.Uint64  // a revision that the informer's store has reached
}

// due is the revision that the store should have reached.
func (s *shelf) due() uint64 {
	if s.written == nil {
		return 0
	}
	return s.written.Revision()
}

// has reports whether the informer's store has reached a revision.
func (s *shelf) has(revision uint64) bool {
	if revision <= s.reached.Load() {
		return true
	}
	version := s.GetStore().LastStoreSyncResourceVersion()
	if version == "" {
		return s.HasSynced() // client-go's feature AtomicFIFO is off: nobody knows
	}
	now, err := strconv.ParseUint(version, 10, 64)
	if err != nil {
		return true // no version of etcd's, so none to compare
	}
	for old := s.reached.Load(); now > old && !s.reached.CompareAndSwap(old, now); old = s.reached.Load() {
	}
	return now >= revision
}

// line are those who wait for the shelves to be current.
type line struct {
	clock   clock.Clock
	shelves []*shelf
	asked   chan struct{} // holds something when somebody has come

	mu      sync.Mutex
	waiting []waiter
}

type waiter struct {
	due  []uint64 // by shelf
	wake func()
}

func newLine(clock clock.Clock, shelves []*shelf) *line {
	return &line{clock: clock, shelves: shelves, asked: make(chan struct{}, 1)}
}

func (l *line) current(wake func()) bool {
	behind := false
	var due [4]uint64 // of the four kinds: nothing is allocated when there is nothing to wait for
	for i, s := range l.shelves {
		due[i] = s.due()
		behind = behind || !s.has(due[i])
	}
	if !behind {
		return true
	}
	l.mu.Lock()
	l.waiting = append(l.waiting, waiter{append([]uint64(nil), due[:len(l.shelves)]...), wake})
	l.mu.Unlock()
	select {
	case l.asked <- struct{}{}:
	default: // run will look anyway
	}
	return false
}

// run wakes those who wait, until ctx ends.
func (l *line) run(ctx context.Context) {
	for {
		select {
		case <-l.asked:
		case <-ctx.Done():
			return
		}
		for l.release() {
			select {
			case <-l.clock.After(catchUpPoll):
			case <-ctx.Done():
				return
			}
		}
	}
}

// release wakes whoever need not wait any longer, and reports whether some still must.
func (l *line) release() (more bool) {
	l.mu.Lock()
	var ready, left []waiter
	for _, w := range l.waiting {
		if l.reached(w.due) {
			ready = append(ready, w)
		} else {
			left = append(left, w)
		}
	}
	l.waiting = left
	l.mu.Unlock()
	for _, w := range ready {
		w.wake()
	}
	return len(left) > 0
}

func (l *line) reached(due []uint64) bool {
	for i, s := range l.shelves {
		if !s.has(due[i]) {
			return false
		}
	}
	return true
}
