/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package server

import (
	"context"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// Garbage may take up so much, in per cent of what is live, before it is collected. Go's default is 100. A little CPU is
// traded for memory, and more of it where much is live: there, garbage of the same share would be most of the process.
const (
	mostGarbage  = 90 // up to fewLive
	leastGarbage = 25 // from manyLive
	fewLive      = 150 << 20
	manyLive     = 400 << 20
	// heapCheck is how often the share is adjusted; it costs next to nothing.
	heapCheck = 2 * time.Second
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

// tuneGC adjusts the garbage collection to the size of the heap until ctx ends. GOGC in the environment goes before it.
func tuneGC(ctx context.Context) {
	if set := debug.SetGCPercent(mostGarbage); set != 100 {
		debug.SetGCPercent(set) // somebody has chosen another value
		return
	}
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	ticker := time.NewTicker(heapCheck)
	defer ticker.Stop()
	for now := mostGarbage; ; {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		metrics.Read(live)
		if next := gcPercent(live[0].Value.Uint64()); next != now {
			debug.SetGCPercent(next)
			now = next
		}
	}
}
