/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package integration_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	policyv1alpha1 "github.com/manifold-k8s/manifold/apis/policy/v1alpha1"
	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
	"github.com/manifold-k8s/manifold/test/apitest"
)

// labelClusters gives member1 and member2 a label that no other test uses, and returns its key.
func labelClusters(t *testing.T) string {
	t.Helper()
	key := unique("label")
	for _, c := range []string{"member1", "member2"} {
		labelCluster(t, c, key, `"yes"`)
	}
	return key
}

func labelCluster(t *testing.T, cluster, key, value string) {
	t.Helper()
	hub.Patch(t, "clusters", "", cluster, fmt.Sprintf(`metadata: {labels: {%s: %s}}`, key, value))
}

func TestSelectClusters(t *testing.T) {
	t.Parallel()
	ns := namespace(t)
	key := labelClusters(t)
	tests := map[string]struct {
		affinity string
		want     []string
	}{
		"all":     {"", []string{"member1", "member2", "member3"}},
		"names":   {"clusterNames: [member3, member1, nosuch]", []string{"member1", "member3"}},
		"exclude": {"exclude: [member2]", []string{"member1", "member3"}},
		"labels":  {fmt.Sprintf(`labelSelector: {matchLabels: {%s: "yes"}}`, key), []string{"member1", "member2"}},
		"without": {fmt.Sprintf(`labelSelector: {matchExpressions: [{key: %s, operator: DoesNotExist}]}`, key), []string{"member3"}},
		"labels-exclude": {
			fmt.Sprintf(`exclude: [member1], labelSelector: {matchExpressions: [{key: %s, operator: Exists}]}`, key), []string{"member2"},
		},
		"none": {`clusterNames: [nosuch]`, nil},
	}
	for name, tc := range tests {
		hub.Create(t, ns, docs(configMap(name, "v"), policy(name, byName("ConfigMap", name), "clusterAffinity: {"+tc.affinity+"}")))
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) { expectOn(t, "configmaps", ns, name, tc.want...) })
	}
	t.Run("none is said", func(t *testing.T) {
		expectCondition(t, ns, "none", "ConfigMap", workv1alpha2.Scheduled, metav1.ConditionFalse, "NoClusterFit")
	})
}

// What is duplicated follows the labels of clusters; what is divided stays where it runs.
func TestClusterLabelsChange(t *testing.T) {
	t.Parallel()
	ns := namespace(t)
	key := labelClusters(t)
	labelled := fmt.Sprintf("clusterAffinity: {labelSelector: {matchExpressions: [{key: %s, operator: Exists}]}}", key)
	hub.Create(t, ns, docs(
		configMap("c", "v"), policy("c", byName("ConfigMap", "c"), labelled),
		deployment("dup", 1), policy("dup", byName("Deployment", "dup"), labelled),
		deployment("div", 4), policy("div", byName("Deployment", "div"), "replicaScheduling: {replicaSchedulingType: Divided}, "+labelled)))
	divided := map[string]int32{"member1": 2, "member2": 2}
	expectOn(t, "configmaps", ns, "c", "member1", "member2")
	expectShares(t, ns, "dup", map[string]int32{"member1": 1, "member2": 1})
	expectShares(t, ns, "div", divided)

	labelCluster(t, "member3", key, `"yes"`)
	labelCluster(t, "member1", key, `null`)
	expectOn(t, "configmaps", ns, "c", "member2", "member3")
	expectShares(t, ns, "dup", map[string]int32{"member2": 1, "member3": 1})
	apitest.Always(t, quiet, func() error {
		got, err := shares(t.Context(), ns, "div")
		if diff := cmp.Diff(divided, got); err == nil && diff != "" {
			err = fmt.Errorf("replicas moved (-want +got):\n%s", diff)
		}
		return err
	})
	hub.Patch(t, "deployments", ns, "div", `spec: {replicas: 6}`)
	expectShares(t, ns, "div", map[string]int32{"member2": 3, "member3": 3})
}

