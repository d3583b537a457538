/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

// Package template watches what users want propagated: the objects of the kinds that a policy selects or a binding
// names. Kinds that nobody asks for are not watched and cost nothing.
package template

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"
	"k8s.io/utils/lru"

	"github.com/manifold-k8s/manifold/pkg/calm"
	"github.com/manifold-k8s/manifold/pkg/local"
)

// Ref names a template.
type Ref struct {
	Kind      schema.GroupVersionKind
	Namespace string // empty for cluster-wide kinds
	Name      string
}

// String is for logs.
func (r Ref) String() string {
	return fmt.Sprintf("%s %s/%s", r.Kind, r.Namespace, r.Name)
}

// RefOf returns the name of an object.
func RefOf(o *unstructured.Unstructured) Ref {
	return Ref{Kind: o.GroupVersionKind(), Namespace: o.GetNamespace(), Name: o.GetName()}
}

// unknownKindRetry is how long to wait before asking again which kinds are served, as long as somebody has named one that
// is not: its CustomResourceDefinition may come. All such kinds share one reading of discovery.
const unknownKindRetry = 2 * time.Second

// fieldManager owns what Manifold itself writes into templates: claims and status.
const fieldManager = "manifold"

// Store watches kinds on demand.
type Store struct {
	client dynamic.Interface
	local  *local.Resources
	mapper meta.ResettableRESTMapper
	recent *lru.Cache // of *stored to the same object in the form in which it is handed out
	notify []func(Ref)
	synced []func(schema.GroupVersionKind)
	// notifyStatus are told of changes of nothing but the status.
	notifyStatus []func(Ref)

	wake chan struct{} // says that there is something in asked or lost

	mu    sync.RWMutex
	kinds map[schema.GroupVersionKind]*kind
	asked []schema.GroupVersionKind // not looked for yet
	// looked are the kinds that were asked for and neither found nor found missing yet.
	looked sets.Set[schema.GroupVersionKind]
	lost   []schema.GroupVersionKind // not served any more, by the look of it
}

// kind is one watched kind. mapping is set when the kind has been found, informer while it is watched.
type kind struct {
	mapping  *meta.RESTMapping
	informer cache.SharedIndexInformer
	stop     func()
	// defined says that the kind was made by a CustomResourceDefinition.
	defined bool
}

// recentTemplates is how many templates are kept in the form in which they are handed out, some 15 KB each. A change is read
// once for every member and once more for its status, within moments. After a start all are read, for every member in the
// order of their names: some members are ahead of others, but not by so many.
const recentTemplates = 1024

// NewStore returns a store over the hub's API: its own storage for the kinds that are in it, client for custom resources.
// It watches nothing until Run, and then what Want names.
func NewStore(client dynamic.Interface, resources *local.Resources, mapper meta.ResettableRESTMapper) *Store {
	return &Store{client: client, local: resources, recent: lru.New(recentTemplates), mapper: mapper, wake: make(chan struct{}, 1), kinds: map[schema.GroupVersionKind]*kind{}, looked: sets.New[schema.GroupVersionKind]()}
}

// OnChange calls f after every change of a template, other than of its status alone, since its kind is watched. It must be
// called before Run; f must return quickly.
func (s *Store) OnChange(f func(Ref)) { s.notify = append(s.notify, f) }

// OnStatusChange calls f after every change of nothing but a template's status. It must be called before Run; f must
// return quickly.
func (s *Store) OnStatusChange(f func(Ref)) { s.notifyStatus = append(s.notifyStatus, f) }

// OnSynced calls f for every kind when the store holds all objects of it, and when the kind is not served any more, after
// which nothing is known of its objects. It must be called before Run.
func (s *Store) OnSynced(f func(schema.GroupVersionKind)) { s.synced = append(s.synced, f) }

// Want asks for a kind to be watched. It is cheap to ask again.
func (s *Store) Want(gvk schema.GroupVersionKind) {
	s.mu.RLock()
	_, known := s.kinds[gvk]
	s.mu.RUnlock()
	if known {
		return
	}
	s.mu.Lock()
	_, known = s.kinds[gvk]
	if !known {
		s.kinds[gvk] = &kind{}
		s.asked = append(s.asked, gvk)
		s.looked.Insert(gvk)
	}
	s.mu.Unlock()
	if !known {
		s.signal()
	}
}

