/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package integration_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/manifold-k8s/manifold/test/apitest"
)

// expectSaid compares the warnings of a dry run.
func expectSaid(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// Paths of what tests write.
func policyPath(ns string) string {
	return "/apis/policy.karmada.io/v1alpha1/namespaces/" + ns + "/propagationpolicies"
}
func overridePath(ns string) string {
	return "/apis/policy.karmada.io/v1alpha1/namespaces/" + ns + "/overridepolicies"
}
func deploymentPath(ns string) string {
	return "/apis/apps/v1/namespaces/" + ns + "/deployments"
}

func TestForecast(t *testing.T) {
	t.Parallel()
	ns := namespace(t)
	divided := "clusterAffinity: {clusterNames: [member1, member2]}, " + weights(1, 1)
	one := "clusterAffinity: {clusterNames: [member1]}, " + weights(1)
	hub.Create(t, ns, docs(deployment("web", 4), policy("p", all("Deployment"), divided)))
	rollOut(t, ns, "web", 4)
	before, err := binding(t.Context(), hub, ns, "web", "Deployment")
	if err != nil {
		t.Fatal(err)
	}
	web := "Deployment " + ns + "/web: "
	aPolicy, aTemplate := policyPath(ns)+"/p", deploymentPath(ns)+"/web"

	out := hub.Kubectl(t, policy("p", all("Deployment"), one), "-n", ns, "apply", "--dry-run=server", "-f", "-")
	contains(t, out, "Warning: "+web+"2 replicas would leave member2; replicas would change in member1 from 2 to 4", "(server dry run)")

	expectSaid(t, "nothing changes", dry(t, http.MethodPatch, aPolicy, "spec: {placement: {"+divided+"}}"))
	expectSaid(t, "a policy deleted", dry(t, http.MethodDelete, aPolicy, ""),
		web+"would no longer be governed by any policy; its copies stay in member1 (2 replicas), member2 (2 replicas) and are not updated any more")
	expectSaid(t, "a policy suspended", dry(t, http.MethodPatch, aPolicy, "spec: {suspension: {dispatching: true}}"),
		web+"dispatching is suspended: nothing is created or changed in member1, member2 for now")
	expectSaid(t, "a policy that preempts",
		dry(t, http.MethodPost, policyPath(ns), policy("q", byName("Deployment", "web"), on("member3"), "priority: 5", "preemption: Always")),
		web+"2 replicas would leave member1, 2 replicas member2; would be created in member3 (4 replicas); "+
			"would be governed by PropagationPolicy "+ns+"/q instead of PropagationPolicy "+ns+"/p")
	expectSaid(t, "a policy that does not", dry(t, http.MethodPost, policyPath(ns), policy("q", byName("Deployment", "web"), on("member3"))))

	expectSaid(t, "a template created", dry(t, http.MethodPost, deploymentPath(ns), deployment("new", 2)),
		"Deployment "+ns+"/new: would be created in member1 (1 replica), member2 (1 replica)")
	expectSaid(t, "a template changed", dry(t, http.MethodPatch, aTemplate, "spec: {paused: true}"), web+"would change in member1, member2: /spec/paused")
	expectSaid(t, "a template scaled", dry(t, http.MethodPatch, aTemplate+"/scale", "spec: {replicas: 8}"),
		web+"replicas would change in member1 from 2 to 4, member2 from 2 to 4")
	expectSaid(t, "its status", dry(t, http.MethodPatch, aTemplate+"/status", "status: {collisionCount: 1}"))
	expectSaid(t, "a template deleted", dry(t, http.MethodDelete, aTemplate, ""), web+"would be removed from member1 (2 replicas), member2 (2 replicas)")
	expectSaid(t, "a template deleted, its dependents orphaned", dry(t, http.MethodDelete, aTemplate, "{propagationPolicy: Orphan, dryRun: [All]}"),
		web+"its copies would stay in member1 (2 replicas), member2 (2 replicas), no longer managed")
	expectSaid(t, "a namespace deleted", dry(t, http.MethodDelete, "/api/v1/namespaces/"+ns, ""),
		"Namespace "+ns+": would be removed, with all that is in it, from member1, member2, member3")

	rule := `{targetCluster: {clusterNames: [member2]}, overriders: {plaintext: [{path: %s, operator: replace, value: true}]}}`
	expectSaid(t, "an override", dry(t, http.MethodPost, overridePath(ns), overridePolicy("o", all("Deployment"), fmt.Sprintf(rule, "/spec/template/spec/containers/0/image"))),
		web+"would change in member2: /spec/template/spec/containers/0/image")
	expectSaid(t, "an override that does not fit", dry(t, http.MethodPost, overridePath(ns), overridePolicy("o", all("Deployment"), fmt.Sprintf(rule, "/spec/nosuch"))),
		web+"nothing would be sent to member2: OverridePolicy "+ns+"/o, rule 0, overriders.plaintext[0]: replace /spec/nosuch: no such field or element")

	after, err := binding(t.Context(), hub, ns, "web", "Deployment")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before.Spec, after.Spec); diff != "" {
		t.Errorf("dry runs have changed the binding (-before +after):\n%s", diff)
	}
}

