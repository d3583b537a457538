/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package render

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"

	policyv1alpha1 "github.com/manifold-k8s/manifold/apis/policy/v1alpha1"
)

func TestOverrideErrors(t *testing.T) {
	t.Parallel()
	plaintext := func(op policyv1alpha1.OverriderOperator, path string) policyv1alpha1.Overriders {
		return policyv1alpha1.Overriders{Plaintext: []policyv1alpha1.PlaintextOverrider{
			{Path: "/metadata/labels", Operator: "add", Value: apiextensionsv1.JSON{Raw: []byte(`{"a":"b"}`)}},
			{Path: path, Operator: op, Value: apiextensionsv1.JSON{Raw: []byte(`"v"`)}},
		}}
	}
	number := func(path string) policyv1alpha1.Overriders {
		out := plaintext("add", path)
		out.Plaintext[1].Value.Raw = []byte("8080")
		return out
	}
	field := func(path, text string) policyv1alpha1.Overriders {
		return policyv1alpha1.Overriders{
			AnnotationsOverrider: []policyv1alpha1.LabelAnnotationOverrider{{Operator: "add", Value: map[string]string{"doc": text}}},
			FieldOverrider: []policyv1alpha1.FieldOverrider{{FieldPath: path,
				YAML: []policyv1alpha1.YAMLPatchOperation{{SubPath: "/a", Operator: "remove"}}}},
		}
	}
	for name, tc := range map[string]struct {
		overriders policyv1alpha1.Overriders
		path       string
		text       string
	}{
		"missing parent":     {plaintext("add", "/spec/nope/x"), "overriders.plaintext[1]", "add /spec/nope/x: no such field"},
		"missing field":      {plaintext("replace", "/spec/nope"), "overriders.plaintext[1]", "no such field"},
		"remove missing":     {plaintext("remove", "/spec/nope"), "overriders.plaintext[1]", "no such field"},
		"index out of range": {plaintext("add", "/spec/template/spec/containers/3"), "overriders.plaintext[1]", "no such field"},
		"no index":           {plaintext("replace", "/spec/template/spec/containers/x"), "overriders.plaintext[1]", "is no index"},
		"through a scalar":   {plaintext("add", "/kind/x"), "overriders.plaintext[1]", "neither object nor list"},
		"no slash":           {plaintext("add", "spec"), "overriders.plaintext[1]", "does not begin with a slash"},
		"whole document":     {plaintext("replace", ""), "overriders.plaintext[1]", "whole document"},
		"unknown operator":   {plaintext("move", "/spec"), "overriders.plaintext[1]", "unknown operator"},
		"name":               {plaintext("replace", "/metadata/name"), "overriders", "cannot be overridden"},
		"namespace":          {plaintext("remove", "/metadata/namespace"), "overriders", "cannot be overridden"},
		"metadata":           {plaintext("replace", "/metadata"), "overriders", "cannot be overridden"},
		"labels":             {plaintext("replace", "/metadata/labels"), "overriders", "metadata.labels becomes a string"},
		"label":              {number("/metadata/labels/a"), "overriders", `metadata.labels["a"] becomes 8080, which is no text`},
		"annotation":         {number("/metadata/annotations"), "overriders", "metadata.annotations becomes a int64"},
		"image path missing": {policyv1alpha1.Overriders{ImageOverrider: []policyv1alpha1.ImageOverrider{
			{Predicate: &policyv1alpha1.ImagePredicate{Path: "/spec/image"}, Component: "Tag", Operator: "add"}}},
			"overriders.imageOverrider[0]", "read /spec/image: no such field"},
		"image no text": {policyv1alpha1.Overriders{ImageOverrider: []policyv1alpha1.ImageOverrider{
			{Predicate: &policyv1alpha1.ImagePredicate{Path: "/spec"}, Component: "Tag", Operator: "add"}}},
			"overriders.imageOverrider[0]", "no text"},
		"image component": {policyv1alpha1.Overriders{ImageOverrider: []policyv1alpha1.ImageOverrider{{Component: "Host", Operator: "add"}}},
			"overriders.imageOverrider[0]", "unknown image component"},
		"image operator": {policyv1alpha1.Overriders{ImageOverrider: []policyv1alpha1.ImageOverrider{{Component: "Tag", Operator: "set"}}},
			"overriders.imageOverrider[0]", "unknown operator"},
		"args operator": {policyv1alpha1.Overriders{ArgsOverrider: []policyv1alpha1.CommandArgsOverrider{{ContainerName: "c", Operator: "replace"}}},
			"overriders.argsOverrider[0]", "unknown operator"},
		"command operator": {policyv1alpha1.Overriders{CommandOverrider: []policyv1alpha1.CommandArgsOverrider{{ContainerName: "c", Operator: "replace"}}},
			"overriders.commandOverrider[0]", "unknown operator"},
		"labels operator": {policyv1alpha1.Overriders{LabelsOverrider: []policyv1alpha1.LabelAnnotationOverrider{{Operator: "set", Value: map[string]string{"a": "b"}}}},
			"overriders.labelsOverrider[0]", "unknown operator"},
		"field missing":            {field("/data/x", "a: b"), "overriders.fieldOverrider[0]", "no such field"},
		"field is no text":         {field("/spec", "a: b"), "overriders.fieldOverrider[0]", "no text"},
		"field without the key":    {field("/metadata/annotations/doc", "b: c"), "overriders.fieldOverrider[0]", "no such field"},
		"field malformed":          {field("/metadata/annotations/doc", "a: [b"), "overriders.fieldOverrider[0]", "read the embedded YAML"},
		"field of two documents":   {field("/metadata/annotations/doc", "a: b\n---\na: c\n"), "overriders.fieldOverrider[0]", "more than one document"},
		"field of scalar document": {field("/metadata/annotations/doc", "text"), "overriders.fieldOverrider[0]", "neither object nor list"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tmpl := object(t, `{apiVersion: apps/v1, kind: Deployment, metadata: {name: x, namespace: d},
				spec: {template: {spec: {containers: [{name: c, image: "nginx:1"}]}}}}`)
			before := tmpl.DeepCopy()
			got, err := Render(tmpl, Target{}, []Override{{Policy: "OverridePolicy d/p", Rule: 2, Overriders: tc.overriders}})
			var oe *OverrideError
			if !errors.As(err, &oe) || got != nil {
				t.Fatalf("got %v, %v, want no manifest and an OverrideError", got, err)
			}
			if oe.Policy != "OverridePolicy d/p" || oe.Rule != 2 || oe.Path != tc.path || !strings.Contains(err.Error(), tc.text) {
				t.Errorf("got %v, want path %s and text %q", err, tc.path, tc.text)
			}
			if diff := cmp.Diff(before, tmpl); diff != "" {
				t.Errorf("template (-before +after):\n%s", diff)
			}
		})
	}
}

