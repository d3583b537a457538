/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

// Package telemetry measures the federation: Prometheus metrics about members, loops and the controllers' own writes,
// and spans that follow a user's write from the API request to the members. It knows nothing of what it measures beyond
// names and numbers.
//
// What is counted costs an atomic addition and allocates nothing. The series of a member exist as long as its Cluster
// does. All methods may be called concurrently, and on nil, where they do nothing: what is not measured needs no
// recorder.
package telemetry

import (
	"fmt"
	"maps"
	"sync"
	"sync/atomic"

	"go.opentelemetry.io/otel/trace"
	"k8s.io/component-base/metrics"
	"k8s.io/utils/clock"
)

// scope names the spans of this module.
const scope = "github.com/manifold-k8s/manifold"

// Config is what a Recorder needs.
type Config struct {
	// Origins tells when and by which request users wrote objects; nil for no latencies and no spans.
	Origins *Origins
	// Spans makes the spans; nil for none.
	Spans trace.TracerProvider
	Clock clock.PassiveClock
}

// Recorder takes in all that is measured, and shows it to a registry of metrics.
type Recorder struct {
	cfg       Config
	tracer    trace.Tracer // nil for no spans
	collector *collector
	written   [loops][resources]atomic.Uint64

	mu      sync.Mutex // serialises changes of members
	members atomic.Pointer[map[string]*Member]
}

// New returns a recorder without members.
func New(cfg Config) *Recorder {
	r := &Recorder{cfg: cfg}
	if cfg.Spans != nil {
		r.tracer = cfg.Spans.Tracer(scope)
	}
	r.members.Store(&map[string]*Member{})
	r.collector = newCollector(r)
	return r
}

// Registry is where metrics are shown; k8s.io/component-base/metrics/legacyregistry is the one behind /metrics.
type Registry struct {
	Custom   func(metrics.StableCollector) error
	Register func(metrics.Registerable) error
}

// Register makes everything that is recorded visible in a registry, with the sizes that are read from their owners at
// every scrape. It must be called once, before there are members.
func (r *Recorder) Register(to Registry, sizes Sizes) error {
	r.collector.sizes = sizes
	if err := to.Custom(r.collector); err != nil {
		return fmt.Errorf("register the federation's metrics: %w", err)
	}
	if err := to.Register(r.collector.latency); err != nil {
		return fmt.Errorf("register the latencies of members: %w", err)
	}
	return nil
}

// Add returns what is recorded of a member, from now on if nothing is yet. Only who also sees the Cluster's end may call
// it, and then calls Forget.
func (r *Recorder) Add(member string) *Member {
	if r == nil {
		return nil
	}
	if m := r.Of(member); m != nil {
		return m
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if m := r.Of(member); m != nil {
		return m
	}
	m := &Member{recorder: r, since: r.cfg.Clock.Now(), latency: r.collector.latency.WithLabelValues(member)}
	next := maps.Clone(*r.members.Load())
	next[member] = m
	r.members.Store(&next)
	return m
}

// Of returns what is recorded of a member, nil if it is no part of the federation. It takes no lock.
func (r *Recorder) Of(member string) *Member {
	if r == nil {
		return nil
	}
	return (*r.members.Load())[member]
}

// Forget ends the series of a member.
func (r *Recorder) Forget(member string) {
	if r == nil || r.Of(member) == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	next := maps.Clone(*r.members.Load())
	delete(next, member)
	r.members.Store(&next)
	r.collector.latency.Delete(map[string]string{"member": member})
}
