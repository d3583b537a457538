/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package member

import (
	"context"
	"runtime"
	"strings"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	kuberuntime "k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"

	"github.com/manifold-k8s/manifold/pkg/calm"
)

// keeper keeps what is worth knowing of the objects of a resource. Its methods are called one at a time.
type keeper interface {
	// seen follows when an object has come, has changed, or is listed. It has no managedFields.
	seen(u *unstructured.Unstructured, listed bool)
	// gone follows when an object has been deleted.
	gone(key types.NamespacedName)
	// complete follows when all there is has been seen: what is not there has gone.
	complete(there map[types.NamespacedName]bool)
}

// feed is the reflector's store that passes everything on to a keeper. A list is passed on object by object as it comes,
// and only the names are held until it is complete: thousands of decoded objects would be far more than all that is kept.
// If it breaks off, what was seen was true all the same, and nothing is concluded about the rest.
type feed struct {
	keeper keeper

	mu    sync.Mutex
	ended bool // a list may still be on its way when the reflector has ended
}

// listing is taken while an object of a list is looked at. There are as many as processors: more would not get through
// sooner, and what somebody has just changed would have to share the processors with all of them.
var listing = make(chan struct{}, runtime.GOMAXPROCS(0))

func (f *feed) take(u *unstructured.Unstructured, listed bool) {
	if listed {
		defer runtime.Gosched() // what is under way for a user goes first
		listing <- struct{}{}
		defer func() { <-listing }()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.ended {
		f.keeper.seen(u, listed)
	}
}

// end makes sure that the keeper hears nothing any more.
func (f *feed) end() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ended = true
}

// Add implements cache.ReflectorStore.
func (f *feed) Add(obj any) error {
	if u, ok := obj.(*unstructured.Unstructured); ok {
		f.take(u, false)
	}
	return nil
}

// Update implements cache.ReflectorStore.
func (f *feed) Update(obj any) error { return f.Add(obj) }

// Delete implements cache.ReflectorStore.
func (f *feed) Delete(obj any) error {
	if u, ok := obj.(*unstructured.Unstructured); ok {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.keeper.gone(keyOf(u))
	}
	return nil
}

// Transformer implements cache.TransformingStore: the reflector asks it for what to hold of an object of a list.
func (f *feed) Transformer() cache.TransformFunc {
	return func(obj any) (any, error) {
		u, ok := obj.(*unstructured.Unstructured)
		if !ok {
			return obj, nil
		}
		f.take(u, true)
		return cache.ExplicitKey(keyOf(u).String()), nil
	}
}

// Replace implements cache.ReflectorStore. The objects have been seen.
func (f *feed) Replace(objs []any, _ string) error {
	there := make(map[types.NamespacedName]bool, len(objs))
	for _, o := range objs {
		switch o := o.(type) {
		case cache.ExplicitKey:
			namespace, name, _ := strings.Cut(string(o), "/") // as String writes it, cluster-wide objects included
			there[types.NamespacedName{Namespace: namespace, Name: name}] = true
		case metav1.Object:
			there[types.NamespacedName{Namespace: o.GetNamespace(), Name: o.GetName()}] = true
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.keeper.complete(there)
	return nil
}

// Resync implements cache.ReflectorStore; there is nothing to do.
func (f *feed) Resync() error { return nil }

// names returns the list with nothing but the names of its objects.
func names(l *unstructured.UnstructuredList) *metav1.PartialObjectMetadataList {
	out := &metav1.PartialObjectMetadataList{Items: make([]metav1.PartialObjectMetadata, len(l.Items))}
	out.ResourceVersion, out.Continue, out.RemainingItemCount = l.GetResourceVersion(), l.GetContinue(), l.GetRemainingItemCount()
	for i := range l.Items {
		out.Items[i].Namespace, out.Items[i].Name = l.Items[i].GetNamespace(), l.Items[i].GetName()
	}
	return out
}

// relistBackoff is how a watch that fails is tried again; the last wait bounds how late a member that returns is noticed.
var relistBackoff = wait.Backoff{Duration: 200 * time.Millisecond, Factor: 2, Jitter: 0.2, Steps: 5, Cap: 3 * time.Second}

// reflect tells k of the objects of a resource, until ctx ends. Failures ask for a probe of the member, or for what it
// serves; those are told by what comes of it, and not in the error log.
func (m *Member) reflect(ctx context.Context, r schema.GroupVersionResource, selector string, k keeper) {
	ctx = calm.Context(ctx, func(err error) bool { return ctx.Err() != nil || Away(err) || apierrors.IsNotFound(err) })
	client := m.Dynamic.Resource(r)
	report := func(err error) {
		switch {
		case Away(err):
			m.Suspect()
		case apierrors.IsNotFound(err):
			signal(m.stale)
		}
		if f, ok := k.(interface{ failed(error) }); ok && err != nil {
			f.failed(err)
		}
	}
	store := &feed{keeper: k}
	var streams sync.WaitGroup
	lw := &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (kuberuntime.Object, error) {
			o.LabelSelector = selector
			l, err := client.List(ctx, o)
			report(err)
			if err != nil {
				return nil, err
			}
			light := names(l)
			for i := range l.Items {
				unstructured.RemoveNestedField(l.Items[i].Object, "metadata", "managedFields")
				store.take(&l.Items[i], true)
				l.Items[i].Object = nil
			}
			return light, nil
		},
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			o.LabelSelector = selector
			s, run, err := m.open(ctx, r, o)
			report(err)
			if err != nil {
				return nil, err
			}
			streams.Go(run)
			return s, nil
		},
	}
	backoff := relistBackoff
	cache.NewReflectorWithOptions(lw, &unstructured.Unstructured{}, store, cache.ReflectorOptions{
		Name: m.Name + " " + r.Resource, Backoff: &backoff,
	}).RunWithContext(ctx)
	streams.Wait()
	store.end()
}
