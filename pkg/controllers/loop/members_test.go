/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package loop

import (
	"context"
	"testing"
	"time"
)

// played says when it runs and when it has stopped.
type played struct{ runs, stopped chan struct{} }

func newPlayed() (*played, bool) { return &played{make(chan struct{}), make(chan struct{})}, true }

func (p *played) Run(ctx context.Context) error {
	close(p.runs)
	<-ctx.Done()
	close(p.stopped)
	return nil
}

func await(t *testing.T, what string, c <-chan struct{}) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(10 * time.Second):
		t.Fatalf("%s: nothing for 10 s", what)
	}
}

func TestMembers(t *testing.T) {
	t.Parallel()
	var s Members[*played]
	early, _ := s.Ensure("early", newPlayed)
	if again, ok := s.Ensure("early", func() (*played, bool) { t.Error("made twice"); return newPlayed() }); !ok || again != early {
		t.Error("a member has two runners")
	}
	if _, ok := s.Ensure("stranger", func() (*played, bool) { return nil, false }); ok {
		t.Error("one that was declined is there")
	}
	dropped, _ := s.Ensure("dropped", newPlayed)
	s.Drop("dropped", dropped) // before it ran

	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { s.Run(ctx); close(done) }()
	await(t, "one from before", early.runs)
	late, _ := s.Ensure("late", newPlayed)
	await(t, "one from later", late.runs)

	s.Drop("late", early) // not its runner
	if have, ok := s.Get("late"); !ok || have != late {
		t.Error("it was dropped for another")
	}
	s.Drop("late", late)
	await(t, "the end of one that is dropped", late.stopped)
	next, _ := s.Ensure("late", newPlayed)
	await(t, "its successor", next.runs)

	cancel()
	await(t, "the end of all", done)
	for _, p := range []*played{early, next} {
		await(t, "the end of each", p.stopped)
	}
	after, _ := s.Ensure("after", newPlayed)
	select {
	case <-after.runs:
		t.Error("it runs after the end")
	case <-dropped.runs:
		t.Error("it runs after it was dropped")
	default:
	}
}
