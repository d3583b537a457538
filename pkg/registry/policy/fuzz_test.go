/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package policy_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	clusterv1alpha1 "github.com/manifold-k8s/manifold/apis/cluster/v1alpha1"
	policyv1alpha1 "github.com/manifold-k8s/manifold/apis/policy/v1alpha1"
	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
	"github.com/manifold-k8s/manifold/pkg/binding"
	"github.com/manifold-k8s/manifold/pkg/manifest"
	"github.com/manifold-k8s/manifold/pkg/match"
	"github.com/manifold-k8s/manifold/pkg/placement"
)

// FuzzPolicies makes a propagation and an override policy of every shape. Whatever the door lets in, matching, scheduling and
// rendering can do with: they do not panic, give what they promise, and the same when they are asked again.
func FuzzPolicies(f *testing.F) {
	for _, seed := range []string{"", "a", "a policy", "0123456789 and some more to choose by", "\x00\xff\x10\x80\x01 and so on, and so on"} {
		f.Add([]byte(seed))
	}
	d := open(f)
	f.Fuzz(func(t *testing.T, choices []byte) {
		fill := newFiller(choices)
		pp := &policyv1alpha1.PropagationPolicy{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "p"}}
		op := &policyv1alpha1.OverridePolicy{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "o"}}
		fill.Fill(&pp.Spec)
		fill.Fill(&op.Spec)
		if !d.admits(t, "pp", pp) {
			return
		}
		overrides := []*policyv1alpha1.OverridePolicy{op}
		if !d.admits(t, "op", op) {
			overrides = nil
		}
		for _, tmpl := range templates() {
			before := tmpl.DeepCopy()
			policies := placement.Policies{Namespaced: []*policyv1alpha1.PropagationPolicy{pp}}
			governor := placement.Govern(tmpl.GroupVersionKind(), tmpl, policies, match.Namespaces{})
			if governor.Any() {
				b := checkPlacement(t, placement.Input{Template: tmpl, Governor: governor, Clusters: clusters(), Now: time.Unix(1000, 0)})
				checkManifests(t, b, tmpl, overrides)
			}
			if diff := cmp.Diff(before, tmpl); diff != "" {
				t.Errorf("the template is changed (-before +after):\n%s", diff)
			}
		}
	})
}

// admits reports whether the policy is let in, and checks that a refusal is one of validation, and that letting it in once
// more changes nothing.
func (d *door) admits(t *testing.T, kind string, obj metaObject) bool {
	t.Helper()
	if _, err := d.create(t.Context(), kind, obj); err != nil {
		if !apierrors.IsInvalid(err) {
			t.Errorf("%s: %v", kind, err)
		}
		return false
	}
	obj.SetResourceVersion("1")
	again := obj.DeepCopyObject().(metaObject)
	if _, err := d.update(t.Context(), kind, again, obj); err != nil {
		t.Errorf("%s is admitted once and not again: %v", kind, err)
	}
	if diff := cmp.Diff(obj, again); diff != "" {
		t.Errorf("%s: the second admission changes (-first +second):\n%s", kind, diff)
	}
	return true
}

// checkPlacement decides, and checks what a decision has to be like.
func checkPlacement(t *testing.T, in placement.Input) *binding.Binding {
	t.Helper()
	b, decision := placement.Decide(in)
	var sum int32
	for i, target := range b.Spec.Clusters {
		sum += target.Replicas
		if i > 0 && b.Spec.Clusters[i-1].Name >= target.Name || target.Name < "m1" || target.Name > "m3" || target.Replicas < 0 {
			t.Errorf("targets: %v", b.Spec.Clusters)
		}
	}
	scheduling := in.Governor.Policy.Spec.Placement.ReplicaScheduling
	divided := scheduling != nil && scheduling.ReplicaSchedulingType == policyv1alpha1.ReplicaSchedulingTypeDivided
	placed := decision.Result.Reason == workv1alpha2.BindingReasonSuccess
	if placed && divided && b.Spec.Replicas > 0 && sum != b.Spec.Replicas {
		t.Errorf("%d replicas are divided into %v", b.Spec.Replicas, b.Spec.Clusters)
	}
	if other, _ := placement.Decide(in); !cmp.Equal(b.Spec, other.Spec) {
		t.Errorf("decided otherwise when asked again (-first +second):\n%s", cmp.Diff(b.Spec, other.Spec))
	}
	in.Old = b
	if next, _ := placement.Decide(in); placed && !cmp.Equal(b.Spec, next.Spec) {
		t.Errorf("decided otherwise when nothing has changed (-before +after):\n%s", cmp.Diff(b.Spec, next.Spec))
	}
	return b
}

