/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package render

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
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
		for _, step := range o.steps() {
			before := runtime.DeepCopyJSON(obj.Object)
			if err := step.do(obj.Object); err != nil {
				return nil, &OverrideError{Policy: o.Policy, Rule: o.Rule, Path: step.path, Err: err}
			}
			for _, d := range compare(before, obj.Object) {
				d.From, d.To = runtime.DeepCopyJSONValue(d.From), runtime.DeepCopyJSONValue(d.To)
				out = append(out, Change{Policy: o.Policy, Rule: o.Rule, Overrider: step.path, Difference: d})
			}
		}
	}
	return out, nil
}