func (s *Store) signal() {
	select {
	case s.wake <- struct{}{}:
	default: // it is awake already
	}
}

// take empties what is to be looked at.
func (s *Store) take() (asked, lost []schema.GroupVersionKind) {
	s.mu.Lock()
	defer s.mu.Unlock()
	asked, lost, s.asked, s.lost = s.asked, s.lost, nil, nil
	return asked, lost
}

// Run watches until ctx ends.
func (s *Store) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	logger := klog.FromContext(ctx)
	var unknown []schema.GroupVersionKind
	var retry <-chan time.Time
	start := func(gvk schema.GroupVersionKind) bool {
		mapping, err := s.mapper.RESTMapping(gvk.GroupKind(), gvk.Version)
		if err != nil {
			logger.V(4).Info("A kind that a policy or binding names is not served", "kind", gvk, "err", err.Error())
			return false
		}
		wg.Go(func() { s.watch(ctx, gvk, mapping) })
		return true
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-s.wake:
			asked, lost := s.take()
			for _, gvk := range asked {
				if !start(gvk) {
					logger.V(2).Info("Waiting for a kind to be served", "kind", gvk)
					unknown = append(unknown, gvk)
					s.found(gvk, nil)
				}
			}
			if len(lost) > 0 {
				s.mapper.Reset()
			}
			for _, gvk := range lost {
				if s.drop(gvk) {
					logger.V(2).Info("A kind is not served any more", "kind", gvk)
					unknown = append(unknown, gvk)
				}
			}
		case <-retry:
			s.mapper.Reset()
			unknown = slices.DeleteFunc(unknown, start)
		}
		retry = nil
		if len(unknown) > 0 {
			retry = time.After(unknownKindRetry)
		}
	}
}

// lose notes that a kind seems not to be served any more.
func (s *Store) lose(gvk schema.GroupVersionKind) {
	s.mu.Lock()
	if !slices.Contains(s.lost, gvk) {
		s.lost = append(s.lost, gvk)
	}
	s.mu.Unlock()
	s.signal()
}

// drop ends the watch of a kind if it is not served any more, and reports whether it did. Nothing is known of its objects
// then; the listeners are told, as they may have to look for themselves what became of them.
func (s *Store) drop(gvk schema.GroupVersionKind) bool {
	if _, err := s.mapper.RESTMapping(gvk.GroupKind(), gvk.Version); !meta.IsNoMatchError(err) {
		return false // served, or that cannot be said now: the watch goes on trying, and tells us again
	}
	s.mu.Lock()
	old := s.kinds[gvk]
	if old == nil || old.informer == nil {
		s.mu.Unlock()
		return false
	}
	s.kinds[gvk] = &kind{mapping: old.mapping, defined: old.defined}
	s.mu.Unlock()
	old.stop()
	for _, f := range s.synced {
		f(gvk)
	}
	return true
}

// watch keeps the objects of a kind until ctx ends or the kind is dropped.
func (s *Store) watch(ctx context.Context, gvk schema.GroupVersionKind, mapping *meta.RESTMapping) {
	logger := klog.FromContext(ctx)
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	informer := s.informer(mapping)
	tell := func(obj any, listeners []func(Ref)) {
		if o, ok := object(obj); ok {
			for _, f := range listeners {
				f(Ref{Kind: gvk, Namespace: o.GetNamespace(), Name: o.GetName()})
			}
		}
	}
	changed := func(obj any) { tell(obj, s.notify) }
	handle, err := informer.AddEventHandler(cache.ResourceEventHandlerDetailedFuncs{
		AddFunc: func(obj any, initial bool) {
			if !initial { // of those, OnSynced tells
				changed(obj)
			}
		},
		DeleteFunc: changed,
		UpdateFunc: func(old, obj any) {
			switch {
			case !statusOnly(old, obj):
				changed(obj)
			case !sameVersion(old, obj):
				tell(obj, s.notifyStatus)
			}
		},
	})
	if err == nil {
		err = informer.SetWatchErrorHandlerWithContext(func(ctx context.Context, r *cache.Reflector, err error) {
			if apierrors.IsNotFound(err) {
				s.lose(gvk)
			}
			cache.DefaultWatchErrorHandler(calm.Context(ctx, func(err error) bool { return apierrors.IsNotFound(err) || ctx.Err() != nil }), r, err)
		})
	}
	if err != nil {
		logger.Error(err, "Templates of this kind cannot be watched", "kind", gvk)
		s.found(gvk, nil)
		return
	}
	s.found(gvk, &kind{mapping: mapping, informer: informer, stop: stop, defined: s.isDefined(ctx, mapping)})
	logger.V(2).Info("Watching templates", "kind", gvk)
	done := make(chan struct{})
	go func() {
		defer close(done)
		informer.RunWithContext(ctx)
	}()
	if cache.WaitForCacheSync(ctx.Done(), handle.HasSynced) {
		for _, f := range s.synced {
			f(gvk)
		}
	}
	<-done
}

