/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/manifold-k8s/manifold/test/fault"
)

// settleLimit is how long hub and members may take to be as users want them after a fault. It is generous: the machine
// may be busy with other tests, and what was refused waits for up to a minute before it is tried again.
const settleLimit = 100 * time.Second

// kills kills the hub at random moments under load, as a power failure does, and starts it again. In every third round,
// about, it is killed once more while it starts. Some answers of the members are lost all the time.
func kills(ctx context.Context, a *arena, s settings, b *board) error {
	f, err := a.found(ctx, "kills", s.seed, []string{"kills-a", "kills-b"})
	if err != nil {
		return fmt.Errorf("set up: %w", err)
	}
	defer f.close()
	b.watch(f.hub.LogTail)
	for _, p := range f.proxies {
		if s.noise == 0 { // a rule without a share is for all
			continue
		}
		p.Add(fault.Rule{Match: fault.Method(http.MethodPatch, http.MethodDelete), Share: s.noise, Effect: fault.LoseAnswer()})
	}
	r := rand.New(rand.NewPCG(s.seed, 100))
	for round := 1; round <= s.rounds; round++ {
		begin := time.Now()
		l := f.press(ctx, s.seed+uint64(round)<<20)
		pause(ctx, between(r, 50*time.Millisecond, 2*time.Second))
		f.hub.Kill()
		note := "killed"
		if r.IntN(3) == 0 {
			after := between(r, 200*time.Millisecond, 4*time.Second)
			if err := startFor(ctx, f, after); err != nil {
				return err
			}
			note = fmt.Sprintf("killed, and again %v after its start", after.Round(time.Millisecond))
		}
		if !f.hub.Running() {
			if err := f.hub.Start(ctx); err != nil {
				return err
			}
		}
		pause(ctx, between(r, 200*time.Millisecond, 1500*time.Millisecond))
		done, lost, violations := l.release()
		violations = append(violations, f.settle(ctx, settleLimit, round == s.rounds)...)
		b.line("kills", fmt.Sprintf("round %d/%d", round, s.rounds), begin, done, lost, note, violations)
		if ctx.Err() != nil || len(violations) > 0 {
			break // what follows would only be more of the same
		}
	}
	return ctx.Err()
}

// startFor starts the hub and kills it again unless it is ready within d.
func startFor(ctx context.Context, f *federation, d time.Duration) error {
	short, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	if err := f.hub.Start(short); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return ctx.Err()
}

// pause waits for d, or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
