/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

// Package binding gives controllers one view of ResourceBindings and ClusterResourceBindings: both are bindings, of a
// template in a namespace or of a cluster-wide one, whose namespace is then empty.
package binding

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"

	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
)

// Binding is a ResourceBinding, or a ClusterResourceBinding in its shape, with an empty namespace.
type Binding = workv1alpha2.ResourceBinding

// Writer writes bindings of one scope, spec and status in one write.
type Writer[T any] interface {
	Create(ctx context.Context, b T) (T, error)
	Update(ctx context.Context, b T) (T, error)
	Delete(ctx context.Context, b T) error
	// Get reads past every cache.
	Get(ctx context.Context, namespace, name string) (T, error)
}

// Name returns the name of the binding of a template, which is part of the wire format. Neither group nor version are in
// it, so that two kinds of equal name share it.
func Name(template, kind string) string {
	return strings.ToLower(strings.ReplaceAll(template, ":", ".") + "-" + kind)
}

// Revision identifies a binding and its generation, which every change of its spec raises, and the beginning of its
// deletion.
func Revision(b *Binding) string { return fmt.Sprintf("%s/%d", b.UID, b.Generation) }

// KeyOf returns the key of the binding of a template.
func KeyOf(namespace, template, kind string) types.NamespacedName {
	return types.NamespacedName{Namespace: namespace, Name: Name(template, kind)}
}

// Key returns the key of b.
func Key(b *Binding) types.NamespacedName {
	return types.NamespacedName{Namespace: b.Namespace, Name: b.Name}
}

// TemplateKind returns the kind of the template of b.
func TemplateKind(b *Binding) schema.GroupVersionKind {
	return schema.FromAPIVersionAndKind(b.Spec.Resource.APIVersion, b.Spec.Resource.Kind)
}

// Clusters returns every cluster that may hold a copy: the targets, and those that the status still lists because a copy
// has not been confirmed gone. Nothing else does, as no copy is sent before its cluster stands in the spec, and none is
// dropped from the spec without standing in the status.
func Clusters(b *Binding) []string {
	out := make([]string, 0, len(b.Spec.Clusters))
	for i := range b.Spec.Clusters {
		out = append(out, b.Spec.Clusters[i].Name)
	}
	seen := func(cluster string) bool { return Target(b, cluster) != nil }
	if len(b.Spec.RequiredBy) > 0 {
		required, targets := required(b)
		out = append(out, required...)
		seen = func(cluster string) bool { return targets[cluster] != nil }
	}
	for i := range b.Status.AggregatedStatus {
		if n := b.Status.AggregatedStatus[i].ClusterName; !seen(n) {
			out = append(out, n)
		}
	}
	return out
}

// Target returns what a cluster should hold, or nil if that is nothing: its entry in the spec; or, where only other
// bindings need the template, as many replicas as it says itself.
func Target(b *Binding, cluster string) *workv1alpha2.TargetCluster {
	for i := range b.Spec.Clusters {
		if b.Spec.Clusters[i].Name == cluster {
			return &b.Spec.Clusters[i]
		}
	}
	if Required(b, cluster) {
		return &workv1alpha2.TargetCluster{Name: cluster, Replicas: b.Spec.Replicas}
	}
	return nil
}

// Targets returns the targets of all clusters, as Target does one.
func Targets(b *Binding) map[string]*workv1alpha2.TargetCluster {
	_, targets := required(b)
	return targets
}

// required returns all targets, and the clusters, in the order in which they are named, where the template is placed only
// because other bindings need it.
func required(b *Binding) (clusters []string, targets map[string]*workv1alpha2.TargetCluster) {
	targets = make(map[string]*workv1alpha2.TargetCluster, len(b.Spec.Clusters))
	for i := range b.Spec.Clusters {
		targets[b.Spec.Clusters[i].Name] = &b.Spec.Clusters[i]
	}
	for i := range b.Spec.RequiredBy {
		for j := range b.Spec.RequiredBy[i].Clusters {
			if name := b.Spec.RequiredBy[i].Clusters[j].Name; targets[name] == nil {
				targets[name] = &workv1alpha2.TargetCluster{Name: name, Replicas: b.Spec.Replicas}
				clusters = append(clusters, name)
			}
		}
	}
	return clusters, targets
}

