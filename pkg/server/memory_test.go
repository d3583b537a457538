/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package server

import (
	"context"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"testing"
	"time"
)

func TestGCPercent(t *testing.T) {
	t.Parallel()
	for live, want := range map[uint64]int{0: 90, 100 << 20: 90, 150 << 20: 90, 200 << 20: 80, 350 << 20: 40, 390 << 20: 30, 400 << 20: 25, 10 << 30: 25} {
		if got := gcPercent(live); got != want {
			t.Errorf("with %d MiB: %d, want %d", live>>20, got, want)
		}
	}
}

// After the share was adjusted, garbage of a large heap is collected long before it has doubled.
func TestTuneGC(t *testing.T) {
	set := debug.SetGCPercent(100) // not parallel: it is the process's
	defer debug.SetGCPercent(set)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		tuneGC(ctx)
	}()
	held := make([]byte, manyLive+64<<20)
	share := []metrics.Sample{{Name: "/gc/gogc:percent"}}
	for deadline := time.Now().Add(10 * time.Second); ; {
		runtime.GC()
		if metrics.Read(share); share[0].Value.Uint64() == leastGarbage {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("with %d MiB live, garbage may take %d %%, want %d", len(held)>>20, share[0].Value.Uint64(), leastGarbage)
		}
	}
	runtime.KeepAlive(held)
	stop()
	<-done
}
