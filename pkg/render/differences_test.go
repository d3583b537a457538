/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package render

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

func TestDifferences(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		before, after string
		want          []string
	}{
		"none":                {`{a: {b: [1, {c: d}]}}`, `{a: {b: [1, {c: d}]}}`, nil},
		"value":               {`{spec: {a: 1, b: 2}}`, `{spec: {a: 1, b: 3}}`, []string{"/spec/b"}},
		"type":                {`{spec: {a: {b: 1}}}`, `{spec: {a: [1]}}`, []string{"/spec/a"}},
		"null is a value":     {`{spec: {a: null}}`, `{spec: {}}`, []string{"/spec/a"}},
		"in the order of key": {`{b: 1, a: 1}`, `{b: 2, a: 2}`, []string{"/a", "/b"}},
		"added as a whole":    {`{}`, `{spec: {a: {b: 1}}}`, []string{"/spec"}},
		"removed as a whole":  {`{spec: {a: {b: 1}}}`, `{spec: {}}`, []string{"/spec/a"}},
		"labels one by one":   {`{metadata: {}}`, `{metadata: {labels: {x: "1", z: "2"}}}`, []string{"/metadata/labels/x", "/metadata/labels/z"}},
		"annotations removed": {`{metadata: {annotations: {x: "1"}}}`, `{metadata: {}}`, []string{"/metadata/annotations/x"}},
		"escaped":             {`{metadata: {labels: {"a.b/c~d": "1"}}}`, `{metadata: {labels: {"a.b/c~d": "2"}}}`, []string{"/metadata/labels/a.b~1c~0d"}},
		"inside an item":      {`{l: [{n: a, v: 1}, {n: b, v: 1}]}`, `{l: [{n: a, v: 1}, {n: b, v: 2}]}`, []string{"/l/1/v"}},
		"appended":            {`{l: [1, 2]}`, `{l: [1, 2, 3]}`, []string{"/l/2"}},
		"put in front":        {`{l: [{n: a}, {n: b}]}`, `{l: [{n: x}, {n: a}, {n: b}]}`, []string{"/l/0"}},
		"taken out":           {`{l: [1, 2, 3]}`, `{l: [1, 3]}`, []string{"/l/1"}},
		"emptied":             {`{l: [1, 2]}`, `{l: []}`, []string{"/l/0", "/l/1"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tc.want, paths(Differences(document(t, tc.before), document(t, tc.after)))); diff != "" {
				t.Errorf("there (-want +got):\n%s", diff)
			}
			back := Differences(document(t, tc.after), document(t, tc.before))
			if len(back) != len(tc.want) {
				t.Errorf("back: %v, want as many as %v", back, tc.want)
			}
		})
	}
}

func paths(differences []Difference) (out []string) {
	for _, d := range differences {
		out = append(out, d.Path)
	}
	return out
}

func document(t *testing.T, text string) *unstructured.Unstructured {
	t.Helper()
	u := &unstructured.Unstructured{}
	if err := yaml.Unmarshal([]byte(text), &u.Object); err != nil {
		t.Fatal(err)
	}
	return u
}
