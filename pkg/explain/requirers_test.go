/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package explain

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	hubv1alpha1 "github.com/manifold-k8s/manifold/apis/hub/v1alpha1"
	policyv1alpha1 "github.com/manifold-k8s/manifold/apis/policy/v1alpha1"
	"github.com/manifold-k8s/manifold/pkg/binding"
)

// required is a ConfigMap that the Deployment of the example refers to, which takes it along.
func required(t *testing.T) Input {
	t.Helper()
	in := demo(t)
	in.Policies.Namespaced[0].Spec.PropagateDeps = true
	if err := unstructured.SetNestedSlice(in.Template.Object, []any{map[string]any{
		"name": "nginx", "image": "nginx:1.19.3", "envFrom": []any{map[string]any{"configMapRef": map[string]any{"name": "settings"}}},
	}}, "spec", "template", "spec", "containers"); err != nil {
		t.Fatal(err)
	}
	nginx := settle(t, in)
	if notes := strings.Join(Explain(nginx).Notes, "\n"); !strings.Contains(notes, "what it refers to follows it: ConfigMap settings") {
		t.Errorf("what the Deployment takes along is not told: %q", notes)
	}
	return Input{
		Template: object(t, "{apiVersion: v1, kind: ConfigMap, metadata: {name: settings, namespace: default, uid: u3}, data: {a: b}}"),
		Overrides: []*policyv1alpha1.OverridePolicy{parse[policyv1alpha1.OverridePolicy](t, `
metadata: {name: o, namespace: default}
spec: {overrideRules: [{overriders: {plaintext: [{path: /data/a, operator: replace, value: c}]}}]}`)},
		Clusters: clusters("member1", "member2", "member3"), Requirers: []*binding.Binding{nginx.Binding}, Now: start,
	}
}

// What follows others to their clusters says whom, and why it is in no other.
func TestRequired(t *testing.T) {
	t.Parallel()
	if got := Explain(required(t)); got.State != hubv1alpha1.ExplanationWaiting || !strings.Contains(got.Message, "about to follow what needs it") {
		t.Errorf("before it is placed: %s: %s", got.State, got.Message)
	}
	in := settle(t, required(t))
	got := Explain(in)
	if got.State != hubv1alpha1.ExplanationPlaced || got.Message != "it is in 2 clusters as it should be" || got.Policy != nil {
		t.Errorf("%s: %s, policy %+v", got.State, got.Message, got.Policy)
	}
	if notes := strings.Join(got.Notes, "\n"); notes != "no policy of its own selects it: it is where what needs it is" {
		t.Errorf("notes: %s", notes)
	}
	by := []hubv1alpha1.ExplainedRequirer{{Kind: "Deployment", Name: "nginx", Binding: "nginx-deployment", Clusters: []string{"member1", "member2"}}}
	if diff := cmp.Diff(by, got.RequiredBy); diff != "" {
		t.Errorf("required by (-want +got):\n%s", diff)
	}
	for name, want := range map[string]struct {
		target  bool
		why     string
		changes int
	}{
		"member1": {true, "required by Deployment nginx", 1},
		"member2": {true, "required by Deployment nginx", 1},
		"member3": {false, "nothing that needs it is there", 0},
	} {
		if c := of(t, got, name); c.Target != want.target || c.Why != want.why || len(c.Changes) != want.changes {
			t.Errorf("%s: %+v, want %+v", name, c, want)
		}
	}
	in.Requirers = nil // of whom nothing is known but what the binding says
	got = Explain(in)
	if c := of(t, got, "member2"); got.State != hubv1alpha1.ExplanationPlaced || c.Why != "required by ResourceBinding nginx-deployment" || len(c.Changes) != 1 {
		t.Errorf("%s, member2: %+v", got.State, c)
	}
	in.Binding.Spec.RequiredBy = nil
	if got := Explain(in); got.State != hubv1alpha1.ExplanationReleased {
		t.Errorf("when nobody needs it any more: %s: %s", got.State, got.Message)
	}
}

// A template with a policy of its own is also where what needs it is.
func TestRequiredBesides(t *testing.T) {
	t.Parallel()
	in := required(t)
	in.Policies.Namespaced = []*policyv1alpha1.PropagationPolicy{policy(t, "p", "{apiVersion: v1, kind: ConfigMap}", "{clusterAffinity: {clusterNames: [member3]}}")}
	got := Explain(settle(t, in))
	if got.State != hubv1alpha1.ExplanationPlaced || got.Message != "it is in 3 clusters as it should be" || got.Policy == nil || len(got.Notes) > 0 {
		t.Errorf("%s: %s, policy %+v, notes %q", got.State, got.Message, got.Policy, got.Notes)
	}
	for name, why := range map[string]string{"member1": "required by Deployment nginx", "member3": "selected"} {
		if c := of(t, got, name); !c.Target || c.Why != why || len(c.Changes) != 1 {
			t.Errorf("%s: %+v, want it there because %s", name, c, why)
		}
	}
}
