/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package telemetry

import (
	"hash/maphash"
	"strconv"
	"sync"
	"time"

	"go.opentelemetry.io/otel/trace"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/utils/clock"
)

const (
	// originLife is for how long a write is remembered. A member that takes longer is reported by other means.
	originLife = 5 * time.Minute
	// originShards spread the writes over as many locks, and originsPerShard bounds each half of a shard: 32,768 writes
	// at most, of less than 100 bytes.
	originShards    = 16
	originsPerShard = 1024
)

// Object names an object on the hub.
type Object struct {
	Resource        schema.GroupResource
	Namespace, Name string // Namespace is empty for cluster-wide objects
}

// ObjectOf names an object of the kind that mapping is about; nil gives the zero Object, of which nothing is known.
func ObjectOf(mapping *meta.RESTMapping, namespace, name string) Object {
	if mapping == nil {
		return Object{}
	}
	return Object{Resource: mapping.Resource.GroupResource(), Namespace: namespace, Name: name}
}

// Origin is a user's write, as it was accepted. The zero value is none.
type Origin struct {
	at       int64  // when, in ns since 1970
	replaced uint64 // the resourceVersion that the object had before; 0 for a new one
	trace    trace.TraceID
	span     trace.SpanID
	flags    trace.TraceFlags
	placed   bool // placement is through with it
}

// Known reports whether there is such a write.
func (o Origin) Known() bool { return o.at != 0 }

// LedTo reports whether an object with that resourceVersion has the write in it. A write that changes nothing does not
// show up in any: the object keeps the version it had.
func (o Origin) LedTo(resourceVersion string) bool {
	v, err := strconv.ParseUint(resourceVersion, 10, 64)
	return err == nil && o.Known() && v > o.replaced
}

// Later returns the later of two writes.
func (o Origin) Later(p Origin) Origin {
	if p.at > o.at {
		return p
	}
	return o
}

// Origins remembers for a few minutes when an object was last written by a user, and by which request. It is bounded in
// size, too: when there are too many writes, the oldest are forgotten. Nothing of it is stored; another process knows
// nothing of them.
type Origins struct {
	clock  clock.PassiveClock
	seed   maphash.Seed
	shards [originShards]originShard
}

// originShard forgets by halves: what is written goes into young, which becomes old when it is full or has lived long
// enough. So nothing is ever searched for what has expired.
type originShard struct {
	mu         sync.Mutex
	since      int64 // when young became so
	young, old map[uint64]Origin
}

// NewOrigins returns an empty memory.
func NewOrigins(c clock.PassiveClock) *Origins {
	return &Origins{clock: c, seed: maphash.MakeSeed()}
}

// find returns the key of an object and the shard it belongs to. Two objects with the same key, of 64 bits, would share
// a time, which does no harm.
func (s *Origins) find(o Object) (uint64, *originShard) {
	var h maphash.Hash
	h.SetSeed(s.seed)
	for _, part := range [...]string{o.Resource.Group, o.Resource.Resource, o.Namespace, o.Name} {
		_, _ = h.WriteString(part) // never fails
		_ = h.WriteByte('/')       // never fails
	}
	key := h.Sum64()
	return key, &s.shards[key%originShards]
}

// Note remembers that a write of o was accepted just now. replaced is the resourceVersion that o had before, empty for a
// new object; span is the request's.
func (s *Origins) Note(o Object, replaced string, span trace.SpanContext) {
	if s == nil {
		return
	}
	now := s.clock.Now().UnixNano()
	before, err := strconv.ParseUint(replaced, 10, 64)
	if err != nil {
		before = 0 // a new object
	}
	key, shard := s.find(o)
	shard.mu.Lock()
	defer shard.mu.Unlock()
	if shard.young == nil || now-shard.since > int64(originLife) || len(shard.young) >= originsPerShard {
		shard.young, shard.old, shard.since = shard.old, shard.young, now
		if shard.young == nil {
			shard.young = map[uint64]Origin{}
		}
		clear(shard.young)
	}
	shard.young[key] = Origin{at: now, replaced: before, trace: span.TraceID(), span: span.SpanID(), flags: span.TraceFlags()}
}

// Of returns the last write of o, if it is remembered.
func (s *Origins) Of(o Object) Origin {
	if s == nil || o == (Object{}) {
		return Origin{}
	}
	now := s.clock.Now().UnixNano()
	key, shard := s.find(o)
	shard.mu.Lock()
	defer shard.mu.Unlock()
	w, found := shard.young[key]
	if !found {
		w = shard.old[key]
	}
	if now-w.at > int64(originLife) {
		return Origin{}
	}
	return w
}

// place notes that placement is through with a write, unless o was written again.
func (s *Origins) place(o Object, w Origin) {
	key, shard := s.find(o)
	shard.mu.Lock()
	defer shard.mu.Unlock()
	for _, half := range []map[uint64]Origin{shard.young, shard.old} {
		if now, found := half[key]; found {
			if now.at == w.at {
				now.placed = true
				half[key] = now
			}
			return
		}
	}
}
