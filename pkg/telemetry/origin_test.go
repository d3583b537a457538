/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package telemetry

import (
	"fmt"
	"sync"
	"testing"
	"time"
	"unsafe"

	"go.opentelemetry.io/otel/trace"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
	clocktesting "k8s.io/utils/clock/testing"
)

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// configMap names a ConfigMap in the namespace ns.
func configMap(name string) Object {
	return Object{Resource: schema.GroupResource{Resource: "configmaps"}, Namespace: "ns", Name: name}
}

func TestOrigins(t *testing.T) {
	t.Parallel()
	clock := clocktesting.NewFakePassiveClock(start)
	s := NewOrigins(clock)
	if w := s.Of(configMap("a")); w.Known() {
		t.Errorf("before any write: %+v", w)
	}
	s.Note(configMap("a"), "", trace.SpanContext{})
	first := s.Of(configMap("a"))
	if !first.Known() || first.at != start.UnixNano() {
		t.Errorf("after the write: %+v", first)
	}
	for _, other := range []Object{
		configMap("b"), {}, {Resource: schema.GroupResource{Resource: "secrets"}, Namespace: "ns", Name: "a"},
		{Resource: schema.GroupResource{Resource: "configmaps"}, Namespace: "other", Name: "a"},
		{Resource: schema.GroupResource{Group: "g", Resource: "configmaps"}, Namespace: "ns", Name: "a"},
	} {
		if w := s.Of(other); w.Known() {
			t.Errorf("%v has the origin of another object: %+v", other, w)
		}
	}
	clock.SetTime(start.Add(time.Minute))
	s.Note(configMap("a"), "7", trace.SpanContext{})
	second := s.Of(configMap("a"))
	if second.at != clock.Now().UnixNano() || second.Later(first) != second || first.Later(second) != second {
		t.Errorf("after the second write: %+v", second)
	}
	s.place(configMap("a"), first)
	if s.Of(configMap("a")).placed {
		t.Error("the second write counts as placed with the first")
	}
	s.place(configMap("a"), second)
	if !s.Of(configMap("a")).placed {
		t.Error("the second write is not placed")
	}
	clock.SetTime(start.Add(time.Minute + originLife))
	if !s.Of(configMap("a")).Known() {
		t.Error("forgotten too early")
	}
	clock.SetTime(start.Add(time.Minute + originLife + 1))
	if w := s.Of(configMap("a")); w.Known() {
		t.Errorf("not forgotten: %+v", w)
	}
}

// Only a version of the object that is newer than the one it replaced has the write in it.
func TestLedTo(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		replaced, version string
		want              bool
	}{
		"a new object":                     {"", "5", true},
		"the next version":                 {"9", "10", true},
		"nothing was changed":              {"10", "10", false},
		"a version from before":            {"10", "9", false},
		"no version":                       {"", "", false},
		"no number":                        {"", "x", false},
		"a version that is no number, new": {"x", "1", true},
	} {
		s := NewOrigins(clocktesting.NewFakePassiveClock(start))
		s.Note(configMap("a"), tc.replaced, trace.SpanContext{})
		if got := s.Of(configMap("a")).LedTo(tc.version); got != tc.want {
			t.Errorf("%s: %v, want %v", name, got, tc.want)
		}
	}
	if (Origin{}).LedTo("1") {
		t.Error("no write led to something")
	}
}

// However much is written, the memory is bounded, and what was written last is in it.
func TestOriginsAreBounded(t *testing.T) {
	t.Parallel()
	clock := clocktesting.NewFakePassiveClock(start)
	s := NewOrigins(clock)
	const writes = 4 * originShards * originsPerShard
	for i := range writes {
		clock.SetTime(start.Add(time.Duration(i) * time.Microsecond))
		s.Note(configMap(fmt.Sprint(i)), "", trace.SpanContext{})
	}
	held := 0
	for i := range s.shards {
		shard := &s.shards[i]
		if len(shard.young) > originsPerShard || len(shard.old) > originsPerShard {
			t.Errorf("shard %d holds %d and %d", i, len(shard.young), len(shard.old))
		}
		held += len(shard.young) + len(shard.old)
	}
	if held < originShards*originsPerShard/2 {
		t.Errorf("only %d of %d are held", held, writes)
	}
	for i := writes - originShards*originsPerShard/2; i < writes; i++ {
		if !s.Of(configMap(fmt.Sprint(i))).Known() {
			t.Fatalf("write %d of %d is forgotten", i, writes)
		}
	}
	if size := unsafe.Sizeof(Origin{}) + 8; size > 64 {
		t.Errorf("an entry has %d bytes", size)
	}
}

func TestOriginsTogether(t *testing.T) {
	t.Parallel()
	s := NewOrigins(clocktesting.NewFakePassiveClock(start))
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 2000 {
				o := configMap(fmt.Sprint(g, i%50))
				s.Note(o, "", trace.SpanContext{})
				s.place(o, s.Of(o))
				if !s.Of(o).placed {
					t.Errorf("%v is not placed", o)
					return
				}
			}
		})
	}
	wg.Wait()
}

func TestObjectOf(t *testing.T) {
	t.Parallel()
	if o := ObjectOf(nil, "ns", "a"); o != (Object{}) {
		t.Errorf("of an unknown kind: %v", o)
	}
	m := &meta.RESTMapping{Resource: schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}}
	if o := ObjectOf(m, "ns", "a"); o != configMap("a") {
		t.Errorf("got %v", o)
	}
}

func BenchmarkOrigins(b *testing.B) {
	s := NewOrigins(clocktesting.NewFakePassiveClock(start))
	names := make([]Object, 10000)
	for i := range names {
		names[i] = configMap(fmt.Sprint("object-", i))
	}
	for _, o := range names { // so that the maps have their size
		s.Note(o, "1", trace.SpanContext{})
	}
	i := 0
	b.Run("Note", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			i++
			s.Note(names[i%len(names)], "123456", trace.SpanContext{})
		}
	})
	b.Run("Of", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			i++
			s.Of(names[i%len(names)])
		}
	})
}
