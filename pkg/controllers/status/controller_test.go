/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package status

import (
	"context"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/manifold-k8s/manifold/pkg/controllers/loop"
)

func testPacer() (*pacer, *clocktesting.FakePassiveClock) {
	return newPacer(rate.Inf, rate.Inf), clocktesting.NewFakePassiveClock(start)
}

var web = types.NamespacedName{Namespace: "ns", Name: "web"}

// TestPace walks through a template's life: each step is some time later, with something to say.
func TestPace(t *testing.T) {
	t.Parallel()
	type step struct {
		after  time.Duration
		moving bool
		wait   time.Duration // 0: it is written
	}
	for name, steps := range map[string][]step{
		"a settled state is written at once": {{0, false, 0}},
		"but not more than once a second": {
			{0, false, 0}, {300 * time.Millisecond, false, 700 * time.Millisecond}, {700 * time.Millisecond, false, 0},
		},
		"a moving one is held back": {
			{0, true, firstHold}, {500 * time.Millisecond, true, firstHold - 500*time.Millisecond},
			{firstHold - 500*time.Millisecond, true, 0},
		},
		"until it settles": {{0, true, firstHold}, {time.Second, false, 0}},
		"longer each time, up to a bound": {
			{0, true, 2 * time.Second}, {2 * time.Second, true, 0},
			{0, true, 4 * time.Second}, {4 * time.Second, true, 0},
			{0, true, 8 * time.Second}, {8 * time.Second, true, 0},
			{0, true, 8 * time.Second}, {8 * time.Second, true, 0},
		},
		"and anew after it has settled": {
			{0, true, 2 * time.Second}, {2 * time.Second, true, 0}, {0, true, 4 * time.Second}, {4 * time.Second, false, 0},
			{time.Second, true, 2 * time.Second},
		},
		"a change within the hold does not prolong it": {
			{0, true, 2 * time.Second}, {1900 * time.Millisecond, true, 100 * time.Millisecond}, {100 * time.Millisecond, true, 0},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, clock := testPacer()
			for i, s := range steps {
				clock.SetTime(clock.Now().Add(s.after))
				wait := max(0, p.wait(web, s.moving, false, clock.Now()))
				if wait != s.wait {
					t.Fatalf("step %d: wait %v, want %v", i, wait, s.wait)
				}
				if wait == 0 {
					p.wrote(web, s.moving, clock.Now())
				}
			}
		})
	}
}

// Templates do not hold each other up, and one that is gone costs no memory.
func TestPaceIsPerTemplate(t *testing.T) {
	t.Parallel()
	p, clock := testPacer()
	p.wrote(web, false, clock.Now()) // of something that nobody asked about: no entry
	for i := range 10 {
		key := types.NamespacedName{Name: fmt.Sprint(i)}
		if wait := p.wait(key, false, false, clock.Now()); wait > 0 {
			t.Errorf("%s waits %v", key, wait)
		}
		p.wrote(key, false, clock.Now())
		p.forget(key)
	}
	if len(p.paces) != 0 {
		t.Errorf("%d entries are left", len(p.paces))
	}
}

// Many states that move at once wait for their turns, but not for minutes.
func TestManyMoving(t *testing.T) {
	t.Parallel()
	clock := clocktesting.NewFakePassiveClock(start)
	p := newPacer(progressRate, ageRate)
	const many = 1000
	waiting := map[int]time.Time{} // to when to ask again
	for i := range many {
		waiting[i] = start
	}
	for len(waiting) > 0 {
		now := clock.Now()
		for i, at := range waiting {
			if at.After(now) {
				continue
			}
			key := types.NamespacedName{Name: fmt.Sprint(i)}
			wait := p.wait(key, true, false, now)
			if wait <= 0 {
				p.wrote(key, true, now)
				delete(waiting, i)
				continue
			}
			waiting[i] = now.Add(wait)
		}
		due, again := p.next(now)
		for _, key := range due {
			i, err := strconv.Atoi(key.Name)
			if err != nil {
				t.Fatal(err)
			}
			waiting[i] = now
		}
		if queue := len(p.line) > 0; queue != (again > 0) {
			t.Fatalf("there is a line: %v, and it is looked at again after %v", queue, again)
		}
		switch passed := now.Sub(start); {
		case passed == 10*time.Second && len(waiting) < many-progressBurst-10*progressRate:
			t.Errorf("only %d of %d wait after %v", len(waiting), many, passed)
		case passed > 2*time.Minute:
			t.Fatalf("%d still wait after %v", len(waiting), passed)
		}
		clock.SetTime(now.Add(time.Second))
	}
}

// Who settles makes room: the few rollouts that last do not wait for all that began with them.
func TestTheLineMovesOn(t *testing.T) {
	t.Parallel()
	p, clock := testPacer()
	p.progress = rate.NewLimiter(progressRate, progressBurst)
	const many = 1000
	key := func(i int) types.NamespacedName { return types.NamespacedName{Name: fmt.Sprint(i)} }
	for range 2 { // once to begin, once when the hold is over
		for i := range many {
			if wait := p.wait(key(i), true, false, clock.Now()); wait <= 0 {
				p.wrote(key(i), true, clock.Now())
			}
		}
		clock.SetTime(clock.Now().Add(firstHold))
	}
	if wait := p.wait(key(many-1), true, false, clock.Now()); wait < time.Minute {
		t.Fatalf("the last one is to be looked at again after %v, although nothing happens to it", wait)
	}
	for i := range many - 2 {
		p.wait(key(i), false, false, clock.Now()) // settled
	}
	p.forget(key(many - 2))
	due, again := p.next(clock.Now())
	if diff := cmp.Diff([]types.NamespacedName{key(many - 1)}, due); diff != "" || again != 0 {
		t.Errorf("again after %v; whose turn it is (-want +got):\n%s", again, diff)
	}
	if wait := p.wait(key(many-1), true, false, clock.Now()); wait > 0 {
		t.Errorf("it waits %v when it is its turn", wait)
	}
}

// Whoever waits in the line gets a step when its turn comes, without anything else happening.
func TestUsher(t *testing.T) {
	t.Parallel()
	now := time.Now()
	p := newPacer(progressRate, ageRate)
	p.progress = rate.NewLimiter(100, 1)
	key := func(i int) types.NamespacedName { return types.NamespacedName{Name: fmt.Sprint(i)} }
	const many = 3
	for i := range many {
		p.of(key(i)).moving = now.Add(-lastHold)
		p.wait(key(i), true, false, now)
	}
	ctx, stop := context.WithTimeout(t.Context(), 20*time.Second)
	defer stop()
	var stepped []types.NamespacedName
	c := &Controller{cfg: Config{Clock: clock.RealClock{}}, pacer: p}
	c.loop = loop.New(loop.Config{Name: "test", Unmeasured: true}, func(_ context.Context, k types.NamespacedName) (time.Duration, error) {
		if stepped = append(stepped, k); len(stepped) == many-1 { // the first one's turn was at once
			stop()
		}
		return 0, nil
	})
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return c.loop.Run(ctx) })
	g.Go(func() error { return c.usher(ctx) })
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]types.NamespacedName{key(1), key(2)}, stepped); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
}
