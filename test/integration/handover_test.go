/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package integration_test

import (
	"fmt"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
	"github.com/manifold-k8s/manifold/test/apitest"
)

// However one policy takes the place of another, a copy that both want is never deleted.
func TestPolicySwap(t *testing.T) {
	t.Parallel()
	const template = "propagationpolicies"
	next := policy("next", all("ConfigMap"), on("member2", "member3"))
	for name, swap := range map[string]func(t *testing.T, ns string){
		"the old one is deleted first": func(t *testing.T, ns string) {
			hub.Delete(t, template, ns, "old")
			claimedBy(t, "configmaps", ns, "c", byPolicy, "")
			if err := isOn(t.Context(), "configmaps", ns, "c", "member1", "member2"); err != nil {
				t.Error(err)
			}
			hub.Create(t, ns, next)
		},
		"the new one is made first": func(t *testing.T, ns string) {
			hub.Create(t, ns, next)
			hub.Delete(t, template, ns, "old")
		},
		"at once": func(t *testing.T, ns string) {
			hub.Delete(t, template, ns, "old")
			hub.Create(t, ns, next)
		},
		"one apply, in which the old one lets go": func(t *testing.T, ns string) {
			out := hub.Kubectl(t, docs(policy("old", byName("ConfigMap", "another"), on("member1")), next), "-n", ns, "apply", "-f", "-")
			contains(t, out, "old configured", "next created")
		},
		"the old one selects nothing of it any more": func(t *testing.T, ns string) {
			hub.Create(t, ns, next)
			hub.Patch(t, template, ns, "old", fmt.Sprintf("spec: {resourceSelectors: [{apiVersion: apps/v1, kind: Deployment, namespace: %s}]}", ns))
		},
		"the template's label decides": func(t *testing.T, ns string) {
			hub.Patch(t, template, ns, "old", fmt.Sprintf("spec: {resourceSelectors: [{apiVersion: v1, kind: ConfigMap, namespace: %s, labelSelector: {matchLabels: {app: c}}}]}", ns))
			hub.Create(t, ns, next)
			hub.Patch(t, "configmaps", ns, "c", `metadata: {labels: {app: other}}`)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ns := namespace(t)
			hub.Create(t, ns, docs(policy("old", all("ConfigMap"), on("member1", "member2")), configMap("c", "v")))
			expectOn(t, "configmaps", ns, "c", "member1", "member2")
			w := watchCopy(t, fleet[1], ns, "c")
			swap(t, ns)
			claimedBy(t, "configmaps", ns, "c", byPolicy, "next")
			expectOn(t, "configmaps", ns, "c", "member2", "member3")
			expectApplied(t, hub, ns, "c", "ConfigMap")
			w.neverDeleted()
		})
	}
}

// From a cluster-wide policy to one of the namespace, and back.
func TestPolicyChangesScope(t *testing.T) {
	t.Parallel()
	ns := namespace(t)
	const pps, cpps = "propagationpolicies", "clusterpropagationpolicies"
	wide := clusterPolicy(ns, "{apiVersion: v1, kind: ConfigMap, namespace: "+ns+"}", on("member1", "member2"))
	narrow := policy("p", all("ConfigMap"), on("member2", "member3"))
	hub.Create(t, ns, docs(wide, configMap("c", "v")))
	t.Cleanup(func() { deleteAfter(t, cpps, ns) })
	expectOn(t, "configmaps", ns, "c", "member1", "member2")
	w := watchCopy(t, fleet[1], ns, "c")

	hub.Create(t, ns, narrow)
	hub.Delete(t, cpps, "", ns)
	claimedBy(t, "configmaps", ns, "c", byPolicy, "p")
	claimedBy(t, "configmaps", ns, "c", byClusterPolicy, "")
	expectOn(t, "configmaps", ns, "c", "member2", "member3")

	hub.Delete(t, pps, ns, "p")
	hub.Create(t, "", wide)
	claimedBy(t, "configmaps", ns, "c", byClusterPolicy, ns)
	claimedBy(t, "configmaps", ns, "c", byPolicy, "")
	expectOn(t, "configmaps", ns, "c", "member1", "member2")
	w.neverDeleted()
}

// On a binding, scheduling can be held, and everything else goes on.
func TestSuspendScheduling(t *testing.T) {
	t.Parallel()
	ns := namespace(t)
	hub.Create(t, ns, docs(configMap("c", "a"), policy("p", all("ConfigMap"), on("member1"))))
	expectOn(t, "configmaps", ns, "c", "member1")
	hub.Patch(t, "resourcebindings", ns, "c-configmap", `spec: {suspension: {scheduling: true}}`)
	hub.Patch(t, "propagationpolicies", ns, "p", fmt.Sprintf("spec: {placement: {%s}, conflictResolution: Overwrite}", on("member2")))
	apitest.Eventually(t, func() error { // the policy has arrived
		b, err := binding(t.Context(), hub, ns, "c", "ConfigMap")
		if err == nil && b.Spec.ConflictResolution != "Overwrite" {
			err = fmt.Errorf("the binding is %+v", b.Spec)
		}
		return err
	})
	hub.Patch(t, "configmaps", ns, "c", `data: {key: b}`)
	expectData(t, fleet[0].API, ns, "c", "b")
	if err := isOn(t.Context(), "configmaps", ns, "c", "member1"); err != nil {
		t.Error(err)
	}
	hub.Patch(t, "resourcebindings", ns, "c-configmap", `spec: {suspension: null}`)
	expectOn(t, "configmaps", ns, "c", "member2")
	expectCondition(t, ns, "c", "ConfigMap", workv1alpha2.Scheduled, metav1.ConditionTrue, workv1alpha2.BindingReasonSuccess)
}
