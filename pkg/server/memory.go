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
)

// Garbage may take up so much, in per cent of what is live, before it is collected. Go's default is 100. A little CPU is
// traded for memory, and more of it where much is live: there, garbage of the same share would be most of the process.
const (
	mostGarbage  = 90 // up to fewLive
	leastGarbage = 25 // from manyLive
	fewLive      = 150 << 20
	manyLive     = 400 << 20
)

// gcPercent returns the share for a heap of which so many bytes are live, in steps of five: each change stops the process for
// a moment.
func gcPercent(live uint64) int {
	switch {
	case live <= fewLive:
		return mostGarbage
	case live >= manyLive:
		return leastGarbage
	}
	return mostGarbage - int((live-fewLive)*(mostGarbage-leastGarbage)/(manyLive-fewLive))/5*5
}

// tuneGC adjusts the garbage collection to the size of the heap, after each collection, until ctx ends. A start fills the
// heap within seconds: a share that is too large for moments would leave the process with the memory of that peak. GOGC in
// the environment goes before it.
func tuneGC(ctx context.Context) {
	if set := debug.SetGCPercent(mostGarbage); set != 100 {
		debug.SetGCPercent(set) // somebody has chosen another value
		return
	}
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	collected := make(chan struct{}, 1)
	for now := mostGarbage; ; {
		runtime.AddCleanup(new(canary), func(c chan<- struct{}) { c <- struct{}{} }, chan<- struct{}(collected))
		select {
		case <-ctx.Done():
			return
		case <-collected:
		}
		metrics.Read(live)
		if next := gcPercent(live[0].Value.Uint64()); next != now {
			debug.SetGCPercent(next)
			now = next
		}
	}
}

// canary is garbage from the beginning, so the next collection finds it. It is no plain value: such small ones share memory
// with others, and may outlive them.
type canary struct{ _ *canary }