// Objects of a kind that no policy has selected so far are read for the answer.
func TestForecastOfUnwatchedKind(t *testing.T) {
	t.Parallel()
	ns := namespace(t)
	g := newGadget()
	g.define(t, hub.API)
	hub.Create(t, ns, docs(g.object("a"), g.object("b")))
	byName := strings.TrimSuffix(g.selector(), "}") + ", name: b}"
	apitest.Eventually(t, func() error { // the server needs a moment to know the kind
		got := dry(t, http.MethodPost, policyPath(ns), policy("p", g.selector()+", "+byName, on("member1")))
		if len(got) != 2 || !strings.HasPrefix(got[0], "Gadget "+ns+"/a: ") || !strings.HasPrefix(got[1], "Gadget "+ns+"/b: ") {
			return fmt.Errorf("warnings are %q", got)
		}
		return nil
	})
	if got := dry(t, http.MethodPost, policyPath(ns), policy("p", byName, on("member1"))); len(got) != 1 {
		t.Errorf("of one selected by name, warnings are %q", got)
	}
}

// Who may not read what a policy selects learns how many there are, and nothing else.
func TestForecastNamesWhatTheUserMayRead(t *testing.T) {
	t.Parallel()
	ns := namespace(t)
	hub.Create(t, ns, docs(configMap("secretive", "v"), fmt.Sprintf(`
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: policies, namespace: %s}
rules:
- {apiGroups: [policy.karmada.io], resources: [propagationpolicies], verbs: [create]}
- {apiGroups: [""], resources: [configmaps], verbs: [get], resourceNames: [open]}`, ns), fmt.Sprintf(`
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: policies}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: policies}
subjects: [{kind: ServiceAccount, name: user, namespace: %s}]`, ns),
		"{apiVersion: v1, kind: ServiceAccount, metadata: {name: user}}"))
	user := hub.As(t.Context(), t, ns, "user")
	manifest := policy("p", byLabel("ConfigMap", "app", "secretive")+", "+byLabel("ConfigMap", "app", "open"), on("member1"))
	ask := func() (got []string) {
		apitest.Eventually(t, func() (err error) { // the server needs a moment to learn about a RoleBinding
			got, err = tryDry(t, user, http.MethodPost, policyPath(ns), manifest)
			return err
		})
		return got
	}
	expectSaid(t, "what may not be read", ask(), "1 template that you may not read would change")
	hub.Create(t, ns, configMap("open", "v"))
	apitest.Eventually(t, func() error {
		got := ask()
		want := []string{"ConfigMap " + ns + "/open: would be created in member1", "1 template that you may not read would change"}
		if diff := cmp.Diff(want, got); diff != "" {
			return fmt.Errorf("(-want +got):\n%s", diff)
		}
		return nil
	})
}

// However many objects a request concerns, the answer stays short.
func TestForecastIsBounded(t *testing.T) {
	t.Parallel()
	ns := namespace(t)
	var manifests []string
	for i := range 14 {
		manifests = append(manifests, configMap(fmt.Sprintf("c-%02d", i), "v"))
	}
	hub.Create(t, ns, docs(append(manifests, policy("p", all("ConfigMap"), on("member1")))...))
	apitest.Eventually(t, func() error { return fleet[0].Has(t.Context(), "configmaps", ns, "c-13") })
	apitest.Eventually(t, func() error {
		got := dry(t, http.MethodPatch, policyPath(ns)+"/p", "spec: {placement: {"+on("member2")+"}}")
		if len(got) != 11 || got[10] != "and 4 more templates would change, 4 of them would be removed from clusters" {
			return fmt.Errorf("warnings are %q", got)
		}
		return nil
	})
	got := dry(t, http.MethodDelete, "/api/v1/namespaces/"+ns+"/configmaps", "")
	if len(got) != 11 || got[10] != "more templates would change, which are not told one by one" {
		t.Errorf("of a collection that is deleted, warnings are %q", got)
	}
}
