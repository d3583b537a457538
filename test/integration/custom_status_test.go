/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package integration_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/yaml"

	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
	"github.com/manifold-k8s/manifold/test/apitest"
)

// customKinds are two kinds of one group, of which only Lamps have a status of their own.
const customKinds = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: lamps.%[1]s}
spec:
  group: %[1]s
  scope: Namespaced
  names: {plural: lamps, singular: lamp, kind: Lamp}
  versions:
  - name: v1
    served: true
    storage: true
    subresources: {status: {}}
    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: bulbs.%[1]s}
spec:
  group: %[1]s
  scope: Namespaced
  names: {plural: bulbs, singular: bulb, kind: Bulb}
  versions:
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}`

// A custom resource is ready on the hub when it is in every member, and not before, whatever they said of an earlier
// generation.
func TestCustomResourceStatus(t *testing.T) {
	t.Parallel()
	ns := namespace(t)
	group := unique("status") + ".example.com"
	lamps, bulbs := "lamps."+group, "bulbs."+group
	hub.Create(t, "", docs(fmt.Sprintf(customKinds, group),
		clusterPolicy(group, byName("CustomResourceDefinition", lamps)+", "+byName("CustomResourceDefinition", bulbs), on("member1", "member2"))))
	t.Cleanup(func() {
		deleteAfter(t, "customresourcedefinitions", lamps)
		deleteAfter(t, "customresourcedefinitions", bulbs)
		deleteAfter(t, "clusterpropagationpolicies", group)
	})
	for _, kind := range []string{"Lamp", "Bulb"} {
		apitest.Eventually(t, func() error { // the hub itself needs a moment to serve it
			_, err := hub.TryCreate(t.Context(), ns, fmt.Sprintf(`{apiVersion: %s/v1, kind: %s, metadata: {name: x}, spec: {size: 1}}`, group, kind))
			return err
		})
		hub.Create(t, ns, policy(strings.ToLower(kind), fmt.Sprintf("{apiVersion: %s/v1, kind: %s}", group, kind), on("member1", "member2")))
	}
	for _, m := range fleet[:2] {
		apitest.Eventually(t, func() error {
			return errors.Join(m.Has(t.Context(), lamps, ns, "x"), m.Has(t.Context(), bulbs, ns, "x"))
		})
	}

	lampSays := func(generation int64, status, reason string) error {
		u, err := hub.Get(t.Context(), lamps, ns, "x")
		if err != nil {
			return err
		}
		got, _ := field(u, "status").(map[string]any)
		return includes("status", fragment(t, fmt.Sprintf(`{observedGeneration: %d, conditions: [{type: Ready, status: %q, reason: %s}]}`, generation, status, reason)), got)
	}
	lampIsReady(t, 0, lamps, ns, 1)
	lampIsReady(t, 1, lamps, ns, 1)
	apitest.Eventually(t, func() error { return lampSays(1, "True", "Lit") })
	hub.Kubectl(t, "", "wait", "--for=condition=Ready", lamps+"/x", "-n", ns, "--timeout=30s")

	hub.Patch(t, lamps, ns, "x", `spec: {size: 2}`)
	for _, m := range fleet[:2] {
		apitest.Eventually(t, func() error {
			u, err := m.Get(t.Context(), lamps, ns, "x")
			if err == nil && field(u, "spec", "size") != int64(2) {
				err = fmt.Errorf("%s: spec is %v", m.Name, u.Object["spec"])
			}
			return err
		})
	}
	lampIsReady(t, 0, lamps, ns, 2)
	apitest.Eventually(t, func() error { return lampSays(1, "Unknown", "NotUpToDate") })
	lampIsReady(t, 1, lamps, ns, 2)
	apitest.Eventually(t, func() error { return lampSays(2, "True", "Lit") })

	// What has no status of its own on the hub keeps its generation, and its state stands in the binding.
	for _, m := range fleet[:2] {
		m.Patch(t, bulbs, ns, "x", `status: {phase: Lit}`)
	}
	apitest.Eventually(t, func() error {
		b, err := binding(t.Context(), hub, ns, "x", "Bulb")
		if err != nil {
			return err
		}
		for _, m := range fleet[:2] {
			i, err := item(b, m.Name)
			if err != nil {
				return err
			}
			if !i.Applied || i.Status == nil || i.Health != workv1alpha2.ResourceHealthy {
				return fmt.Errorf("%s: %+v", m.Name, i)
			}
		}
		return nil
	})
	u, err := hub.Get(t.Context(), bulbs, ns, "x")
	if err != nil {
		t.Fatal(err)
	}
	if u.GetGeneration() != 1 || field(u, "status") != nil {
		t.Errorf("a template without a status of its own has generation %d and status %v", u.GetGeneration(), field(u, "status"))
	}
}

// lampIsReady plays the controller of a member.
func lampIsReady(t *testing.T, member int, resource, ns string, generation int64) {
	t.Helper()
	client, err := fleet[member].Objects(resource, ns)
	if err != nil {
		t.Fatal(err)
	}
	status := fmt.Sprintf(`{status: {observedGeneration: %d, conditions: [{type: Ready, status: "True", reason: Lit, message: it shines,
		lastTransitionTime: "2026-01-01T00:00:00Z"}]}}`, generation)
	data, err := yaml.YAMLToJSON([]byte(status))
	if err == nil {
		_, err = client.Patch(t.Context(), "x", types.MergePatchType, data, metav1.PatchOptions{}, "status")
	}
	if err != nil {
		t.Fatal(err)
	}
}
