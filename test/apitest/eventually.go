/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package apitest

import (
	"testing"
	"time"
)

const (
	// patience is how long Eventually waits. It is long because only a failing test waits for it.
	patience = 60 * time.Second
	// firstPause and lastPause bound the wait between two looks.
	firstPause, lastPause = 20 * time.Millisecond, 250 * time.Millisecond
)

// Eventually calls check until it returns nil, and fails the test with its last error when it does not in time.
func Eventually(t testing.TB, check func() error) {
	t.Helper()
	if err := await(check, patience); err != nil {
		t.Fatalf("after %v: %v", patience, err)
	}
}

// Within is Eventually with a limit that is part of what the test claims. It returns how long it took.
func Within(t testing.TB, limit time.Duration, check func() error) time.Duration {
	t.Helper()
	begin := time.Now()
	if err := await(check, limit); err != nil {
		t.Fatalf("after %v: %v", limit, err)
	}
	return time.Since(begin)
}

// Always fails the test when check fails at any time in the next d. It is for what must not happen: give it as long as
// the wrong thing would need.
func Always(t testing.TB, d time.Duration, check func() error) {
	t.Helper()
	for begin := time.Now(); time.Since(begin) < d; time.Sleep(lastPause) {
		if err := check(); err != nil {
			t.Fatalf("after %v: %v", time.Since(begin).Round(time.Millisecond), err)
		}
	}
}

// Await is Within without a test: it returns the last error of check when that does not return nil in time.
func Await(limit time.Duration, check func() error) error { return await(check, limit) }

func await(check func() error, limit time.Duration) error {
	deadline := time.Now().Add(limit)
	for pause := firstPause; ; pause = min(pause*3/2, lastPause) {
		err := check()
		if err == nil || time.Now().After(deadline) {
			return err
		}
		time.Sleep(pause)
	}
}
