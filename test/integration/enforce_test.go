/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package integration_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/manifold-k8s/manifold/test/apitest"
)

// A change that a member cannot make to an object that exists is explained; the others are not held up, and it heals.
func TestFieldThatCannotChange(t *testing.T) {
	t.Parallel()
	ns := namespace(t)
	hub.Create(t, ns, docs(
		`{apiVersion: v1, kind: Secret, metadata: {name: s}, immutable: true, stringData: {key: old}}`,
		policy("p", "{apiVersion: v1, kind: Secret}", on("member1", "member2")),
		deployment("web", 1), policy("web", all("Deployment"), on("member1", "member2"))))
	expectApplied(t, hub, ns, "s", "Secret")
	expectApplied(t, hub, ns, "web", "Deployment")
	hub.Create(t, ns, docs(
		overridePolicy("s", "{apiVersion: v1, kind: Secret}", `{targetCluster: {clusterNames: [member2]}, overriders: {plaintext: [{path: /data/key, operator: replace, value: bmV3}]}}`),
		overridePolicy("web", all("Deployment"), `{targetCluster: {clusterNames: [member2]}, overriders: {plaintext: [
			{path: /spec/selector/matchLabels/more, operator: add, value: x}, {path: /spec/template/metadata/labels/more, operator: add, value: x}]}}`)))
	expectFailure(t, ns, "s", "Secret", "member2", "does not let data be changed", "override", "delete the template and apply it anew")
	expectFailure(t, ns, "web", "Deployment", "member2", "does not let spec.selector be changed")
	expectEvent(t, ns, "web", "SyncFailed", "spec.selector")
	hub.Patch(t, "deployments", ns, "web", `spec: {replicas: 2}`)
	apitest.Eventually(t, func() error {
		got, err := shares(t.Context(), ns, "web")
		if err == nil && (got["member1"] != 2 || got["member2"] != 1) {
			err = fmt.Errorf("replicas are %v", got)
		}
		return err
	})
	for _, o := range []string{"s", "web"} {
		hub.Delete(t, "overridepolicies", ns, o)
	}
	expectApplied(t, hub, ns, "s", "Secret")
	expectApplied(t, hub, ns, "web", "Deployment")
}

// As long as somebody keeps changing a copy, that is said, by name, and does not come and go.
func TestFightIsReported(t *testing.T) {
	t.Parallel()
	ns := namespace(t)
	m := fleet[0]
	hub.Create(t, ns, docs(configMap("c", "ours"), policy("p", all("ConfigMap"), on(m.Name))))
	expectApplied(t, hub, ns, "c", "ConfigMap")
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for tick := time.NewTicker(200 * time.Millisecond); ; {
			select {
			case <-ctx.Done():
				tick.Stop()
				return
			case <-tick.C:
				// A conflict with a revert does not matter: the next change comes.
				_, _ = m.Kube.CoreV1().ConfigMaps(ns).Patch(ctx, "c", types.MergePatchType, []byte(`{"data":{"key":"theirs"}}`),
					metav1.PatchOptions{FieldManager: "rival"})
			}
		}
	}()
	defer func() { stop(); <-done }()
	expectFailure(t, ns, "c", "ConfigMap", m.Name, "rival keeps changing")
	const severalReverts = 40 * time.Second
	apitest.Always(t, severalReverts, func() error {
		b, err := binding(t.Context(), hub, ns, "c", "ConfigMap")
		if err != nil {
			return err
		}
		i, err := item(b, m.Name)
		if err == nil && (i.Applied || !strings.Contains(i.AppliedMessage, "rival keeps changing")) {
			err = fmt.Errorf("applied %v, message %q", i.Applied, i.AppliedMessage)
		}
		return err
	})
	if n := applied(t, hub, ns+"/c-configmap"); n < 2 || n > 12 {
		t.Errorf("it was applied %d times", n)
	}
}

// applied counts how often a copy was sent.
func applied(t *testing.T, h *apitest.Hub, key string) int {
	t.Helper()
	data, err := os.ReadFile(h.Log)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for line := range strings.Lines(string(data)) {
		if strings.Contains(line, `"Applied"`) && strings.Contains(line, fmt.Sprintf("key=%q", key)) {
			n++
		}
	}
	return n
}

