/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package render

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/json"

	policyv1alpha1 "github.com/manifold-k8s/manifold/apis/policy/v1alpha1"
)

var errGrants = errors.New("an OverridePolicy cannot change what rights are granted, or to whom; a ClusterOverridePolicy can")

var errIdentity = errors.New("apiVersion, kind, name and namespace cannot be overridden")

// apply runs the rule's overriders in their fixed order: image, command, args, labels, annotations, field, plaintext.
func (o Override) apply(manifest *unstructured.Unstructured) error {
	before, granted := identityOf(manifest.Object), grants(manifest)
	if path, err := o.run(manifest.Object); err != nil {
		return &OverrideError{Policy: o.Policy, Rule: o.Rule, Path: path, Err: err}
	}
	if identityOf(manifest.Object) != before {
		return &OverrideError{Policy: o.Policy, Rule: o.Rule, Path: "overriders", Err: errIdentity}
	}
	if err := checkTexts(manifest.Object); err != nil {
		return &OverrideError{Policy: o.Policy, Rule: o.Rule, Path: "overriders", Err: err}
	}
	if o.Namespaced && !reflect.DeepEqual(granted, grants(manifest)) {
		return &OverrideError{Policy: o.Policy, Rule: o.Rule, Path: "overriders", Err: errGrants}
	}
	return nil
}

// checkTexts returns an error unless labels and annotations map texts to texts. A member would refuse anything else, and
// could not say whose fault that is.
func checkTexts(obj map[string]any) error {
	metadata := child(obj, "metadata")
	for _, key := range []string{"labels", "annotations"} {
		entries, ok := metadata[key].(map[string]any)
		if !ok {
			if metadata[key] != nil {
				return fmt.Errorf("metadata.%s becomes a %T, not an object", key, metadata[key])
			}
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(entries)) {
			if _, ok := entries[name].(string); !ok {
				return fmt.Errorf("metadata.%s[%q] becomes %v, which is no text: put it in quotes", key, name, entries[name])
			}
		}
	}
	return nil
}

// grants returns what an RBAC object gives to whom, nil for other kinds. The hub checks that whoever writes such an
// object has the rights himself; nobody checks what an override makes of it.
func grants(manifest *unstructured.Unstructured) any {
	if manifest.GroupVersionKind().Group != "rbac.authorization.k8s.io" {
		return nil
	}
	o := manifest.Object
	return runtime.DeepCopyJSONValue([]any{o["rules"], o["roleRef"], o["subjects"], o["aggregationRule"]})
}

// run returns the overrider at fault beside the error.
func (o Override) run(obj map[string]any) (path string, err error) {
	for _, s := range o.steps() {
		if err := s.do(obj); err != nil {
			return s.path, err
		}
	}
	return "", nil
}

// step is what one overrider does.
type step struct {
	path string // of the overrider in the rule, such as "overriders.plaintext[0]"
	do   func(obj map[string]any) error
}

// steps returns those of the rule, in the order in which they apply.
func (o Override) steps() []step {
	ov := &o.Overriders
	items := func(field string) func(map[string]any, policyv1alpha1.CommandArgsOverrider) error {
		return func(obj map[string]any, e policyv1alpha1.CommandArgsOverrider) error {
			return overrideItems(obj, field, e)
		}
	}
	metadata := func(field string) func(map[string]any, policyv1alpha1.LabelAnnotationOverrider) error {
		return func(obj map[string]any, e policyv1alpha1.LabelAnnotationOverrider) error {
			return overrideMetadata(obj, field, e)
		}
	}
	return slices.Concat(
		stepsOf("imageOverrider", ov.ImageOverrider, overrideImages),
		stepsOf("commandOverrider", ov.CommandOverrider, items("command")),
		stepsOf("argsOverrider", ov.ArgsOverrider, items("args")),
		stepsOf("labelsOverrider", ov.LabelsOverrider, metadata("labels")),
		stepsOf("annotationsOverrider", ov.AnnotationsOverrider, metadata("annotations")),
		stepsOf("fieldOverrider", ov.FieldOverrider, overrideField),
		stepsOf("plaintext", ov.Plaintext, overridePlaintext),
	)
}

func stepsOf[E any](list string, entries []E, do func(map[string]any, E) error) []step {
	var out []step
	for i, e := range entries {
		out = append(out, step{entry(list, i), func(obj map[string]any) error { return do(obj, e) }})
	}
	return out
}

