/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package loop

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// What is fresh goes before the backlog, whatever was asked for first.
func TestFreshGoesFirst(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		ask  func(l *Loop[string])
		want []string
	}{
		"the order of asking within each": {
			func(l *Loop[string]) { l.AddBacklog("a"); l.Add("x"); l.AddBacklog("b"); l.Add("y") },
			[]string{"x", "y", "a", "b"},
		},
		"one of the backlog becomes fresh": {
			func(l *Loop[string]) { l.AddBacklog("a"); l.AddBacklog("b"); l.Add("x"); l.Add("b") },
			[]string{"x", "b", "a"},
		},
		"a fresh one stays fresh": {
			func(l *Loop[string]) { l.AddBacklog("a"); l.Add("x"); l.AddBacklog("x"); l.RetryBacklog("x") },
			[]string{"x", "a"},
		},
		"asked for twice, done once": {
			func(l *Loop[string]) { l.AddBacklog("a"); l.AddBacklog("a"); l.Add("a"); l.Retry("a") },
			[]string{"a"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var done []string
				l := New(Config{}, func(_ context.Context, key string) (time.Duration, error) {
					done = append(done, key)
					return 0, nil
				})
				tc.ask(l)
				if l.Len() != len(tc.want) {
					t.Errorf("%d wait, want %d", l.Len(), len(tc.want))
				}
				run(t, l, synctest.Wait)
				if diff := cmp.Diff(tc.want, done); diff != "" {
					t.Errorf("-want +got:\n%s", diff)
				}
			})
		})
	}
}

// A key that was fresh once is not so for ever, and one that fails does not hold up the fresh ones.
func TestLevelsDoNotLast(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var done []string
		var l *Loop[string]
		l = New(Config{FirstRetry: time.Second}, func(_ context.Context, key string) (time.Duration, error) {
			done = append(done, key)
			switch {
			case key == "first":
				time.Sleep(2 * time.Second) // the retry of failing falls due meanwhile
				l.AddBacklog("x")
				l.Add("y")
			case key == "failing" && len(done) == 1:
				return 0, errors.New("boom")
			}
			return 0, nil
		})
		l.Add("failing")
		l.Add("x")
		l.Add("first")
		run(t, l, func() { time.Sleep(time.Minute) })
		if want := []string{"failing", "x", "first", "y", "failing", "x"}; !slices.Equal(done, want) {
			t.Errorf("done: %v, want %v", done, want)
		}
	})
}

// However keys are asked for, each is worked on after it was last asked for, and nothing is left.
func TestNothingIsLost(t *testing.T) {
	t.Parallel()
	for seed := range uint64(200) {
		synctest.Test(t, func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 1))
			var mu sync.Mutex
			asked, worked := map[int]int{}, map[int]int{}
			l := New(Config{Workers: 3}, func(_ context.Context, key int) (time.Duration, error) {
				mu.Lock()
				defer mu.Unlock()
				worked[key] = asked[key]
				return 0, nil
			})
			run(t, l, func() {
				for range 100 {
					key := r.IntN(10)
					mu.Lock()
					asked[key]++
					mu.Unlock()
					[]func(int){l.Add, l.AddBacklog, l.Retry, l.RetryBacklog}[r.IntN(4)](key)
					if r.IntN(5) == 0 {
						synctest.Wait()
					}
				}
				synctest.Wait()
			})
			if diff := cmp.Diff(asked, worked); diff != "" || l.Len() != 0 || len(l.order.level)+len(l.order.waits) != 0 {
				t.Fatalf("seed %d: %d wait, %v\n%s", seed, l.Len(), l.order.level, diff)
			}
		})
	}
}