func TestListOverriders(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		container string
		op        policyv1alpha1.OverriderOperator
		value     []string
		want      any
	}{
		"append":                         {"full", "add", []string{"c"}, []any{"a", "b", "a", "c"}},
		"remove every equal item":        {"full", "remove", []string{"a", "z"}, []any{"b"}},
		"add creates the list":           {"bare", "add", []string{"c"}, []any{"c"}},
		"remove from none gives empty":   {"bare", "remove", []string{"c"}, []any{}},
		"unknown container changes none": {"other", "add", []string{"c"}, []any{"a", "b", "a"}},
	} {
		for _, key := range []string{"command", "args"} {
			t.Run(name+"/"+key, func(t *testing.T) {
				t.Parallel()
				tmpl := object(t, `{apiVersion: v1, kind: Pod, metadata: {name: x, namespace: d}, spec: {
					initContainers: [{name: full, `+key+`: [init]}],
					containers: [{name: full, `+key+`: [a, b, a]}, {name: bare}]}}`)
				o := Override{}
				entry := []policyv1alpha1.CommandArgsOverrider{{ContainerName: tc.container, Operator: tc.op, Value: tc.value}}
				if key == "command" {
					o.Overriders.CommandOverrider = entry
				} else {
					o.Overriders.ArgsOverrider = entry
				}
				got, err := Render(tmpl, Target{}, []Override{o})
				if err != nil {
					t.Fatal(err)
				}
				spec := child(got.Object, "spec")
				var have any
				for _, c := range objects(spec, "containers") {
					if c["name"] == tc.container || tc.container == "other" && c["name"] == "full" {
						have = c[key]
					}
				}
				if diff := cmp.Diff(tc.want, have); diff != "" {
					t.Errorf("%s (-want +got):\n%s", key, diff)
				}
				if diff := cmp.Diff([]any{"init"}, objects(spec, "initContainers")[0][key]); diff != "" {
					t.Errorf("init container (-want +got):\n%s", diff)
				}
			})
		}
	}
}

// TestOrder shows that later overrides see what earlier ones did, and that plaintext has the last word in a rule.
func TestOrder(t *testing.T) {
	t.Parallel()
	tmpl := object(t, `{apiVersion: v1, kind: Pod, metadata: {name: x, namespace: d}, spec: {containers: [{name: c, image: nginx}]}}`)
	tag := func(v string) Override {
		return Override{Overriders: policyv1alpha1.Overriders{
			Plaintext: []policyv1alpha1.PlaintextOverrider{{Path: "/metadata/labels/tag", Operator: "add",
				Value: apiextensionsv1.JSON{Raw: []byte(`"` + v + `"`)}}},
			LabelsOverrider: []policyv1alpha1.LabelAnnotationOverrider{{Operator: "add", Value: map[string]string{"tag": "loses"}}},
			ImageOverrider:  []policyv1alpha1.ImageOverrider{{Component: "Tag", Operator: "add", Value: v}},
		}}
	}
	got, err := Render(tmpl, Target{}, []Override{tag("1"), tag("2")})
	if err != nil {
		t.Fatal(err)
	}
	if img := objects(child(got.Object, "spec"), "containers")[0]["image"]; img != "nginx:12" {
		t.Errorf("image %v, want nginx:12", img)
	}
	if l := got.GetLabels()["tag"]; l != "2" {
		t.Errorf("label %q, want 2", l)
	}
}
