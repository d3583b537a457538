/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package integration_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	policyv1alpha1 "github.com/manifold-k8s/manifold/apis/policy/v1alpha1"
	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
	"github.com/manifold-k8s/manifold/test/apitest"
)

// quiet is for how long a test looks that something does not happen. It takes tens of milliseconds when it does.
const quiet = 2 * time.Second

func TestPolicyBeforeAndAfterTemplate(t *testing.T) {
	t.Parallel()
	ns := namespace(t)
	hub.Create(t, ns, configMap("early", "a"))
	hub.Create(t, ns, policy("p", byName("ConfigMap", "early")+", "+byName("ConfigMap", "late"), on("member1", "member2")))
	hub.Create(t, ns, configMap("late", "b"))
	expectOn(t, "configmaps", ns, "early", "member1", "member2")
	expectOn(t, "configmaps", ns, "late", "member1", "member2")
	expectData(t, fleet[0].API, ns, "late", "b")

	hub.Patch(t, "configmaps", ns, "late", `data: {key: c}`)
	expectData(t, fleet[0].API, ns, "late", "c")
	expectData(t, fleet[1].API, ns, "late", "c")
}

func TestDuplicated(t *testing.T) {
	t.Parallel()
	ns := namespace(t)
	hub.Create(t, ns, docs(
		deployment("web", 2), policy("web", byName("Deployment", "web"), "replicaScheduling: {replicaSchedulingType: Duplicated}, "+on("member1", "member3")),
		deployment("plain", 3), policy("plain", byName("Deployment", "plain"), on("member2", "member3"))))
	expectShares(t, ns, "web", map[string]int32{"member1": 2, "member3": 2})
	expectShares(t, ns, "plain", map[string]int32{"member2": 3, "member3": 3})
	rollOut(t, ns, "web", 4)

	hub.Patch(t, "deployments", ns, "web", `spec: {replicas: 1}`)
	expectShares(t, ns, "web", map[string]int32{"member1": 1, "member3": 1})
	rollOut(t, ns, "web", 2)
}

// The numbers are those of the reference's table of static weights.
func TestStaticWeights(t *testing.T) {
	t.Parallel()
	ns := namespace(t)
	hub.Create(t, ns, docs(
		policy("web", byName("Deployment", "web"), weights(1, 2, 3)), deployment("web", 6)))
	steps := []struct {
		replicas int
		weights  string
		want     map[string]int32
	}{
		{6, weights(1, 2, 3), map[string]int32{"member1": 1, "member2": 2, "member3": 3}},
		{7, weights(1, 2, 3), map[string]int32{"member1": 1, "member2": 2, "member3": 4}},
		{1, weights(1, 2, 3), map[string]int32{"member3": 1}},
		{0, weights(1, 2, 3), map[string]int32{"member3": 0}}, // stays where it was
		{4, weights(1, 2, 3), map[string]int32{"member1": 1, "member2": 1, "member3": 2}},
		{4, weights(3, 0+2, 1), map[string]int32{"member1": 2, "member2": 1, "member3": 1}},
		{4, weights(1, 3), map[string]int32{"member1": 1, "member2": 3}},
		{6, weights(1, 10), map[string]int32{"member1": 1, "member2": 5}},
		{5, weights(1, 10), map[string]int32{"member2": 5}},
	}
	for _, s := range steps {
		hub.Patch(t, "propagationpolicies", ns, "web", fmt.Sprintf(`spec: {placement: {%s}}`, s.weights))
		hub.Patch(t, "deployments", ns, "web", fmt.Sprintf(`spec: {replicas: %d}`, s.replicas))
		expectShares(t, ns, "web", s.want)
		d := rollOut(t, ns, "web", int32(s.replicas))
		if d.Status.Replicas != int32(s.replicas) {
			t.Errorf("%d replicas by %s: the members have %d in all", s.replicas, s.weights, d.Status.Replicas)
		}
	}
}

func TestManyTemplatesOfOnePolicy(t *testing.T) {
	t.Parallel()
	ns := namespace(t)
	hub.Create(t, ns, docs(
		policy("p", byLabel("Deployment", "tier", "front")+", "+all("ConfigMap"), on("member1", "member2")),
		configMap("a", "1"), configMap("b", "2"), deployment("in", 1), deployment("out", 1)))
	expectOn(t, "configmaps", ns, "a", "member1", "member2")
	expectOn(t, "configmaps", ns, "b", "member1", "member2")
	hub.Patch(t, "deployments", ns, "in", `metadata: {labels: {tier: front}}`)
	expectOn(t, "deployments", ns, "in", "member1", "member2")
	if err := isOn(t.Context(), "deployments", ns, "out"); err != nil {
		t.Error(err)
	}
}

// claimedBy waits until a template says that this policy governs it.
func claimedBy(t *testing.T, resource, ns, name, annotation, want string) {
	t.Helper()
	apitest.Eventually(t, func() error {
		u, err := hub.Get(t.Context(), resource, ns, name)
		if err == nil && u.GetAnnotations()[annotation] != want {
			err = fmt.Errorf("%s is claimed by %v, want %s", name, u.GetAnnotations(), want)
		}
		return err
	})
}

