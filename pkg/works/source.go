/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package works

import (
	"context"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
	"k8s.io/utils/clock"

	clusterv1alpha1 "github.com/manifold-k8s/manifold/apis/cluster/v1alpha1"
	workv1alpha1 "github.com/manifold-k8s/manifold/apis/work/v1alpha1"
	"github.com/manifold-k8s/manifold/pkg/binding"
	"github.com/manifold-k8s/manifold/pkg/local"
	"github.com/manifold-k8s/manifold/pkg/manifest"
	"github.com/manifold-k8s/manifold/pkg/match"
	"github.com/manifold-k8s/manifold/pkg/policy"
	"github.com/manifold-k8s/manifold/pkg/template"
)

const (
	// patience is how long a request waits for the caches, at start-up only.
	patience = 10 * time.Second
	// kindPatience is how long the first request that meets a kind waits for its templates: the kind may not be served.
	kindPatience = 3 * time.Second
	// cachePoll is how often a request that waits looks again.
	cachePoll = 10 * time.Millisecond
)

// Config is what a Source needs.
type Config struct {
	Bindings  *binding.Store
	Templates *template.Store
	Policies  *policy.Store
	Clusters  cache.SharedIndexInformer
	// Stored lists and watches the Works that users have made.
	Stored *local.Source
	Clock  clock.WithTicker
}

// Source answers questions about Works. Lists and watches need a memory of what was answered before, so that changes can
// be told; it is kept as long as somebody asks, and for a while after.
type Source struct {
	cfg    Config
	active atomic.Pointer[view] // nil while nobody asks

	mu   sync.Mutex      // serialises the making of views
	ctx  context.Context // of Run; nil before and after
	wg   sync.WaitGroup
	kind map[schema.GroupVersionKind]bool // kinds that were waited for
}

// Selection says which Works are asked for.
type Selection struct {
	// Namespace is empty for all namespaces.
	Namespace string
	// Matches applies selectors of labels and fields.
	Matches func(*workv1alpha1.Work) bool
}

func (s Selection) has(w *workv1alpha1.Work) bool {
	return w != nil && (s.Namespace == "" || s.Namespace == w.Namespace) && s.Matches(w)
}

// NewSource returns a source that answers once Run was called and the caches are filled.
func NewSource(cfg Config) (*Source, error) {
	s := &Source{cfg: cfg, kind: map[schema.GroupVersionKind]bool{}}
	if err := cfg.Bindings.OnChange(s.bindingChanged); err != nil {
		return nil, err
	}
	cfg.Templates.OnChange(func(r template.Ref) {
		if v := s.active.Load(); v != nil {
			if tmpl, _ := cfg.Templates.Get(r); tmpl != nil {
				v.see(tmpl.GetResourceVersion())
			}
			v.queue.Add(binding.KeyOf(r.Namespace, r.Name, r.Kind.Kind))
		}
	})
	cfg.Templates.OnSynced(func(gvk schema.GroupVersionKind) {
		if v := s.active.Load(); v != nil {
			s.enqueue(v, func(b *binding.Binding) bool { return binding.TemplateKind(b) == gvk })
		}
	})
	if err := cfg.Policies.OnOverrideChange(s.overridesChanged); err != nil {
		return nil, err
	}
	_, err := cfg.Clusters.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: func(obj any) { s.clusterChanged(nil, obj) }, UpdateFunc: s.clusterChanged, DeleteFunc: func(obj any) { s.clusterChanged(obj, nil) },
	})
	return s, err
}

// Run lets the source answer until ctx ends, and returns when all its watches have ended.
func (s *Source) Run(ctx context.Context) error {
	s.mu.Lock()
	s.ctx = ctx
	s.mu.Unlock()
	<-ctx.Done()
	s.mu.Lock()
	s.ctx = nil // nothing starts any more
	s.mu.Unlock()
	s.wg.Wait()
	return nil
}

func (s *Source) bindingChanged(old, now *binding.Binding) {
	v := s.active.Load()
	if v == nil {
		return
	}
	b := now
	if b == nil {
		b = old
	}
	v.see(b.ResourceVersion)
	v.queue.Add(binding.Key(b))
}

