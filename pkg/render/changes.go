/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package render

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	policyv1alpha1 "github.com/manifold-k8s/manifold/apis/policy/v1alpha1"
)

// Change is what one overrider does to one field of a manifest.
type Change struct {
	Policy    string // as in Override
	Rule      int
	Overrider string // inside the rule, such as "overriders.plaintext[0]"
	Difference
}

// Changes returns what the overrides change in the manifest that Render makes of the same arguments, one overrider after
// the other. The error is that of Render. It changes none of its arguments.
func Changes(tmpl *unstructured.Unstructured, target Target, overrides []Override) ([]Change, error) {
	if len(overrides) == 0 {
		return nil, nil
	}
	if _, err := Render(tmpl, target, overrides); err != nil {
		return nil, err
	}
	obj, err := base(tmpl, target)
	if err != nil {
		return nil, err
	}
	var out []Change
	for _, o := range overrides {
		for _, single := range o.singles() {
			before := runtime.DeepCopyJSON(obj.Object)
			if _, err := single.run(obj.Object); err != nil {
				return nil, &OverrideError{Policy: o.Policy, Rule: o.Rule, Path: single.path, Err: err}
			}
			for _, d := range compare(before, obj.Object) {
				d.From, d.To = runtime.DeepCopyJSONValue(d.From), runtime.DeepCopyJSONValue(d.To)
				out = append(out, Change{Policy: o.Policy, Rule: o.Rule, Overrider: single.path, Difference: d})
			}
		}
	}
	return out, nil
}

// single is one overrider of an override.
type single struct {
	Override
	path string // that of the overrider in the whole override
}

// singles takes an override apart into its overriders, in the order in which run applies them.
func (o Override) singles() []single {
	var out []single
	add := func(list string, i int, only policyv1alpha1.Overriders) {
		one := o
		one.Overriders = only
		out = append(out, single{one, entry(list, i)})
	}
	ov := &o.Overriders
	for i, e := range ov.ImageOverrider {
		add("imageOverrider", i, policyv1alpha1.Overriders{ImageOverrider: []policyv1alpha1.ImageOverrider{e}})
	}
	for i, e := range ov.CommandOverrider {
		add("commandOverrider", i, policyv1alpha1.Overriders{CommandOverrider: []policyv1alpha1.CommandArgsOverrider{e}})
	}
	for i, e := range ov.ArgsOverrider {
		add("argsOverrider", i, policyv1alpha1.Overriders{ArgsOverrider: []policyv1alpha1.CommandArgsOverrider{e}})
	}
	for i, e := range ov.LabelsOverrider {
		add("labelsOverrider", i, policyv1alpha1.Overriders{LabelsOverrider: []policyv1alpha1.LabelAnnotationOverrider{e}})
	}
	for i, e := range ov.AnnotationsOverrider {
		add("annotationsOverrider", i, policyv1alpha1.Overriders{AnnotationsOverrider: []policyv1alpha1.LabelAnnotationOverrider{e}})
	}
	for i, e := range ov.FieldOverrider {
		add("fieldOverrider", i, policyv1alpha1.Overriders{FieldOverrider: []policyv1alpha1.FieldOverrider{e}})
	}
	for i, e := range ov.Plaintext {
		add("plaintext", i, policyv1alpha1.Overriders{Plaintext: []policyv1alpha1.PlaintextOverrider{e}})
	}
	return out
}
