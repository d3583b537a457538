/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package admission

import (
	"context"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/client-go/tools/cache"
	fcache "k8s.io/client-go/tools/cache/testing"
	"k8s.io/utils/clock"

	policyv1alpha1 "github.com/manifold-k8s/manifold/apis/policy/v1alpha1"
	"github.com/manifold-k8s/manifold/pkg/binding"
	"github.com/manifold-k8s/manifold/pkg/local"
	"github.com/manifold-k8s/manifold/pkg/match"
	"github.com/manifold-k8s/manifold/pkg/policy"
)

// knowing returns the plugin when it knows these policies.
func knowing(t *testing.T, policies ...runtime.Object) *Claim {
	t.Helper()
	pp, op, none := fcache.NewFakeControllerSource(), fcache.NewFakeControllerSource(), fcache.NewFakeControllerSource()
	for _, p := range policies {
		switch p.(type) {
		case *policyv1alpha1.PropagationPolicy:
			pp.Add(p)
		case *policyv1alpha1.OverridePolicy:
			op.Add(p)
		}
	}
	source := func(s *fcache.FakeControllerSource) *local.Source {
		return &local.Source{ListWatch: &cache.ListWatch{ListFunc: s.List, WatchFunc: s.Watch}}
	}
	store := policy.NewStore(policy.ListWatches{
		Propagation: source(pp), ClusterPropagation: source(none), Override: source(op), ClusterOverride: source(none),
	}, clock.RealClock{})
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- store.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	if !cache.WaitForCacheSync(ctx.Done(), store.HasSynced) {
		t.Fatal("the policies are not known")
	}
	c := NewClaim()
	c.Use(store, match.Namespaces{})
	return c
}

// propagating is a policy for all ConfigMaps.
func propagating(name string, depends ...string) *policyv1alpha1.PropagationPolicy {
	p := &policyv1alpha1.PropagationPolicy{ObjectMeta: metav1.ObjectMeta{
		Namespace: "ns", Name: name, Labels: map[string]string{policyv1alpha1.PropagationPolicyPermanentIDLabel: name + "-id"},
	}}
	p.Spec.ResourceSelectors = []policyv1alpha1.ResourceSelector{{APIVersion: "v1", Kind: "ConfigMap"}}
	p.Spec.DependentOverrides = depends
	return p
}

// settings is a ConfigMap that a policy of that name has claimed; empty: none.
func settings(claimer string) *unstructured.Unstructured {
	u := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"namespace": "ns", "name": "c", "labels": map[string]any{"own": "label"}},
	}}
	if claimer != "" {
		edit(u, func(labels, annotations map[string]string) {
			binding.SetClaim(labels, annotations, &match.Policy{Kind: match.KindPropagationPolicy, Namespace: "ns", Name: claimer, PermanentID: claimer + "-id"})
		})
	}
	return u
}

func TestClaim(t *testing.T) {
	t.Parallel()
	there := &policyv1alpha1.OverridePolicy{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "o"}}
	always := propagating("z", "o")
	always.Spec.Preemption, always.Spec.Priority = policyv1alpha1.PreemptAlways, new(int32)
	*always.Spec.Priority = 1
	for name, tc := range map[string]struct {
		policies []runtime.Object
		old, now *unstructured.Unstructured // old is nil for a create
		want     string                     // the claimer
	}{
		"new":                        {[]runtime.Object{propagating("p")}, nil, settings(""), "p"},
		"nobody selects it":          {nil, nil, settings(""), ""},
		"an override is missing":     {[]runtime.Object{propagating("p", "o")}, nil, settings(""), ""},
		"no other policy steps in":   {[]runtime.Object{propagating("p", "o"), propagating("q")}, nil, settings(""), ""},
		"the override is there":      {[]runtime.Object{propagating("p", "o"), there}, nil, settings(""), "p"},
		"replaced without the marks": {[]runtime.Object{propagating("p"), propagating("a")}, settings("p"), settings(""), "p"},
		"replaced, and now missing":  {[]runtime.Object{propagating("p", "o"), propagating("a")}, settings("p"), settings(""), "p"},
		"replaced, preemptor waits":  {[]runtime.Object{propagating("p"), always}, settings("p"), settings(""), "p"},
		"replaced and preempted":     {[]runtime.Object{propagating("p"), always, there}, settings("p"), settings(""), "z"},
		"replaced, claimer gone":     {nil, settings("p"), settings(""), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			gvk := tc.now.GroupVersionKind()
			gvr := gvk.GroupVersion().WithResource("configmaps")
			operation, old := admission.Create, runtime.Object(nil)
			if tc.old != nil {
				operation, old = admission.Update, tc.old
			}
			a := admission.NewAttributesRecord(tc.now, old, gvk, "ns", "c", gvr, "", operation, nil, false, &user.DefaultInfo{})
			if err := knowing(t, tc.policies...).Admit(t.Context(), a, nil); err != nil {
				t.Fatal(err)
			}
			got := binding.ClaimOf(tc.now.GetLabels(), tc.now.GetAnnotations())
			if got.Name != tc.want || tc.now.GetLabels()["own"] != "label" {
				t.Errorf("claimed by %q, want %q; labels %v", got.Name, tc.want, tc.now.GetLabels())
			}
		})
	}
}
