/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package policy

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	policyv1alpha1 "github.com/manifold-k8s/manifold/apis/policy/v1alpha1"
)

func TestOverridersValidation(t *testing.T) {
	t.Parallel()
	type overriders = policyv1alpha1.Overriders
	const add, remove, replace = policyv1alpha1.OverriderOpAdd, policyv1alpha1.OverriderOpRemove, policyv1alpha1.OverriderOpReplace
	value := apiextensionsv1.JSON{Raw: []byte("1")}
	plaintext := func(path string, operator policyv1alpha1.OverriderOperator) overriders {
		return overriders{Plaintext: []policyv1alpha1.PlaintextOverrider{{Path: path, Operator: operator, Value: value}}}
	}
	image := func(component policyv1alpha1.ImageComponent, operator policyv1alpha1.OverriderOperator, predicate *policyv1alpha1.ImagePredicate) overriders {
		return overriders{ImageOverrider: []policyv1alpha1.ImageOverrider{{Component: component, Operator: operator, Predicate: predicate}}}
	}
	embedded := func(f policyv1alpha1.FieldOverrider) overriders {
		return overriders{FieldOverrider: []policyv1alpha1.FieldOverrider{f}}
	}
	json := func(ops ...policyv1alpha1.JSONPatchOperation) overriders {
		return embedded(policyv1alpha1.FieldOverrider{FieldPath: "/data/x", JSON: ops})
	}
	yaml := func(ops ...policyv1alpha1.YAMLPatchOperation) overriders {
		return embedded(policyv1alpha1.FieldOverrider{FieldPath: "/data/x", YAML: ops})
	}
	cases := map[string]struct {
		in   overriders
		want []string
	}{
		"none":                             {},
		"plaintext":                        {in: plaintext("/spec/replicas", replace)},
		"plaintext with escapes":           {in: plaintext("/metadata/annotations/a~1b~0c", add)},
		"plaintext without path":           {in: plaintext("", add), want: []string{"Required plaintext[0].path"}},
		"plaintext path without slash":     {in: plaintext("spec/replicas", add), want: []string{"Invalid plaintext[0].path"}},
		"plaintext path ends in tilde":     {in: plaintext("/a~", add), want: []string{"Invalid plaintext[0].path"}},
		"plaintext path with bad escape":   {in: plaintext("/a~2", add), want: []string{"Invalid plaintext[0].path"}},
		"plaintext operator":               {in: plaintext("/a", "move"), want: []string{"NotSupported plaintext[0].operator"}},
		"plaintext without operator":       {in: plaintext("/a", ""), want: []string{"Required plaintext[0].operator"}},
		"image":                            {in: image(policyv1alpha1.ImageComponentRegistry, replace, &policyv1alpha1.ImagePredicate{Path: "/spec/image"})},
		"image component":                  {in: image("Digest", add, nil), want: []string{"NotSupported imageOverrider[0].component"}},
		"image without component":          {in: image("", add, nil), want: []string{"Required imageOverrider[0].component"}},
		"image operator":                   {in: image(policyv1alpha1.ImageComponentTag, "set", nil), want: []string{"NotSupported imageOverrider[0].operator"}},
		"image predicate":                  {in: image(policyv1alpha1.ImageComponentTag, add, &policyv1alpha1.ImagePredicate{Path: "spec"}), want: []string{"Invalid imageOverrider[0].predicate.path"}},
		"image predicate empty":            {in: image(policyv1alpha1.ImageComponentTag, add, &policyv1alpha1.ImagePredicate{}), want: []string{"Required imageOverrider[0].predicate.path"}},
		"command":                          {in: overriders{CommandOverrider: []policyv1alpha1.CommandArgsOverrider{{ContainerName: "c", Operator: add}}}},
		"command without container":        {in: overriders{CommandOverrider: []policyv1alpha1.CommandArgsOverrider{{Operator: remove}}}, want: []string{"Required commandOverrider[0].containerName"}},
		"command replace":                  {in: overriders{CommandOverrider: []policyv1alpha1.CommandArgsOverrider{{ContainerName: "c", Operator: replace}}}, want: []string{"NotSupported commandOverrider[0].operator"}},
		"args replace":                     {in: overriders{ArgsOverrider: []policyv1alpha1.CommandArgsOverrider{{ContainerName: "c", Operator: replace}}}, want: []string{"NotSupported argsOverrider[0].operator"}},
		"labels":                           {in: overriders{LabelsOverrider: []policyv1alpha1.LabelAnnotationOverrider{{Operator: replace, Value: map[string]string{"a": "b"}}}}},
		"labels without value":             {in: overriders{LabelsOverrider: []policyv1alpha1.LabelAnnotationOverrider{{Operator: add}}}, want: []string{"Required labelsOverrider[0].value"}},
		"labels operator":                  {in: overriders{LabelsOverrider: []policyv1alpha1.LabelAnnotationOverrider{{Operator: "set", Value: map[string]string{}}}}, want: []string{"NotSupported labelsOverrider[0].operator"}},
		"label value malformed":            {in: overriders{LabelsOverrider: []policyv1alpha1.LabelAnnotationOverrider{{Operator: add, Value: map[string]string{"a": "b c"}}}}, want: []string{"Invalid labelsOverrider[0].value"}},
		"label key malformed":              {in: overriders{LabelsOverrider: []policyv1alpha1.LabelAnnotationOverrider{{Operator: add, Value: map[string]string{"a b": "c"}}}}, want: []string{"Invalid labelsOverrider[0].value"}},
		"annotation value is free":         {in: overriders{AnnotationsOverrider: []policyv1alpha1.LabelAnnotationOverrider{{Operator: add, Value: map[string]string{"a": "b c"}}}}},
		"annotation key malformed":         {in: overriders{AnnotationsOverrider: []policyv1alpha1.LabelAnnotationOverrider{{Operator: add, Value: map[string]string{"a b": "c"}}}}, want: []string{"Invalid annotationsOverrider[0].value"}},
		"annotations too large":            {in: overriders{AnnotationsOverrider: []policyv1alpha1.LabelAnnotationOverrider{{Operator: add, Value: map[string]string{"a": string(make([]byte, 256*1024))}}}}, want: []string{"TooLong annotationsOverrider[0].value"}},
		"field json":                       {in: json(policyv1alpha1.JSONPatchOperation{SubPath: "/a", Operator: add, Value: value})},
		"field yaml remove":                {in: yaml(policyv1alpha1.YAMLPatchOperation{SubPath: "/a", Operator: remove})},
		"field path":                       {in: embedded(policyv1alpha1.FieldOverrider{FieldPath: "data", JSON: []policyv1alpha1.JSONPatchOperation{{SubPath: "/a", Operator: remove}}}), want: []string{"Invalid fieldOverrider[0].fieldPath"}},
		"field with neither json nor yaml": {in: json(), want: []string{"Required fieldOverrider[0]"}},
		"field with both": {
			in: embedded(policyv1alpha1.FieldOverrider{FieldPath: "/data/x",
				JSON: []policyv1alpha1.JSONPatchOperation{{SubPath: "/a", Operator: remove}},
				YAML: []policyv1alpha1.YAMLPatchOperation{{SubPath: "/a", Operator: remove}}}),
			want: []string{"Forbidden fieldOverrider[0].yaml"},
		},
		"field sub path":              {in: json(policyv1alpha1.JSONPatchOperation{SubPath: "a", Operator: remove}), want: []string{"Invalid fieldOverrider[0].json[0].subPath"}},
		"field operator":              {in: yaml(policyv1alpha1.YAMLPatchOperation{SubPath: "/a", Operator: "copy"}), want: []string{"NotSupported fieldOverrider[0].yaml[0].operator"}},
		"field add without value":     {in: json(policyv1alpha1.JSONPatchOperation{SubPath: "/a", Operator: add}), want: []string{"Required fieldOverrider[0].json[0].value"}},
		"field replace without value": {in: yaml(policyv1alpha1.YAMLPatchOperation{SubPath: "/a", Operator: replace}), want: []string{"Required fieldOverrider[0].yaml[0].value"}},
		"field remove with value":     {in: yaml(policyv1alpha1.YAMLPatchOperation{SubPath: "/a", Operator: remove, Value: value}), want: []string{"Forbidden fieldOverrider[0].yaml[0].value"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(c.want, found(validateOverriders(&c.in, nil))); diff != "" {
				t.Errorf("errors (-want +got):\n%s", diff)
			}
		})
	}
}

