/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package manifest

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	policyv1alpha1 "github.com/manifold-k8s/manifold/apis/policy/v1alpha1"
	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
	"github.com/manifold-k8s/manifold/pkg/binding"
	"github.com/manifold-k8s/manifold/pkg/match"
)

func configMap(change ...func(*unstructured.Unstructured)) *unstructured.Unstructured {
	u := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "c", "namespace": "ns", "uid": "cu"},
	}}
	for _, f := range change {
		f(u)
	}
	return u
}

func TestOverwrites(t *testing.T) {
	t.Parallel()
	says := func(v string) *unstructured.Unstructured {
		return configMap(func(u *unstructured.Unstructured) {
			u.SetAnnotations(map[string]string{workv1alpha2.ConflictResolutionAnnotation: v})
		})
	}
	for name, tc := range map[string]struct {
		policy policyv1alpha1.ConflictResolution
		tmpl   *unstructured.Unstructured
		want   bool
	}{
		"nobody says so":             {"", configMap(), false},
		"the policy":                 {policyv1alpha1.ConflictOverwrite, configMap(), true},
		"the policy, no template":    {policyv1alpha1.ConflictOverwrite, nil, true},
		"the policy says no":         {policyv1alpha1.ConflictAbort, configMap(), false},
		"the template":               {policyv1alpha1.ConflictAbort, says("overwrite"), true},
		"the template says no":       {policyv1alpha1.ConflictOverwrite, says("abort"), false},
		"the template says nonsense": {policyv1alpha1.ConflictOverwrite, says("Overwrite"), true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := &binding.Binding{}
			b.Spec.ConflictResolution = tc.policy
			if got := Overwrites(b, tc.tmpl); got != tc.want {
				t.Errorf("Overwrites = %v, want %v", got, tc.want)
			}
		})
	}
}

// The claim that travels is the binding's, and the template in the cache stays as it is.
func TestWithClaim(t *testing.T) {
	t.Parallel()
	claims := map[string]*match.Policy{
		"none": nil, "a": {Kind: match.KindPropagationPolicy, Namespace: "ns", Name: "p", PermanentID: "1"},
		"b": {Kind: match.KindClusterPropagationPolicy, Name: "c", PermanentID: "2"},
	}
	for tmplClaim, before := range claims {
		for bindingClaim, after := range claims {
			tmpl := configMap()
			labels, annotations := map[string]string{"app": "x"}, map[string]string{"note": "y"}
			binding.SetClaim(labels, annotations, before)
			tmpl.SetLabels(labels)
			tmpl.SetAnnotations(annotations)
			b := &binding.Binding{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{}, Annotations: map[string]string{}}}
			binding.SetClaim(b.Labels, b.Annotations, after)

			kept := tmpl.DeepCopy()
			out := withClaim(tmpl, b)
			if diff := cmp.Diff(kept, tmpl); diff != "" {
				t.Fatalf("%s to %s: the template was changed:\n%s", tmplClaim, bindingClaim, diff)
			}
			want := binding.ClaimOf(b.Labels, b.Annotations)
			if got := binding.ClaimOf(out.GetLabels(), out.GetAnnotations()); got != want {
				t.Errorf("%s to %s: claim %+v, want %+v", tmplClaim, bindingClaim, got, want)
			}
			if out.GetLabels()["app"] != "x" || out.GetAnnotations()["note"] != "y" || out.GetName() != "c" {
				t.Errorf("%s to %s: %v", tmplClaim, bindingClaim, out.Object)
			}
		}
	}
	bare := configMap()
	withClaim(bare, &binding.Binding{})
	if bare.GetLabels() != nil || bare.GetAnnotations() != nil {
		t.Errorf("a template without labels was given some: %v", bare.Object)
	}
}
