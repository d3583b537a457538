/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package integration_test

import (
	"fmt"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/manifold-k8s/manifold/test/apitest"
)

// A deletion in the foreground lasts until the last copy is gone; what holds one is said, and it is left alone.
func TestForegroundDeletion(t *testing.T) {
	t.Parallel()
	ns := namespace(t)
	m := fleet[0]
	hub.Create(t, ns, docs(configMap("c", "v"), policy("p", all("ConfigMap"), on(m.Name, "member2"))))
	expectApplied(t, hub, ns, "c", "ConfigMap")
	m.Patch(t, "configmaps", ns, "c", `metadata: {finalizers: [example.com/hold]}`)
	before, err := m.Get(t.Context(), "configmaps", ns, "c")
	if err != nil {
		t.Fatal(err)
	}
	hub.DeleteWith(t, "configmaps", ns, "c", metav1.DeletePropagationForeground)
	expectOn(t, "configmaps", ns, "c", m.Name)
	expectEvent(t, ns, "c", "CleanupWorkFailed", "example.com/hold")
	template, err := hub.Get(t.Context(), "configmaps", ns, "c")
	if err != nil || template.GetDeletionTimestamp() == nil {
		t.Errorf("the template is gone before its copy: %v", err)
	}
	now, err := m.Get(t.Context(), "configmaps", ns, "c")
	if err != nil || now.GetUID() != before.GetUID() {
		t.Errorf("the copy was made anew: %v", err)
	}
	m.Patch(t, "configmaps", ns, "c", `metadata: {finalizers: null}`)
	apitest.Eventually(t, func() error { return hub.Lacks(t.Context(), "configmaps", ns, "c") })
	expectOn(t, "configmaps", ns, "c")
	if err := hub.Lacks(t.Context(), "resourcebindings", ns, "c-configmap"); err != nil {
		t.Error(err)
	}
}

// A finalizer of the template holds the template, and neither goes to the members nor holds the copies.
func TestTemplateWithFinalizer(t *testing.T) {
	t.Parallel()
	ns := namespace(t)
	hub.Create(t, ns, docs(configMap("c", "v"), policy("p", all("ConfigMap"), on("member1", "member2"))))
	hub.Patch(t, "configmaps", ns, "c", `{metadata: {finalizers: [example.com/hold]}, data: {key: held}}`)
	expectData(t, fleet[0].API, ns, "c", "held")
	u, err := fleet[0].Get(t.Context(), "configmaps", ns, "c")
	if err != nil || len(u.GetFinalizers()) > 0 {
		t.Errorf("the copy has the finalizers %v: %v", u.GetFinalizers(), err)
	}
	hub.Delete(t, "configmaps", ns, "c")
	expectOn(t, "configmaps", ns, "c")
	if err := hub.Has(t.Context(), "configmaps", ns, "c"); err != nil {
		t.Error(err)
	}
	hub.Patch(t, "configmaps", ns, "c", `metadata: {finalizers: null}`)
	apitest.Eventually(t, func() error { return hub.Lacks(t.Context(), "configmaps", ns, "c") })
}

// What is protected cannot be deleted, templates and namespaces alike, before the label is taken off.
func TestDeletionProtection(t *testing.T) {
	t.Parallel()
	ns := namespace(t)
	hub.Create(t, ns, docs(configMap("c", "v"), policy("p", all("ConfigMap"), on("member1"))))
	expectOn(t, "configmaps", ns, "c", "member1")
	for _, o := range []struct{ resource, namespace, name string }{{"configmaps", ns, "c"}, {"namespaces", "", ns}} {
		hub.Patch(t, o.resource, o.namespace, o.name, `metadata: {labels: {resourcetemplate.karmada.io/deletion-protected: Always}}`)
		client, err := hub.Objects(o.resource, o.namespace)
		if err != nil {
			t.Fatal(err)
		}
		if err := client.Delete(t.Context(), o.name, metav1.DeleteOptions{}); !apierrors.IsForbidden(err) {
			t.Errorf("%s can be deleted: %v", o.resource, err)
		}
	}
	if err := isOn(t.Context(), "configmaps", ns, "c", "member1"); err != nil {
		t.Error(err)
	}
	for _, o := range []struct{ resource, namespace, name string }{{"configmaps", ns, "c"}, {"namespaces", "", ns}} {
		hub.Patch(t, o.resource, o.namespace, o.name, `metadata: {labels: {resourcetemplate.karmada.io/deletion-protected: null}}`)
	}
	hub.Delete(t, "configmaps", ns, "c")
	expectOn(t, "configmaps", ns, "c")
}

// The annotation on the template goes before the policy, either way.
func TestConflictByAnnotation(t *testing.T) {
	t.Parallel()
	ns := namespace(t)
	m := fleet[0]
	const key = "work.karmada.io/conflict-resolution"
	m.Create(t, ns, docs(configMap("taken", "foreign"), configMap("left", "foreign")))
	hub.Create(t, ns, docs(
		fmt.Sprintf(`{apiVersion: v1, kind: ConfigMap, metadata: {name: taken, annotations: {%s: overwrite}}, data: {key: ours}}`, key),
		fmt.Sprintf(`{apiVersion: v1, kind: ConfigMap, metadata: {name: left, annotations: {%s: abort}}, data: {key: ours}}`, key),
		policy("taken", byName("ConfigMap", "taken"), on(m.Name)),
		policy("left", byName("ConfigMap", "left"), on(m.Name), "conflictResolution: Overwrite")))
	expectData(t, m.API, ns, "taken", "ours")
	expectApplied(t, hub, ns, "taken", "ConfigMap")
	expectFailure(t, ns, "left", "ConfigMap", m.Name, "does not manage", "Overwrite")
	expectData(t, m.API, ns, "left", "foreign")
	// It is tried again when the other is gone.
	m.Delete(t, "configmaps", ns, "left")
	expectData(t, m.API, ns, "left", "ours")
	expectApplied(t, hub, ns, "left", "ConfigMap")
}
