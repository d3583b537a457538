/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package forecast

import (
	"fmt"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	clusterv1alpha1 "github.com/manifold-k8s/manifold/apis/cluster/v1alpha1"
	policyv1alpha1 "github.com/manifold-k8s/manifold/apis/policy/v1alpha1"
	"github.com/manifold-k8s/manifold/pkg/binding"
	"github.com/manifold-k8s/manifold/pkg/match"
	"github.com/manifold-k8s/manifold/pkg/placement"
)

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func object(t testing.TB, text string) *unstructured.Unstructured {
	t.Helper()
	u := &unstructured.Unstructured{}
	data, err := yaml.YAMLToJSON([]byte(text))
	if err == nil {
		err = u.UnmarshalJSON(data)
	}
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func deployment(t testing.TB, replicas int, image string) *unstructured.Unstructured {
	t.Helper()
	return object(t, fmt.Sprintf(`
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: ns, uid: u1, generation: 1, labels: {app: web}}
spec:
  replicas: %d
  template:
    spec: {containers: [{name: main, image: %q}]}`, replicas, image))
}

func configMap(t testing.TB, value string) *unstructured.Unstructured {
	t.Helper()
	return object(t, fmt.Sprintf(`{apiVersion: v1, kind: ConfigMap, metadata: {name: c, namespace: ns, uid: u2}, data: {key: %q}}`, value))
}

func namespace(t testing.TB) *unstructured.Unstructured {
	t.Helper()
	return object(t, `{apiVersion: v1, kind: Namespace, metadata: {name: ns, uid: u3}}`)
}

// members serve what the fixtures are.
func members(n int) (out []*clusterv1alpha1.Cluster) {
	for i := range n {
		c := &clusterv1alpha1.Cluster{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("m%d", i+1), Generation: 1}}
		c.Status.APIEnablements = []clusterv1alpha1.APIEnablement{
			{GroupVersion: "apps/v1", Resources: []clusterv1alpha1.APIResource{{Name: "deployments", Kind: "Deployment"}}},
			{GroupVersion: "v1", Resources: []clusterv1alpha1.APIResource{{Name: "configmaps", Kind: "ConfigMap"}, {Name: "namespaces", Kind: "Namespace"}}},
		}
		c.Status.Conditions = []metav1.Condition{{Type: clusterv1alpha1.ClusterConditionCompleteAPIEnablements, Status: metav1.ConditionTrue}}
		out = append(out, c)
	}
	return out
}

// spec reads that of a policy over the fixtures; more are fields in YAML's flow style.
func spec(t testing.TB, placement string, more string) policyv1alpha1.PropagationSpec {
	t.Helper()
	var out policyv1alpha1.PropagationSpec
	text := fmt.Sprintf(`{resourceSelectors: [{apiVersion: apps/v1, kind: Deployment}, {apiVersion: v1, kind: ConfigMap}],
		schedulerName: default-scheduler, conflictResolution: Abort, placement: {%s}%s}`, placement, more)
	if err := yaml.UnmarshalStrict([]byte(text), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// policy is a PropagationPolicy p.
func policy(t testing.TB, place, more string) placement.Policies {
	t.Helper()
	p := &policyv1alpha1.PropagationPolicy{Spec: spec(t, place, more)}
	p.Namespace, p.Name = "ns", "p"
	p.Labels = map[string]string{policyv1alpha1.PropagationPolicyPermanentIDLabel: "id-p"}
	return placement.Policies{Namespaced: []*policyv1alpha1.PropagationPolicy{p}}
}

// clusterPolicy is a ClusterPropagationPolicy c.
func clusterPolicy(t testing.TB, place, more string) placement.Policies {
	t.Helper()
	p := &policyv1alpha1.ClusterPropagationPolicy{Spec: spec(t, place, more)}
	p.Name = "c"
	p.Labels = map[string]string{policyv1alpha1.ClusterPropagationPolicyPermanentIDLabel: "id-c"}
	return placement.Policies{ClusterWide: []*policyv1alpha1.ClusterPropagationPolicy{p}}
}

func both(a, b placement.Policies) placement.Policies {
	return placement.Policies{Namespaced: append(a.Namespaced, b.Namespaced...), ClusterWide: append(a.ClusterWide, b.ClusterWide...)}
}

// override is an OverridePolicy o over everything, of these rules.
func override(t testing.TB, rules string) []*policyv1alpha1.OverridePolicy {
	t.Helper()
	p := &policyv1alpha1.OverridePolicy{}
	p.Namespace, p.Name = "ns", "o"
	if err := yaml.UnmarshalStrict([]byte("{overrideRules: ["+rules+"]}"), &p.Spec); err != nil {
		t.Fatal(err)
	}
	return []*policyv1alpha1.OverridePolicy{p}
}

// placed is the binding that a state has led to.
func placed(t testing.TB, s State, clusters []*clusterv1alpha1.Cluster) *binding.Binding {
	t.Helper()
	g := placement.Govern(s.Template.GroupVersionKind(), s.Template, s.Policies, match.Namespaces{})
	if !g.Any() {
		t.Fatal("nobody governs the template")
	}
	b, _ := placement.Decide(placement.Input{Template: s.Template, Governor: g, Clusters: clusters, Now: start})
	b.Generation, b.UID = 1, "b"
	return b
}

const (
	divided  = "replicaScheduling: {replicaSchedulingType: Divided, replicaDivisionPreference: Weighted}"
	toM1M2   = "clusterAffinity: {clusterNames: [m1, m2]}"
	toM1     = "clusterAffinity: {clusterNames: [m1]}"
	toM2M3   = "clusterAffinity: {clusterNames: [m2, m3]}"
	toM3     = "clusterAffinity: {clusterNames: [m3]}"
	nowhere  = "clusterAffinity: {clusterNames: [none]}"
	preserve = ", preserveResourcesOnDeletion: true"
	waits    = ", dependentOverrides: [o]"
	lazy     = ", activationPreference: Lazy"
	suspend  = ", suspension: {dispatching: true}"
)