// Required reports whether other bindings need the template in that cluster.
func Required(b *Binding, cluster string) bool {
	for i := range b.Spec.RequiredBy {
		for j := range b.Spec.RequiredBy[i].Clusters {
			if b.Spec.RequiredBy[i].Clusters[j].Name == cluster {
				return true
			}
		}
	}
	return false
}

// PermanentID returns the identity that the copies in the members carry.
func PermanentID(b *Binding) string {
	if b.Namespace == "" {
		return b.Labels[workv1alpha2.ClusterResourceBindingPermanentIDLabel]
	}
	return b.Labels[workv1alpha2.ResourceBindingPermanentIDLabel]
}

// Finalizer returns the finalizer that holds a binding until its copies are gone.
func Finalizer(namespace string) string {
	if namespace == "" {
		return workv1alpha2.ClusterResourceBindingFinalizer
	}
	return workv1alpha2.ResourceBindingFinalizer
}

// Store reads bindings from informers and writes them.
type Store struct {
	namespaced, clusterWide cache.SharedIndexInformer
	writeNamespaced         Writer[*workv1alpha2.ResourceBinding]
	writeClusterWide        Writer[*workv1alpha2.ClusterResourceBinding]
	listeners               []cache.ResourceEventHandlerRegistration
}

// byCluster indexes bindings by the clusters that may hold a copy.
const byCluster = "cluster"

// NewStore returns a store over list-watches and writers of the two kinds. It holds nothing until Run.
func NewStore(rb, crb cache.ListerWatcher, rbs Writer[*workv1alpha2.ResourceBinding], crbs Writer[*workv1alpha2.ClusterResourceBinding]) *Store {
	index := cache.Indexers{
		byCluster:   func(obj any) ([]string, error) { return Clusters(view(obj)), nil },
		byReference: func(obj any) ([]string, error) { return referenceKeys(view(obj)), nil },
		byRequirer:  func(obj any) ([]string, error) { return requirerKeys(view(obj)), nil },
	}
	return &Store{
		namespaced:       cache.NewSharedIndexInformer(rb, &workv1alpha2.ResourceBinding{}, 0, index),
		clusterWide:      cache.NewSharedIndexInformer(crb, &workv1alpha2.ClusterResourceBinding{}, 0, index),
		writeNamespaced:  rbs,
		writeClusterWide: crbs,
	}
}

// view returns obj as a Binding that shares its memory.
func view(obj any) *Binding {
	switch b := obj.(type) {
	case *workv1alpha2.ResourceBinding:
		return b
	case *workv1alpha2.ClusterResourceBinding:
		return &Binding{ObjectMeta: b.ObjectMeta, Spec: b.Spec, Status: b.Status}
	case cache.DeletedFinalStateUnknown:
		return view(b.Obj)
	}
	return &Binding{}
}

func clusterWide(b *Binding) *workv1alpha2.ClusterResourceBinding {
	return &workv1alpha2.ClusterResourceBinding{ObjectMeta: b.ObjectMeta, Spec: b.Spec, Status: b.Status}
}

// Run keeps the store up to date until ctx ends.
func (s *Store) Run(ctx context.Context) error {
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.namespaced.RunWithContext(ctx)
	}()
	s.clusterWide.RunWithContext(ctx)
	<-done
	return nil
}

// HasSynced reports whether the store holds everything that there was when it started, and all listeners were told.
func (s *Store) HasSynced() bool {
	behind := func(l cache.ResourceEventHandlerRegistration) bool { return !l.HasSynced() }
	return s.namespaced.HasSynced() && s.clusterWide.HasSynced() && !slices.ContainsFunc(s.listeners, behind)
}

