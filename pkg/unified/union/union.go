/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

// Package union makes the objects of one resource in all members, and those stored on the hub, one collection: with one
// sequence of resource versions, one consistent list with pages, and watches that can be resumed.
//
// A Union holds a part for each member and one for the hub's own store. A part is filled by a reflector, which lists and
// watches its source; what it holds is kept as bytes and decoded when somebody asks. All changes of all parts go through one
// lock and get rising numbers, and a bounded history of them lies behind the present state. Watches read from that history,
// each at its own pace. Nothing here knows what the objects are: Config says how to present, encode and decode them.
//
// A Union costs nothing until somebody lists or watches. Then it starts the parts that are asked for, and after a time without
// requests and watches it forgets everything.
package union

import (
	"context"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/tools/cache"
	"k8s.io/utils/clock"
)

// Hub names the part of the objects that are stored on the hub, where a cluster is named.
const Hub = ""

// Codec turns objects into the bytes in which they are kept, and back.
type Codec interface {
	// Encode takes an object as its source gives it, after Present.
	Encode(runtime.Object) ([]byte, error)
	// Decode returns an object in the form that lists and watches give out. It is kept while it is in use.
	Decode([]byte) (runtime.Object, error)
}

// Config is what a Union needs. Everything without a remark must be set.
type Config struct {
	// Resource is what is united. It is for messages; sources list nothing else.
	Resource schema.GroupVersionResource
	// New and NewList return empty objects in the form in which the codec decodes.
	New, NewList func() runtime.Object
	Codec        Codec
	// Stored lists and watches what is stored on the hub; nil for nothing. Its objects are not changed.
	Stored cache.ListerWatcher
	// Member lists and watches the objects of one member in all namespaces. It is called when a part starts, and after an
	// error of it again and again. The objects must belong to the union: they are changed. The context of a request should
	// end it, so a source should be a cache.ListerWatcherWithContext.
	Member func(cluster string) (cache.ListerWatcher, error)
	// Clusters are all clusters that there are: what it does not name has no objects. It must know them before the first
	// list or watch. It is called without locks held.
	Clusters func() []string
	// Example is an object of the type that the sources give; nil if that may be any.
	Example runtime.Object
	// Present changes an object of a member into what is shown for it: its name at least, which must name the cluster, so
	// that it is not the name of another member's object. It must not touch UID, namespace and resource version.
	Present func(cluster string, obj runtime.Object) error
	// Stale marks a freshly decoded object of a member that has not been heard of since.
	Stale func(obj runtime.Object, since time.Time)
	// Attributes are the labels and fields of a decoded object, by which it is selected.
	Attributes func(runtime.Object) (labels.Set, fields.Set, error)
	// Patience is how long a list waits for members that have not answered yet.
	Patience time.Duration
	// Idle is how long everything is kept after the last request and watch.
	Idle  time.Duration
	Clock clock.WithTicker
}

// Selection narrows a list or watch.
type Selection struct {
	Labels labels.Selector // nil selects everything
	Fields fields.Selector // nil selects everything
	// Clusters are those whose objects are meant; Hub is what is stored. nil means all and the hub. Those that there are
	// not are empty.
	Clusters []string
}

// Lag says that what a list has of a cluster is not up to date.
type Lag struct {
	Cluster string
	// Since is when the cluster was last heard of. It is zero if that has never been.
	Since time.Time
	// Missing says that nothing is known of the cluster's objects: the list has none of them.
	Missing bool
}

// Stats are sizes, for metrics.
type Stats struct {
	Objects  int // held
	Bytes    int // of their encoded forms
	History  int // events held
	Watchers int
	Parts    int // that are running
}

// Union is the objects of one resource, of all members and the hub. Its methods may be called concurrently.
//
// List and Watch give out objects whose resourceVersion is the union's number of their last change, whatever the resource
// version is that their store gave them. The objects share memory with those that other callers get, as those of
// Kubernetes' own caches do: who wants to change one copies it first.
type Union struct {
	cfg  Config
	pace pace

	mu    sync.RWMutex
	state state // guarded by mu

	moved signal // history has grown, or has been forgotten
	news  signal // the state of a part has changed
}

// New returns a union. Nothing happens before Run.
func New(cfg Config) *Union {
	u := &Union{cfg: cfg, pace: defaultPace}
	u.state.sequence = newSequence(cfg.Clock)
	u.state.reset()
	return u
}

// Run lets lists and watches be served, until ctx ends. It returns when all watches and reflectors have ended.
func (u *Union) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	u.mu.Lock()
	u.state.spawn = func(f func(context.Context)) { u.state.tasks.Go(func() { f(ctx) }) }
	u.mu.Unlock()

	u.keepHouse(ctx)

	u.mu.Lock()
	u.state.spawn = nil
	u.forget()
	u.mu.Unlock()
	cancel()
	u.state.tasks.Wait()
	return nil
}

// Revisions returns, by cluster, the highest resource version of the cluster's own that the union has seen. Clusters that
// have not been listed yet are missing.
func (u *Union) Revisions() map[string]uint64 {
	u.mu.RLock()
	defer u.mu.RUnlock()
	out := map[string]uint64{}
	for name, p := range u.state.parts {
		if name != Hub && p.synced {
			out[name] = p.revision
		}
	}
	return out
}

// Stats returns how large the union is at present.
func (u *Union) Stats() Stats {
	u.mu.RLock()
	defer u.mu.RUnlock()
	s := &u.state
	return Stats{
		Objects:  s.tree.Len(),
		Bytes:    s.bytes,
		History:  s.history.len(),
		Watchers: s.watchers,
		Parts:    len(s.parts),
	}
}