func TestWhichPolicyGoverns(t *testing.T) {
	t.Parallel()
	const pp, cpp = policyv1alpha1.PropagationPolicyNameAnnotation, policyv1alpha1.ClusterPropagationPolicyAnnotation
	tests := map[string]struct {
		policies   []string // NS stands for the namespace, whose name is unique
		annotation string
		want       string
		on         []string
	}{
		"priority over name": {
			[]string{policy("by-name", byName("ConfigMap", "c"), on("member1")), policy("by-all", all("ConfigMap"), on("member2"), "priority: 1")},
			pp, "by-all", []string{"member2"},
		},
		"name over label": {
			[]string{policy("a-label", byLabel("ConfigMap", "app", "c"), on("member1")), policy("name", byName("ConfigMap", "c"), on("member2"))},
			pp, "name", []string{"member2"},
		},
		"label over all": {
			[]string{policy("a-all", all("ConfigMap"), on("member1")), policy("label", byLabel("ConfigMap", "app", "c"), on("member2"))},
			pp, "label", []string{"member2"},
		},
		"first of equals": {
			[]string{policy("b", byName("ConfigMap", "c"), on("member1")), policy("a", byName("ConfigMap", "c"), on("member2"))},
			pp, "a", []string{"member2"},
		},
		"namespace over cluster": {
			[]string{
				clusterPolicy("NS", "{apiVersion: v1, kind: ConfigMap, namespace: NS, name: c}", on("member1"), "priority: 9"),
				policy("all", all("ConfigMap"), on("member2")),
			},
			pp, "all", []string{"member2"},
		},
		"cluster policy": {
			[]string{clusterPolicy("NS", "{apiVersion: v1, kind: ConfigMap, namespace: NS}", on("member3"))},
			cpp, "NS", []string{"member3"},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ns := namespace(t)
			fill := func(s string) string { return strings.ReplaceAll(s, "NS", ns) }
			for _, p := range tc.policies {
				made := hub.Create(t, ns, fill(p))
				if made[0].GetNamespace() == "" {
					t.Cleanup(func() { deleteAfter(t, "clusterpropagationpolicies", made[0].GetName()) })
				}
			}
			hub.Create(t, ns, configMap("c", "v"))
			expectOn(t, "configmaps", ns, "c", tc.on...)
			claimedBy(t, "configmaps", ns, "c", tc.annotation, fill(tc.want))
		})
	}
}

// A claim stays, even when a better policy comes, until its policy is gone.
func TestClaimIsSticky(t *testing.T) {
	t.Parallel()
	ns := namespace(t)
	const pp = policyv1alpha1.PropagationPolicyNameAnnotation
	hub.Create(t, ns, docs(configMap("c", "v"), policy("first", all("ConfigMap"), on("member1"))))
	claimedBy(t, "configmaps", ns, "c", pp, "first")
	hub.Create(t, ns, policy("better", byName("ConfigMap", "c"), on("member2"), "priority: 5"))
	expectOn(t, "configmaps", ns, "c", "member1")
	apitest.Always(t, quiet, func() error { return isOn(t.Context(), "configmaps", ns, "c", "member1") })

	hub.Delete(t, "propagationpolicies", ns, "first")
	claimedBy(t, "configmaps", ns, "c", pp, "better")
	expectOn(t, "configmaps", ns, "c", "member2")

	// A policy whose selectors do not match any more lets go, too.
	hub.Create(t, ns, policy("third", all("ConfigMap"), on("member3")))
	hub.Patch(t, "propagationpolicies", ns, "better", fmt.Sprintf(`spec: {resourceSelectors: [{apiVersion: v1, kind: ConfigMap, namespace: %s, name: other}]}`, ns))
	claimedBy(t, "configmaps", ns, "c", pp, "third")
	expectOn(t, "configmaps", ns, "c", "member3")
}

func TestClusterWideTemplate(t *testing.T) {
	t.Parallel()
	apitest.NoteSources(t)
	name := unique("reader")
	hub.Create(t, "", docs(
		fmt.Sprintf(`
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: %s}
rules: [{apiGroups: [""], resources: [pods], verbs: [get]}]`, name),
		clusterPolicy(name, byName("ClusterRole", name), on("member1", "member2"))))
	t.Cleanup(func() { deleteAfter(t, "clusterpropagationpolicies", name) })
	expectOn(t, "clusterroles", "", name, "member1", "member2")
	var b *workv1alpha2.ClusterResourceBinding
	apitest.Eventually(t, func() (err error) {
		b, err = hub.Manifold.WorkV1alpha2().ClusterResourceBindings().Get(t.Context(), name+"-clusterrole", metav1.GetOptions{})
		if err == nil && len(b.Status.AggregatedStatus) != 2 {
			err = fmt.Errorf("state is %+v", b.Status)
		}
		return err
	})
	want := []workv1alpha2.TargetCluster{{Name: "member1"}, {Name: "member2"}}
	if diff := cmp.Diff(want, b.Spec.Clusters); diff != "" {
		t.Errorf("clusters (-want +got):\n%s", diff)
	}
	hub.Delete(t, "clusterroles", "", name)
	expectOn(t, "clusterroles", "", name)
	apitest.Eventually(t, func() error { return hub.Lacks(t.Context(), "clusterresourcebindings", "", b.Name) })
}
