/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

// Package policy gives controllers the policies as lists, from informers, and says what can be decided by them now: not
// before what has been written is known, and not in the moment in which an override policy goes.
package policy

import (
	"context"
	"slices"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/cache"
	"k8s.io/utils/clock"

	policyv1alpha1 "github.com/manifold-k8s/manifold/apis/policy/v1alpha1"
	"github.com/manifold-k8s/manifold/pkg/local"
	"github.com/manifold-k8s/manifold/pkg/match"
)

// Store holds all policies.
type Store struct {
	pp, cpp, op, cop *shelf
	departed         *departures
	line             *line
}

// ListWatches are the sources of a Store.
type ListWatches struct {
	Propagation, ClusterPropagation, Override, ClusterOverride *local.Source
}

// NewStore returns a store that holds nothing until Run.
func NewStore(lw ListWatches, clock clock.Clock) *Store {
	s := &Store{departed: newDepartures(clock)}
	put := func(source *local.Source, example runtime.Object) *shelf {
		return &shelf{written: source.Written, SharedIndexInformer: cache.NewSharedIndexInformer(source, example, 0,
			cache.Indexers{cache.NamespaceIndex: cache.MetaNamespaceIndexFunc})}
	}
	s.pp = put(lw.Propagation, &policyv1alpha1.PropagationPolicy{})
	s.cpp = put(lw.ClusterPropagation, &policyv1alpha1.ClusterPropagationPolicy{})
	s.op = put(s.departed.note(lw.Override, func() cache.Store { return s.op.GetStore() }), &policyv1alpha1.OverridePolicy{})
	s.cop = put(s.departed.note(lw.ClusterOverride, func() cache.Store { return s.cop.GetStore() }), &policyv1alpha1.ClusterOverridePolicy{})
	s.line = newLine(clock, s.shelves())
	return s
}

func (s *Store) shelves() []*shelf { return []*shelf{s.pp, s.cpp, s.op, s.cop} }

// Run keeps the store up to date until ctx ends.
func (s *Store) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	for _, i := range s.shelves() {
		wg.Go(func() { i.RunWithContext(ctx) })
	}
	wg.Go(func() { s.line.run(ctx) })
	wg.Wait()
	return nil
}

// HasSynced reports whether the store holds all policies that there were when it started.
func (s *Store) HasSynced() bool {
	return s.pp.HasSynced() && s.cpp.HasSynced() && s.op.HasSynced() && s.cop.HasSynced()
}

// Selection is what a policy selects: Namespace is empty for a cluster-wide policy, and no selectors mean everything.
type Selection struct {
	Namespace string
	Name      string // of the policy
	Selectors []policyv1alpha1.ResourceSelector
}

// SelectionOf returns what a policy selects. It is false for what is no policy.
func SelectionOf(obj any) (Selection, bool) {
	switch p := obj.(type) {
	case *policyv1alpha1.PropagationPolicy:
		return Selection{p.Namespace, p.Name, p.Spec.ResourceSelectors}, true
	case *policyv1alpha1.ClusterPropagationPolicy:
		return Selection{"", p.Name, p.Spec.ResourceSelectors}, true
	case *policyv1alpha1.OverridePolicy:
		return Selection{p.Namespace, p.Name, p.Spec.ResourceSelectors}, true
	case *policyv1alpha1.ClusterOverridePolicy:
		return Selection{"", p.Name, p.Spec.ResourceSelectors}, true
	}
	return Selection{}, false
}

// Covers reports whether a change of a policy with this selection may concern t.
func (s Selection) Covers(t match.Template) bool {
	if s.Namespace != "" && s.Namespace != t.Namespace {
		return false
	}
	return len(s.Selectors) == 0 || match.Selects(s.Selectors, t) != match.StrengthNone
}

