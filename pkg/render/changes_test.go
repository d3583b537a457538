/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package render

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"

	policyv1alpha1 "github.com/manifold-k8s/manifold/apis/policy/v1alpha1"
)

// asText has each change on a line: overrider, path, values.
func asText(t *testing.T, changes []Change) (out []string) {
	t.Helper()
	text := func(v any, absent bool) string {
		if absent {
			return "nothing"
		}
		data, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	for _, c := range changes {
		out = append(out, fmt.Sprintf("%s %d %s %s: %s → %s", c.Policy, c.Rule, c.Overrider, c.Path, text(c.From, c.Added), text(c.To, c.Removed)))
	}
	return out
}

func TestChangesOfGolden(t *testing.T) {
	t.Parallel()
	dir := filepath.Join("testdata", "deployment")
	tmpl := readTemplate(t, dir)
	got, err := Changes(tmpl, goldenTarget(tmpl), readOverrides(t, dir))
	if err != nil {
		t.Fatal(err)
	}
	const cluster, own = "ClusterOverridePolicy registry 0 overriders.", "OverridePolicy default/nginx 1 overriders."
	want := []string{
		cluster + `imageOverrider[0] /spec/template/spec/containers/0/image: "nginx:1.25" → "registry.example.com/nginx:1.25"`,
		own + `imageOverrider[0] /spec/template/spec/containers/0/image: "registry.example.com/nginx:1.25" → "registry.example.com/nginx:1.25-alpine"`,
		own + `commandOverrider[0] /spec/template/spec/containers/0/command: nothing → ["/bin/nginx"]`,
		own + `argsOverrider[0] /spec/template/spec/containers/0/args/0: "-g" → nothing`,
		own + `labelsOverrider[0] /metadata/labels/zone: nothing → "b"`,
		own + `labelsOverrider[1] /metadata/labels/app: "nginx" → "nginx-b"`,
		own + `annotationsOverrider[0] /metadata/annotations/team: "shop" → nothing`,
		own + `plaintext[0] /spec/template/spec/containers/0/env: nothing → [{"name":"ZONE","value":"b"}]`,
		own + `plaintext[1] /spec/revisionHistoryLimit: 10 → nothing`,
		own + `plaintext[2] /spec/strategy/rollingUpdate/maxSurge: "25%" → 1`,
	}
	if diff := cmp.Diff(want, asText(t, got)); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
}

// What is told is all that the overrides change: done again, it makes the same manifest. Telling it touches no argument.
func TestChangesAreTheWhole(t *testing.T) {
	t.Parallel()
	for _, dir := range goldenCases(t) {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			t.Parallel()
			tmpl, overrides := readTemplate(t, dir), readOverrides(t, dir)
			changes, err := Changes(tmpl, goldenTarget(tmpl), overrides)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(readTemplate(t, dir), tmpl); diff != "" {
				t.Errorf("template (-before +after):\n%s", diff)
			}
			if diff := cmp.Diff(readOverrides(t, dir), overrides); diff != "" {
				t.Errorf("overrides (-before +after):\n%s", diff)
			}
			want, err := Render(tmpl, goldenTarget(tmpl), overrides)
			if err != nil {
				t.Fatal(err)
			}
			got, err := base(tmpl, goldenTarget(tmpl))
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range changes {
				op := policyv1alpha1.OverriderOpReplace
				switch {
				case c.Added:
					op = policyv1alpha1.OverriderOpAdd
				case c.Removed:
					op = policyv1alpha1.OverriderOpRemove
				}
				if _, err := patch(got.Object, op, c.Path, c.To); err != nil {
					t.Fatalf("%s: %v", c.Path, err)
				}
			}
			if err := finish(got, goldenTarget(tmpl), len(overrides) > 0); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-overridden +done again):\n%s", diff)
			}
		})
	}
}

