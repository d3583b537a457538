/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package integration_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	policyv1alpha1 "github.com/manifold-k8s/manifold/apis/policy/v1alpha1"
	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
	"github.com/manifold-k8s/manifold/test/apitest"
)

const propagateDeps = "propagateDeps: true"

// needing is a Deployment whose pods refer to those ConfigMaps.
func needing(name string, configMaps ...string) string {
	var volumes []string
	for _, c := range configMaps {
		volumes = append(volumes, fmt.Sprintf("{name: %[1]s, configMap: {name: %[1]s}}", c))
	}
	return deployment(name, 1) + fmt.Sprintf("\n      volumes: [%s]", strings.Join(volumes, ", "))
}

// requiredBy is where the bindings that need a template are placed, by their names.
func requiredBy(ctx context.Context, h *apitest.Hub, namespace, name, kind string) (map[string]string, error) {
	b, err := binding(ctx, h, namespace, name, kind)
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for _, by := range b.Spec.RequiredBy {
		var where []string
		for _, c := range by.Clusters {
			where = append(where, c.Name)
		}
		out[by.Name] = strings.Join(where, " ")
	}
	return out, nil
}

// Whatever kinds of objects a workload refers to follow it to its clusters, change with their templates, and leave when they
// are not to follow any more. The templates stay.
func TestDependenciesFollow(t *testing.T) {
	t.Parallel()
	ns := namespace(t)
	kinds := map[string]string{"configmaps": "env", "secrets": "keys", "serviceaccounts": "runner", "persistentvolumeclaims": "disk"}
	hub.Create(t, ns, docs(
		configMap("env", "v"), configMap("unrelated", "v"),
		`{apiVersion: v1, kind: Secret, metadata: {name: keys}, stringData: {key: s}}`,
		`{apiVersion: v1, kind: ServiceAccount, metadata: {name: runner}}`,
		`{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: disk}, spec: {storageClassName: none, accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}`,
		strings.Replace(deployment("web", 1), "{name: main,", "{name: main, envFrom: [{configMapRef: {name: env}}],", 1)+`
      serviceAccountName: runner
      volumes:
      - {name: keys, secret: {secretName: keys}}
      - {name: disk, persistentVolumeClaim: {claimName: disk}}
      - {name: ca, configMap: {name: kube-root-ca.crt}}`,
		policy("web", byName("Deployment", "web"), on("member1", "member2"), propagateDeps)))
	for resource, name := range kinds {
		expectOn(t, resource, ns, name, "member1", "member2")
	}
	b := expectApplied(t, hub, ns, "env", "ConfigMap")
	if b.Spec.Placement != nil || b.Spec.SchedulerName != "" || len(b.Spec.Clusters) > 0 || meta.FindStatusCondition(b.Status.Conditions, workv1alpha2.Scheduled) != nil {
		t.Errorf("a binding that only others need is scheduled: %+v", b.Spec)
	}
	web, err := binding(t.Context(), hub, ns, "web", "Deployment")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]workv1alpha2.BindingSnapshot{{Namespace: ns, Name: web.Name, Clusters: web.Spec.Clusters}}, b.Spec.RequiredBy); diff != "" {
		t.Errorf("requiredBy (-want +got):\n%s", diff)
	}
	if text := web.Annotations[workv1alpha2.DependenciesAnnotation]; strings.Count(text, `"kind"`) != 4 || strings.Contains(text, "kube-root-ca") {
		t.Errorf("the dependencies are %s", text)
	}
	hub.Patch(t, "configmaps", ns, "env", `data: {key: new}`)
	expectData(t, fleet[1].API, ns, "env", "new")

	hub.Patch(t, "propagationpolicies", ns, "web", `spec: {propagateDeps: false}`)
	for resource, name := range kinds {
		expectOn(t, resource, ns, name)
		if err := hub.Has(t.Context(), resource, ns, name); err != nil {
			t.Error(err)
		}
	}
	apitest.Eventually(t, func() error { return hub.Lacks(t.Context(), "resourcebindings", ns, "env-configmap") })
	if err := isOn(t.Context(), "configmaps", ns, "unrelated"); err != nil {
		t.Error(err)
	}
	expectOn(t, "deployments", ns, "web", "member1", "member2")
}

