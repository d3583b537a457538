/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package union

import (
	"context"
	"strconv"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/klog/v2"
)

const (
	// batch is how many events a watch takes from the history at a time.
	batch = 64
	// lastWords is how long before its expected end a watch gets a bookmark.
	lastWords = 2 * time.Second
)

// watcher is one watch. It reads the history at its own pace.
type watcher struct {
	u         *Union
	scope     scope
	bookmarks bool
	result    chan watch.Event
	stop      context.CancelFunc

	initial      []*record       // to be told first
	initialType  watch.EventType // as what; "" for additions
	endOfInitial bool            // a bookmark is to say that these have been told

	position uint64 // of the next event in the history
	reached  int64  // the number of the last event that has been looked at
}

var _ watch.Interface = &watcher{}

// ResultChan implements watch.Interface.
func (w *watcher) ResultChan() <-chan watch.Event { return w.result }

// Stop implements watch.Interface.
func (w *watcher) Stop() { w.stop() }

// leave notes that the watch has ended.
func (w *watcher) leave() {
	w.stop()
	u := w.u
	u.mu.Lock()
	defer u.mu.Unlock()
	u.state.watchers--
	u.state.used = u.cfg.Clock.Now()
}

// run tells what there is to tell until ctx ends, or something cannot be told.
func (w *watcher) run(ctx context.Context) {
	defer close(w.result)
	if err := w.tell(ctx); err != nil && ctx.Err() == nil {
		klog.FromContext(ctx).V(2).Info("A watch ends with an error", "resource", w.u.cfg.Resource, "err", err)
		status := apierrors.NewInternalError(err).Status()
		if s, ok := err.(apierrors.APIStatus); ok {
			status = s.Status()
		}
		select {
		case w.result <- watch.Event{Type: watch.Error, Object: &status}:
		case <-ctx.Done():
		}
	}
}

func (w *watcher) tell(ctx context.Context) error {
	if err := w.tellInitial(ctx); err != nil {
		return err
	}
	var ticks <-chan time.Time
	var end <-chan time.Time
	if w.bookmarks {
		ticker := w.u.cfg.Clock.NewTicker(w.u.pace.bookmark)
		defer ticker.Stop()
		ticks = ticker.C()
		if deadline, ok := ctx.Deadline(); ok {
			timer := w.u.cfg.Clock.NewTimer(max(0, deadline.Sub(w.u.cfg.Clock.Now())-lastWords))
			defer timer.Stop()
			end = timer.C()
		}
	}
	for ctx.Err() == nil {
		moved := w.u.moved.wait()
		events, err := w.next()
		if err != nil {
			return err
		}
		for i := range events {
			if err := w.tellEvent(ctx, &events[i]); err != nil {
				return err
			}
		}
		if len(events) > 0 {
			continue
		}
		select {
		case <-moved:
		case <-ticks:
			err = w.bookmark(ctx, nil)
		case <-end:
			end = nil
			err = w.bookmark(ctx, nil)
		case <-ctx.Done():
		}
		if err != nil {
			return err
		}
	}
	return ctx.Err()
}

// tellInitial tells the state that the watch begins with.
func (w *watcher) tellInitial(ctx context.Context) error {
	kind := watch.Added
	if w.initialType != "" {
		kind = w.initialType
	}
	for i, r := range w.initial {
		selected, err := w.u.selects(w.scope, r)
		if err != nil {
			return err
		}
		if selected {
			shown, err := w.u.show(r)
			if err != nil {
				return err
			}
			if err := w.send(ctx, watch.Event{Type: kind, Object: shown.object}); err != nil {
				return err
			}
		}
		w.initial[i] = nil
	}
	w.initial = nil
	if w.endOfInitial {
		return w.bookmark(ctx, map[string]string{metav1.InitialEventsAnnotationKey: "true"})
	}
	return nil
}

// next takes events from the history.
func (w *watcher) next() ([]event, error) {
	u := w.u
	u.mu.RLock()
	defer u.mu.RUnlock()
	events, ok := u.state.history.from(w.position, batch)
	if !ok {
		return nil, expiredWatch(uint64(w.reached))
	}
	w.position += uint64(len(events))
	return events, nil
}

// tellEvent tells of a change if it concerns what is selected: an object that is selected no longer is told as deleted.
func (w *watcher) tellEvent(ctx context.Context, e *event) error {
	before, after := false, false
	var err error
	if e.old != nil {
		if before, err = w.u.selects(w.scope, e.old); err != nil {
			return err
		}
	}
	if !e.gone {
		if after, err = w.u.selects(w.scope, e.now); err != nil {
			return err
		}
	}
	w.reached = e.number
	var obj runtime.Object
	kind := watch.Modified
	switch {
	case after || before && e.gone:
		shown, err := w.u.show(e.now)
		if err != nil {
			return err
		}
		obj = shown.object
	case before:
		if obj, err = w.u.decodeAs(e.old, e.number); err != nil {
			return err
		}
	default:
		return nil
	}
	switch {
	case !after:
		kind = watch.Deleted
	case !before:
		kind = watch.Added
	}
	return w.send(ctx, watch.Event{Type: kind, Object: obj})
}

// bookmark tells how far the watch is.
func (w *watcher) bookmark(ctx context.Context, annotations map[string]string) error {
	obj := w.u.cfg.New()
	m, err := meta.Accessor(obj)
	if err != nil {
		panic(err) // Config.New returns API objects
	}
	m.SetResourceVersion(strconv.FormatInt(w.reached, 10))
	m.SetAnnotations(annotations)
	return w.send(ctx, watch.Event{Type: watch.Bookmark, Object: obj})
}

// send fails when the watch has ended. Nothing may be sent after that: it would follow a gap.
func (w *watcher) send(ctx context.Context, e watch.Event) error {
	select {
	case w.result <- e:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
