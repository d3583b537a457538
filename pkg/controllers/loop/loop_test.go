/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package loop

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// answer is what a step returns.
type answer struct {
	wait time.Duration
	err  error
}

// script answers each step on a key by the next of its answers, and quietly after the last. It notes when steps began.
type script struct {
	start   time.Time
	answers map[string][]answer

	mu    sync.Mutex
	taken map[string][]time.Duration
}

func newScript(answers map[string][]answer) *script {
	return &script{start: time.Now(), answers: answers, taken: map[string][]time.Duration{}}
}

func (s *script) step(_ context.Context, key string) (time.Duration, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.taken[key])
	s.taken[key] = append(s.taken[key], time.Since(s.start))
	if n < len(s.answers[key]) {
		a := s.answers[key][n]
		return a.wait, a.err
	}
	return 0, nil
}

func (s *script) times(key string) []time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.taken[key]
}

// run runs the loop in a bubble with a clock of its own while f acts, and then ends it. A goroutine that the loop left
// behind would fail the test.
func run[K comparable](t *testing.T, l *Loop[K], f func()) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- l.Run(ctx) }()
	f()
	stop()
	if err := <-ended; err != nil {
		t.Errorf("Run: %v", err)
	}
}

const ms = time.Millisecond

func TestWhenStepsAreTaken(t *testing.T) {
	t.Parallel()
	boom := errors.New("boom")
	conflict := fmt.Errorf("write: %w", apierrors.NewConflict(schema.GroupResource{Resource: "x"}, "k", boom))
	exists := apierrors.NewAlreadyExists(schema.GroupResource{Resource: "x"}, "k")
	for name, tc := range map[string]struct {
		cfg     Config
		answers []answer
		want    []time.Duration
	}{
		"once":                        {Config{}, nil, []time.Duration{0}},
		"again after a wait":          {Config{}, []answer{{wait: time.Second}, {wait: time.Minute}}, []time.Duration{0, time.Second, 61 * time.Second}},
		"with back-off":               {Config{}, []answer{{err: boom}, {err: boom}, {err: boom}}, []time.Duration{0, 50 * ms, 150 * ms, 350 * ms}},
		"with bounded back-off":       {Config{FirstRetry: time.Second, LastRetry: 3 * time.Second}, []answer{{err: boom}, {err: boom}, {err: boom}, {err: boom}}, []time.Duration{0, 1 * time.Second, 3 * time.Second, 6 * time.Second, 9 * time.Second}},
		"an error beats a wait":       {Config{}, []answer{{wait: time.Hour, err: boom}}, []time.Duration{0, 50 * ms}},
		"a conflict is tried again":   {Config{}, []answer{{err: conflict}, {err: exists}}, []time.Duration{0, 50 * ms, 150 * ms}},
		"success ends the back-off":   {Config{}, []answer{{err: boom}, {wait: time.Second}, {err: boom}}, []time.Duration{0, 50 * ms, 1050 * ms, 1100 * ms}},
		"a negative wait is none":     {Config{}, []answer{{wait: -time.Second}}, []time.Duration{0}},
		"30s is the longest back-off": {Config{FirstRetry: time.Minute}, []answer{{err: boom}}, []time.Duration{0, 30 * time.Second}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newScript(map[string][]answer{"k": tc.answers})
				l := New(tc.cfg, s.step)
				run(t, l, func() {
					l.Add("k")
					time.Sleep(time.Hour)
					synctest.Wait()
				})
				if diff := cmp.Diff(tc.want, s.times("k")); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			})
		})
	}
}

// What may have changed a failure's cause is acted on at once, and the failures before do not count any more.
func TestRetry(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		boom := errors.New("boom")
		s := newScript(map[string][]answer{"k": {{err: boom}, {err: boom}, {err: boom}, {err: boom}, {err: boom}}})
		l := New(Config{}, s.step)
		run(t, l, func() {
			l.Add("k")
			time.Sleep(160 * ms) // it failed at 0, 50 and 150 ms, and is to be tried at 350 ms
			synctest.Wait()
			l.Retry("k")
			time.Sleep(70 * ms)
			synctest.Wait()
		})
		want := []time.Duration{0, 50 * ms, 150 * ms, 160 * ms, 210 * ms}
		if diff := cmp.Diff(want, s.times("k")); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// Keys that wait are not doubled, one key is never worked on twice at once, and others are not held up by it.
func TestOneStepPerKey(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		working, most, steps := map[string]int{}, 0, map[string]int{}
		l := New(Config{Workers: 3}, func(_ context.Context, key string) (time.Duration, error) {
			mu.Lock()
			working[key]++
			steps[key]++
			most = max(most, working[key])
			mu.Unlock()
			if key == "slow" {
				time.Sleep(time.Minute)
			}
			mu.Lock()
			working[key]--
			mu.Unlock()
			return 0, nil
		})
		for range 5 {
			l.Add("slow")
			l.Add("quick")
		}
		if n := l.Len(); n != 2 {
			t.Errorf("%d keys wait, want 2", n)
		}
		run(t, l, func() {
			time.Sleep(time.Second)
			for range 5 { // while the slow one is worked on
				l.Add("slow")
				l.Add("quick")
				time.Sleep(time.Second)
			}
			time.Sleep(time.Hour)
		})
		if diff := cmp.Diff(map[string]int{"slow": 2, "quick": 6}, steps); diff != "" || most != 1 {
			t.Errorf("at once: %d, steps (-want +got):\n%s", most, diff)
		}
	})
}

// Run ends with its context, after the step under way has, whose context has ended too; nothing is tried again then.
func TestEndsWithContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var ended error
		steps := 0
		l := New(Config{Workers: 1}, func(ctx context.Context, _ string) (time.Duration, error) {
			steps++
			<-ctx.Done()
			time.Sleep(time.Second) // takes its time to end
			ended = ctx.Err()
			return 0, ctx.Err()
		})
		begin := time.Now()
		run(t, l, func() {
			l.Add("k")
			l.Add("never")
			synctest.Wait()
		})
		if !errors.Is(ended, context.Canceled) || steps != 1 || time.Since(begin) != time.Second {
			t.Errorf("step ended with %v, %d steps, after %v", ended, steps, time.Since(begin))
		}
		l.Add("late") // does nothing, and does not block
	})
}

// Expected errors are retried like all others.
func TestExpectedErrorsAreRetried(t *testing.T) {
	t.Parallel()
	expected := errors.New("away")
	calls := make(chan int, 10)
	n := 0
	l := New(Config{FirstRetry: time.Millisecond, Expected: func(err error) bool { return errors.Is(err, expected) }},
		func(context.Context, string) (time.Duration, error) {
			n++
			calls <- n
			if n < 3 {
				return 0, expected
			}
			return 0, nil
		})
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- l.Run(ctx) }()
	l.Add("a")
	for want := 1; want <= 3; want++ {
		select {
		case got := <-calls:
			if got != want {
				t.Errorf("call %d, want %d", got, want)
			}
		case <-time.After(30 * time.Second):
			t.Fatalf("call %d did not come", want)
		}
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
