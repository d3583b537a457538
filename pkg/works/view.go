/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package works

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/klog/v2"

	workv1alpha1 "github.com/manifold-k8s/manifold/apis/work/v1alpha1"
	"github.com/manifold-k8s/manifold/pkg/binding"
)

const (
	// lingering is how long the view stays after the last question, so that a client that lists now and then, or lost its
	// connection, is told what changed in between.
	lingering = 5 * time.Minute
	// idleCheck is how often that is looked at.
	idleCheck = time.Minute
	// maxLog bounds how many changes are remembered.
	maxLog = 10000
)

// record is what is remembered of a computed Work: its last metadata and what the rest was like.
type record struct {
	meta      *workv1alpha1.Work // without spec and status
	signature uint64
	binding   types.NamespacedName
}

// change is one entry of the log.
type change struct {
	revision uint64
	event    watch.EventType
	meta     *workv1alpha1.Work
}

// view is what was answered last, and how that has changed. Its revisions begin with the store's and follow it; as one
// write to the store may change many Works, and every change needs a revision of its own, they may run ahead of it.
type view struct {
	source *Source
	queue  workqueue.TypedInterface[types.NamespacedName] // bindings that have changed
	seen   atomic.Uint64                                  // the highest revision of the store that was met
	stop   context.CancelFunc

	mu        sync.Mutex
	ended     bool
	used      time.Time // when something was last asked
	revision  uint64
	base      uint64 // what happened up to here is not in the log
	log       []change
	records   map[types.NamespacedName]*record
	ofBinding map[types.NamespacedName][]types.NamespacedName
	stored    map[types.NamespacedName]*workv1alpha1.Work
	watchers  map[*watcher]struct{}
}

// newView makes the view and lets it follow what changes. The source's lock must be held.
func (s *Source) newView(ctx context.Context) (*view, error) {
	// A consistent list tells where the store is now: no client can know of anything later.
	list, err := s.cfg.Stored.ListWithContext(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("list stored works: %w", err)
	}
	at, err := meta.ListAccessor(list)
	if err != nil {
		return nil, err
	}
	run, stop := context.WithCancel(s.ctx)
	v := &view{
		source: s, stop: stop, used: s.cfg.Clock.Now(),
		queue:   workqueue.NewTypedWithConfig(workqueue.TypedQueueConfig[types.NamespacedName]{Name: "works"}),
		records: map[types.NamespacedName]*record{}, ofBinding: map[types.NamespacedName][]types.NamespacedName{},
		stored: map[types.NamespacedName]*workv1alpha1.Work{}, watchers: map[*watcher]struct{}{},
	}
	v.see(at.GetResourceVersion())
	informer := cache.NewSharedIndexInformer(s.cfg.Stored, &workv1alpha1.Work{}, 0, cache.Indexers{})
	handle, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: v.storedChanged, UpdateFunc: func(_, now any) { v.storedChanged(now) }, DeleteFunc: v.storedDeleted,
	})
	if err != nil {
		stop()
		return nil, err
	}
	s.wg.Go(func() { informer.RunWithContext(run) })
	short, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if !cache.WaitForCacheSync(short.Done(), handle.HasSynced) {
		stop()
		return nil, apierrors.NewServiceUnavailable("the stored works are still being read")
	}
	s.active.Store(v) // from here on, changes are queued
	v.begin()
	s.wg.Go(func() { v.work() })
	s.wg.Go(func() { v.untilIdle(run) })
	klog.FromContext(s.ctx).V(2).Info("Following works", "computed", len(v.records), "stored", len(v.stored))
	return v, nil
}

// begin takes in what there is. Nothing that happened before is known.
func (v *view) begin() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.source.cfg.Bindings.All(func(b *binding.Binding) {
		all, _ := v.source.of(b) // those of a kind that is not known yet follow when it is
		for _, w := range all {
			v.see(w.ResourceVersion)
			v.remember(binding.Key(b), w)
		}
	})
	v.revision = max(v.revision, v.seen.Load())
	v.base, v.log = v.revision, nil
}

// see notes a revision of the store.
func (v *view) see(resourceVersion string) {
	for r := revisionOf(resourceVersion); ; {
		old := v.seen.Load()
		if r <= old || v.seen.CompareAndSwap(old, r) {
			return
		}
	}
}

// touch notes that somebody asks; it is false when the view has ended.
func (v *view) touch() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.used = v.source.cfg.Clock.Now()
	return !v.ended
}

// untilIdle ends the view when nobody has asked for a while, or ctx ends.
func (v *view) untilIdle(ctx context.Context) {
	t := v.source.cfg.Clock.NewTicker(idleCheck)
	defer t.Stop()
	for !v.idle() {
		select {
		case <-ctx.Done():
			v.end()
			return
		case <-t.C():
		}
	}
	v.end()
	klog.FromContext(ctx).V(2).Info("Nobody asks for works any more")
}

func (v *view) idle() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.watchers) > 0 {
		v.used = v.source.cfg.Clock.Now()
	}
	v.ended = v.source.cfg.Clock.Since(v.used) > lingering
	return v.ended
}

func (v *view) end() {
	v.source.active.CompareAndSwap(v, nil)
	v.mu.Lock()
	v.ended = true
	for w := range v.watchers {
		v.drop(w)
	}
	v.mu.Unlock()
	v.queue.ShutDown()
	v.stop()
}