func TestChanges(t *testing.T) {
	t.Parallel()
	plain := func(op policyv1alpha1.OverriderOperator, path, value string) policyv1alpha1.Overriders {
		return policyv1alpha1.Overriders{Plaintext: []policyv1alpha1.PlaintextOverrider{
			{Path: path, Operator: op, Value: apiextensionsv1.JSON{Raw: []byte(value)}},
		}}
	}
	label := func(op policyv1alpha1.OverriderOperator, key, value string) policyv1alpha1.Overriders {
		return policyv1alpha1.Overriders{LabelsOverrider: []policyv1alpha1.LabelAnnotationOverrider{{Operator: op, Value: map[string]string{key: value}}}}
	}
	for name, tc := range map[string]struct {
		overriders policyv1alpha1.Overriders
		want       []string
	}{
		"nothing":                    {plain("replace", "/spec/a", `"x"`), nil},
		"scalar":                     {plain("replace", "/spec/a", `"y"`), []string{`/spec/a: "x" → "y"`}},
		"type":                       {plain("replace", "/spec/a", `{"y":1}`), []string{`/spec/a: "x" → {"y":1}`}},
		"to null":                    {plain("replace", "/spec/a", `null`), []string{`/spec/a: "x" → null`}},
		"object added":               {plain("add", "/spec/b", `{"c":{"d":1}}`), []string{`/spec/b: nothing → {"c":{"d":1}}`}},
		"inside a replaced object":   {plain("replace", "/spec", `{"a":"x","l":["1","2","4"]}`), []string{`/spec/l/2: "3" → "4"`}},
		"item put in front":          {plain("add", "/spec/l/0", `"0"`), []string{`/spec/l/0: nothing → "0"`}},
		"item put in the middle":     {plain("add", "/spec/l/1", `"x"`), []string{`/spec/l/1: nothing → "x"`}},
		"item taken out":             {plain("remove", "/spec/l/1", ``), []string{`/spec/l/1: "2" → nothing`}},
		"list made shorter":          {plain("replace", "/spec/l", `["x","3"]`), []string{`/spec/l/0: "1" → "x"`, `/spec/l/1: "2" → nothing`}},
		"first label":                {label("add", "example.com/a~b", "c"), []string{`/metadata/labels/example.com~1a~0b: nothing → "c"`}},
		"label that was never there": {label("remove", "a", ""), nil},
		"several, sorted by their keys": {plain("replace", "/spec", `{"b":1,"c":2,"l":["1","2","3"]}`),
			[]string{`/spec/a: "x" → nothing`, `/spec/b: nothing → 1`, `/spec/c: nothing → 2`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tmpl := object(t, `{apiVersion: example.com/v1, kind: Widget, metadata: {name: x, namespace: d}, spec: {a: x, l: ["1", "2", "3"]}}`)
			got, err := Changes(tmpl, Target{}, []Override{{Policy: "P", Overriders: tc.overriders}})
			if err != nil {
				t.Fatal(err)
			}
			var want []string
			for _, w := range tc.want {
				list := "plaintext[0] "
				if tc.overriders.LabelsOverrider != nil {
					list = "labelsOverrider[0] "
				}
				want = append(want, "P 0 overriders."+list+w)
			}
			if diff := cmp.Diff(want, asText(t, got)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestChangesThatDoNotFit(t *testing.T) {
	t.Parallel()
	tmpl := object(t, `{apiVersion: example.com/v1, kind: Widget, metadata: {name: x}, spec: {a: x}}`)
	overriders := policyv1alpha1.Overriders{Plaintext: []policyv1alpha1.PlaintextOverrider{
		{Path: "/spec/a", Operator: "remove"}, {Path: "/spec/a", Operator: "remove"},
	}}
	got, err := Changes(tmpl, Target{}, []Override{{Policy: "P", Rule: 3, Overriders: overriders}})
	var oe *OverrideError
	if !errors.As(err, &oe) || got != nil || oe.Rule != 3 || oe.Path != "overriders.plaintext[1]" {
		t.Errorf("got %v, %v", got, err)
	}
}
