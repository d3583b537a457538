/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package main

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

const (
	writers = 3 // that write at the same time, each to objects of its own
	slots   = 12
	// writing and moving are the longest waits between two requests of a writer and of the mover; a tenth is the shortest.
	writing, moving = 80 * time.Millisecond, time.Second
	// unserved is how long a writer waits after a request that failed.
	unserved = 50 * time.Millisecond
)

// load is what users do at the same time: writers create, scale, change and delete, a mover moves.
type load struct {
	*federation
	stopped chan struct{}
	wg      sync.WaitGroup

	mu           sync.Mutex
	acknowledged int
	unanswered   int
	violations   []violation
}

// press starts the load. The same seed gives the same choices, as far as the answers are the same.
func (f *federation) press(ctx context.Context, seed uint64) *load {
	l := &load{federation: f, stopped: make(chan struct{})}
	for w := range writers {
		r := rand.New(rand.NewPCG(seed, uint64(w)+1))
		l.wg.Go(func() { l.repeat(ctx, r, writing, func() (bool, error) { return l.write(ctx, r, w) }) })
	}
	r := rand.New(rand.NewPCG(seed, 0))
	l.wg.Go(func() { l.repeat(ctx, r, moving, func() (bool, error) { return l.shift(ctx, r) }) })
	return l
}

// release ends the load, after the requests under way, and returns what it has seen.
func (l *load) release() (acknowledged, unanswered int, violations []violation) {
	close(l.stopped)
	l.wg.Wait()
	return l.acknowledged, l.unanswered, l.violations
}

func (l *load) repeat(ctx context.Context, r *rand.Rand, longest time.Duration, do func() (bool, error)) {
	for {
		ok, err := do()
		l.mu.Lock()
		switch {
		case err != nil:
			l.violations = append(l.violations, violation(err.Error()))
		case ok:
			l.acknowledged++
		default:
			l.unanswered++
		}
		l.mu.Unlock()
		wait := between(r, longest/10, longest)
		if !ok {
			wait = max(wait, unserved)
		}
		select {
		case <-l.stopped:
			return
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}

// slot is the n-th object of a writer, and its group.
func (f *federation) slot(writer, n int) (item, string) {
	group := slices.Sorted(maps.Keys(groups))[n%len(groups)]
	kind := deployments
	if n/len(groups)%2 == 1 {
		kind = configMaps
	}
	return item{kind, f.namespaces[(n/len(groups)/2)%len(f.namespaces)], fmt.Sprintf("w%d-%d-%s", writer, n, group)}, group
}

// write does one thing to one object of a writer.
func (l *load) write(ctx context.Context, r *rand.Rand, writer int) (bool, error) {
	i, group := l.slot(writer, r.IntN(slots))
	value := fmt.Sprintf("v%d", r.IntN(1_000_000))
	n := 3 * (1 + r.Int32N(4))
	what := r.IntN(10)
	switch {
	case !l.ledger.possible(i)[0].exists:
		s := state{value: value}
		if i.kind == deployments {
			s.replicas = n
		}
		return l.create(ctx, i, s, group)
	case what < 2 && group != fixed:
		return l.remove(ctx, i)
	case what < 5 && i.kind == deployments:
		return l.scale(ctx, i, n)
	default:
		return l.set(ctx, i, value)
	}
}

// shift moves the templates of one policy.
func (l *load) shift(ctx context.Context, r *rand.Rand) (bool, error) {
	group := []string{"first", "second"}[r.IntN(2)]
	namespace := l.namespaces[r.IntN(len(l.namespaces))]
	next := slices.Sorted(maps.Keys(placements))[r.IntN(len(placements))]
	var moved []item
	for w := range writers {
		for n := range slots {
			if i, g := l.slot(w, n); g == group && i.namespace == namespace {
				moved = append(moved, i)
			}
		}
	}
	return l.move(ctx, policyOf(namespace, group), next, moved)
}

// between returns a duration from shortest to below longest.
func between(r *rand.Rand, shortest, longest time.Duration) time.Duration {
	return shortest + time.Duration(r.Int64N(int64(longest-shortest)))
}
