/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package integration_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/manifold-k8s/manifold/test/apitest"
)

// A policy that depends on override policies places nothing until they are there, and leaves nothing to others either.
func TestDependentOverrides(t *testing.T) {
	t.Parallel()
	ns := namespace(t)
	override := func(name, value string) string {
		return overridePolicy(name, all("ConfigMap"), fmt.Sprintf("{overriders: {plaintext: [{path: /data/key, operator: replace, value: %s}]}}", value))
	}
	hub.Create(t, ns, docs(
		policy("p", byName("ConfigMap", "c"), on("member1"), "dependentOverrides: [one, two]"),
		policy("q", all("ConfigMap"), on("member2")),
		override("one", "first"), configMap("c", "bare")))
	w := watchCopy(t, fleet[0], ns, "c")
	expectEvent(t, ns, "c", "ApplyPolicyFailed", "PropagationPolicy "+ns+"/p waits for OverridePolicy "+ns+"/two")
	unclaimed := func() error {
		u, err := hub.Get(t.Context(), "configmaps", ns, "c")
		if err == nil && len(u.GetAnnotations()) > 0 {
			err = fmt.Errorf("claimed: %v", u.GetAnnotations())
		}
		return errors.Join(err, isOn(t.Context(), "configmaps", ns, "c"), hub.Lacks(t.Context(), "resourcebindings", ns, "c-configmap"))
	}
	if err := unclaimed(); err != nil {
		t.Error(err)
	}
	contains(t, hub.Kubectl(t, "", "-n", ns, "describe", "configmap", "c"), "ApplyPolicyFailed", "waits for OverridePolicy")

	hub.Create(t, ns, override("two", "second"))
	claimedBy(t, "configmaps", ns, "c", byPolicy, "p")
	expectData(t, fleet[0].API, ns, "c", "second")
	w.showed("second")

	// What is placed stays when one of them goes, and does not follow the policy until it is there again.
	hub.Delete(t, "overridepolicies", ns, "one")
	expectEvent(t, ns, "c", "ApplyPolicyFailed", "waits for OverridePolicy "+ns+"/one")
	hub.Patch(t, "propagationpolicies", ns, "p", fmt.Sprintf("spec: {placement: {%s}}", on("member1", "member3")))
	apitest.Always(t, quiet, func() error { return isOn(t.Context(), "configmaps", ns, "c", "member1") })
	claimedBy(t, "configmaps", ns, "c", byPolicy, "p")
	hub.Create(t, ns, override("one", "first"))
	expectOn(t, "configmaps", ns, "c", "member1", "member3")
	w.neverDeleted()
	w.showed("second")
}

// A ClusterPropagationPolicy depends on ClusterOverridePolicies.
func TestDependentClusterOverrides(t *testing.T) {
	t.Parallel()
	ns := namespace(t)
	selector := fmt.Sprintf("{apiVersion: v1, kind: ConfigMap, namespace: %s}", ns)
	hub.Create(t, ns, docs(
		overridePolicy(ns, all("ConfigMap"), `{overriders: {plaintext: [{path: /data/key, operator: replace, value: namespaced}]}}`),
		clusterPolicy(ns, selector, on("member1"), fmt.Sprintf("dependentOverrides: [%s]", ns)), configMap("c", "bare")))
	t.Cleanup(func() { deleteAfter(t, "clusterpropagationpolicies", ns) })
	expectEvent(t, ns, "c", "ApplyPolicyFailed", "ClusterPropagationPolicy "+ns+" waits for ClusterOverridePolicy "+ns)
	hub.Create(t, "", fmt.Sprintf(`
apiVersion: policy.karmada.io/v1alpha1
kind: ClusterOverridePolicy
metadata: {name: %s}
spec: {resourceSelectors: [%s], overrideRules: [{overriders: {labelsOverrider: [{operator: add, value: {wide: "yes"}}]}}]}`, ns, selector))
	t.Cleanup(func() { deleteAfter(t, "clusteroverridepolicies", ns) })
	expectOn(t, "configmaps", ns, "c", "member1")
	u, err := fleet[0].Get(t.Context(), "configmaps", ns, "c")
	if err != nil || u.GetLabels()["wide"] != "yes" || field(u, "data", "key") != "namespaced" {
		t.Errorf("the copy is %v, %v", u, err)
	}
}
