/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package integration_test

import (
	"testing"

	policyv1alpha1 "github.com/manifold-k8s/manifold/apis/policy/v1alpha1"
	"github.com/manifold-k8s/manifold/test/apitest"
)

const (
	byPolicy        = policyv1alpha1.PropagationPolicyNameAnnotation
	byClusterPolicy = policyv1alpha1.ClusterPropagationPolicyAnnotation
)

// A policy with preemption Always takes a template over when its priority rises above the claimer's, or the claimer's
// falls below its own. All of them select member2, where the copy stays.
func TestPreemption(t *testing.T) {
	t.Parallel()
	ns := namespace(t)
	c := byName("ConfigMap", "c")
	hub.Create(t, ns, docs(policy("low", c, on("member1", "member2"), "priority: 1"), configMap("c", "v")))
	expectOn(t, "configmaps", ns, "c", "member1", "member2")
	w := watchCopy(t, fleet[1], ns, "c")

	steps := []struct {
		name, patch string // patch of the policy of that name
		claimer     string
		on          []string
	}{
		{"high", `{spec: {preemption: Always}}`, "high", []string{"member2"}},                         // above low
		{"high", `{spec: {priority: 3}}`, "mid", []string{"member2", "member3"}},                      // mid, 5, is between
		{"mid", `{spec: {priority: 2}}`, "high", []string{"member2"}},                                 // high, 3, is between
		{"low", `{spec: {priority: 9}}`, "high", []string{"member2"}},                                 // it may not preempt
		{"low", `{spec: {preemption: Always}}`, "low", []string{"member1", "member2"}},                // now it may
		{"low", `{spec: {priority: -1, preemption: Never}}`, "high", []string{"member2"}},             // down again
		{"high", `{spec: {priority: -2, preemption: Never}}`, "mid", []string{"member2", "member3"}},  // mid, 2
		{"mid", `{spec: {priority: -3, preemption: Never}}`, "mid", []string{"member2", "member3"}},   // nobody preempts
		{"high", `{spec: {priority: 7, preemption: Never}}`, "mid", []string{"member2", "member3"}},   // nor does a higher one
		{"high", `{spec: {priority: -4, preemption: Always}}`, "mid", []string{"member2", "member3"}}, // nor a lower one
		{"low", `{spec: {priority: -3, preemption: Always}}`, "mid", []string{"member2", "member3"}},  // nor an equal one
		{"low", `{spec: {priority: -2, preemption: Always}}`, "low", []string{"member1", "member2"}},  // just above
	}
	hub.Create(t, ns, docs(
		policy("mid", c, on("member2", "member3"), "priority: 5", "preemption: Always"),
		policy("high", c, on("member2"), "priority: 7")))
	claimedBy(t, "configmaps", ns, "c", byPolicy, "mid")
	for _, s := range steps {
		hub.Patch(t, "propagationpolicies", ns, s.name, s.patch)
		claimedBy(t, "configmaps", ns, "c", byPolicy, s.claimer)
		expectOn(t, "configmaps", ns, "c", s.on...)
	}
	w.neverDeleted()
}

// A PropagationPolicy with preemption Always takes what a ClusterPropagationPolicy has, whatever the priorities; never
// the reverse. When it goes, the cluster-wide one follows, and the copies that both want stay.
func TestPreemptionBetweenScopes(t *testing.T) {
	t.Parallel()
	ns := namespace(t)
	cpp := clusterPolicy(ns, "{apiVersion: v1, kind: ConfigMap, namespace: "+ns+", name: c}", on("member1", "member2"), "priority: 9", "preemption: Always")
	hub.Create(t, ns, docs(cpp, configMap("c", "v")))
	t.Cleanup(func() { deleteAfter(t, "clusterpropagationpolicies", ns) })
	expectOn(t, "configmaps", ns, "c", "member1", "member2")
	claimedBy(t, "configmaps", ns, "c", byClusterPolicy, ns)
	w := watchCopy(t, fleet[1], ns, "c")

	hub.Create(t, ns, policy("p", byName("ConfigMap", "c"), on("member2", "member3"), "preemption: Always"))
	claimedBy(t, "configmaps", ns, "c", byPolicy, "p")
	claimedBy(t, "configmaps", ns, "c", byClusterPolicy, "")
	expectOn(t, "configmaps", ns, "c", "member2", "member3")

	hub.Patch(t, "clusterpropagationpolicies", "", ns, `{spec: {priority: 10}}`)
	hub.Patch(t, "propagationpolicies", ns, "p", `{spec: {priority: -1}}`)
	apitest.Always(t, quiet, func() error { return isOn(t.Context(), "configmaps", ns, "c", "member2", "member3") })
	claimedBy(t, "configmaps", ns, "c", byPolicy, "p")

	hub.Delete(t, "propagationpolicies", ns, "p")
	claimedBy(t, "configmaps", ns, "c", byClusterPolicy, ns)
	expectOn(t, "configmaps", ns, "c", "member1", "member2")
	w.neverDeleted()
}
