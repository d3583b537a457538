/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package integration_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/manifold-k8s/manifold/test/apitest"
)

// Whatever discovery shows to be served is known to be served to the warnings about policies, and in which scope.
func TestWarningsKnowAllKinds(t *testing.T) {
	t.Parallel()
	ns := namespace(t)
	newGadget().define(t, hub.API)
	_, lists, err := hub.Kube.Discovery().ServerGroupsAndResources()
	if err != nil {
		t.Fatal(err)
	}
	var selectors []string
	wide := 0
	for _, list := range lists {
		for _, r := range list.APIResources {
			if strings.Contains(r.Name, "/") || !slices.Contains(r.Verbs, "watch") || strings.Contains(r.Group+list.GroupVersion, "metrics.k8s.io") {
				continue
			}
			selectors = append(selectors, fmt.Sprintf("{apiVersion: %s, kind: %s}", list.GroupVersion, r.Kind))
			if !r.Namespaced {
				wide++
			}
		}
	}
	if len(selectors) < 60 || wide < 20 {
		t.Fatalf("only %d kinds, %d of them cluster-wide: %v", len(selectors), wide, selectors)
	}
	never, misplaced := 0, 0
	for some := range slices.Chunk(selectors, 8) { // as many as are told of one by one
		for _, w := range offer(t, "namespaces/"+ns+"/propagationpolicies", policy("p", strings.Join(some, ", "), "")) {
			switch {
			case strings.Contains(w, ": never propagated: "):
				never++
			case strings.Contains(w, " is cluster-wide, and a policy in a namespace selects only there; use a ClusterPropagationPolicy"):
				misplaced++
			default:
				t.Errorf("wrong: %s", w)
			}
		}
		for _, w := range offer(t, "clusterpropagationpolicies", clusterPolicy("p", strings.Join(some, ", "), "")) {
			if !strings.Contains(w, ": never propagated: ") {
				t.Errorf("wrong for a cluster-wide policy: %s", w)
			}
		}
	}
	if never == 0 || misplaced == 0 {
		t.Errorf("%d kinds never propagated and %d misplaced, want some of both", never, misplaced)
	}
}

