/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package explain

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	clusterv1alpha1 "github.com/manifold-k8s/manifold/apis/cluster/v1alpha1"
	policyv1alpha1 "github.com/manifold-k8s/manifold/apis/policy/v1alpha1"
	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
	"github.com/manifold-k8s/manifold/pkg/binding"
	"github.com/manifold-k8s/manifold/pkg/placement"
)

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// parse reads a manifest into T.
func parse[T any](t *testing.T, text string) *T {
	t.Helper()
	out := new(T)
	if err := yaml.UnmarshalStrict([]byte(text), out); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return out
}

func object(t *testing.T, text string) *unstructured.Unstructured {
	t.Helper()
	data, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	u := &unstructured.Unstructured{}
	if err := u.UnmarshalJSON(data); err != nil {
		t.Fatal(err)
	}
	return u
}

func deployment(t *testing.T, replicas int) *unstructured.Unstructured {
	t.Helper()
	return object(t, fmt.Sprintf(`
apiVersion: apps/v1
kind: Deployment
metadata: {name: nginx, namespace: default, uid: u1, resourceVersion: "7", generation: 1, labels: {app: nginx}}
spec:
  replicas: %d
  selector: {matchLabels: {app: nginx}}
  template:
    metadata: {labels: {app: nginx}}
    spec: {containers: [{name: nginx, image: "nginx:1.19.3"}]}
status: {replicas: 3}`, replicas))
}

const (
	selectsNginx = "{apiVersion: apps/v1, kind: Deployment, name: nginx, namespace: default}"
	oneToTwo     = `{clusterAffinity: {clusterNames: [member1, member2]}, replicaScheduling: {replicaSchedulingType: Divided, replicaDivisionPreference: Weighted,
  weightPreference: {staticWeightList: [{targetCluster: {clusterNames: [member1]}, weight: 1}, {targetCluster: {clusterNames: [member2]}, weight: 2}]}}}`
)

func policy(t *testing.T, name, selectors, placement string, more ...string) *policyv1alpha1.PropagationPolicy {
	t.Helper()
	text := fmt.Sprintf("metadata: {name: %s, namespace: default, labels: {%s: id-%[1]s}}\nspec:\n  conflictResolution: Abort\n  resourceSelectors: [%[3]s]\n  placement: %s\n",
		name, policyv1alpha1.PropagationPolicyPermanentIDLabel, selectors, placement)
	for _, m := range more {
		text += "  " + m + "\n"
	}
	return parse[policyv1alpha1.PropagationPolicy](t, text)
}

func clusterPolicy(t *testing.T, name, selectors string) *policyv1alpha1.ClusterPropagationPolicy {
	t.Helper()
	return parse[policyv1alpha1.ClusterPropagationPolicy](t, fmt.Sprintf("metadata: {name: %s}\nspec: {resourceSelectors: [%s]}", name, selectors))
}

// cluster is a member that serves Deployments, ConfigMaps, Secrets and Namespaces.
func cluster(name string) *clusterv1alpha1.Cluster {
	c := &clusterv1alpha1.Cluster{ObjectMeta: metav1.ObjectMeta{Name: name, Generation: 1}}
	c.Status.APIEnablements = []clusterv1alpha1.APIEnablement{
		{GroupVersion: "apps/v1", Resources: []clusterv1alpha1.APIResource{{Name: "deployments", Kind: "Deployment"}}},
		{GroupVersion: "v1", Resources: []clusterv1alpha1.APIResource{{Kind: "ConfigMap"}, {Kind: "Secret"}, {Kind: "Namespace"}}},
	}
	c.Status.Conditions = []metav1.Condition{{Type: clusterv1alpha1.ClusterConditionCompleteAPIEnablements, Status: metav1.ConditionTrue}}
	return c
}

func clusters(names ...string) (out []*clusterv1alpha1.Cluster) {
	for _, n := range names {
		out = append(out, cluster(n))
	}
	return out
}

// demo is the example of the README before it is placed: a Deployment over member1 and member2 at 1:2, whose image differs
// in member2.
func demo(t *testing.T) Input {
	t.Helper()
	return Input{
		Template: deployment(t, 3),
		Policies: placement.Policies{Namespaced: []*policyv1alpha1.PropagationPolicy{policy(t, "example-policy", selectsNginx, oneToTwo)}},
		Overrides: []*policyv1alpha1.OverridePolicy{parse[policyv1alpha1.OverridePolicy](t, `
metadata: {name: member2-registry, namespace: default}
spec:
  resourceSelectors: [`+selectsNginx+`]
  overrideRules:
  - targetCluster: {clusterNames: [member2]}
    overriders: {imageOverrider: [{component: Registry, operator: add, value: registry.eu.example.com}]}`)},
		Clusters: clusters("member1", "member2", "member3"),
		Now:      start,
	}
}

// settle places the template as it would be now, and has all targets apply it.
func settle(t *testing.T, in Input) Input {
	t.Helper()
	governor := placement.Govern(in.Template.GroupVersionKind(), in.Template, in.Policies, in.Skipped)
	if !governor.Any() && len(in.Requirers) == 0 {
		t.Fatal("nobody decides about the template")
	}
	b, _ := placement.Decide(placement.Input{
		Template: in.Template, Governor: governor, Old: in.Binding, Clusters: in.Clusters, Requirers: in.Requirers, Now: in.Now,
	})
	b.Labels[workv1alpha2.ResourceBindingPermanentIDLabel] = "rb-id"
	b.Generation, b.UID = 1, "b1"
	b.Status.AggregatedStatus = nil
	for _, c := range slices.Sorted(maps.Keys(binding.Targets(b))) {
		b.Status.AggregatedStatus = append(b.Status.AggregatedStatus, workv1alpha2.AggregatedStatusItem{
			ClusterName: c, Applied: true, Health: workv1alpha2.ResourceHealthy,
		})
	}
	meta.SetStatusCondition(&b.Status.Conditions, metav1.Condition{Type: workv1alpha2.FullyApplied, Status: metav1.ConditionTrue, ObservedGeneration: 1, LastTransitionTime: metav1.NewTime(start)})
	in.Binding = b
	in.Template = in.Template.DeepCopy()
	labels, annotations := in.Template.GetLabels(), in.Template.GetAnnotations()
	if labels == nil {
		labels = map[string]string{}
	}
	if annotations == nil {
		annotations = map[string]string{}
	}
	binding.SetClaim(labels, annotations, governor.Policy)
	in.Template.SetLabels(labels)
	in.Template.SetAnnotations(annotations)
	return in
}