// work follows the bindings that have changed, one after the other.
func (v *view) work() {
	for {
		key, shutdown := v.queue.Get()
		if shutdown {
			return
		}
		v.recompute(key)
		v.queue.Done(key)
	}
}

// recompute compares the Works of a binding with what is remembered of them, and tells what has changed.
func (v *view) recompute(key types.NamespacedName) {
	all, known := v.source.of(v.source.cfg.Bindings.Get(key))
	if !known {
		return // what was known stands; the kind's arrival brings us back
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	var now []types.NamespacedName
	for _, w := range all {
		k := keyOf(w)
		now = append(now, k)
		old := v.records[k]
		if old != nil && old.signature == signature(w) {
			continue
		}
		w.ResourceVersion = strconv.FormatUint(v.next(), 10)
		v.remember(key, w)
		if v.stored[k] != nil {
			continue // the stored one is shown
		}
		if old == nil {
			v.tell(watch.Added, nil, w)
			continue
		}
		v.tell(watch.Modified, old.meta, w)
	}
	for _, k := range v.ofBinding[key] {
		old := v.records[k]
		if slices.Contains(now, k) || old == nil || old.binding != key {
			continue
		}
		delete(v.records, k)
		if v.stored[k] == nil {
			v.tell(watch.Deleted, old.meta, v.gone(old.meta))
		}
	}
	v.ofBinding[key] = now
	if len(now) == 0 {
		delete(v.ofBinding, key)
	}
}

// gone returns what is said of a Work that is no more.
func (v *view) gone(last *workv1alpha1.Work) *workv1alpha1.Work {
	w := *last
	w.ResourceVersion = strconv.FormatUint(v.next(), 10)
	return &w
}

// next returns the revision of the next change.
func (v *view) next() uint64 {
	v.revision = max(v.revision+1, v.seen.Load())
	return v.revision
}

// remember takes a computed Work as the one that clients know. The lock must be held, unless nobody has the view yet.
func (v *view) remember(key types.NamespacedName, w *workv1alpha1.Work) {
	k := keyOf(w)
	if v.records[k] == nil && !slices.Contains(v.ofBinding[key], k) {
		v.ofBinding[key] = append(v.ofBinding[key], k)
	}
	v.records[k] = &record{meta: metaOf(w), signature: signature(w), binding: key}
}

func metaOf(w *workv1alpha1.Work) *workv1alpha1.Work {
	return &workv1alpha1.Work{TypeMeta: w.TypeMeta, ObjectMeta: w.ObjectMeta}
}

// stamp gives a computed Work the resource version that clients know it by.
func (v *view) stamp(w *workv1alpha1.Work) {
	r := v.records[keyOf(w)]
	if r != nil && (r.signature == signature(w) || revisionOf(w.ResourceVersion) < revisionOf(r.meta.ResourceVersion)) {
		w.ResourceVersion = r.meta.ResourceVersion
	}
}

// storedChanged follows a stored Work. One that is new hides a computed one of its name.
func (v *view) storedChanged(obj any) {
	w, ok := obj.(*workv1alpha1.Work)
	if !ok {
		return
	}
	v.see(w.ResourceVersion)
	v.mu.Lock()
	defer v.mu.Unlock()
	k := keyOf(w)
	old, hidden := v.stored[k], v.records[k]
	v.stored[k] = w
	v.next()
	switch {
	case old != nil:
		v.tell(watch.Modified, old, w)
	case hidden != nil:
		v.tell(watch.Modified, hidden.meta, w)
	default:
		v.tell(watch.Added, nil, w)
	}
}

func (v *view) storedDeleted(obj any) {
	if d, ok := obj.(cache.DeletedFinalStateUnknown); ok {
		obj = d.Obj
	}
	w, ok := obj.(*workv1alpha1.Work)
	if !ok {
		return
	}
	v.see(w.ResourceVersion)
	v.mu.Lock()
	defer v.mu.Unlock()
	k := keyOf(w)
	old := v.stored[k]
	if old == nil {
		return
	}
	delete(v.stored, k)
	v.tell(watch.Deleted, old, v.gone(w))
	if hidden := v.records[k]; hidden != nil { // it can be seen again
		delete(v.records, k)
		v.queue.Add(hidden.binding)
	}
}

// tell writes a change of the present revision into the log and to those who watch. The lock must be held.
func (v *view) tell(event watch.EventType, old, now *workv1alpha1.Work) {
	if len(v.log) >= maxLog {
		half := len(v.log) / 2
		v.base = v.log[half-1].revision
		v.log = slices.Clone(v.log[half:])
	}
	v.log = append(v.log, change{revision: v.revision, event: event, meta: metaOf(now)})
	for w := range v.watchers {
		if !w.offer(event, old, now) {
			v.drop(w) // too slow: it begins anew where it is
		}
	}
}

// drop ends a watch. The lock must be held.
func (v *view) drop(w *watcher) {
	delete(v.watchers, w)
	close(w.pending)
}

func expired(from uint64) error {
	return apierrors.NewResourceExpired(fmt.Sprintf("what happened to works since resource version %d is not known any more: list them again", from))
}
