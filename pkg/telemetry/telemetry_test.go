/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package telemetry

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/otel/trace"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/component-base/metrics"
	"k8s.io/component-base/metrics/testutil"
	clocktesting "k8s.io/utils/clock/testing"
)

// bench is a recorder with a registry of its own.
type bench struct {
	*Recorder
	clock    *clocktesting.FakePassiveClock
	registry metrics.KubeRegistry
}

func newBench(t *testing.T, sizes Sizes) *bench {
	t.Helper()
	clock := clocktesting.NewFakePassiveClock(start)
	b := &bench{clock: clock, registry: metrics.NewKubeRegistry()}
	b.Recorder = New(Config{Origins: NewOrigins(clock), Clock: clock})
	if err := b.Register(Registry{Custom: b.registry.CustomRegister, Register: b.registry.Register}, sizes); err != nil {
		t.Fatal(err)
	}
	return b
}

// shows returns all series as name{label=value,…} with their values, and of histograms the number of observations.
func (b *bench) shows(t *testing.T) map[string]float64 {
	t.Helper()
	families, err := b.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]float64{}
	for _, f := range families {
		if !strings.HasPrefix(f.GetHelp(), "[ALPHA] ") {
			t.Errorf("%s: the help does not say how stable it is: %s", f.GetName(), f.GetHelp())
		}
		for _, m := range f.GetMetric() {
			var labels []string
			for _, l := range m.GetLabel() {
				labels = append(labels, l.GetName()+"="+l.GetValue())
			}
			key := f.GetName() + "{" + strings.Join(labels, ",") + "}"
			switch {
			case m.GetHistogram() != nil:
				out[key] = float64(m.GetHistogram().GetSampleCount())
			case m.GetCounter() != nil:
				out[key] = m.GetCounter().GetValue()
			default:
				out[key] = m.GetGauge().GetValue()
			}
		}
	}
	return out
}

func expect(t *testing.T, got map[string]float64, want map[string]float64) {
	t.Helper()
	for series, v := range want {
		if g, found := got[series]; !found || g != v {
			t.Errorf("%s is %v (there: %v), want %v", series, g, found, v)
		}
	}
}

func TestWhatIsShown(t *testing.T) {
	t.Parallel()
	b := newBench(t, Sizes{
		Queues:    map[string]func() int{"placement": func() int { return 3 }, "status": func() int { return 0 }},
		SyncQueue: func(member string) int { return len(member) },
		Copies:    func(string) int { return 17 },
		Bindings:  func() int { return 5 },
	})
	m := b.Add("m1")
	m.Noop()
	m.Noop()
	m.Drift()
	m.Fight()
	m.Fail(Foreign)
	m.Fail(Foreign)
	m.Fail(Refused)
	m.Ready(false)
	b.Wrote(ByStatus, Template)
	want := map[string]float64{
		"manifold_sync_noops_total{member=m1}":                     2,
		"manifold_drift_reverted_total{member=m1}":                 1,
		"manifold_fights_total{member=m1}":                         1,
		"manifold_sync_errors_total{member=m1,reason=foreign}":     2,
		"manifold_sync_errors_total{member=m1,reason=refused}":     1,
		"manifold_cluster_up{member=m1}":                           0,
		"manifold_sync_queue_depth{member=m1}":                     2,
		"manifold_copies{member=m1}":                               17,
		"manifold_queue_depth{loop=placement}":                     3,
		"manifold_queue_depth{loop=status}":                        0,
		"manifold_bindings{}":                                      5,
		"manifold_hub_writes_total{loop=status,resource=template}": 1,
		"manifold_sync_latency_seconds{member=m1}":                 0,
	}
	got := b.shows(t)
	expect(t, got, want)
	if len(got) != len(want) {
		t.Errorf("%d series, want %d: %v", len(got), len(want), got)
	}
	m.Ready(true)
	expect(t, b.shows(t), map[string]float64{"manifold_cluster_up{member=m1}": 1})
}

// The series of a member go with it, and who still holds on to it brings none of them back.
func TestMembersComeAndGo(t *testing.T) {
	t.Parallel()
	b := newBench(t, Sizes{SyncQueue: func(string) int { return 1 }, Copies: func(string) int { return 1 }})
	none := len(b.shows(t))
	for round := range 3 {
		for i := range 100 {
			m := b.Add(fmt.Sprint("m", i))
			if m != b.Add(fmt.Sprint("m", i)) || m != b.Of(fmt.Sprint("m", i)) {
				t.Fatalf("m%d is there twice", i)
			}
			m.Noop()
			m.Fail(Override)
			m.Ready(true)
			b.Wrote(ByPlacement, Binding)
		}
		if round == 0 {
			none++ // the writes to the hub
		}
		for i := range 100 {
			name := fmt.Sprint("m", i)
			m := b.Of(name)
			b.Forget(name)
			b.Forget(name)
			m.Noop()
			m.Ready(true)
			m.Confirmed(Origin{at: start.UnixNano()}, time.Time{})
			if b.Of(name) != nil {
				t.Fatalf("%s is still there", name)
			}
		}
		if got := b.shows(t); len(got) != none {
			t.Fatalf("round %d: %d series, want %d: %v", round, len(got), none, got)
		}
	}
	if n := b.Add("m1").noops.Load(); n != 0 {
		t.Errorf("a member that comes again begins with %d", n)
	}
}

