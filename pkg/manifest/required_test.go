/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package manifest

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	clusterv1alpha1 "github.com/manifold-k8s/manifold/apis/cluster/v1alpha1"
	policyv1alpha1 "github.com/manifold-k8s/manifold/apis/policy/v1alpha1"
	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
	"github.com/manifold-k8s/manifold/pkg/binding"
)

// Where a workload is only because others need it, it has no share of what is divided: its own numbers hold.
func TestNoShareWhereOnlyRequired(t *testing.T) {
	t.Parallel()
	job := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "batch/v1", "kind": "Job", "metadata": map[string]any{"name": "j", "namespace": "ns", "uid": "ju"},
		"spec": map[string]any{"parallelism": int64(4), "completions": int64(8), "template": map[string]any{"spec": map[string]any{}}},
	}}
	b := &binding.Binding{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "j-job"}}
	b.Spec.Replicas = 4
	b.Spec.Placement = &policyv1alpha1.Placement{ReplicaScheduling: &policyv1alpha1.ReplicaSchedulingStrategy{
		ReplicaSchedulingType: policyv1alpha1.ReplicaSchedulingTypeDivided,
	}}
	b.Spec.Clusters = []workv1alpha2.TargetCluster{{Name: "a", Replicas: 1}, {Name: "b", Replicas: 3}}
	b.Spec.RequiredBy = []workv1alpha2.BindingSnapshot{{Namespace: "ns", Name: "x", Clusters: []workv1alpha2.TargetCluster{{Name: "b", Replicas: 9}, {Name: "c", Replicas: 9}}}}
	for cluster, want := range map[string][2]int64{"a": {1, 2}, "b": {3, 6}, "c": {4, 8}} {
		m, err := Of(Source{Binding: b, Template: job, Cluster: &clusterv1alpha1.Cluster{ObjectMeta: metav1.ObjectMeta{Name: cluster}}})
		if err != nil {
			t.Fatal(err)
		}
		parallelism, _, _ := unstructured.NestedInt64(m.Object, "spec", "parallelism") // 0 is wrong, too
		completions, _, _ := unstructured.NestedInt64(m.Object, "spec", "completions")
		if got := [2]int64{parallelism, completions}; got != want {
			t.Errorf("%s: parallelism and completions %v, want %v", cluster, got, want)
		}
	}
}
