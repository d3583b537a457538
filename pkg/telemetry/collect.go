/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package telemetry

import (
	"maps"
	"slices"
	"time"

	"k8s.io/component-base/metrics"
)

// Sizes are read at every scrape. They may be called at any time and must not block; nil ones are left out.
type Sizes struct {
	// Queues are how many keys wait in the loops that there is one of, by name.
	Queues map[string]func() int
	// SyncQueue is how many keys wait in the loop of a member.
	SyncQueue func(member string) int
	// Copies is how many copies a member is known to hold.
	Copies func(member string) int
	// Bindings is how many bindings there are, of both scopes.
	Bindings func() int
}

// latencyBuckets are the bounds of the sync latency, in seconds.
var latencyBuckets = []float64{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60}

// collector shows what a Recorder holds. Counters of the same name are made anew for each scrape, from numbers that are
// kept as such: so the many series of a large fleet cost nothing in between.
type collector struct {
	metrics.BaseStableCollector
	recorder *Recorder
	sizes    Sizes
	latency  *metrics.HistogramVec

	requests, noops, drifts, fights, errors, up, probe, depth, copies *metrics.Desc
	queues, bindings, writes                                          *metrics.Desc
}

func desc(name, help string, labels ...string) *metrics.Desc {
	return metrics.NewDesc("manifold_"+name, help, labels, nil, metrics.ALPHA, "")
}

func newCollector(r *Recorder) *collector {
	return &collector{
		recorder: r,
		latency: metrics.NewHistogramVec(&metrics.HistogramOpts{
			Name: "manifold_sync_latency_seconds",
			Help: "Time from when a user's write was accepted on the hub until the member confirmed the apply of it, per object and member. " +
				"A change of a propagation policy counts for the templates it governs. Changes of overrides and Clusters, reverted drift, restarts, " +
				"writes that were accepted by another replica than the one that leads, and members that take longer than 5 minutes are left out.",
			Buckets: latencyBuckets, StabilityLevel: metrics.ALPHA,
		}, []string{"member"}),
		requests: desc("member_requests_total", "Requests to the member, by what they are for and how they ended: ok, refused (an error about the request), "+
			"conflict, unavailable (no answer, credentials not accepted, or overloaded). That an object to read or delete is not there is ok.", "member", "verb", "result"),
		noops:    desc("sync_noops_total", "Steps that found the copy in the member as it should be, so that nothing was sent.", "member"),
		drifts:   desc("drift_reverted_total", "Changes by others to copies in the member that were reverted.", "member"),
		fights:   desc("fights_total", "Changes by others to copies in the member that were left standing for a while, because they are made again and again.", "member"),
		errors:   desc("sync_errors_total", "Steps that did not get the copy in the member to what it should be, by reason.", "member", "reason"),
		up:       desc("cluster_up", "1 if the health endpoint of the member answered ok when it was last asked, else 0.", "member"),
		probe:    desc("cluster_probe_seconds", "How long the member's health endpoint took for the last answer it gave.", "member"),
		depth:    desc("sync_queue_depth", "Objects that wait to be brought to the member. Those of a member that is away wait elsewhere.", "member"),
		copies:   desc("copies", "Objects in the member that are known to be managed from here.", "member"),
		queues:   desc("queue_depth", "Keys that wait in a loop of the hub.", "loop"),
		bindings: desc("bindings", "ResourceBindings and ClusterResourceBindings."),
		writes:   desc("hub_writes_total", "Writes of the hub's own controllers to its store, by what was written and which loop wrote it.", "resource", "loop"),
	}
}

// DescribeWithStability implements metrics.StableCollector.
func (c *collector) DescribeWithStability(ch chan<- *metrics.Desc) {
	for _, d := range []*metrics.Desc{
		c.requests, c.noops, c.drifts, c.fights, c.errors, c.up, c.probe, c.depth, c.copies, c.queues, c.bindings, c.writes,
	} {
		ch <- d
	}
}

// CollectWithStability implements metrics.StableCollector.
func (c *collector) CollectWithStability(ch chan<- metrics.Metric) {
	counter := func(d *metrics.Desc, v uint64, labels ...string) {
		ch <- metrics.NewLazyConstMetric(d, metrics.CounterValue, float64(v), labels...)
	}
	gauge := func(d *metrics.Desc, v float64, labels ...string) {
		ch <- metrics.NewLazyConstMetric(d, metrics.GaugeValue, v, labels...)
	}
	for _, name := range slices.Sorted(maps.Keys(c.sizes.Queues)) {
		gauge(c.queues, float64(c.sizes.Queues[name]()), name)
	}
	if c.sizes.Bindings != nil {
		gauge(c.bindings, float64(c.sizes.Bindings()))
	}
	for by := range c.recorder.written {
		for what := range c.recorder.written[by] {
			if n := c.recorder.written[by][what].Load(); n > 0 {
				counter(c.writes, n, resourceNames[what], loopNames[by])
			}
		}
	}
	for name, m := range *c.recorder.members.Load() {
		c.member(name, m, counter, gauge)
	}
}

// member shows one member. Requests and errors of which there were none are left out, so that a series exists only for
// what happens.
func (c *collector) member(name string, m *Member,
	counter func(*metrics.Desc, uint64, ...string), gauge func(*metrics.Desc, float64, ...string)) {
	for v := range m.requests {
		for r := range m.requests[v] {
			if n := m.requests[v][r].Load(); n > 0 {
				counter(c.requests, n, name, verbNames[v], resultNames[r])
			}
		}
	}
	for r := range m.errors {
		if n := m.errors[r].Load(); n > 0 {
			counter(c.errors, n, name, reasonNames[r])
		}
	}
	counter(c.noops, m.noops.Load(), name)
	counter(c.drifts, m.drifts.Load(), name)
	counter(c.fights, m.fights.Load(), name)
	switch m.health.Load() {
	case up:
		gauge(c.up, 1, name)
	case down:
		gauge(c.up, 0, name)
	}
	if took := m.probe.Load(); took > 0 {
		gauge(c.probe, time.Duration(took).Seconds(), name)
	}
	if c.sizes.SyncQueue != nil {
		gauge(c.depth, float64(c.sizes.SyncQueue(name)), name)
	}
	if c.sizes.Copies != nil {
		gauge(c.copies, float64(c.sizes.Copies(name)), name)
	}
}
