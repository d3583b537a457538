/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package works

import (
	"context"
	"strconv"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/apiserver/pkg/storage"

	workv1alpha1 "github.com/manifold-k8s/manifold/apis/work/v1alpha1"
)

const (
	// bookmarkEvery is how often a watch that wants bookmarks gets one.
	bookmarkEvery = time.Minute
	// maxPending is how many events may wait for a slow client before its watch is ended.
	maxPending = 1000
)

// watcher is one watch.
type watcher struct {
	view    *view
	sel     Selection
	initial []watch.Event
	pending chan watch.Event // closed by the view, under its lock
	result  chan watch.Event
	stop    context.CancelFunc
}

func (w *watcher) ResultChan() <-chan watch.Event { return w.result }

func (w *watcher) Stop() { w.stop() }

// watch begins a watch.
func (v *view) watch(ctx context.Context, sel Selection, o WatchOptions) (watch.Interface, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.ended {
		return nil, expired(revisionOf(o.ResourceVersion))
	}
	v.catchUp()
	from := revisionOf(o.ResourceVersion)
	w := &watcher{view: v, sel: sel, pending: make(chan watch.Event, maxPending), result: make(chan watch.Event)}
	switch {
	case o.InitialEvents && from > v.revision:
		return nil, tooLarge(from, v.revision)
	case o.InitialEvents || from == 0:
		w.initial = v.everything(sel)
	case from < v.base || from > v.revision: // a later one is of another process
		return nil, expired(from)
	default:
		w.initial = v.since(sel, from)
	}
	if o.InitialEvents && o.Bookmarks {
		end := v.bookmark()
		end.Object.(*workv1alpha1.Work).Annotations = map[string]string{metav1.InitialEventsAnnotationKey: "true"}
		w.initial = append(w.initial, end)
	}
	ctx, w.stop = context.WithCancel(ctx)
	v.watchers[w] = struct{}{}
	v.source.wg.Go(func() { w.run(ctx, o.Bookmarks) })
	return w, nil
}

func tooLarge(want, have uint64) error { return storage.NewTooLargeResourceVersionError(want, have, 1) }

// everything is an event for each Work that there is. The lock must be held.
func (v *view) everything(sel Selection) []watch.Event {
	var out []watch.Event
	for _, w := range v.stored {
		if sel.has(w) {
			out = append(out, event(watch.Added, w))
		}
	}
	v.computed(sel, func(w *workv1alpha1.Work) { out = append(out, event(watch.Added, w)) })
	return out
}

// since is what happened after a revision, the last of it for each Work. The lock must be held.
func (v *view) since(sel Selection, from uint64) []watch.Event {
	first, last := map[types.NamespacedName]watch.EventType{}, map[types.NamespacedName]int{}
	for i, c := range v.log {
		if c.revision > from {
			k := keyOf(c.meta)
			if _, ok := first[k]; !ok {
				first[k] = c.event
			}
			last[k] = i
		}
	}
	if len(last) == 0 {
		return nil
	}
	present := map[types.NamespacedName]*workv1alpha1.Work{}
	for k, w := range v.stored {
		present[k] = w
	}
	v.computed(sel, func(w *workv1alpha1.Work) { present[keyOf(w)] = w })
	var out []watch.Event
	for i, c := range v.log {
		k := keyOf(c.meta)
		if at, ok := last[k]; !ok || at != i {
			continue
		}
		now := present[k]
		switch {
		case sel.has(now) && first[k] == watch.Added:
			out = append(out, event(watch.Added, now))
		case sel.has(now):
			out = append(out, event(watch.Modified, now))
		case sel.Namespace == "" || sel.Namespace == k.Namespace:
			// It is gone, or not selected any more. Whether it ever was is not known; it does no harm to say so.
			out = append(out, event(watch.Deleted, c.meta))
		}
	}
	return out
}

// event is an event about a Work. The object may be given to several watches, each of which may set its type.
func event(t watch.EventType, w *workv1alpha1.Work) watch.Event {
	out := *w
	return watch.Event{Type: t, Object: &out}
}

// bookmark says how far the view is. The lock must be held.
func (v *view) bookmark() watch.Event {
	return watch.Event{Type: watch.Bookmark, Object: &workv1alpha1.Work{
		ObjectMeta: metav1.ObjectMeta{ResourceVersion: strconv.FormatUint(v.revision, 10)},
	}}
}

// offer passes a change on if it concerns this watch. It is false when the client is too slow.
func (w *watcher) offer(t watch.EventType, old, now *workv1alpha1.Work) bool {
	before := t != watch.Added && w.sel.has(old)
	after := t != watch.Deleted && w.sel.has(now)
	switch {
	case before && after:
		t = watch.Modified
	case after:
		t = watch.Added
	case before:
		t = watch.Deleted
	default:
		return true
	}
	select {
	case w.pending <- event(t, now):
		return true
	default:
		return false
	}
}

// run passes events on until ctx ends or the view drops the watch.
func (w *watcher) run(ctx context.Context, bookmarks bool) {
	defer close(w.result)
	defer w.leave()
	for _, e := range w.initial {
		if !w.send(ctx, e) {
			return
		}
	}
	w.initial = nil
	var tick <-chan time.Time
	if bookmarks {
		t := w.view.source.cfg.Clock.NewTicker(bookmarkEvery)
		defer t.Stop()
		tick = t.C()
	}
	for {
		select {
		case <-ctx.Done():
			return
		case e, ok := <-w.pending:
			if !ok || !w.send(ctx, e) {
				return
			}
		case <-tick:
			if e, ok := w.progress(); ok && !w.send(ctx, e) {
				return
			}
		}
	}
}

// progress returns a bookmark, unless an event waits that would come after it.
func (w *watcher) progress() (watch.Event, bool) {
	w.view.mu.Lock()
	defer w.view.mu.Unlock()
	if len(w.pending) > 0 {
		return watch.Event{}, false
	}
	return w.view.bookmark(), true
}

func (w *watcher) send(ctx context.Context, e watch.Event) bool {
	select {
	case w.result <- e:
		return true
	case <-ctx.Done():
		return false
	}
}

// leave takes the watch off the view's list.
func (w *watcher) leave() {
	w.stop()
	w.view.mu.Lock()
	defer w.view.mu.Unlock()
	delete(w.view.watchers, w)
}