func TestOverridePolicyValidation(t *testing.T) {
	t.Parallel()
	type spec = policyv1alpha1.OverrideSpec
	bad := policyv1alpha1.Overriders{Plaintext: []policyv1alpha1.PlaintextOverrider{{Path: "x", Operator: policyv1alpha1.OverriderOpAdd}}}
	fieldOnly := policyv1alpha1.Overriders{FieldOverrider: []policyv1alpha1.FieldOverrider{{FieldPath: "/data/x",
		JSON: []policyv1alpha1.JSONPatchOperation{{SubPath: "/a", Operator: policyv1alpha1.OverriderOpRemove}}}}}
	rules := []policyv1alpha1.RuleWithCluster{{}}
	cases := map[string]struct {
		in   spec
		want []string
	}{
		"empty":                  {},
		"selector":               {in: spec{ResourceSelectors: []policyv1alpha1.ResourceSelector{{APIVersion: "v1", Kind: "Secret"}}}},
		"selector elsewhere":     {in: spec{ResourceSelectors: []policyv1alpha1.ResourceSelector{{APIVersion: "v1", Kind: "Secret", Namespace: "bank"}}}, want: []string{"Invalid spec.resourceSelectors[0].namespace"}},
		"selector without kind":  {in: spec{ResourceSelectors: []policyv1alpha1.ResourceSelector{{APIVersion: "v1"}}}, want: []string{"Required spec.resourceSelectors[0].kind"}},
		"rule target":            {in: spec{OverrideRules: []policyv1alpha1.RuleWithCluster{{TargetCluster: &policyv1alpha1.ClusterAffinity{FieldSelector: fields("planet", "In")}}}}, want: []string{"NotSupported spec.overrideRules[0].targetCluster.fieldSelector.matchExpressions[0].key"}},
		"rule overriders":        {in: spec{OverrideRules: []policyv1alpha1.RuleWithCluster{{}, {Overriders: bad}}}, want: []string{"Invalid spec.overrideRules[1].overriders.plaintext[0].path"}},
		"deprecated form":        {in: spec{TargetCluster: &policyv1alpha1.ClusterAffinity{}, Overriders: fieldOnly}},
		"deprecated form, wrong": {in: spec{TargetCluster: &policyv1alpha1.ClusterAffinity{LabelSelector: badLabels()}, Overriders: bad}, want: []string{"Invalid spec.targetCluster.labelSelector.matchExpressions[0].operator", "Invalid spec.overriders.plaintext[0].path"}},
		"rules and target":       {in: spec{OverrideRules: rules, TargetCluster: &policyv1alpha1.ClusterAffinity{}}, want: []string{"Forbidden spec.targetCluster"}},
		"rules and a lone field": {in: spec{OverrideRules: rules, Overriders: fieldOnly}, want: []string{"Forbidden spec.overriders"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := &policyv1alpha1.OverridePolicy{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web"}, Spec: c.in}
			k := overridePolicy()
			k.Default(p, nil)
			if diff := cmp.Diff(c.want, found(k.Validate(p))); diff != "" {
				t.Errorf("errors (-want +got):\n%s", diff)
			}
		})
	}
}
