/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package integration_test

import (
	"encoding/json"
	"fmt"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
	"github.com/manifold-k8s/manifold/test/apitest"
)

func TestDeploymentStatus(t *testing.T) {
	t.Parallel()
	ns := namespace(t)
	hub.Create(t, ns, docs(deployment("web", 3), policy("p", all("Deployment"), weights(1, 2))))
	d := rollOut(t, ns, "web", 3)
	if s := d.Status; s.Replicas != 3 || s.ReadyReplicas != 3 || s.UnavailableReplicas != 0 {
		t.Errorf("status is %+v", s)
	}
	for _, kind := range []appsv1.DeploymentConditionType{appsv1.DeploymentAvailable, appsv1.DeploymentProgressing} {
		if !hasCondition(d, kind) {
			t.Errorf("condition %s is not true: %+v", kind, d.Status.Conditions)
		}
	}
	b := expectApplied(t, hub, ns, "web", "Deployment")
	for cluster, want := range map[string]int32{"member1": 1, "member2": 2} {
		i, err := item(b, cluster)
		if err != nil {
			t.Fatal(err)
		}
		var s appsv1.DeploymentStatus
		if err := json.Unmarshal(i.Status.Raw, &s); err != nil {
			t.Fatal(err)
		}
		if !i.Applied || i.Health != workv1alpha2.ResourceHealthy || s.AvailableReplicas != want {
			t.Errorf("%s: applied %v, health %s, %d available, want %d", cluster, i.Applied, i.Health, s.AvailableReplicas, want)
		}
	}
}

func hasCondition(d *appsv1.Deployment, kind appsv1.DeploymentConditionType) bool {
	for _, c := range d.Status.Conditions {
		if c.Type == kind {
			return c.Status == "True"
		}
	}
	return false
}

