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

// What a Lazy policy says reaches a template with that one's next change. Somebody else's does not count, and a template
// that is new follows at once.
func TestLazyActivation(t *testing.T) {
	t.Parallel()
	ns := namespace(t)
	placed := func(clusters ...string) string { return fmt.Sprintf("spec: {placement: {%s}}", on(clusters...)) }
	hub.Create(t, ns, docs(
		policy("p", all("ConfigMap"), on("member1"), "activationPreference: Lazy"), configMap("c", "a"), configMap("d", "a"),
		policy("web", all("Deployment"), weights(1, 1), "activationPreference: Lazy"), deployment("web", 2)))
	expectOn(t, "configmaps", ns, "c", "member1")
	expectOn(t, "configmaps", ns, "d", "member1")
	expectShares(t, ns, "web", map[string]int32{"member1": 1, "member2": 1})
	w := watchCopy(t, fleet[0], ns, "d")

	hub.Patch(t, "propagationpolicies", ns, "p", placed("member1", "member2"))
	hub.Patch(t, "propagationpolicies", ns, "web", fmt.Sprintf("spec: {placement: {%s}}", weights(1, 1, 2)))
	hub.Create(t, ns, configMap("new", "a"))
	expectOn(t, "configmaps", ns, "new", "member1", "member2")
	apitest.Always(t, quiet, func() error {
		got, err := shares(t.Context(), ns, "web")
		if len(got) != 2 && err == nil {
			err = fmt.Errorf("the Deployment is in %v", got)
		}
		return errors.Join(err, isOn(t.Context(), "configmaps", ns, "c", "member1"), isOn(t.Context(), "configmaps", ns, "d", "member1"))
	})

	hub.Patch(t, "configmaps", ns, "c", `data: {key: b}`)
	expectOn(t, "configmaps", ns, "c", "member1", "member2")
	hub.Patch(t, "deployments", ns, "web", `spec: {replicas: 4}`)
	expectShares(t, ns, "web", map[string]int32{"member1": 1, "member2": 1, "member3": 2})

	// Another Lazy policy takes the template over: its name is there at once, what it says is not.
	hub.Create(t, ns, policy("q", byName("ConfigMap", "c"), on("member3"), "activationPreference: Lazy", "preemption: Always", "priority: 1"))
	claimedBy(t, "configmaps", ns, "c", byPolicy, "q")
	apitest.Eventually(t, func() error {
		b, err := binding(t.Context(), hub, ns, "c", "ConfigMap")
		if err == nil && b.Annotations[byPolicy] != "q" {
			err = fmt.Errorf("the binding says %v", b.Annotations)
		}
		return err
	})
	if err := isOn(t.Context(), "configmaps", ns, "c", "member1", "member2"); err != nil {
		t.Error(err)
	}
	hub.Patch(t, "configmaps", ns, "c", `metadata: {labels: {edited: "yes"}}`)
	expectOn(t, "configmaps", ns, "c", "member3")

	// A policy that is Lazy no more does what it has held back.
	hub.Patch(t, "propagationpolicies", ns, "p", `spec: {activationPreference: null}`)
	expectOn(t, "configmaps", ns, "d", "member1", "member2")
	w.neverDeleted()
}
