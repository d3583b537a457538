/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package render

import (
	"errors"
	"testing"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	policyv1alpha1 "github.com/manifold-k8s/manifold/apis/policy/v1alpha1"
)

func TestOverridePolicyGrantsNothing(t *testing.T) {
	t.Parallel()
	binding := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
		"metadata": map[string]any{"namespace": "a", "name": "b"},
		"roleRef":  map[string]any{"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"},
		"subjects": []any{map[string]any{"kind": "User", "name": "u"}},
	}}
	escalate := policyv1alpha1.Overriders{Plaintext: []policyv1alpha1.PlaintextOverrider{{
		Path: "/roleRef/name", Operator: policyv1alpha1.OverriderOpReplace, Value: apiextensionsv1.JSON{Raw: []byte(`"cluster-admin"`)},
	}}}
	label := policyv1alpha1.Overriders{LabelsOverrider: []policyv1alpha1.LabelAnnotationOverrider{{
		Operator: policyv1alpha1.OverriderOpAdd, Value: map[string]string{"x": "y"},
	}}}
	for name, c := range map[string]struct {
		override Override
		want     error
	}{
		"a tenant's change of the role is refused": {Override{Overriders: escalate, Namespaced: true}, errGrants},
		"an administrator's is not":                {Override{Overriders: escalate}, nil},
		"a tenant's label is none of it":           {Override{Overriders: label, Namespaced: true}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := Render(binding, Target{}, []Override{c.override}); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}
