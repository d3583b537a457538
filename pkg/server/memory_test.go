/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package server

import "testing"

func TestGCPercent(t *testing.T) {
	t.Parallel()
	for live, want := range map[uint64]int{0: 90, 100 << 20: 90, 150 << 20: 90, 200 << 20: 80, 350 << 20: 40, 390 << 20: 30, 400 << 20: 25, 10 << 30: 25} {
		if got := gcPercent(live); got != want {
			t.Errorf("with %d MiB: %d, want %d", live>>20, got, want)
		}
	}
}
