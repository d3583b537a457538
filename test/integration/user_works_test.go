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

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	workv1alpha1 "github.com/manifold-k8s/manifold/apis/work/v1alpha1"
	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
	"github.com/manifold-k8s/manifold/pkg/works"
	"github.com/manifold-k8s/manifold/test/apitest"
)

// userWork is a Work of ConfigMaps, which are given as name and value in turn.
func userWork(name, ns string, spec string, configMaps ...string) string {
	var manifests []string
	for i := 0; i < len(configMaps); i += 2 {
		manifests = append(manifests, fmt.Sprintf("{apiVersion: v1, kind: ConfigMap, metadata: {name: %s, namespace: %s, uid: x}, data: {key: %q}}",
			configMaps[i], ns, configMaps[i+1]))
	}
	return fmt.Sprintf(`
apiVersion: work.karmada.io/v1alpha1
kind: Work
metadata: {name: %s}
spec: {%s workload: {manifests: [%s]}}`, name, spec, strings.Join(manifests, ", "))
}

// expectWork waits until the Work's condition Applied has that status, with a word in its message.
func expectWork(t *testing.T, name string, status metav1.ConditionStatus, word string) *workv1alpha1.Work {
	t.Helper()
	reason := map[metav1.ConditionStatus]string{metav1.ConditionTrue: workv1alpha1.ReasonAppliedSuccessful, metav1.ConditionFalse: workv1alpha1.ReasonAppliedFailed}
	var w *workv1alpha1.Work
	apitest.Eventually(t, func() (err error) {
		w, err = hub.Manifold.WorkV1alpha1().Works(es1).Get(t.Context(), name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		return says(w.Status.Conditions, workv1alpha1.WorkApplied, status, reason[status], word)
	})
	return w
}

// A Work that a user makes is executed: kept, changed, suspended, and removed with what it brought.
func TestUserMadeWork(t *testing.T) {
	t.Parallel()
	ns := namespace(t)
	m, name := fleet[0].API, unique("made")
	hub.Create(t, es1, userWork(name, ns, "", "a", "one", "b", "one"))
	w := expectWork(t, name, metav1.ConditionTrue, "")
	if len(w.Labels[workv1alpha2.WorkPermanentIDLabel]) != 36 || len(w.Status.ManifestStatuses) != 2 ||
		w.Status.ManifestStatuses[0].Identifier.Resource != "configmaps" || strings.Contains(string(w.Spec.Workload.Manifests[0].Raw), "uid") {
		t.Errorf("work = %+v", w)
	}
	contains(t, hub.Kubectl(t, "", "get", "works", "-A"), name, "ConfigMap,ConfigMap")
	live, err := m.Get(t.Context(), "configmaps", ns, "a")
	if err != nil {
		t.Fatal(err)
	}
	if live.GetLabels()[workv1alpha2.ManagedLabel] != "true" || live.GetAnnotations()[workv1alpha2.WorkNameAnnotation] != name {
		t.Errorf("metadata = %v", live.Object["metadata"])
	}

	m.Patch(t, "configmaps", ns, "a", `data: {key: drifted, own: kept}`)
	expectData(t, m, ns, "a", "one")
	m.Delete(t, "configmaps", ns, "b")
	expectData(t, m, ns, "b", "one")
	m.Patch(t, "configmaps", ns, "b", `metadata: {labels: {karmada.io/managed: null, work.karmada.io/permanent-id: null}}`)
	apitest.Eventually(t, func() error {
		cm, err := m.Kube.CoreV1().ConfigMaps(ns).Get(t.Context(), "b", metav1.GetOptions{})
		if err == nil && cm.Labels[workv1alpha2.ManagedLabel] != "true" {
			err = fmt.Errorf("labels %v", cm.Labels)
		}
		return err
	})

	hub.Patch(t, "works", es1, name, fmt.Sprintf(`spec: {workload: {manifests: [
  {apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: %[1]s}, data: {key: two}},
  {apiVersion: v1, kind: ConfigMap, metadata: {name: c, namespace: %[1]s}, data: {key: two}}]}}`, ns))
	expectData(t, m, ns, "a", "two")
	expectData(t, m, ns, "c", "two")
	apitest.Eventually(t, func() error { return m.Lacks(t.Context(), "configmaps", ns, "b") })

	hub.Patch(t, "works", es1, name, fmt.Sprintf(`spec: {suspendDispatching: true, workload: {manifests: [
  {apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: %[1]s}, data: {key: three}},
  {apiVersion: v1, kind: ConfigMap, metadata: {name: d, namespace: %[1]s}, data: {key: three}}]}}`, ns))
	apitest.Eventually(t, func() error {
		w, err := hub.Manifold.WorkV1alpha1().Works(es1).Get(t.Context(), name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		return says(w.Status.Conditions, workv1alpha1.WorkDispatching, metav1.ConditionFalse, workv1alpha1.ReasonSuspendDispatching, "")
	})
	apitest.Always(t, time.Second, func() error {
		cm, err := m.Kube.CoreV1().ConfigMaps(ns).Get(t.Context(), "a", metav1.GetOptions{})
		if err == nil && cm.Data["key"] != "two" {
			err = fmt.Errorf("suspended, and the member has %v", cm.Data)
		}
		if err == nil {
			err = m.Lacks(t.Context(), "configmaps", ns, "d")
		}
		return err
	})
	hub.Patch(t, "works", es1, name, `spec: {suspendDispatching: null}`)
	expectData(t, m, ns, "a", "three")
	expectData(t, m, ns, "d", "three")

	hub.Delete(t, "works", es1, name)
	apitest.Eventually(t, func() error { return hub.Lacks(t.Context(), "works", es1, name) })
	for _, cm := range []string{"a", "c", "d"} {
		if err := m.Lacks(t.Context(), "configmaps", ns, cm); err != nil {
			t.Error(err)
		}
	}
}

// What others have made is left alone, unless the Work says otherwise; what it has made stays if it says so.
func TestUserMadeWorkAndOthers(t *testing.T) {
	t.Parallel()
	ns := namespace(t)
	m, name := fleet[0].API, unique("made")
	m.Create(t, ns, configMap("foreign", "theirs"))
	hub.Create(t, ns, docs(configMap("copied", "template"), policy("p", byName("ConfigMap", "copied"), on("member1"))))
	expectOn(t, "configmaps", ns, "copied", "member1")
	hub.Create(t, es1, userWork(name, ns, "preserveResourcesOnDeletion: true,", "foreign", "ours", "copied", "ours"))
	w := expectWork(t, name, metav1.ConditionFalse, "copy of a template")
	if err := says(w.Status.Conditions, workv1alpha1.WorkApplied, metav1.ConditionFalse, workv1alpha1.ReasonAppliedFailed, "does not manage"); err != nil {
		t.Error(err)
	}
	hub.Patch(t, "works", es1, name, `metadata: {annotations: {work.karmada.io/conflict-resolution: overwrite}}`)
	expectData(t, m, ns, "foreign", "ours")
	expectWork(t, name, metav1.ConditionFalse, "copy of a template")
	expectData(t, m, ns, "copied", "template")

	hub.Delete(t, "works", es1, name)
	apitest.Eventually(t, func() error { return hub.Lacks(t.Context(), "works", es1, name) })
	expectData(t, m, ns, "copied", "template")
	cm, err := m.Kube.CoreV1().ConfigMaps(ns).Get(t.Context(), "foreign", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if cm.Data["key"] != "ours" || cm.Labels[workv1alpha2.ManagedLabel] != "" || cm.Annotations[workv1alpha2.WorkNameAnnotation] != "" {
		t.Errorf("the object that is preserved is %+v", cm)
	}

	for what, tc := range map[string]struct{ namespace, manifest, word string }{
		"elsewhere":   {ns, userWork("w", ns, "", "x", "y"), "karmada-es-"},
		"twice":       {es1, userWork("w", ns, "", "x", "y", "x", "z"), "Duplicate"},
		"a namespace": {es1, strings.ReplaceAll(userWork("w", ns, "", "x", "y"), "ConfigMap", "Namespace"), "without a policy"},
		"no name":     {es1, userWork("w", ns, "", `""`, "y"), "metadata.name"},
	} {
		_, err := hub.TryCreate(t.Context(), tc.namespace, tc.manifest)
		if !apierrors.IsInvalid(err) || !strings.Contains(err.Error(), tc.word) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// A restart sends nothing that the member has already; a member that was away gets what it missed; one that has left keeps
// what it has, and the hub forgets it.
func TestUserMadeWorkOverTime(t *testing.T) {
	h, m := apitest.NewHub(t), bare[0]
	if err := h.Enrol(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	ns, es := namespaceOn(t, h), works.Namespace(m.Name)
	for _, ready := range []func() error{
		func() error { return m.Has(t.Context(), "namespaces", "", ns) },
		func() error { return h.Has(t.Context(), "namespaces", "", es) },
	} {
		apitest.Eventually(t, ready)
	}
	h.Create(t, es, userWork("w", ns, "", "a", "one", "b", "one"))
	expectData(t, m.API, ns, "a", "one")
	expectData(t, m.API, ns, "b", "one")
	before, err := m.Get(t.Context(), "configmaps", ns, "a")
	if err != nil {
		t.Fatal(err)
	}
	set := func(a, b string) {
		t.Helper()
		h.Patch(t, "works", es, "w", fmt.Sprintf(`spec: {workload: {manifests: [
  {apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: %[1]s}, data: {key: %[2]s}},
  {apiVersion: v1, kind: ConfigMap, metadata: {name: b, namespace: %[1]s}, data: {key: %[3]s}}]}}`, ns, a, b))
	}
	h.Kill()
	if err := h.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	set("one", "two")
	expectData(t, m.API, ns, "b", "two")
	after, err := m.Get(t.Context(), "configmaps", ns, "a")
	if err != nil {
		t.Fatal(err)
	}
	if before.GetResourceVersion() != after.GetResourceVersion() {
		t.Errorf("the restart wrote a again:\n%v\n%v", before, after)
	}

	back := stop(t, m)
	set("three", "three")
	back()
	expectData(t, m.API, ns, "a", "three")

	h.Delete(t, "clusters", "", m.Name)
	apitest.Eventually(t, func() error { return h.Lacks(t.Context(), "clusters", "", m.Name) })
	apitest.Eventually(t, func() error { return h.Lacks(t.Context(), "namespaces", "", es) })
	expectData(t, m.API, ns, "b", "three")
}