func (s *Source) overridesChanged(selections ...policy.Selection) {
	v := s.active.Load()
	if v == nil {
		return
	}
	s.enqueue(v, func(b *binding.Binding) bool {
		r := b.Spec.Resource
		t := match.Template{APIVersion: r.APIVersion, Kind: r.Kind, Namespace: r.Namespace, Name: r.Name}
		if tmpl, _ := s.cfg.Templates.Get(refOf(b)); tmpl != nil {
			t.Labels = tmpl.GetLabels()
		}
		return slices.ContainsFunc(selections, func(p policy.Selection) bool { return p.Covers(t) })
	})
}

// clusterChanged follows what overrides may look at, and the coming and going of clusters.
func (s *Source) clusterChanged(old, now any) {
	v := s.active.Load()
	if v == nil {
		return
	}
	if d, ok := old.(cache.DeletedFinalStateUnknown); ok {
		old = d.Obj
	}
	a, _ := old.(*clusterv1alpha1.Cluster)
	b, _ := now.(*clusterv1alpha1.Cluster)
	name := ""
	switch {
	case a != nil && b != nil && a.Generation == b.Generation && maps.Equal(a.Labels, b.Labels):
		return
	case b != nil:
		name = b.Name
		v.see(b.ResourceVersion)
	case a != nil:
		name = a.Name
		v.see(a.ResourceVersion)
	}
	s.cfg.Bindings.OfCluster(name, func(b *binding.Binding) { v.queue.Add(binding.Key(b)) })
}

func (s *Source) enqueue(v *view, filter func(*binding.Binding) bool) {
	s.cfg.Bindings.All(func(b *binding.Binding) {
		if filter(b) {
			v.queue.Add(binding.Key(b))
		}
	})
}

func refOf(b *binding.Binding) template.Ref {
	return template.Ref{Kind: binding.TemplateKind(b), Namespace: b.Spec.Resource.Namespace, Name: b.Spec.Resource.Name}
}

// of returns the Works of a binding, and false while that cannot be said, as the template's kind is not known yet.
func (s *Source) of(b *binding.Binding) ([]*workv1alpha1.Work, bool) {
	if b == nil || b.DeletionTimestamp != nil {
		return nil, true
	}
	tmpl, known := s.cfg.Templates.Get(refOf(b))
	if !known {
		s.cfg.Templates.Want(binding.TemplateKind(b))
		return nil, false
	}
	if tmpl == nil || tmpl.GetUID() != b.Spec.Resource.UID {
		return nil, true // placement sees the same, and the binding follows
	}
	cops, ops := s.cfg.Policies.Overrides(tmpl.GetNamespace())
	var out []*workv1alpha1.Work
	targets := binding.Targets(b)
	for _, name := range binding.Clusters(b) {
		obj, exists, err := s.cfg.Clusters.GetStore().GetByKey(name)
		if err != nil || !exists || targets[name] == nil { // an in-memory store gives no errors
			continue
		}
		out = append(out, Of(manifest.Source{
			Binding: b, Template: tmpl, Cluster: obj.(*clusterv1alpha1.Cluster), ClusterOverrides: cops, Overrides: ops,
		}))
	}
	return out, true
}

// Get returns a computed Work, or nil if no binding has one of that name.
func (s *Source) Get(ctx context.Context, namespace, name string) (*workv1alpha1.Work, error) {
	cluster, ok := Cluster(namespace)
	if !ok {
		return nil, nil
	}
	if err := s.synced(ctx); err != nil {
		return nil, err
	}
	var found *binding.Binding
	s.cfg.Bindings.OfCluster(cluster, func(b *binding.Binding) {
		if nameOf(b) == name && binding.Target(b, cluster) != nil {
			found = b
		}
	})
	if found == nil {
		return nil, nil
	}
	s.awaitKinds(ctx, binding.TemplateKind(found))
	all, known := s.of(found)
	if !known {
		return nil, apierrors.NewServiceUnavailable("the templates of " + binding.TemplateKind(found).String() + " are not known yet")
	}
	i := slices.IndexFunc(all, func(w *workv1alpha1.Work) bool { return w.Namespace == namespace })
	if i < 0 {
		return nil, nil
	}
	if v := s.active.Load(); v != nil {
		v.mu.Lock()
		defer v.mu.Unlock()
		v.stamp(all[i])
	}
	return all[i], nil
}