// mirror is an admission policy of a member, for one namespace: another image, a container and a label more.
func mirror(name, ns string) string {
	return fmt.Sprintf(`
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicy
metadata: {name: %[1]s}
spec:
  matchConstraints:
    namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: %[2]s}}
    resourceRules: [{apiGroups: [apps], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [deployments]}]
  failurePolicy: Fail
  reinvocationPolicy: Never
  mutations:
  - patchType: ApplyConfiguration
    applyConfiguration:
      expression: >
        Object{metadata: Object.metadata{labels: {"mirrored": "yes"}}, spec: Object.spec{template: Object.spec.template{spec:
        Object.spec.template.spec{containers: [
        Object.spec.template.spec.containers{name: "main", image: "mirror.example.com/nginx:1"},
        Object.spec.template.spec.containers{name: "sidecar", image: "sidecar:1"}]}}}}
---
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicyBinding
metadata: {name: %[1]s}
spec: {policyName: %[1]s}`, name, ns)
}

// What a member's admission makes of a copy is accepted as it is, also after a restart of the hub and when others change
// the copy elsewhere; what they change of the rest is reverted.
func TestAdmissionInMember(t *testing.T) {
	h := apitest.NewHub(t)
	m := bare[0]
	if err := h.Enrol(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	ns := namespaceOn(t, h)
	name := unique("mirror")
	m.Create(t, "", mirror(name, ns))
	t.Cleanup(func() {
		for _, resource := range []string{"mutatingadmissionpolicybindings", "mutatingadmissionpolicies"} {
			if client, err := m.Objects(resource, ""); err != nil {
				t.Error(err)
			} else if err := client.Delete(contextAfter(), name, metav1.DeleteOptions{}); err != nil {
				t.Error(err)
			}
		}
	})
	const key = "web-deployment"
	h.Create(t, ns, docs(deployment("web", 1), policy("p", all("Deployment"), on(m.Name))))
	mirrored := func() error {
		d, err := m.Kube.AppsV1().Deployments(ns).Get(t.Context(), "web", metav1.GetOptions{})
		if err != nil {
			return err
		}
		c := d.Spec.Template.Spec.Containers
		if len(c) != 2 || c[0].Image != "mirror.example.com/nginx:1" || c[1].Name != "sidecar" || d.Labels["mirrored"] != "yes" || *d.Spec.Replicas != 1 {
			err = fmt.Errorf("replicas %d, labels %v, containers %+v", *d.Spec.Replicas, d.Labels, c)
		}
		return err
	}
	// The policy is in force a moment after it was made.
	apitest.Eventually(t, func() error {
		err := mirrored()
		if err != nil {
			h.Patch(t, "deployments", ns, "web", fmt.Sprintf(`spec: {template: {metadata: {annotations: {at: %q}}}}`, time.Now()))
		}
		return err
	})
	expectApplied(t, h, ns, "web", "Deployment")
	before := applied(t, h, ns+"/"+key)
	touch := func() {
		t.Helper()
		for i := range 8 { // more than would be a fight
			m.Patch(t, "deployments", ns, "web", fmt.Sprintf(`metadata: {annotations: {theirs: "%d"}}`, i))
		}
	}
	touch()
	apitest.Always(t, quiet, mirrored)
	if n := applied(t, h, ns+"/"+key) - before; n != 0 {
		t.Errorf("what admission has made was sent anew %d times", n)
	}
	m.Patch(t, "deployments", ns, "web", `spec: {replicas: 3}`)
	apitest.Eventually(t, mirrored)

	if err := h.Stop(); err != nil {
		t.Fatal(err)
	}
	before = applied(t, h, ns+"/"+key)
	if err := h.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	apitest.Eventually(t, func() error { return h.ClusterReady(t.Context(), m.Name) })
	touch()
	apitest.Always(t, quiet, mirrored)
	if n := applied(t, h, ns+"/"+key) - before; n > 1 {
		t.Errorf("after a restart it was sent %d times, want once at most", n)
	}
	expectApplied(t, h, ns, "web", "Deployment")
}