// OnChange calls f after every change of a binding, with what it was before and is now; one of them is nil when it was
// created or is gone. f must return quickly and change nothing. Until HasSynced, what it is told is what there was before.
// OnChange must be called before Run.
func (s *Store) OnChange(f func(old, now *Binding)) error {
	h := cache.ResourceEventHandlerFuncs{
		AddFunc:    func(obj any) { f(nil, view(obj)) },
		UpdateFunc: func(old, now any) { f(view(old), view(now)) },
		DeleteFunc: func(obj any) { f(view(obj), nil) },
	}
	for _, i := range []cache.SharedIndexInformer{s.namespaced, s.clusterWide} {
		l, err := i.AddEventHandler(h)
		if err != nil {
			return err
		}
		s.listeners = append(s.listeners, l)
	}
	return nil
}

// Get returns a binding, which must not be changed, or nil.
func (s *Store) Get(key types.NamespacedName) *Binding {
	informer, name := s.namespaced, key.String()
	if key.Namespace == "" {
		informer, name = s.clusterWide, key.Name
	}
	obj, ok, err := informer.GetStore().GetByKey(name)
	if err != nil || !ok { // an in-memory store gives no errors
		return nil
	}
	return view(obj)
}

// All calls f for every binding, in the order of their names.
func (s *Store) All(f func(*Binding)) {
	for _, i := range []cache.SharedIndexInformer{s.namespaced, s.clusterWide} {
		keys := i.GetStore().ListKeys()
		slices.Sort(keys)
		for _, key := range keys {
			if obj, ok, err := i.GetStore().GetByKey(key); ok && err == nil {
				f(view(obj))
			}
		}
	}
}

// Len is how many bindings there are.
func (s *Store) Len() int {
	return len(s.namespaced.GetStore().ListKeys()) + len(s.clusterWide.GetStore().ListKeys())
}

// OfCluster calls f for every binding of which that cluster may hold a copy.
func (s *Store) OfCluster(cluster string, f func(*Binding)) {
	for _, i := range []cache.SharedIndexInformer{s.namespaced, s.clusterWide} {
		objs, err := i.GetIndexer().ByIndex(byCluster, cluster)
		if err != nil {
			continue // the index is made above
		}
		for _, obj := range objs {
			f(view(obj))
		}
	}
}

// Create stores a new binding, spec and status.
func (s *Store) Create(ctx context.Context, b *Binding) (*Binding, error) {
	if b.Namespace == "" {
		out, err := s.writeClusterWide.Create(ctx, clusterWide(b))
		return result(out, err)
	}
	return s.writeNamespaced.Create(ctx, b)
}

// Update replaces a binding, spec and status, if it still has b's resourceVersion.
func (s *Store) Update(ctx context.Context, b *Binding) (*Binding, error) {
	if b.Namespace == "" {
		out, err := s.writeClusterWide.Update(ctx, clusterWide(b))
		return result(out, err)
	}
	return s.writeNamespaced.Update(ctx, b)
}

func result(b *workv1alpha2.ClusterResourceBinding, err error) (*Binding, error) {
	if err != nil {
		return nil, err
	}
	return view(b), nil
}

// Delete asks for the deletion of exactly this binding (by UID). Its finalizer holds it until all copies are gone.
func (s *Store) Delete(ctx context.Context, b *Binding) error {
	if b.Namespace == "" {
		return s.writeClusterWide.Delete(ctx, clusterWide(b))
	}
	return s.writeNamespaced.Delete(ctx, b)
}

// Live reads a binding past every cache.
func (s *Store) Live(ctx context.Context, key types.NamespacedName) (*Binding, error) {
	if key.Namespace == "" {
		return result(s.writeClusterWide.Get(ctx, "", key.Name))
	}
	return s.writeNamespaced.Get(ctx, key.Namespace, key.Name)
}

// UsesCluster reports whether that cluster may hold a copy of anything.
func (s *Store) UsesCluster(cluster string) bool {
	used := false
	s.OfCluster(cluster, func(*Binding) { used = true })
	return used
}