func TestPlacementChange(t *testing.T) {
	t.Parallel()
	ns := namespace(t)
	hub.Create(t, ns, docs(configMap("c", "v"), policy("p", all("ConfigMap"), on("member1"))))
	for _, step := range [][]string{{"member1"}, {"member1", "member2"}, {"member2", "member3"}, {"member1"}} {
		hub.Patch(t, "propagationpolicies", ns, "p", fmt.Sprintf("spec: {placement: {%s}}", on(step...)))
		expectOn(t, "configmaps", ns, "c", step...)
	}
}

func TestPolicyDeleted(t *testing.T) {
	t.Parallel()
	ns := namespace(t)
	hub.Create(t, ns, docs(configMap("c", "v"), policy("p", all("ConfigMap"), on("member1", "member2"))))
	expectOn(t, "configmaps", ns, "c", "member1", "member2")
	hub.Delete(t, "propagationpolicies", ns, "p")
	apitest.Eventually(t, func() error { return hub.Lacks(t.Context(), "propagationpolicies", ns, "p") })
	claimedBy(t, "configmaps", ns, "c", policyv1alpha1.PropagationPolicyNameAnnotation, "")
	apitest.Always(t, quiet, func() error { return isOn(t.Context(), "configmaps", ns, "c", "member1", "member2") })

	// Nobody governs it, so nothing is sent; a new policy takes it up again.
	hub.Patch(t, "configmaps", ns, "c", `data: {key: new}`)
	hub.Create(t, ns, policy("q", all("ConfigMap"), on("member2", "member3")))
	expectOn(t, "configmaps", ns, "c", "member2", "member3")
	expectData(t, fleet[1].API, ns, "c", "new")
}

func TestTemplateDeleted(t *testing.T) {
	t.Parallel()
	ns := namespace(t)
	hub.Create(t, ns, docs(deployment("web", 2), policy("p", all("Deployment"), on("member1", "member2"))))
	rollOut(t, ns, "web", 4)
	hub.Delete(t, "deployments", ns, "web")
	expectOn(t, "deployments", ns, "web")
	apitest.Eventually(t, func() error { return hub.Lacks(t.Context(), "resourcebindings", ns, "web-deployment") })

	// An object of the same name is another object.
	hub.Create(t, ns, deployment("web", 1))
	expectShares(t, ns, "web", map[string]int32{"member1": 1, "member2": 1})
	hub.Delete(t, "deployments", ns, "web")
	hub.Create(t, ns, deployment("web", 3))
	expectShares(t, ns, "web", map[string]int32{"member1": 3, "member2": 3})
	rollOut(t, ns, "web", 6)
}

// Whoever deletes a template and orphans its dependents leaves the copies where they are.
func TestTemplateOrphans(t *testing.T) {
	t.Parallel()
	ns := namespace(t)
	hub.Create(t, ns, docs(configMap("c", "v"), policy("p", all("ConfigMap"), on("member1", "member2"))))
	expectOn(t, "configmaps", ns, "c", "member1", "member2")
	hub.DeleteWith(t, "configmaps", ns, "c", metav1.DeletePropagationOrphan)
	apitest.Eventually(t, func() error { return hub.Lacks(t.Context(), "configmaps", ns, "c") })
	apitest.Always(t, quiet, func() error { return isOn(t.Context(), "configmaps", ns, "c", "member1", "member2") })
}

func TestNamespaceFollows(t *testing.T) {
	t.Parallel()
	ns := namespace(t)
	kept := unique("kept")
	hub.Create(t, "", fmt.Sprintf(`{apiVersion: v1, kind: Namespace, metadata: {name: %s, labels: {namespace.karmada.io/skip-auto-propagation: "true"}}}`, kept))
	t.Cleanup(func() { deleteAfter(t, "namespaces", kept) })
	hub.Create(t, ns, docs(deployment("web", 1), configMap("c", "v"), policy("p", all("Deployment")+", "+all("ConfigMap"), on("member1", "member2"))))
	rollOut(t, ns, "web", 2)
	expectOn(t, "configmaps", ns, "c", "member1", "member2")
	if err := isOn(t.Context(), "namespaces", "", kept); err != nil {
		t.Error(err)
	}
	hub.Patch(t, "namespaces", "", ns, `metadata: {labels: {team: blue}}`)
	for _, m := range fleet {
		apitest.Eventually(t, func() error {
			u, err := m.Get(t.Context(), "namespaces", "", ns)
			if err == nil && u.GetLabels()["team"] != "blue" {
				err = fmt.Errorf("%s: labels are %v", m.Name, u.GetLabels())
			}
			return err
		})
	}
	hub.Delete(t, "namespaces", "", ns)
	apitest.Eventually(t, func() error { return hub.Lacks(t.Context(), "namespaces", "", ns) })
	expectOn(t, "namespaces", "", ns)
	// Nobody tries to put back meanwhile what goes with the members' namespaces.
	if err := quietAbout(hub, `key="`+ns+"/"); err != nil {
		t.Error(err)
	}
}

