/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package telemetry

import (
	"sync/atomic"
	"time"

	"k8s.io/component-base/metrics"
)

// Reason is why a copy is not what it should be.
type Reason int

// The reasons, as they are shown in the label reason.
const (
	Override    Reason = iota // an override does not fit the template
	Foreign                   // an object of that name exists that Manifold does not manage
	Refused                   // the member answered with an error
	Conflict                  // the member's object changed meanwhile
	Unavailable               // the member gave no answer, or was not able to
	Other
	reasons
)

var reasonNames = [reasons]string{"override", "foreign", "refused", "conflict", "unavailable", "other"}

// What is known of the health of a member.
const (
	healthUnknown = iota
	down
	up
)

// Member is what is recorded of one member.
type Member struct {
	recorder *Recorder
	since    time.Time
	latency  metrics.ObserverMetric

	requests [verbs][results]atomic.Uint64
	errors   [reasons]atomic.Uint64
	noops    atomic.Uint64
	drifts   atomic.Uint64
	fights   atomic.Uint64
	health   atomic.Int32
	probe    atomic.Int64 // of the last one that was answered, in ns; 0 before
}

// Noop counts a step that found the copy as it should be.
func (m *Member) Noop() {
	if m != nil {
		m.noops.Add(1)
	}
}

// Drift counts a change by others that is reverted.
func (m *Member) Drift() {
	if m != nil {
		m.drifts.Add(1)
	}
}

// Fight counts a change by others that is left for a while, as they keep making it.
func (m *Member) Fight() {
	if m != nil {
		m.fights.Add(1)
	}
}

// Fail counts a step that did not get the copy to what it should be.
func (m *Member) Fail(r Reason) {
	if m != nil {
		m.errors[r].Add(1)
	}
}

// Ready says whether the member's health endpoint answers ok.
func (m *Member) Ready(ready bool) {
	switch {
	case m == nil:
	case ready:
		m.health.Store(up)
	default:
		m.health.Store(down)
	}
}

// Confirmed says that the member has confirmed what a write of a user led to. before is when it had been sent something
// of the same object the last time: only the first confirmation after the write counts, and for a member that has
// joined since, none.
func (m *Member) Confirmed(o Origin, before time.Time) {
	if m == nil || !o.Known() || before.UnixNano() > o.at || m.since.UnixNano() > o.at {
		return
	}
	m.latency.Observe(time.Duration(m.recorder.cfg.Clock.Now().UnixNano() - o.at).Seconds())
}