// A policy may come before the kind and the cluster it names. The warning goes when they have come.
func TestWarningsEndWhenTheKindComes(t *testing.T) {
	t.Parallel()
	ns := namespace(t)
	g := newGadget()
	path := "namespaces/" + ns + "/propagationpolicies"
	early := policy("p", g.selector(), on("member1", "member9"))
	want := []string{
		"spec.resourceSelectors[0]: no kind Gadget is served in " + g.group + "/v1; it is selected as soon as its CustomResourceDefinition exists",
		"spec.placement.clusterAffinity.clusterNames: no cluster member9 has joined yet",
	}
	// Other tests have Gadgets of other groups, which are named too.
	got := offer(t, path, early)
	if len(got) == 2 {
		if before, after, found := strings.Cut(got[0], "; there is "); found {
			_, after, _ = strings.Cut(after, "; it ")
			got[0] = before + "; it " + after
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
	hub.Create(t, ns, early)
	g.define(t, hub.API)
	apitest.Eventually(t, func() error {
		if diff := cmp.Diff(want[1:], offer(t, path, policy("q", g.selector(), on("member1", "member9")))); diff != "" {
			return fmt.Errorf("warnings (-want +got):\n%s", diff)
		}
		return nil
	})
	newer := strings.Replace(g.selector(), "/v1", "/v2", 1)
	want = []string{"spec.resourceSelectors[0].apiVersion: Gadget is served in " + g.group + "/v1, not in " + g.group + "/v2; apiVersion is compared exactly"}
	if diff := cmp.Diff(want, offer(t, path, policy("q", newer, on("member1")))); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
}

// The manifests in examples/ are accepted as they are, and nothing in them is in vain.
func TestExamplesAreAdmitted(t *testing.T) {
	t.Parallel()
	ns := namespace(t)
	files, err := filepath.Glob("../../examples/*/*.yaml")
	if err != nil || len(files) < 3 {
		t.Fatalf("examples: %v, %v", files, err)
	}
	for _, f := range files {
		manifest, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, how := range [][]string{nil, {"--server-side"}} {
			args := slices.Concat([]string{"-n", ns, "apply", "--dry-run=server", "--validate=strict", "-f", "-"}, how)
			if out := hub.Kubectl(t, string(manifest), args...); strings.Contains(out, "Warning: spec.") || !strings.Contains(out, "server dry run") {
				t.Errorf("%s %v:\n%s", f, how, out)
			}
		}
	}
}

// Users that apply on the server's side own what they say. Defaults are nobody's, and in nobody's way.
func TestServerSideApplyOfPolicies(t *testing.T) {
	t.Parallel()
	ns := namespace(t)
	say := func(who, manifest string) string {
		t.Helper()
		return hub.Kubectl(t, manifest, "-n", ns, "apply", "--server-side", "--field-manager", who, "--validate=strict", "-f", "-")
	}
	spread := "placement: {spreadConstraints: [{maxGroups: 2}], replicaScheduling: {}}, propagateDeps: true, failover: {application: {decisionConditions: {}}}"
	head := "\napiVersion: policy.karmada.io/v1alpha1\nkind: PropagationPolicy\nmetadata: {name: p}\nspec: "
	first := head + "{resourceSelectors: [" + all("ConfigMap") + "], " + spread + "}"
	say("anna", first)
	read := func() map[string]any {
		t.Helper()
		p, err := hub.Get(t.Context(), "propagationpolicies", ns, "p")
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range p.GetManagedFields() {
			if m.Manager != "anna" && m.Manager != "bert" {
				t.Errorf("%s owns fields of the policy: %s", m.Manager, m.FieldsV1)
			}
		}
		p.SetManagedFields(nil)
		return p.Object
	}
	before := read()
	say("anna", first)
	if diff := cmp.Diff(before, read()); diff != "" {
		t.Errorf("changed by a second apply (-before +after):\n%s", diff)
	}
	say("bert", head+"{priority: 5, conflictResolution: Overwrite}") // defaults until now
	say("anna", first)
	after := read()
	spec := after["spec"].(map[string]any)
	if spec["priority"] != int64(5) || spec["conflictResolution"] != "Overwrite" || spec["schedulerName"] != "default-scheduler" {
		t.Errorf("spec: %v", spec)
	}
	if diff := cmp.Diff(before["metadata"].(map[string]any)["labels"], after["metadata"].(map[string]any)["labels"]); diff != "" {
		t.Errorf("labels (-before +after):\n%s", diff)
	}
	say("bert", head+"{}") // given back
	if diff := cmp.Diff(before["spec"], read()["spec"]); diff != "" {
		t.Errorf("spec when defaults hold again (-before +after):\n%s", diff)
	}
}

// Clients that replace a policy without the permanent id, and dry runs, leave it as it is.
func TestPermanentIDOutlastsReplacement(t *testing.T) {
	t.Parallel()
	ns := namespace(t)
	const label = "propagationpolicy.karmada.io/permanent-id"
	manifest := policy("p", all("ConfigMap"), on("member1"))
	hub.Create(t, ns, manifest)
	id := func() string {
		t.Helper()
		p, err := hub.Get(t.Context(), "propagationpolicies", ns, "p")
		if err != nil {
			t.Fatal(err)
		}
		return p.GetLabels()[label]
	}
	before := id()
	contains(t, hub.Kubectl(t, strings.Replace(manifest, "member1", "member2", 1), "-n", ns, "replace", "-f", "-"), "replaced")
	contains(t, hub.Kubectl(t, "", "-n", ns, "label", "pp/p", label+"-"), "p")
	hub.Kubectl(t, manifest, "-n", ns, "replace", "--dry-run=server", "-f", "-")
	if after := id(); len(before) != 36 || after != before {
		t.Errorf("permanent id %q, before %q", after, before)
	}
	client, err := hub.Objects("propagationpolicies", ns)
	if err != nil {
		t.Fatal(err)
	}
	p, err := client.Get(t.Context(), "p", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	p.SetLabels(map[string]string{label: "other"})
	if _, err := client.Update(t.Context(), p, metav1.UpdateOptions{}); err == nil || !strings.Contains(err.Error(), "metadata.labels["+label+"]: Invalid value: \"other\": the permanent id is immutable; it is "+before) {
		t.Errorf("another permanent id: %v", err)
	}
}

// kubectl refuses misspelt fields before anything is stored, and explains the right ones.
func TestKubectlKnowsTheFieldsOfPolicies(t *testing.T) {
	t.Parallel()
	ns := namespace(t)
	misspelt := policy("p", all("ConfigMap"), "clusterAfinity: {}")
	apply := hub.StartKubectl(t, misspelt, "-n", ns, "apply", "-f", "-")
	if err := apply.Wait(); err == nil || !strings.Contains(err.Error(), `unknown field "spec.placement.clusterAfinity"`) {
		t.Errorf("a misspelt field: %v", err)
	}
	contains(t, hub.Kubectl(t, misspelt, "-n", ns, "apply", "--dry-run=server", "--validate=warn", "-f", "-"),
		`Warning: unknown field "spec.placement.clusterAfinity"`)
	for path, parts := range map[string][]string{
		"pp.spec":             {"resourceSelectors", "-required-", "preemption", "enum: Always, Never", "conflictResolution", "enum: Abort, Overwrite", "schedulerName"},
		"cpp.spec.placement":  {"clusterAffinities", "spreadConstraints", "enum: cluster, provider, region, zone", "workloadAffinity", "dynamicWeight"},
		"op.spec":             {"overrideRules", "targetCluster", "imageOverrider", "enum: Registry, Repository, Tag", "enum: add, remove, replace"},
		"cop.spec.overriders": {"fieldOverrider", "subPath", "-required-"},
	} {
		out := hub.Kubectl(t, "", "explain", "--recursive", path)
		contains(t, hub.Kubectl(t, "", "explain", path), "DESCRIPTION:", "FIELDS:")
		if strings.Contains(out, "<no description>") {
			t.Errorf("%s: a description is missing:\n%s", path, out)
		}
		contains(t, out, parts...)
	}
}