// OnPropagationChange calls f after every change of a propagation policy, with what it selected before and selects now.
// f must return quickly.
func (s *Store) OnPropagationChange(f func(...Selection)) error {
	return on(f, s.pp, s.cpp)
}

// OnOverrideChange does the same for override policies.
func (s *Store) OnOverrideChange(f func(...Selection)) error {
	return on(f, s.op, s.cop)
}

func on(f func(...Selection), shelves ...*shelf) error {
	tell := func(obj any) {
		if d, ok := obj.(cache.DeletedFinalStateUnknown); ok {
			obj = d.Obj
		}
		if s, ok := SelectionOf(obj); ok {
			f(s)
		}
	}
	handler := cache.ResourceEventHandlerFuncs{
		AddFunc:    tell,
		DeleteFunc: tell,
		UpdateFunc: func(old, now any) {
			a, _ := SelectionOf(old)
			if b, ok := SelectionOf(now); ok {
				f(a, b)
			}
		},
	}
	for _, s := range shelves {
		if _, err := s.AddEventHandler(handler); err != nil {
			return err
		}
	}
	return nil
}

// Propagation returns the propagation policies that may govern templates of a namespace, which must not be changed.
func (s *Store) Propagation(namespace string) ([]*policyv1alpha1.PropagationPolicy, []*policyv1alpha1.ClusterPropagationPolicy) {
	return inNamespace[*policyv1alpha1.PropagationPolicy](s.pp, namespace), local.All[*policyv1alpha1.ClusterPropagationPolicy](s.cpp.GetStore())
}

// Overrides returns the override policies that may apply to templates of a namespace, which must not be changed.
func (s *Store) Overrides(namespace string) ([]*policyv1alpha1.ClusterOverridePolicy, []*policyv1alpha1.OverridePolicy) {
	return local.All[*policyv1alpha1.ClusterOverridePolicy](s.cop.GetStore()), inNamespace[*policyv1alpha1.OverridePolicy](s.op, namespace)
}

// Dependents returns what those propagation policies select that depend on the override policy of that name: for an
// OverridePolicy, the PropagationPolicies of its namespace, for a ClusterOverridePolicy, whose namespace is empty, the
// ClusterPropagationPolicies.
func (s *Store) Dependents(namespace, name string) []Selection {
	var out []Selection
	add := func(p any, spec *policyv1alpha1.PropagationSpec) {
		if selection, ok := SelectionOf(p); ok && slices.Contains(spec.DependentOverrides, name) {
			out = append(out, selection)
		}
	}
	for _, p := range inNamespace[*policyv1alpha1.PropagationPolicy](s.pp, namespace) {
		add(p, &p.Spec)
	}
	if namespace != "" {
		return out
	}
	for _, p := range local.All[*policyv1alpha1.ClusterPropagationPolicy](s.cpp.GetStore()) {
		add(p, &p.Spec)
	}
	return out
}

// Has reports whether the policy that a claim names is there: the one with that permanent id, and not under deletion.
func (s *Store) Has(c match.Claim) bool {
	shelf, key, label := s.cpp, c.Name, policyv1alpha1.ClusterPropagationPolicyPermanentIDLabel
	if c.Kind == match.KindPropagationPolicy {
		shelf, key, label = s.pp, c.Namespace+"/"+c.Name, policyv1alpha1.PropagationPolicyPermanentIDLabel
	}
	obj, exists, err := shelf.GetStore().GetByKey(key)
	if err != nil || !exists { // an in-memory store gives no errors
		return false
	}
	p, ok := obj.(metav1.Object)
	return ok && p.GetDeletionTimestamp() == nil && p.GetLabels()[label] == c.PermanentID
}

func inNamespace[T any](i cache.SharedIndexInformer, namespace string) []T {
	if namespace == "" {
		return nil
	}
	objs, err := i.GetIndexer().ByIndex(cache.NamespaceIndex, namespace)
	if err != nil {
		return nil // the index is made above
	}
	return local.As[T](objs)
}
