/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package render

import (
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	policyv1alpha1 "github.com/manifold-k8s/manifold/apis/policy/v1alpha1"
)

// Change is what one overrider does to one field of a manifest.
type Change struct {
	Policy    string // as in Override
	Rule      int
	Overrider string // inside the rule, such as "overriders.plaintext[0]"
	// Path is a JSON pointer to the field. That of an item that was added to a list, or removed, is the place it has, or had.
	Path string
	// From and To are JSON values, before and after. From is nil for what was added, To for what was removed.
	From, To       any
	Added, Removed bool
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
			c := diff{Change{Policy: o.Policy, Rule: o.Rule, Overrider: single.path}, &out}
			c.objects("", before, obj.Object)
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

// diff collects changes, each a copy of like with its place and values.
type diff struct {
	like Change
	out  *[]Change
}

func (c diff) changed(path string, from, to any) {
	change := c.like
	change.Path, change.From, change.To = path, runtime.DeepCopyJSONValue(from), runtime.DeepCopyJSONValue(to)
	*c.out = append(*c.out, change)
}

func (c diff) added(path string, to any) {
	c.like.Added = true
	c.changed(path, nil, to)
}

func (c diff) removed(path string, from any) {
	c.like.Removed = true
	c.changed(path, from, nil)
}

func (c diff) values(path string, before, after any) {
	switch b := before.(type) {
	case map[string]any:
		if a, ok := after.(map[string]any); ok {
			c.objects(path, b, a)
			return
		}
	case []any:
		if a, ok := after.([]any); ok {
			c.lists(path, b, a)
			return
		}
	}
	if !reflect.DeepEqual(before, after) {
		c.changed(path, before, after)
	}
}

func (c diff) objects(path string, before, after map[string]any) {
	keys := make(map[string]any, len(before)+len(after))
	maps.Copy(keys, before)
	maps.Copy(keys, after)
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		b, had := before[key]
		a, has := after[key]
		at := path + "/" + escapeStep.Replace(key)
		switch {
		case had && has:
			c.values(at, b, a)
		case had:
			c.removed(at, b)
		case at == "/metadata/labels" || at == "/metadata/annotations":
			m, _ := a.(map[string]any) // of another type it is no change that a label overrider makes
			c.objects(at, nil, m)      // each for itself; that there is a place for them now is none
		default:
			c.added(at, a)
		}
	}
}

// lists leaves out what is the same at both ends. What remains is compared item by item.
func (c diff) lists(path string, before, after []any) {
	first := 0
	for first < len(before) && first < len(after) && reflect.DeepEqual(before[first], after[first]) {
		first++
	}
	b, a := before[first:], after[first:]
	for len(b) > 0 && len(a) > 0 && reflect.DeepEqual(b[len(b)-1], a[len(a)-1]) {
		b, a = b[:len(b)-1], a[:len(a)-1]
	}
	for i := range max(len(b), len(a)) {
		at := path + "/" + strconv.Itoa(first+i)
		switch {
		case i >= len(b):
			c.added(at, a[i])
		case i >= len(a):
			c.removed(at, b[i])
		default:
			c.values(at, b[i], a[i])
		}
	}
}

// escapeStep writes a key as a step of a JSON pointer.
var escapeStep = strings.NewReplacer("~", "~0", "/", "~1")