// However it is used, a member has no more series than this.
func TestSeriesPerMember(t *testing.T) {
	t.Parallel()
	b := newBench(t, Sizes{SyncQueue: func(string) int { return 1 }, Copies: func(string) int { return 1 }})
	before := len(b.shows(t))
	m := b.Add("m1")
	for r := range reasons {
		m.Fail(r)
	}
	for v := range verbs {
		for r := range results {
			m.requests[v][r].Add(1)
		}
	}
	m.Ready(true)
	m.probe.Store(1)
	const most = 50 // and 15 more for the buckets of the latency
	if n := len(b.shows(t)) - before; n > most {
		t.Errorf("%d series for one member, want at most %d", n, most)
	}
}

func TestConfirmed(t *testing.T) {
	t.Parallel()
	accepted := start.Add(time.Minute)
	for name, tc := range map[string]struct {
		none   bool          // no write is known
		before time.Time     // when something was sent the last time
		joined time.Duration // of the member, after start
		want   uint64
	}{
		"nothing was sent before":          {want: 1},
		"the last was sent before":         {before: accepted.Add(-1), want: 1},
		"it has been sent already":         {before: accepted.Add(1)},
		"nobody wrote anything":            {none: true},
		"the member was not there by then": {joined: 2 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, Sizes{})
			b.clock.SetTime(start.Add(tc.joined))
			m := b.Add("m1")
			b.clock.SetTime(accepted)
			if !tc.none {
				b.cfg.Origins.Note(configMap("a"), "", trace.SpanContext{})
			}
			b.clock.SetTime(accepted.Add(70 * time.Millisecond))
			m.Confirmed(b.Origin(configMap("a")), tc.before)
			vec, err := testutil.GetHistogramVecFromGatherer(b.registry, "manifold_sync_latency_seconds", map[string]string{"member": "m1"})
			if err != nil {
				t.Fatal(err)
			}
			if n := vec.GetAggregatedSampleCount(); n != tc.want {
				t.Errorf("%d observations, want %d", n, tc.want)
			}
			if sum := vec.GetAggregatedSampleSum(); tc.want == 1 && (sum < 0.0699 || sum > 0.0701) {
				t.Errorf("%v s, want 0.07", sum)
			}
		})
	}
}

// Nothing is measured without a recorder, and nobody has to ask whether there is one.
func TestNil(t *testing.T) {
	t.Parallel()
	var r *Recorder
	m := r.Add("m1")
	m.Noop()
	m.Drift()
	m.Fight()
	m.Fail(Other)
	m.Ready(true)
	m.Confirmed(Origin{at: 1}, time.Time{})
	r.Wrote(ByCluster, Cluster)
	r.Forget("m1")
	if m != nil || r.Of("m1") != nil || r.Origin(configMap("a")).Known() {
		t.Error("something was recorded")
	}
	ctx := t.Context()
	for name, begin := range map[string]func() (any, Span){
		"place":  func() (any, Span) { c, s := r.Place(ctx, configMap("a"), "ConfigMap"); return c, s },
		"status": func() (any, Span) { c, s := r.Status(ctx, configMap("a"), "ConfigMap"); return c, s },
		"sync":   func() (any, Span) { c, s := r.Sync(ctx, Origin{}, configMap("a"), "ConfigMap", "m1"); return c, s },
	} {
		c, span := begin()
		span.End(nil)
		if c != ctx {
			t.Errorf("%s changes the context", name)
		}
	}
}

// sink fails on request.
type sink struct{ err error }

func (s sink) Create(e *corev1.Event) (*corev1.Event, error)          { return e, s.err }
func (s sink) Update(e *corev1.Event) (*corev1.Event, error)          { return e, s.err }
func (s sink) Patch(e *corev1.Event, _ []byte) (*corev1.Event, error) { return e, s.err }

func TestEvents(t *testing.T) {
	t.Parallel()
	b := newBench(t, Sizes{})
	for _, err := range []error{nil, fmt.Errorf("no")} {
		s := b.Events(sink{err})
		_, create := s.Create(&corev1.Event{})
		_, update := s.Update(&corev1.Event{})
		_, patch := s.Patch(&corev1.Event{}, nil)
		if create != err || update != err || patch != err {
			t.Errorf("passed on %v, %v, %v, want %v", create, update, patch, err)
		}
	}
	expect(t, b.shows(t), map[string]float64{"manifold_hub_writes_total{loop=events,resource=event}": 3})
}

func TestTogether(t *testing.T) {
	t.Parallel()
	b := newBench(t, Sizes{})
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := range 500 {
				name := fmt.Sprint("m", i%7)
				b.Add(name).Noop()
				b.Of(name).Ready(i%2 == 0)
				if g == 0 && i%3 == 0 {
					b.Forget(name)
				}
			}
		})
	}
	for range 10 {
		b.shows(t)
	}
	wg.Wait()
}

func BenchmarkCount(b *testing.B) {
	clock := clocktesting.NewFakePassiveClock(start)
	r := New(Config{Origins: NewOrigins(clock), Clock: clock})
	for i := range 1000 {
		r.Add(fmt.Sprint("m", i))
	}
	b.ReportAllocs()
	for b.Loop() {
		r.Of("m500").Noop()
	}
}

func BenchmarkScrape(b *testing.B) {
	for _, n := range []int{3, 1000} {
		b.Run(fmt.Sprintf("members=%d", n), func(b *testing.B) {
			clock := clocktesting.NewFakePassiveClock(start)
			r := New(Config{Origins: NewOrigins(clock), Clock: clock})
			registry := metrics.NewKubeRegistry()
			err := r.Register(Registry{Custom: registry.CustomRegister, Register: registry.Register}, Sizes{Copies: func(string) int { return 1 }})
			if err != nil {
				b.Fatal(err)
			}
			for i := range n {
				m := r.Add(fmt.Sprint("m", i))
				m.Fail(Refused)
				m.requests[apply][ok].Add(1)
				m.requests[probe][ok].Add(1)
				m.Ready(true)
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := registry.Gather(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
