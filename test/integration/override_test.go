/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package integration_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/manifold-k8s/manifold/test/apitest"
)

func overridePolicy(name, selectors, rules string) string {
	return fmt.Sprintf(`
apiVersion: policy.karmada.io/v1alpha1
kind: OverridePolicy
metadata: {name: %s}
spec: {resourceSelectors: [%s], overrideRules: [%s]}`, name, selectors, rules)
}

// look is what overrides change in the Deployment of deployment().
type look struct {
	Image         string
	Command, Args []string
	Label, Note   string
	Paused        bool
}

func lookOf(d *appsv1.Deployment) look {
	c := d.Spec.Template.Spec.Containers[0]
	return look{c.Image, c.Command, c.Args, d.Labels["tier"], d.Annotations["note"], d.Spec.Paused}
}

// expectLook waits until the copy in a member looks like this.
func expectLook(t *testing.T, m *apitest.Member, ns, name string, want look) {
	t.Helper()
	apitest.Eventually(t, func() error {
		d, err := m.Kube.AppsV1().Deployments(ns).Get(t.Context(), name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		if diff := cmp.Diff(want, lookOf(d)); diff != "" {
			return fmt.Errorf("%s (-want +got):\n%s", m.Name, diff)
		}
		return nil
	})
}

func TestOverrides(t *testing.T) {
	t.Parallel()
	ns := namespace(t)
	plain := look{Image: "nginx:1.19.3", Command: []string{"serve"}, Args: []string{"--port", "80"}}
	hub.Create(t, ns, docs(deployment("web", 1), policy("web", all("Deployment"), on("member1", "member2", "member3"))))
	for _, m := range fleet {
		expectLook(t, m, ns, "web", plain)
	}
	hub.Create(t, ns, overridePolicy("o", byName("Deployment", "web"), `
		{targetCluster: {clusterNames: [member2]}, overriders: {
			imageOverrider: [{component: Registry, operator: add, value: eu.example.com}],
			commandOverrider: [{containerName: main, operator: add, value: [now]}],
			argsOverrider: [{containerName: main, operator: remove, value: ["--port", "80"]}],
			labelsOverrider: [{operator: add, value: {tier: front}}],
			annotationsOverrider: [{operator: add, value: {note: here}}]}},
		{targetCluster: {clusterNames: [member2, member3]}, overriders: {plaintext: [{path: /spec/paused, operator: add, value: true}]}}`))
	front := look{Image: "eu.example.com/nginx:1.19.3", Command: []string{"serve", "now"}, Label: "front", Note: "here", Paused: true}
	paused := plain
	paused.Paused = true
	expectLook(t, fleet[1], ns, "web", front)
	expectLook(t, fleet[2], ns, "web", paused)
	expectLook(t, fleet[0], ns, "web", plain)

	hub.Patch(t, "overridepolicies", ns, "o", `spec: {overrideRules: [{targetCluster: {clusterNames: [member3]}, overriders: {
		imageOverrider: [{component: Tag, operator: replace, value: "2"}]}}]}`)
	tagged := plain
	tagged.Image = "nginx:2"
	expectLook(t, fleet[1], ns, "web", plain)
	expectLook(t, fleet[2], ns, "web", tagged)

	// The template moves on under the override.
	hub.Patch(t, "deployments", ns, "web", `spec: {paused: true}`)
	tagged.Paused = true
	expectLook(t, fleet[1], ns, "web", paused)
	expectLook(t, fleet[2], ns, "web", tagged)

	hub.Delete(t, "overridepolicies", ns, "o")
	expectLook(t, fleet[2], ns, "web", paused)
}

// Cluster-wide overrides come first, so that those of the namespace have the last word.
func TestClusterOverrides(t *testing.T) {
	t.Parallel()
	ns := namespace(t)
	selector := fmt.Sprintf("{apiVersion: v1, kind: ConfigMap, namespace: %s}", ns)
	cop := strings.Replace(overridePolicy(ns, selector, `{overriders: {plaintext: [{path: /data/key, operator: replace, value: cluster}]}}`), "OverridePolicy", "ClusterOverridePolicy", 1)
	hub.Create(t, ns, docs(cop, configMap("c", "template"), policy("p", all("ConfigMap"), on("member1", "member2")),
		overridePolicy("o", all("ConfigMap"), `{targetCluster: {clusterNames: [member2]}, overriders: {plaintext: [{path: /data/key, operator: replace, value: namespace}]}}`)))
	t.Cleanup(func() { deleteAfter(t, "clusteroverridepolicies", ns) })
	expectData(t, fleet[0].API, ns, "c", "cluster")
	expectData(t, fleet[1].API, ns, "c", "namespace")
	hub.Delete(t, "overridepolicies", ns, "o")
	expectData(t, fleet[1].API, ns, "c", "cluster")
	hub.Delete(t, "clusteroverridepolicies", "", ns)
	expectData(t, fleet[0].API, ns, "c", "template")
	expectData(t, fleet[1].API, ns, "c", "template")
}

// An override that does not fit stops the one cluster, which keeps what it has, and says so.
func TestOverrideThatDoesNotFit(t *testing.T) {
	t.Parallel()
	ns := namespace(t)
	hub.Create(t, ns, docs(configMap("c", "old"), policy("p", all("ConfigMap"), on("member1", "member2"))))
	expectData(t, fleet[0].API, ns, "c", "old")
	expectData(t, fleet[1].API, ns, "c", "old")
	hub.Create(t, ns, overridePolicy("bad", all("ConfigMap"),
		`{targetCluster: {clusterNames: [member2]}, overriders: {plaintext: [{path: /data/nosuch, operator: remove}]}}`))
	expectFailure(t, ns, "c", "ConfigMap", "member2", "OverridePolicy "+ns+"/bad", "/data/nosuch")
	expectEvent(t, ns, "c", "ApplyOverridePolicyFailed", "member2")
	hub.Patch(t, "configmaps", ns, "c", `data: {key: new}`)
	expectData(t, fleet[0].API, ns, "c", "new")
	expectData(t, fleet[1].API, ns, "c", "old")

	hub.Delete(t, "overridepolicies", ns, "bad")
	expectData(t, fleet[1].API, ns, "c", "new")
	expectApplied(t, hub, ns, "c", "ConfigMap")
}

// An object that is not ours is left alone, and its owner named, until the user says otherwise.
func TestConflict(t *testing.T) {
	t.Parallel()
	ns := namespace(t)
	if _, err := fleet[0].TryCreate(t.Context(), ns, configMap("c", "foreign")); err != nil {
		t.Fatal(err)
	}
	foreign, err := fleet[0].Get(t.Context(), "configmaps", ns, "c")
	if err != nil {
		t.Fatal(err)
	}
	owner := foreign.GetManagedFields()[0].Manager
	hub.Create(t, ns, docs(configMap("c", "ours"), policy("p", all("ConfigMap"), on("member1", "member2"))))
	expectData(t, fleet[1].API, ns, "c", "ours")
	expectFailure(t, ns, "c", "ConfigMap", "member1", "does not manage", owner, "Overwrite")
	expectEvent(t, ns, "c", "SyncFailed", "member1")
	expectData(t, fleet[0].API, ns, "c", "foreign")

	hub.Patch(t, "propagationpolicies", ns, "p", `spec: {conflictResolution: Overwrite}`)
	expectData(t, fleet[0].API, ns, "c", "ours")
	expectApplied(t, hub, ns, "c", "ConfigMap")
}

// A template that is deleted takes nothing with it that was never ours.
func TestForeignObjectOutlivesTemplate(t *testing.T) {
	t.Parallel()
	ns := namespace(t)
	fleet[0].Create(t, ns, configMap("c", "foreign"))
	hub.Create(t, ns, docs(configMap("c", "ours"), policy("p", all("ConfigMap"), on("member1", "member2"))))
	expectFailure(t, ns, "c", "ConfigMap", "member1", "does not manage")
	hub.Delete(t, "configmaps", ns, "c")
	apitest.Eventually(t, func() error { return hub.Lacks(t.Context(), "resourcebindings", ns, "c-configmap") })
	expectOn(t, "configmaps", ns, "c", "member1")
	expectData(t, fleet[0].API, ns, "c", "foreign")
}

func TestDriftIsReverted(t *testing.T) {
	t.Parallel()
	ns := namespace(t)
	m := fleet[0]
	hub.Create(t, ns, docs(deployment("web", 2), policy("p", all("Deployment"), on("member1", "member2"))))
	rollOut(t, ns, "web", 4)
	before, err := m.Get(t.Context(), "deployments", ns, "web")
	if err != nil {
		t.Fatal(err)
	}
	check := func() error {
		d, err := m.Kube.AppsV1().Deployments(ns).Get(t.Context(), "web", metav1.GetOptions{})
		if err != nil {
			return err
		}
		var wrong []string
		if c := d.Spec.Template.Spec.Containers[0]; c.Image != "nginx:1.19.3" || !slices.Equal(c.Args, []string{"--port", "80"}) {
			wrong = append(wrong, fmt.Sprintf("container is %+v", c))
		}
		if *d.Spec.Replicas != 2 {
			wrong = append(wrong, fmt.Sprintf("replicas are %d", *d.Spec.Replicas))
		}
		if d.Labels["app"] != "web" {
			wrong = append(wrong, fmt.Sprintf("labels are %v", d.Labels))
		}
		if d.Annotations["theirs"] != "stays" {
			wrong = append(wrong, "the annotation of another owner is gone")
		}
		if len(wrong) > 0 {
			return fmt.Errorf("%s", strings.Join(wrong, "; "))
		}
		return nil
	}
	for _, drift := range []string{
		`metadata: {annotations: {theirs: stays}}`,
		`spec: {replicas: 5}`,
		`metadata: {labels: {app: null}}`,
		`spec: {template: {spec: {containers: [{name: main, image: "evil:1"}]}}}`,
		`metadata: {labels: {karmada.io/managed: null}}`,
	} {
		m.Patch(t, "deployments", ns, "web", drift)
		apitest.Eventually(t, func() error {
			if err := check(); err != nil {
				return fmt.Errorf("after %s: %w", drift, err)
			}
			return nil
		})
	}
	apitest.Eventually(t, func() error { // our mark is back, too
		u, err := m.Get(t.Context(), "deployments", ns, "web")
		if err == nil && u.GetLabels()["karmada.io/managed"] != "true" {
			err = fmt.Errorf("labels are %v", u.GetLabels())
		}
		if err == nil && u.GetUID() != before.GetUID() {
			err = fmt.Errorf("it is another object")
		}
		return err
	})
	m.Delete(t, "deployments", ns, "web")
	apitest.Eventually(t, func() error {
		u, err := m.Get(t.Context(), "deployments", ns, "web")
		if err == nil && u.GetUID() == before.GetUID() {
			err = fmt.Errorf("still the old object")
		}
		return err
	})
	rollOut(t, ns, "web", 4)
}
