/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package placement

import (
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	clusterv1alpha1 "github.com/manifold-k8s/manifold/apis/cluster/v1alpha1"
	policyv1alpha1 "github.com/manifold-k8s/manifold/apis/policy/v1alpha1"
	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
	"github.com/manifold-k8s/manifold/pkg/binding"
	"github.com/manifold-k8s/manifold/pkg/match"
)

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// deployment is a template with that many replicas.
func deployment(replicas int64) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "apps/v1", "kind": "Deployment",
		"metadata": map[string]any{"name": "web", "namespace": "ns", "uid": "u1", "resourceVersion": "7", "generation": int64(1)},
		"spec": map[string]any{
			"replicas": replicas,
			"template": map[string]any{"spec": map[string]any{"containers": []any{map[string]any{
				"name": "c", "resources": map[string]any{"requests": map[string]any{"cpu": "100m"}},
			}}}},
		},
	}}
}

func namespace(name string, labels map[string]string) *unstructured.Unstructured {
	ns := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": name, "uid": "n1", "resourceVersion": "3"},
	}}
	ns.SetLabels(labels)
	return ns
}

// cluster is a member that serves Deployments and Namespaces.
func cluster(name string, change ...func(*clusterv1alpha1.Cluster)) *clusterv1alpha1.Cluster {
	c := &clusterv1alpha1.Cluster{ObjectMeta: metav1.ObjectMeta{Name: name, Generation: 1}}
	c.Status.APIEnablements = []clusterv1alpha1.APIEnablement{
		{GroupVersion: "apps/v1", Resources: []clusterv1alpha1.APIResource{{Name: "deployments", Kind: "Deployment"}}},
		{GroupVersion: "v1", Resources: []clusterv1alpha1.APIResource{{Name: "namespaces", Kind: "Namespace"}}},
	}
	c.Status.Conditions = []metav1.Condition{
		{Type: clusterv1alpha1.ClusterConditionCompleteAPIEnablements, Status: metav1.ConditionTrue},
	}
	for _, f := range change {
		f(c)
	}
	return c
}

func clusters(names ...string) (out []*clusterv1alpha1.Cluster) {
	for _, n := range names {
		out = append(out, cluster(n))
	}
	return out
}

func deleting(c *clusterv1alpha1.Cluster) { c.DeletionTimestamp = &metav1.Time{Time: start} }

// governed is a policy of that placement; conflictResolution is what the API's defaults make of it.
func governed(p policyv1alpha1.Placement, change ...func(*policyv1alpha1.PropagationSpec)) Governor {
	spec := &policyv1alpha1.PropagationSpec{
		Placement: p, SchedulerName: policyv1alpha1.DefaultSchedulerName, ConflictResolution: policyv1alpha1.ConflictAbort,
	}
	for _, f := range change {
		f(spec)
	}
	return Governor{Policy: &match.Policy{
		Kind: match.KindPropagationPolicy, Namespace: "ns", Name: "p", UID: "pu", PermanentID: "pid", Spec: spec,
	}}
}

func only(names ...string) *policyv1alpha1.ClusterAffinity {
	return &policyv1alpha1.ClusterAffinity{ClusterNames: names}
}

var (
	duplicated = policyv1alpha1.Placement{}
	divided    = policyv1alpha1.Placement{ReplicaScheduling: &policyv1alpha1.ReplicaSchedulingStrategy{
		ReplicaSchedulingType:     policyv1alpha1.ReplicaSchedulingTypeDivided,
		ReplicaDivisionPreference: policyv1alpha1.ReplicaDivisionPreferenceWeighted,
	}}
)

// stored does with a binding what a write to the API does to one that has changed.
func stored(old, next *binding.Binding) *binding.Binding {
	out := next.DeepCopy()
	switch {
	case old == nil:
		out.Generation, out.UID, out.ResourceVersion = 1, types.UID("b"), "1"
		out.Labels[workv1alpha2.ResourceBindingPermanentIDLabel] = "bid"
	case !sameSpec(old, next):
		out.Generation = old.Generation + 1
	}
	if out.Spec.ConflictResolution == "" {
		out.Spec.ConflictResolution = policyv1alpha1.ConflictAbort
	}
	return out
}

// place decides about in as often as there are steps, each on what the one before has stored.
func place(in Input, steps ...func(*Input)) (old, next *binding.Binding, d Decision) {
	if in.Now.IsZero() {
		in.Now = start
	}
	next, d = Decide(in)
	for _, change := range steps {
		old = stored(in.Old, next)
		in.Old = old
		in.Now = in.Now.Add(time.Hour)
		change(&in)
		next, d = Decide(in)
	}
	return in.Old, next, d
}

// shares writes targets the short way.
func shares(b *binding.Binding) string {
	out := ""
	for _, t := range b.Spec.Clusters {
		out += fmt.Sprintf("%s=%d ", t.Name, t.Replicas)
	}
	return out
}