// List returns the Works that are selected, stored and computed. stored are those of the store, as it is now, that are
// selected; they are returned as they are.
func (s *Source) List(ctx context.Context, sel Selection, stored *workv1alpha1.WorkList, atLeast string) (*workv1alpha1.WorkList, error) {
	if _, ok := Cluster(sel.Namespace); sel.Namespace != "" && !ok {
		return stored, nil
	}
	v, err := s.view(ctx)
	if err != nil {
		return nil, err
	}
	return v.list(sel, stored, revisionOf(atLeast))
}

// WatchOptions say from where to watch and how.
type WatchOptions struct {
	// ResourceVersion is where to begin; empty or 0 begins with an event for everything that there is.
	ResourceVersion string
	// InitialEvents asks for an event for everything that there is, and for a bookmark after them.
	InitialEvents bool
	// Bookmarks asks for a bookmark now and then.
	Bookmarks bool
}

// Watch reports changes of the selected Works, stored and computed, until ctx ends. The error is 410 Expired if what has
// happened since the resource version is not known any more.
func (s *Source) Watch(ctx context.Context, sel Selection, o WatchOptions) (watch.Interface, error) {
	v, err := s.view(ctx)
	if err != nil {
		return nil, err
	}
	return v.watch(ctx, sel, o)
}

// synced waits for the caches, which are filled soon after the server's start.
func (s *Source) synced(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err := wait.PollUntilContextCancel(ctx, cachePoll, true, func(context.Context) (bool, error) {
		return s.cfg.Bindings.HasSynced() && s.cfg.Policies.HasSynced() && s.cfg.Clusters.HasSynced(), nil
	})
	if err != nil {
		return apierrors.NewServiceUnavailable("what Works are computed from is still being read")
	}
	return nil
}

// awaitKinds waits until the templates of the kinds are known, the first time that one is asked for.
func (s *Source) awaitKinds(ctx context.Context, kinds ...schema.GroupVersionKind) {
	known := func(gvk schema.GroupVersionKind) bool {
		_, ok := s.cfg.Templates.Get(template.Ref{Kind: gvk})
		return ok
	}
	s.mu.Lock()
	var missing []schema.GroupVersionKind
	for _, gvk := range kinds {
		if !s.kind[gvk] && !known(gvk) {
			missing = append(missing, gvk)
		}
		s.kind[gvk] = true
	}
	s.mu.Unlock()
	for _, gvk := range missing {
		s.cfg.Templates.Want(gvk)
	}
	ctx, cancel := context.WithTimeout(ctx, kindPatience)
	defer cancel()
	// Those that are not served are left out; should they come, a watch is told.
	_ = wait.PollUntilContextCancel(ctx, cachePoll, true, func(context.Context) (bool, error) {
		return !slices.ContainsFunc(missing, func(gvk schema.GroupVersionKind) bool { return !known(gvk) }), nil
	})
}

// view returns the memory of what was answered, and makes it if there is none.
func (s *Source) view(ctx context.Context) (*view, error) {
	if v := s.active.Load(); v != nil && v.touch() {
		return v, nil
	}
	if err := s.synced(ctx); err != nil {
		return nil, err
	}
	kinds := map[schema.GroupVersionKind]bool{}
	s.cfg.Bindings.All(func(b *binding.Binding) { kinds[binding.TemplateKind(b)] = true })
	s.awaitKinds(ctx, slices.Collect(maps.Keys(kinds))...)
	s.mu.Lock()
	defer s.mu.Unlock()
	if v := s.active.Load(); v != nil && v.touch() {
		return v, nil
	}
	if s.ctx == nil {
		return nil, apierrors.NewServiceUnavailable("the server is starting or ending")
	}
	return s.newView(ctx)
}

// keyOf is the key of a Work.
func keyOf(w *workv1alpha1.Work) types.NamespacedName {
	return types.NamespacedName{Namespace: w.Namespace, Name: w.Name}
}
