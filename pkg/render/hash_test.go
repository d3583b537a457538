/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package render

import (
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
)

func TestHashCoversAllButItself(t *testing.T) {
	t.Parallel()
	tmpl := object(t, `{apiVersion: v1, kind: ConfigMap, metadata: {name: x, namespace: d}, data: {a: b}}`)
	render := func(target Target) *unstructured.Unstructured {
		m, err := Render(tmpl, target, nil)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	one, two := render(Target{TemplateGeneration: 1}), render(Target{TemplateGeneration: 2})
	if Hash(one) == Hash(two) {
		t.Error("the template's generation is not in the hash")
	}
	if have := one.GetAnnotations()[workv1alpha2.ContentHashAnnotation]; have != Hash(one) || len(have) != 32 {
		t.Errorf("stamped %q, hash %q", have, Hash(one))
	}
	child(one.Object, "metadata", "annotations")[workv1alpha2.ContentHashAnnotation] = "stale"
	if Hash(one) != Hash(render(Target{TemplateGeneration: 1})) {
		t.Error("the hash depends on its own annotation")
	}
}

func TestHashTellsApart(t *testing.T) {
	t.Parallel()
	seen := map[string]any{}
	for _, v := range []any{
		"", "a", "ab", []any{"a", "b"}, []any{"ab"}, []any{[]any{"a"}, "b"}, map[string]any{"a": "b"}, map[string]any{"ab": ""},
		map[string]any{"a": nil}, map[string]any{}, []any{}, nil, true, false, int64(1), 1.0, "1", int64(-1), []any{nil},
	} {
		h := Hash(&unstructured.Unstructured{Object: map[string]any{"v": v}})
		if other, taken := seen[h]; taken {
			t.Errorf("%#v and %#v have one hash", v, other)
		}
		seen[h] = v
	}
}