// What several need is where any of them is, and leaves with the last. What comes later than the reference follows, too.
func TestSharedDependency(t *testing.T) {
	t.Parallel()
	ns := namespace(t)
	hub.Create(t, ns, docs(
		needing("a", "shared", "late"), policy("a", byName("Deployment", "a"), on("member1", "member2"), propagateDeps),
		needing("b", "shared"), policy("b", byName("Deployment", "b"), on("member2", "member3"), propagateDeps),
		configMap("shared", "v")))
	expectOn(t, "configmaps", ns, "shared", "member1", "member2", "member3")
	expectApplied(t, hub, ns, "shared", "ConfigMap")
	hub.Create(t, ns, configMap("late", "v"))
	expectOn(t, "configmaps", ns, "late", "member1", "member2")

	hub.Patch(t, "propagationpolicies", ns, "b", fmt.Sprintf("spec: {placement: {%s}}", on("member1")))
	expectOn(t, "configmaps", ns, "shared", "member1", "member2")
	hub.Delete(t, "deployments", ns, "a")
	expectOn(t, "configmaps", ns, "late")
	expectOn(t, "configmaps", ns, "shared", "member1")
	want := map[string]string{"b-deployment": "member1"}
	apitest.Eventually(t, func() error {
		got, err := requiredBy(t.Context(), hub, ns, "shared", "ConfigMap")
		if diff := cmp.Diff(want, got); err == nil && diff != "" {
			err = fmt.Errorf("required by (-want +got):\n%s", diff)
		}
		return err
	})
	hub.Patch(t, "deployments", ns, "b", `spec: {template: {spec: {volumes: null}}}`)
	expectOn(t, "configmaps", ns, "shared")
	apitest.Eventually(t, func() error { return hub.Lacks(t.Context(), "resourcebindings", ns, "shared-configmap") })
	if err := hub.Has(t.Context(), "configmaps", ns, "shared"); err != nil {
		t.Error(err)
	}
}

// A policy of its own keeps deciding about what others need; when it ends, what it placed stays as it is, and what others
// need is kept up to date for them.
func TestDependencyWithItsOwnPolicy(t *testing.T) {
	t.Parallel()
	ns := namespace(t)
	hub.Create(t, ns, docs(
		configMap("c", "old"), policy("c", byName("ConfigMap", "c"), on("member1")),
		needing("web", "c"), policy("web", byName("Deployment", "web"), on("member2", "member3"), propagateDeps)))
	expectOn(t, "configmaps", ns, "c", "member1", "member2", "member3")
	b := expectApplied(t, hub, ns, "c", "ConfigMap")
	if len(b.Spec.Clusters) != 1 || b.Spec.Placement == nil || b.Annotations[policyv1alpha1.PropagationPolicyNameAnnotation] != "c" {
		t.Errorf("its own settings have changed: %+v, %v", b.Spec, b.Annotations)
	}
	hub.Patch(t, "propagationpolicies", ns, "web", fmt.Sprintf("spec: {placement: {%s}}", on("member2")))
	expectOn(t, "configmaps", ns, "c", "member1", "member2")

	hub.Delete(t, "propagationpolicies", ns, "c")
	claimedBy(t, "configmaps", ns, "c", policyv1alpha1.PropagationPolicyNameAnnotation, "")
	hub.Patch(t, "configmaps", ns, "c", `data: {key: new}`)
	expectData(t, fleet[1].API, ns, "c", "new")
	expectData(t, fleet[0].API, ns, "c", "old")
	hub.Delete(t, "deployments", ns, "web")
	expectOn(t, "configmaps", ns, "c", "member1")
	expectData(t, fleet[0].API, ns, "c", "old")
}

// What the policies of those who need it say of conflicts and of the end holds for it, too.
func TestDependencyTakesSettings(t *testing.T) {
	t.Parallel()
	ns := namespace(t)
	m := fleet[0]
	m.Create(t, ns, configMap("c", "foreign"))
	hub.Create(t, ns, docs(
		configMap("c", "ours"),
		needing("a", "c"), policy("a", byName("Deployment", "a"), on(m.Name), propagateDeps)))
	expectFailure(t, ns, "c", "ConfigMap", m.Name, "does not manage")
	hub.Create(t, ns, docs(
		needing("b", "c"), policy("b", byName("Deployment", "b"), on(m.Name), propagateDeps, "conflictResolution: Overwrite, preserveResourcesOnDeletion: true")))
	expectData(t, m.API, ns, "c", "ours")
	expectEvent(t, ns, "c", "DependencyPolicyConflict", "b-deployment")

	hub.Delete(t, "deployments", ns, "a")
	apitest.Eventually(t, func() error {
		got, err := requiredBy(t.Context(), hub, ns, "c", "ConfigMap")
		if err == nil && len(got) != 1 {
			err = fmt.Errorf("required by %v", got)
		}
		return err
	})
	hub.Delete(t, "deployments", ns, "b")
	apitest.Eventually(t, func() error { return hub.Lacks(t.Context(), "resourcebindings", ns, "c-configmap") })
	u, err := m.Get(t.Context(), "configmaps", ns, "c")
	if err != nil || u.GetLabels()[workv1alpha2.ManagedLabel] != "" {
		t.Errorf("the copy was to stay without marks: %v, %v", err, u.GetLabels())
	}
}