func overridePlaintext(obj map[string]any, e policyv1alpha1.PlaintextOverrider) error {
	value, err := decode(e.Value)
	if err != nil {
		return err
	}
	_, err = patch(obj, e.Operator, e.Path, value)
	return err
}

func entry(list string, i int) string { return fmt.Sprintf("overriders.%s[%d]", list, i) }

// identityOf is what makes an object that object.
func identityOf(obj map[string]any) [4]any {
	metadata := child(obj, "metadata")
	var out [4]any
	for i, v := range []any{obj["apiVersion"], obj["kind"], metadata["name"], metadata["namespace"]} {
		if s, ok := v.(string); ok { // anything else counts as gone; it might not be comparable
			out[i] = s
		}
	}
	return out
}

// decode reads the value of a patch with the API machinery's number types. No value means null.
func decode(v apiextensionsv1.JSON) (any, error) {
	if len(v.Raw) == 0 {
		return nil, nil
	}
	var out any
	if err := json.Unmarshal(v.Raw, &out); err != nil {
		return nil, fmt.Errorf("read the value: %w", err)
	}
	return out, nil
}

// overrideImages edits the image at the predicate's path, or without one those of all containers, init containers
// excepted, of the kinds that podSpec knows.
func overrideImages(obj map[string]any, o policyv1alpha1.ImageOverrider) error {
	if o.Predicate != nil {
		old, err := lookupString(obj, o.Predicate.Path)
		if err != nil {
			return err
		}
		img, err := overrideImage(old, o)
		if err != nil {
			return err
		}
		_, err = patch(obj, policyv1alpha1.OverriderOpReplace, o.Predicate.Path, img)
		return err
	}
	for _, container := range objects(podSpec(obj), "containers") {
		old, ok := container["image"].(string)
		if !ok || old == "" {
			continue // nothing to edit; the member's API server asks for an image
		}
		img, err := overrideImage(old, o)
		if err != nil {
			return err
		}
		container["image"] = img
	}
	return nil
}

// podSpec returns the pod spec of the kinds whose containers overriders find by themselves, nil for all others.
func podSpec(obj map[string]any) map[string]any {
	switch obj["kind"] {
	case "Pod":
		return child(obj, "spec")
	case "ReplicaSet", "Deployment", "DaemonSet", "StatefulSet", "Job":
		return child(obj, "spec", "template", "spec")
	}
	return nil
}

// overrideItems edits the list under key, command or args, of the container with the given name.
func overrideItems(obj map[string]any, key string, o policyv1alpha1.CommandArgsOverrider) error {
	for _, container := range objects(podSpec(obj), "containers") {
		if container["name"] != o.ContainerName {
			continue
		}
		list, _ := container[key].([]any) // absent: empty
		items := make([]any, 0, len(list)+len(o.Value))
		items = append(items, list...)
		switch o.Operator {
		case policyv1alpha1.OverriderOpAdd:
			for _, v := range o.Value {
				items = append(items, v)
			}
		case policyv1alpha1.OverriderOpRemove:
			items = slices.DeleteFunc(items, func(item any) bool {
				s, ok := item.(string)
				return ok && slices.Contains(o.Value, s)
			})
		default:
			return fmt.Errorf("unknown operator %q", o.Operator)
		}
		container[key] = items
	}
	return nil
}

// overrideMetadata edits the object's labels or annotations.
func overrideMetadata(obj map[string]any, key string, o policyv1alpha1.LabelAnnotationOverrider) error {
	metadata, err := objectIn(obj, "metadata")
	if err != nil {
		return err
	}
	entries, err := objectIn(metadata, key)
	if err != nil {
		return err
	}
	for name, value := range o.Value {
		_, exists := entries[name]
		switch {
		case o.Operator == policyv1alpha1.OverriderOpAdd:
			entries[name] = value
		case o.Operator == policyv1alpha1.OverriderOpReplace && exists:
			entries[name] = value
		case o.Operator == policyv1alpha1.OverriderOpRemove:
			delete(entries, name)
		case o.Operator != policyv1alpha1.OverriderOpReplace:
			return fmt.Errorf("unknown operator %q", o.Operator)
		}
	}
	return nil
}
