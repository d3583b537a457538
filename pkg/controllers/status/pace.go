/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package status

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
	"k8s.io/apimachinery/pkg/types"
)

// pacer decides when a state may be written.
type pacer struct {
	mu       sync.Mutex
	paces    map[types.NamespacedName]*pace
	turns    map[types.NamespacedName]time.Time // of those that have only the age of a state to tell
	line     []types.NamespacedName             // those that wait to show progress, and some that do not any more
	began    chan struct{}                      // says that there is a line
	progress *rate.Limiter
	long     *rate.Limiter
	ages     *rate.Limiter
}

// pace is when the state of a template was written and for how long the next one is held back.
type pace struct {
	written time.Time // of the last write
	moving  time.Time // since when there is a moving state that was not written
	hold    time.Duration
	queued  bool      // waits in the line to show progress
	granted bool      // has been at its head
	turn    time.Time // when a state that was held for long may be written
	looked  time.Time // when the state was looked at first
	offer   uint64    // hash of what the template's status was last to become, and from what
}

func newPacer(progress, ages rate.Limit) *pacer {
	return &pacer{
		paces: map[types.NamespacedName]*pace{}, turns: map[types.NamespacedName]time.Time{}, began: make(chan struct{}, 1),
		progress: rate.NewLimiter(progress, progressBurst), long: rate.NewLimiter(longRate, longRate), ages: rate.NewLimiter(ages, ageBurst),
	}
}

// wait returns for how long the state has to be held back still. ageOnly says that it tells nothing but how old the state
// of a cluster is.
func (p *pacer) wait(key types.NamespacedName, moving, ageOnly bool, now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	k := p.of(key)
	wait := writeGap - now.Sub(k.written)
	switch {
	case ageOnly:
		return max(wait, p.turn(key, now).Sub(now))
	case !moving:
		k.still()
		k.hold = firstHold
		return wait
	case k.moving.IsZero():
		k.moving = now
	}
	wait = max(wait, k.hold-now.Sub(k.moving))
	if wait > 0 || k.granted {
		return wait
	}
	if !k.queued {
		if len(p.line) == 0 && p.progress.AllowN(now, 1) {
			k.granted = true
			return 0
		}
		k.queued = true
		p.line = append(p.line, key)
		select {
		case p.began <- struct{}{}:
		default:
		}
	}
	if left := longHeld - now.Sub(k.moving); left > 0 {
		return left // or less: next wakes it
	}
	if k.turn.IsZero() {
		k.turn = now.Add(p.long.ReserveN(now, 1).DelayFrom(now))
	}
	return k.turn.Sub(now)
}

// next returns those that may show progress now, for a step on each, and when to ask again, 0 if nobody waits. Nobody else
// has to: under a burst of rollouts thousands wait, and each look at one costs a summary of all its members.
func (p *pacer) next(now time.Time) (due []types.NamespacedName, again time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.line) > 0 {
		k := p.paces[p.line[0]]
		if k != nil && k.queued {
			if !p.progress.AllowN(now, 1) {
				return due, time.Second / progressRate
			}
			k.queued, k.granted = false, true
			due = append(due, p.line[0])
		} // else it has settled, or is gone
		p.line = p.line[1:]
	}
	p.line = nil
	return due, 0
}

// turn returns when it is that template's turn to tell the age of its state. It must be called with the lock held.
func (p *pacer) turn(key types.NamespacedName, now time.Time) time.Time {
	t, ok := p.turns[key]
	if !ok {
		t = now.Add(p.ages.ReserveN(now, 1).DelayFrom(now))
		p.turns[key] = t
	}
	return t
}

// wrote notes that a state was written.
func (p *pacer) wrote(key types.NamespacedName, moving bool, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.turns, key)
	if k := p.paces[key]; k != nil {
		k.written = now
		if moving {
			k.still()
			k.hold = min(2*k.hold, lastHold)
		}
	}
}

// still notes that no moving state waits to be written.
func (k *pace) still() {
	k.moving, k.turn, k.queued, k.granted = time.Time{}, time.Time{}, false, false
}

// patience returns for how long a state that is not completely known after a start can wait to be so.
func (p *pacer) patience(key types.NamespacedName, now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	k := p.of(key)
	if k.looked.IsZero() {
		k.looked = now
	}
	return firstLook - now.Sub(k.looked)
}

// of must be called with the lock held.
func (p *pacer) of(key types.NamespacedName) *pace {
	k := p.paces[key]
	if k == nil {
		k = &pace{hold: firstHold}
		p.paces[key] = k
	}
	return k
}

// idle notes that there is nothing to write.
func (p *pacer) idle(key types.NamespacedName) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.turns, key)
	if k := p.paces[key]; k != nil {
		k.queued, k.granted = false, false
	}
}

func (p *pacer) forget(key types.NamespacedName) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.paces, key)
	delete(p.turns, key)
}

// offered reports whether exactly this was the last that was offered to the template.
func (p *pacer) offered(key types.NamespacedName, hash uint64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	k := p.paces[key]
	return k != nil && k.offer == hash
}

// offer notes what was offered to the template.
func (p *pacer) offer(key types.NamespacedName, hash uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if k := p.paces[key]; k != nil {
		k.offer = hash
	}
}
