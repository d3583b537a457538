/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package union

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/internalversion"
	"k8s.io/apimachinery/pkg/apis/meta/internalversion/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
)

// Watch tells of the changes of the selected objects until ctx ends or it is stopped. resourceVersion, sendInitialEvents and
// allowWatchBookmarks mean what they mean in Kubernetes; the selectors in opts are not looked at, those of sel are.
//
// A resource version is the union's own, or one that a store gave: of an object, for a watch of that object alone, or of the
// hub's store. Where it is not known any more the error is 410, before or, for a reader that is too slow, in the watch.
func (u *Union) Watch(ctx context.Context, namespace string, sel Selection, opts *internalversion.ListOptions) (watch.Interface, error) {
	n, err := u.parseWatch(opts)
	if err != nil {
		return nil, err
	}
	if err := u.begin(sel); err != nil {
		return nil, err
	}
	defer u.end()
	initial := opts.SendInitialEvents != nil && *opts.SendInitialEvents
	if n == 0 || n < smallest || initial {
		if _, err := u.await(ctx, sel, opts.ResourceVersion == ""); err != nil {
			return nil, err
		}
	}
	w := &watcher{
		u: u, scope: scope{namespace, sel}, bookmarks: opts.AllowWatchBookmarks, endOfInitial: initial && opts.AllowWatchBookmarks,
		result: make(chan watch.Event),
	}
	ctx, w.stop = context.WithCancel(ctx)
	if err := w.enter(ctx, n, initial, opts); err != nil {
		w.stop()
		return nil, err
	}
	return w, nil
}

func (u *Union) parseWatch(o *internalversion.ListOptions) (uint64, error) {
	if errs := validation.ValidateListOptions(&internalversion.ListOptions{
		Watch: true, ResourceVersion: o.ResourceVersion, ResourceVersionMatch: o.ResourceVersionMatch, Continue: o.Continue, SendInitialEvents: o.SendInitialEvents,
	}, true); len(errs) > 0 {
		return 0, apierrors.NewInvalid(schema.GroupKind{Group: metav1.GroupName, Kind: "ListOptions"}, "", errs)
	}
	return parseVersion(o.ResourceVersion)
}

// enter finds where the watch begins, and starts it.
func (w *watcher) enter(ctx context.Context, n uint64, initial bool, o *internalversion.ListOptions) error {
	u := w.u
	u.mu.Lock()
	defer u.mu.Unlock()
	s := &u.state
	if s.spawn == nil {
		return u.unavailable()
	}
	if err := w.place(s, n, initial, o); err != nil {
		return err
	}
	s.watchers++
	s.spawn(func(run context.Context) {
		defer w.leave()
		defer context.AfterFunc(run, w.stop)()
		w.run(ctx)
	})
	return nil
}

// place decides what the watch tells first.
func (w *watcher) place(s *state, n uint64, initial bool, o *internalversion.ListOptions) error {
	switch {
	case initial:
		if err := s.reaches(n); err != nil {
			return err
		}
		w.initial = w.present(s)
	case n == 0 && o.SendInitialEvents == nil:
		w.initial = w.present(s)
	case n == 0: // only what happens from now on
	case n < smallest:
		return w.placeByOwn(s, n)
	default:
		position, ok := s.history.after(int64(n))
		if !ok || !s.sequence.own(int64(n)) {
			return expiredWatch(n)
		}
		w.position, w.reached = position, int64(n)
		return nil
	}
	w.position, w.reached = s.history.end(), s.latest()
	return nil
}

func expiredWatch(n uint64) error {
	return apierrors.NewResourceExpired(fmt.Sprintf("the resource version %d is not known here any more; list again", n))
}

// present is the present state of what may be selected.
func (w *watcher) present(s *state) []*record {
	found, _ := s.present().records(w.scope, key{}, 0)
	return found
}

// placeByOwn finds the place of a resource version that a store gave.
func (w *watcher) placeByOwn(s *state, n uint64) error {
	if _, one := w.scope.name(); one {
		return w.placeByObject(s, n)
	}
	hub := s.parts[Hub]
	if !w.scope.has(Hub) || hub == nil || !hub.synced || n < s.history.dropped {
		return expiredWatch(n)
	}
	w.position, w.reached = s.history.first, s.history.base
	s.history.backwards(func(position uint64, e *event) bool {
		if e.now.cluster != Hub || revision(e.now.own) > n {
			return true
		}
		w.position, w.reached = position+1, e.number
		return false
	})
	return nil
}

// placeByObject finds the place of a resource version that the store of the only object gave it. If it is not known when that
// was, the present state is told, as a modification.
func (w *watcher) placeByObject(s *state, n uint64) error {
	w.position, w.reached = s.history.end(), s.latest()
	now := w.present(s)
	if len(now) == 1 && revision(now[0].own) == n {
		return nil
	}
	found := false
	s.history.backwards(func(position uint64, e *event) bool {
		if found = w.scope.holds(e.now) && !e.gone && revision(e.now.own) == n; found {
			w.position, w.reached = position+1, e.number
		}
		return !found
	})
	switch {
	case found:
	case len(now) == 0:
		return expiredWatch(n)
	default:
		w.initial, w.initialType = now, watch.Modified
	}
	return nil
}