// Nobody's edit of the loop's own records takes anything away from the members: it is put right.
func TestDependenciesOutlastEdits(t *testing.T) {
	t.Parallel()
	ns := namespace(t)
	m := fleet[2]
	hub.Create(t, ns, docs(configMap("c", "v"), needing("web", "c"), policy("web", byName("Deployment", "web"), on(m.Name), propagateDeps)))
	b := expectApplied(t, hub, ns, "c", "ConfigMap")
	before, err := m.Get(t.Context(), "configmaps", ns, "c")
	if err != nil {
		t.Fatal(err)
	}
	marks := slices.DeleteFunc(slices.Collect(maps.Keys(b.Labels)), func(k string) bool { return !strings.HasPrefix(k, workv1alpha2.DependedByLabelPrefix) })
	if len(marks) != 1 {
		t.Fatalf("labels %v", b.Labels)
	}
	for _, edit := range []struct{ name, patch string }{
		{"web-deployment", fmt.Sprintf(`metadata: {annotations: {%s: null}}`, workv1alpha2.DependenciesAnnotation)},
		{"web-deployment", fmt.Sprintf(`metadata: {annotations: {%s: "[]"}}`, workv1alpha2.DependenciesAnnotation)},
		{"c-configmap", fmt.Sprintf(`metadata: {labels: {%s: null}}`, marks[0])},
	} {
		hub.Patch(t, "resourcebindings", ns, edit.name, edit.patch)
		apitest.Eventually(t, func() error {
			web, err := binding(t.Context(), hub, ns, "web", "Deployment")
			if err != nil {
				return err
			}
			c, err := binding(t.Context(), hub, ns, "c", "ConfigMap")
			if err == nil && (c.Labels[marks[0]] == "" || !strings.Contains(web.Annotations[workv1alpha2.DependenciesAnnotation], `"c"`)) {
				err = fmt.Errorf("after %s: labels %v, dependencies %v", edit.patch, c.Labels, web.Annotations)
			}
			return err
		})
	}
	expectApplied(t, hub, ns, "c", "ConfigMap")
	after, err := m.Get(t.Context(), "configmaps", ns, "c")
	if err != nil || after.GetUID() != before.GetUID() {
		t.Errorf("the copy was made anew: %v", err)
	}
}

// A restart takes nothing away from the members, and forgets nothing that changed while nobody looked.
func TestDependenciesOutlastARestart(t *testing.T) {
	h := alone(t)
	ns := namespaceOn(t, h)
	h.Create(t, ns, docs(
		configMap("kept", "v"), configMap("left", "v"),
		needing("stays", "kept"), policy("stays", byName("Deployment", "stays"), on("bare1", "bare2"), propagateDeps),
		needing("goes", "kept", "left"), policy("goes", byName("Deployment", "goes"), on("bare2", "bare3"), propagateDeps)))
	uid := func(m *apitest.Member) types.UID {
		cm, err := m.Kube.CoreV1().ConfigMaps(ns).Get(t.Context(), "kept", metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return cm.UID
	}
	expectApplied(t, h, ns, "kept", "ConfigMap")
	expectApplied(t, h, ns, "left", "ConfigMap")
	before := []types.UID{uid(bare[0]), uid(bare[1])}
	h.Delete(t, "deployments", ns, "goes")
	h.Kill() // perhaps before anything has come of it
	if err := h.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	apitest.Eventually(t, func() error { return h.Lacks(t.Context(), "resourcebindings", ns, "left-configmap") })
	holds := func(name string, want ...*apitest.Member) error {
		for _, m := range bare {
			check := m.Lacks
			if slices.Contains(want, m) {
				check = m.Has
			}
			if err := check(t.Context(), "configmaps", ns, name); err != nil {
				return err
			}
		}
		return nil
	}
	apitest.Eventually(t, func() error { return holds("left") })
	apitest.Eventually(t, func() error { return holds("kept", bare[0], bare[1]) })
	h.Patch(t, "configmaps", ns, "kept", `data: {key: after}`)
	for i, m := range bare[:2] {
		expectData(t, m.API, ns, "kept", "after")
		if after := uid(m); after != before[i] {
			t.Errorf("%s: the copy was %s, and is %s", m.Name, before[i], after)
		}
	}
}