// Namespaces that a flag names stay on the hub with all that is in them.
func TestSkippedNamespaces(t *testing.T) {
	t.Parallel()
	prefix := unique("private")
	h := apitest.NewHub(t, "--skipped-propagating-namespaces", prefix+"-.*")
	m := bare[0]
	if err := h.Enrol(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	private, public := prefix+"-a", "not-"+prefix+"-a"
	for _, ns := range []string{private, public} {
		h.Create(t, "", fmt.Sprintf("{apiVersion: v1, kind: Namespace, metadata: {name: %s}}", ns))
		h.Create(t, ns, docs(policy("p", all("ConfigMap"), ""), configMap("c", "v")))
	}
	apitest.Eventually(t, func() error { return m.Has(t.Context(), "configmaps", public, "c") })
	for _, check := range []error{
		m.Lacks(t.Context(), "namespaces", "", private),
		h.Lacks(t.Context(), "resourcebindings", private, "c-configmap"),
		h.Lacks(t.Context(), "clusterresourcebindings", "", private+"-namespace"),
	} {
		if check != nil {
			t.Error(check)
		}
	}
	if u, err := h.Get(t.Context(), "configmaps", private, "c"); err != nil || len(u.GetAnnotations()) > 0 {
		t.Errorf("a policy claims what stays on the hub: %v, %v", u.GetAnnotations(), err)
	}
}

func TestPreserveOnDeletion(t *testing.T) {
	t.Parallel()
	ns := namespace(t)
	hub.Create(t, ns, docs(configMap("c", "v"), policy("p", all("ConfigMap"), on("member1", "member2"), "preserveResourcesOnDeletion: true")))
	expectOn(t, "configmaps", ns, "c", "member1", "member2")
	hub.Delete(t, "configmaps", ns, "c")
	apitest.Eventually(t, func() error { return hub.Lacks(t.Context(), "resourcebindings", ns, "c-configmap") })
	for _, m := range fleet[:2] {
		cm, err := m.Get(t.Context(), "configmaps", ns, "c")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(map[string]string{"app": "c"}, cm.GetLabels()); diff != "" {
			t.Errorf("%s: labels left (-want +got):\n%s", m.Name, diff)
		}
		if left := cm.GetAnnotations(); len(left) > 0 {
			t.Errorf("%s: annotations left: %v", m.Name, left)
		}
	}
}

func TestSuspendDispatching(t *testing.T) {
	t.Parallel()
	ns := namespace(t)
	hub.Create(t, ns, docs(configMap("c", "old"), policy("p", all("ConfigMap"), on("member1", "member2"), "suspension: {dispatching: true}")))
	expectFailure(t, ns, "c", "ConfigMap", "member1", "suspended")
	apitest.Always(t, quiet, func() error { return isOn(t.Context(), "configmaps", ns, "c") })

	hub.Patch(t, "propagationpolicies", ns, "p", `spec: {suspension: {dispatching: null, dispatchingOnClusters: {clusterNames: [member2]}}}`)
	expectOn(t, "configmaps", ns, "c", "member1")
	hub.Patch(t, "propagationpolicies", ns, "p", `spec: {suspension: {dispatchingOnClusters: {clusterNames: [member1]}}}`)
	expectOn(t, "configmaps", ns, "c", "member1", "member2")
	hub.Patch(t, "configmaps", ns, "c", `data: {key: new}`)
	expectData(t, fleet[1].API, ns, "c", "new")
	expectData(t, fleet[0].API, ns, "c", "old")
	hub.Patch(t, "propagationpolicies", ns, "p", `spec: {suspension: null}`)
	expectData(t, fleet[0].API, ns, "c", "new")
	expectApplied(t, hub, ns, "c", "ConfigMap")
}