// ready returns the kind if all its objects are known.
func (s *Store) ready(gvk schema.GroupVersionKind) *kind {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if k := s.kinds[gvk]; k != nil && k.informer != nil && k.informer.HasSynced() {
		return k
	}
	return nil
}

// Get returns the template, which must not be changed, or nil if there is none. known is false as long as that cannot be
// said, because the kind is not watched yet.
func (s *Store) Get(r Ref) (tmpl *unstructured.Unstructured, known bool) {
	k := s.ready(r.Kind)
	if k == nil {
		return nil, false
	}
	obj, ok := k.get(r)
	if !ok {
		return nil, true
	}
	return s.whole(r.Kind, obj), true
}

func (k *kind) get(r Ref) (any, bool) {
	key := r.Name
	if r.Namespace != "" {
		key = r.Namespace + "/" + r.Name
	}
	obj, ok, err := k.informer.GetStore().GetByKey(key)
	return obj, ok && err == nil // an in-memory store gives no errors
}

// NamespaceGoes reports whether a namespace is known to be being deleted on the hub, with all that is in it. It is not for
// the empty name.
func (s *Store) NamespaceGoes(name string) bool {
	if name == "" {
		return false
	}
	ns := s.Metadata(Ref{Kind: corev1.SchemeGroupVersion.WithKind("Namespace"), Name: name})
	return ns != nil && ns.GetDeletionTimestamp() != nil
}

// Metadata returns that of a template, which must not be changed, or nil when there is none or that is not known.
func (s *Store) Metadata(r Ref) metav1.Object {
	k := s.ready(r.Kind)
	if k == nil {
		return nil
	}
	o, _ := k.get(r)
	m, _ := object(o)
	return m
}

// All calls f with the metadata of every template of a kind, in the order of their names, which is that of members' lists
// too: who goes through many of them in that order finds in memory what another has just read. It calls nothing while the kind is not watched; OnSynced tells
// when it is.
func (s *Store) All(gvk schema.GroupVersionKind, f func(metav1.Object)) {
	k := s.ready(gvk)
	if k == nil {
		return
	}
	keys := k.informer.GetStore().ListKeys()
	slices.Sort(keys)
	for _, key := range keys {
		if obj, ok, err := k.informer.GetStore().GetByKey(key); ok && err == nil {
			if m, ok := object(obj); ok {
				f(m)
			}
		}
	}
}

// Mapping returns where a kind is served, or nil while that is not known.
func (s *Store) Mapping(gvk schema.GroupVersionKind) *meta.RESTMapping {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if k := s.kinds[gvk]; k != nil {
		return k.mapping
	}
	return nil
}

// Dropped reports whether a kind was watched and is not served any more.
func (s *Store) Dropped(gvk schema.GroupVersionKind) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	k := s.kinds[gvk]
	return k != nil && k.mapping != nil && k.informer == nil
}

// Versions returns the versions of a kind that are watched, in no particular order.
func (s *Store) Versions(gk schema.GroupKind) []schema.GroupVersionKind {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var out []schema.GroupVersionKind
	for gvk := range s.kinds {
		if gvk.GroupKind() == gk {
			out = append(out, gvk)
		}
	}
	return out
}
