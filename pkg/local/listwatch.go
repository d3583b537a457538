/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package local

import (
	"context"
	"fmt"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/internalversion"
	internalvalidation "k8s.io/apimachinery/pkg/apis/meta/internalversion/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	genericapirequest "k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/features"
	"k8s.io/apiserver/pkg/registry/rest"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	"k8s.io/client-go/tools/cache"
)

// Storage is what can be listed and watched: the storage of a resource as it is installed into the API server.
type Storage interface {
	rest.Lister
	rest.Watcher
}

// ListWatch lists and watches the objects of a storage, in all namespaces, for reflectors and shared informers in the
// server's own process: no HTTP, no serialisation, no authorisation. Paging, resource versions, bookmarks and
// streamed lists (sendInitialEvents) mean what they mean over HTTP. TimeoutSeconds is not looked at: a watch lasts
// until its context ends, it is stopped, or the storage ends it.
//
// Listed objects share memory with the storage's watch cache and must not be changed.
func ListWatch(store Storage, resource schema.GroupResource) *Source {
	return &Source{ListWatch: &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
			options.Watch = false
			internal, err := internalOptions(resource, &options)
			if err != nil {
				return nil, err
			}
			return store.List(genericapirequest.WithNamespace(ctx, metav1.NamespaceAll), internal)
		},
		WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			options.Watch = true
			internal, err := internalOptions(resource, &options)
			if err != nil {
				return nil, err
			}
			w, err := store.Watch(genericapirequest.WithNamespace(ctx, metav1.NamespaceAll), internal)
			if err != nil {
				return nil, err
			}
			return unwrap(w, current(ctx, store)), nil
		},
	}}
}

// Source is what a reflector lists and watches.
type Source struct {
	*cache.ListWatch
	// Written is what this process has written of the resource; nil if nobody keeps count.
	Written *Written
}

// IsWatchListSemanticsUnSupported tells reflectors to list and not to stream the list: what is in memory is there at once,
// and shared, while the end of a stream is told a second later, and its objects are copies.
func (*Source) IsWatchListSemanticsUnSupported() bool { return true }

// internalOptions does what the HTTP handlers do with the options of a request.
func internalOptions(resource schema.GroupResource, options *metav1.ListOptions) (*internalversion.ListOptions, error) {
	out := &internalversion.ListOptions{}
	if err := internalversion.Convert_v1_ListOptions_To_internalversion_ListOptions(options, out, nil); err != nil {
		return nil, apierrors.NewBadRequest(fmt.Sprintf("list options of %s: %v", resource, err))
	}
	streaming := utilfeature.DefaultFeatureGate.Enabled(features.WatchList)
	internalversion.SetListOptionsDefaults(out, streaming)
	if errs := internalvalidation.ValidateListOptions(out, streaming); len(errs) > 0 {
		return nil, apierrors.NewInvalid(schema.GroupKind{Group: metav1.GroupName, Kind: "ListOptions"}, "", errs)
	}
	return out, nil
}

// current returns what the watch cache holds of an object that it tells of, if that is the very state it tells of, and nil
// if it is not. What it tells of is a copy, with all that is in it, or a wrapper that makes one; its own can be shared.
func current(ctx context.Context, store Storage) func(metav1.Object) runtime.Object {
	getter, ok := store.(rest.Getter)
	if !ok {
		return func(metav1.Object) runtime.Object { return nil }
	}
	return func(told metav1.Object) runtime.Object {
		held, err := getter.Get(genericapirequest.WithNamespace(ctx, told.GetNamespace()), told.GetName(), &metav1.GetOptions{ResourceVersion: "0"})
		if err != nil {
			return nil // it has gone meanwhile; the copy tells of it as it was
		}
		m, err := meta.Accessor(held)
		if err != nil || m.GetResourceVersion() != told.GetResourceVersion() {
			return nil
		}
		return held
	}
}

// unwrapped is a watch of the objects that the watch cache holds, without the wrapper that it puts around them to serialise
// each only once for all HTTP watchers.
type unwrapped struct {
	watch.Interface
	current func(metav1.Object) runtime.Object
	result  chan watch.Event
	done    chan struct{}
	stop    func()
}

func unwrap(source watch.Interface, current func(metav1.Object) runtime.Object) watch.Interface {
	w := &unwrapped{Interface: source, current: current, result: make(chan watch.Event), done: make(chan struct{})}
	w.stop = sync.OnceFunc(func() {
		close(w.done)
		source.Stop()
	})
	go w.run()
	return w
}

// run ends when the source does, which Stop and the end of the watch's context bring about.
func (w *unwrapped) run() {
	defer close(w.result)
	for event := range w.Interface.ResultChan() {
		event.Object = w.object(event)
		select {
		case w.result <- event:
		case <-w.done:
			return
		}
	}
}

func (w *unwrapped) object(e watch.Event) runtime.Object {
	if e.Type == watch.Added || e.Type == watch.Modified {
		if told, err := meta.Accessor(e.Object); err == nil {
			if held := w.current(told); held != nil {
				return held
			}
		}
	}
	if wrapped, ok := e.Object.(runtime.CacheableObject); ok {
		return wrapped.GetObject()
	}
	return e.Object
}

// ResultChan yields the events.
func (w *unwrapped) ResultChan() <-chan watch.Event { return w.result }

// Stop ends the watch. It may be called more than once.
func (w *unwrapped) Stop() { w.stop() }