// kubectl rollout status ends when all members are done, and not before.
func TestRolloutStatus(t *testing.T) {
	t.Parallel()
	ns := namespace(t)
	// In member2 the Deployment is held: its controller makes no replica.
	hub.Create(t, ns, docs(
		overridePolicy("hold", all("Deployment"), `{targetCluster: {clusterNames: [member2]}, overriders: {plaintext: [{path: /spec/paused, operator: add, value: true}]}}`),
		policy("p", all("Deployment"), on("member1", "member2")), deployment("web", 2)))
	rollout := hub.StartKubectl(t, "", "rollout", "status", "deployment/web", "-n", ns)
	apitest.Eventually(t, func() error {
		d, err := fleet[0].Kube.AppsV1().Deployments(ns).Get(t.Context(), "web", metav1.GetOptions{})
		if err == nil && d.Status.AvailableReplicas != 2 {
			err = fmt.Errorf("member1 has not rolled out: %+v", d.Status)
		}
		return err
	})
	apitest.Always(t, quiet, func() error {
		if !rollout.Running() {
			return fmt.Errorf("rollout status has ended although member2 holds still:\n%s", rollout.String())
		}
		return nil
	})
	hub.Delete(t, "overridepolicies", ns, "hold")
	if err := rollout.Wait(); err != nil {
		t.Fatal(err)
	}
	for _, m := range fleet[:2] {
		d, err := m.Kube.AppsV1().Deployments(ns).Get(t.Context(), "web", metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if d.Status.AvailableReplicas != 2 {
			t.Errorf("%s had not rolled out when rollout status ended: %+v", m.Name, d.Status)
		}
	}

	// A change is not over before every member has made it.
	hub.Patch(t, "deployments", ns, "web", `spec: {template: {metadata: {labels: {version: two}}}}`)
	hub.Kubectl(t, "", "rollout", "status", "deployment/web", "-n", ns, "--timeout=60s")
	for _, m := range fleet[:2] {
		d, err := m.Kube.AppsV1().Deployments(ns).Get(t.Context(), "web", metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if d.Spec.Template.Labels["version"] != "two" || d.Status.ObservedGeneration != d.Generation || d.Status.UpdatedReplicas != 2 || d.Status.Replicas != 2 {
			t.Errorf("%s had not made the change when rollout status ended: %+v", m.Name, d.Status)
		}
	}
}

func TestStatusOfOtherKinds(t *testing.T) {
	t.Parallel()
	ns := namespace(t)
	hub.Create(t, ns, docs(configMap("c", "v"), policy("p", all("ConfigMap"), on("member1", "member2", "member3"))))
	b := expectApplied(t, hub, ns, "c", "ConfigMap")
	if len(b.Status.AggregatedStatus) != 3 {
		t.Fatalf("state of %d clusters, want 3", len(b.Status.AggregatedStatus))
	}
	for _, i := range b.Status.AggregatedStatus {
		if !i.Applied || i.Health != workv1alpha2.ResourceHealthy {
			t.Errorf("%s: %+v", i.ClusterName, i)
		}
	}
}

// A custom resource goes where its definition is, and its definition goes by a policy of its own.
func TestCustomResource(t *testing.T) {
	t.Parallel()
	ns := namespace(t)
	group := unique("test") + ".example.com"
	crd := "widgets." + group
	hub.Create(t, "", docs(fmt.Sprintf(`
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.%[1]s}
spec:
  group: %[1]s
  scope: Namespaced
  names: {plural: widgets, singular: widget, kind: Widget}
  versions:
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {size: {type: integer}}}}}}`, group),
		clusterPolicy(crd, byName("CustomResourceDefinition", crd), on("member1", "member2"))))
	t.Cleanup(func() {
		deleteAfter(t, "customresourcedefinitions", crd)
		deleteAfter(t, "clusterpropagationpolicies", crd)
	})
	expectOn(t, "customresourcedefinitions", "", crd, "member1", "member2")
	widget := fmt.Sprintf(`{apiVersion: %s/v1, kind: Widget, metadata: {name: w}, spec: {size: 3}}`, group)
	apitest.Eventually(t, func() error { // the hub itself needs a moment to serve it
		_, err := hub.TryCreate(t.Context(), ns, widget)
		return err
	})
	hub.Create(t, ns, policy("p", fmt.Sprintf("{apiVersion: %s/v1, kind: Widget}", group), "clusterAffinity: {}"))
	for _, m := range fleet[:2] {
		apitest.Eventually(t, func() error {
			u, err := m.Get(t.Context(), crd, ns, "w")
			if err == nil && field(u, "spec", "size") != int64(3) {
				err = fmt.Errorf("%s: spec is %v", m.Name, u.Object["spec"])
			}
			return err
		})
	}
	hub.Patch(t, crd, ns, "w", `spec: {size: 4}`)
	apitest.Eventually(t, func() error {
		u, err := fleet[1].Get(t.Context(), crd, ns, "w")
		if err == nil && field(u, "spec", "size") != int64(4) {
			err = fmt.Errorf("spec is %v", u.Object["spec"])
		}
		return err
	})
	b := expectApplied(t, hub, ns, "w", "Widget")
	if len(b.Spec.Clusters) != 2 {
		t.Errorf("placed in %v, want the two clusters that serve the kind", b.Spec.Clusters)
	}
	// With the definition everything of its kind goes, also from the members, and nothing is left that holds the namespace.
	hub.Delete(t, "customresourcedefinitions", "", crd)
	expectOn(t, "customresourcedefinitions", "", crd)
	apitest.Eventually(t, func() error { return hub.Lacks(t.Context(), "customresourcedefinitions", "", crd) })
	apitest.Eventually(t, func() error { return hub.Lacks(t.Context(), "resourcebindings", ns, b.Name) })
	hub.Delete(t, "namespaces", "", ns)
	apitest.Eventually(t, func() error { return hub.Lacks(t.Context(), "namespaces", "", ns) })
}
