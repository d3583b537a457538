/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package integration_test

import (
	"fmt"
	"testing"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/manifold-k8s/manifold/test/apitest"
)

// autoscaler keeps at least that many replicas of a Deployment, without asking any metrics.
func autoscaler(name, target string, least int32) *autoscalingv2.HorizontalPodAutoscaler {
	return &autoscalingv2.HorizontalPodAutoscaler{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: autoscalingv2.HorizontalPodAutoscalerSpec{
			ScaleTargetRef: autoscalingv2.CrossVersionObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Name: target},
			MinReplicas:    &least, MaxReplicas: least + 5,
		},
	}
}

// While an autoscaler in a member scales a copy, the number there is the member's; the hub counts it, and takes it back
// when the autoscaler is gone. The label leaves it to the hub in any case.
func TestAutoscalerInMember(t *testing.T) {
	t.Parallel()
	ns := namespace(t)
	m := fleet[0]
	hub.Create(t, ns, docs(policy("all", all("Deployment"), on(m.Name)), deployment("web", 2), deployment("fixed", 2)))
	hub.Patch(t, "deployments", ns, "fixed", `metadata: {labels: {resourcetemplate.karmada.io/retain-replicas: "false"}}`)
	for _, name := range []string{"web", "fixed"} {
		expectShares(t, ns, name, map[string]int32{m.Name: 2})
		rollOut(t, ns, name, 2)
	}
	scalers := m.Kube.AutoscalingV2().HorizontalPodAutoscalers(ns)
	if _, err := scalers.Create(t.Context(), autoscaler("web", "web", 5), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	expectShares(t, ns, "web", map[string]int32{m.Name: 5})
	expectEvent(t, ns, "web", "ReplicasRetained", "HorizontalPodAutoscaler web")
	d := rollOut(t, ns, "web", 5)
	if *d.Spec.Replicas != 2 {
		t.Errorf("the template asks for %d replicas, want the user's 2", *d.Spec.Replicas)
	}
	// A change of the template reaches the copy, and leaves its number alone.
	hub.Patch(t, "deployments", ns, "web", `spec: {replicas: 3, template: {metadata: {labels: {version: v2}}}}`)
	apitest.Eventually(t, func() error {
		copied, err := m.Kube.AppsV1().Deployments(ns).Get(t.Context(), "web", metav1.GetOptions{})
		if err == nil && copied.Spec.Template.Labels["version"] != "v2" {
			err = fmt.Errorf("the copy has the pod labels %v", copied.Spec.Template.Labels)
		}
		if err == nil && *copied.Spec.Replicas != 5 {
			t.Fatalf("the copy was scaled to %d", *copied.Spec.Replicas)
		}
		return err
	})
	rollOut(t, ns, "web", 5)
	if err := scalers.Delete(t.Context(), "web", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	expectShares(t, ns, "web", map[string]int32{m.Name: 3})
	expectEvent(t, ns, "web", "ReplicasEnforced", "HorizontalPodAutoscaler web")
	rollOut(t, ns, "web", 3)

	m.Patch(t, "deployments", ns, "fixed", `spec: {replicas: 4}`)
	expectShares(t, ns, "fixed", map[string]int32{m.Name: 2})
}