// checkManifests renders for every target, twice.
func checkManifests(t *testing.T, b *binding.Binding, tmpl *unstructured.Unstructured, overrides []*policyv1alpha1.OverridePolicy) {
	t.Helper()
	for _, c := range clusters() {
		if binding.Target(b, c.Name) == nil {
			continue
		}
		source := manifest.Source{Binding: b, Template: tmpl, Cluster: c, Overrides: overrides}
		first, err := manifest.Of(source)
		second, again := manifest.Of(source)
		if (err == nil) != (again == nil) || !cmp.Equal(first, second) {
			t.Errorf("rendered otherwise when asked again: %v, %v (-first +second):\n%s", err, again, cmp.Diff(first, second))
		}
		if err == nil && (first.GetName() != tmpl.GetName() || first.GetNamespace() != tmpl.GetNamespace() || first.GroupVersionKind() != tmpl.GroupVersionKind()) {
			t.Errorf("rendered %s %s/%s", first.GroupVersionKind(), first.GetNamespace(), first.GetName())
		}
		if (err == nil) != (first != nil) {
			t.Errorf("a manifest, or an error, not both: %v, %v", first, err)
		}
	}
}

func templates() []*unstructured.Unstructured {
	meta := func() map[string]any {
		return map[string]any{"name": "web", "namespace": "shop", "uid": "u", "resourceVersion": "7", "generation": int64(1), "labels": map[string]any{"a": "x"}}
	}
	return []*unstructured.Unstructured{
		{Object: map[string]any{
			"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta(),
			"spec": map[string]any{"replicas": int64(7), "template": map[string]any{"spec": map[string]any{"containers": []any{map[string]any{
				"name": "a", "image": "nginx:1", "args": []any{"x"}, "resources": map[string]any{"requests": map[string]any{"cpu": "100m"}},
			}}}}},
		}},
		{Object: map[string]any{
			"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta(), "data": map[string]any{"x": `{"a":{"b":[1]}}`, "y": "a: {b: [1]}"},
		}},
	}
}

// clusters are three members that differ in all that policies may look at.
func clusters() []*clusterv1alpha1.Cluster {
	var out []*clusterv1alpha1.Cluster
	for i, name := range []string{"m1", "m2", "m3"} {
		c := &clusterv1alpha1.Cluster{ObjectMeta: metav1.ObjectMeta{Name: name, Generation: 1, Labels: map[string]string{"a": []string{"x", "y", "x"}[i]}}}
		c.Spec.Region, c.Spec.Provider, c.Spec.Zones = []string{"x", "y", ""}[i], "x", []string{"x", "y"}[:i]
		if i == 2 {
			c.Spec.Taints = []corev1.Taint{{Key: "a", Value: "x", Effect: corev1.TaintEffectNoSchedule}}
		}
		c.Status.APIEnablements = []clusterv1alpha1.APIEnablement{
			{GroupVersion: "apps/v1", Resources: []clusterv1alpha1.APIResource{{Name: "deployments", Kind: "Deployment"}}},
			{GroupVersion: "v1", Resources: []clusterv1alpha1.APIResource{{Name: "configmaps", Kind: "ConfigMap"}}},
		}
		c.Status.Conditions = []metav1.Condition{
			{Type: clusterv1alpha1.ClusterConditionCompleteAPIEnablements, Status: metav1.ConditionTrue},
			{Type: clusterv1alpha1.ClusterConditionReady, Status: metav1.ConditionTrue},
		}
		c.Status.ResourceSummary = &clusterv1alpha1.ResourceSummary{Allocatable: corev1.ResourceList{
			corev1.ResourceCPU: resource.MustParse([]string{"300m", "1", "400m"}[i]), corev1.ResourcePods: resource.MustParse("10"),
		}}
		out = append(out, c)
	}
	return out
}
