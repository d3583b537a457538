/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package render

import (
	"testing"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"

	policyv1alpha1 "github.com/manifold-k8s/manifold/apis/policy/v1alpha1"
)

func TestFieldOverrider(t *testing.T) {
	t.Parallel()
	type op struct{ op, path, value string }
	for name, tc := range map[string]struct {
		format, text string
		ops          []op
		want         string
	}{
		"json":                    {"json", `{"a":{"b":1}}`, []op{{"replace", "/a/b", `2`}, {"add", "/c", `"<x>"`}}, `{"a":{"b":2},"c":"<x>"}`},
		"json list":               {"json", `[1,2]`, []op{{"remove", "/0", ``}, {"add", "/-", `3`}}, `[2,3]`},
		"json as a whole":         {"json", `{"a":1}`, []op{{"replace", "", `[1]`}, {"add", "/0", `0`}}, `[0,1]`},
		"json numbers stay":       {"json", `{"a":1e2,"b":9007199254740993}`, []op{{"add", "/c", `1.0`}}, `{"a":1e2,"b":9007199254740993,"c":1.0}`},
		"yaml":                    {"yaml", "a:\n  b: 1 # one\n", []op{{"replace", "/a/b", `2`}, {"add", "/c", `["x"]`}}, "a:\n  b: 2\nc:\n- x\n"},
		"yaml as a whole":         {"yaml", "a: 1\n", []op{{"add", "", `{"b":2}`}}, "b: 2\n"},
		"yaml with a begin mark":  {"yaml", "---\na: 1\n", []op{{"remove", "/a", ``}, {"add", "/b", `2`}}, "b: 2\n"},
		"yaml texts stay texts":   {"yaml", "a: \"8080\"\nb: \"yes\"\n", []op{{"add", "/c", `"on"`}}, "a: \"8080\"\nb: \"yes\"\nc: \"on\"\n"},
		"null where nothing said": {"json", `{}`, []op{{"add", "/a", ``}}, `{"a":null}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := policyv1alpha1.FieldOverrider{FieldPath: "/data/doc"}
			for _, e := range tc.ops {
				value := apiextensionsv1.JSON{Raw: []byte(e.value)}
				if tc.format == "json" {
					o.JSON = append(o.JSON, policyv1alpha1.JSONPatchOperation{SubPath: e.path, Operator: policyv1alpha1.OverriderOperator(e.op), Value: value})
				} else {
					o.YAML = append(o.YAML, policyv1alpha1.YAMLPatchOperation{SubPath: e.path, Operator: policyv1alpha1.OverriderOperator(e.op), Value: value})
				}
			}
			obj := map[string]any{"data": map[string]any{"doc": tc.text}}
			if err := overrideField(obj, o); err != nil {
				t.Fatal(err)
			}
			if got := child(obj, "data")["doc"]; got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

// What only API servers write is no business of overrides, as it is none of the template's.
func TestOverridesArePruned(t *testing.T) {
	t.Parallel()
	add := func(path, value string) policyv1alpha1.PlaintextOverrider {
		return policyv1alpha1.PlaintextOverrider{Path: path, Operator: "add", Value: apiextensionsv1.JSON{Raw: []byte(value)}}
	}
	tmpl := object(t, `{apiVersion: v1, kind: ConfigMap, metadata: {name: x, namespace: d, labels: {a: b}}, data: {key: old}}`)
	got, err := Render(tmpl, Target{}, []Override{{Overriders: policyv1alpha1.Overriders{Plaintext: []policyv1alpha1.PlaintextOverrider{
		add("/metadata/resourceVersion", `"5"`), add("/metadata/managedFields", `[]`), add("/metadata/finalizers", `["x"]`),
		add("/metadata/labels/own", `"l"`), add("/status", `{"phase":"x"}`), add("/data/key", `"new"`),
	}}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"resourceVersion", "managedFields", "finalizers"} {
		if v, there := child(got.Object, "metadata")[key]; there {
			t.Errorf("%s is %v", key, v)
		}
	}
	if got.GetLabels()["own"] != "l" || got.GetLabels()["a"] != "b" || got.Object["status"] != nil || child(got.Object, "data")["key"] != "new" {
		t.Errorf("manifest %v", got.Object)
	}
}
