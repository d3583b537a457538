/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package render

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	policyv1alpha1 "github.com/manifold-k8s/manifold/apis/policy/v1alpha1"
	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
)

var update = flag.Bool("update", false, "rewrite the expected manifests in testdata")

func TestGolden(t *testing.T) {
	t.Parallel()
	for _, dir := range goldenCases(t) {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			t.Parallel()
			got, err := Render(readTemplate(t, dir), goldenTarget(readTemplate(t, dir)), readOverrides(t, dir))
			if err != nil {
				t.Fatal(err)
			}
			text, err := yaml.Marshal(got.Object)
			if err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(dir, "want.yaml")
			if *update {
				if err := os.WriteFile(file, text, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(text)); diff != "" {
				t.Errorf("manifest (-want +got):\n%s", diff)
			}
		})
	}
}

// TestProperties states what holds for every case: the arguments stay as they are, a second rendering gives the same,
// the result shares nothing with the template, and the manifest holds in itself.
func TestProperties(t *testing.T) {
	t.Parallel()
	for _, dir := range goldenCases(t) {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			t.Parallel()
			tmpl, overrides := readTemplate(t, dir), readOverrides(t, dir)
			first, err := Render(tmpl, goldenTarget(tmpl), overrides)
			if err != nil {
				t.Fatal(err)
			}
			second, err := Render(tmpl, goldenTarget(tmpl), overrides)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(first, second); diff != "" {
				t.Errorf("second rendering (-first +second):\n%s", diff)
			}
			if !Holds(first, second) {
				t.Error("a manifest does not hold in itself")
			}
			scribble(first.Object)
			if diff := cmp.Diff(readTemplate(t, dir), tmpl); diff != "" {
				t.Errorf("template (-before +after):\n%s", diff)
			}
			if diff := cmp.Diff(readOverrides(t, dir), overrides); diff != "" {
				t.Errorf("overrides (-before +after):\n%s", diff)
			}
		})
	}
}

func TestRetainReplicas(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		label      string
		retain     bool
		autoscaled bool
		kind       string
		want       any
	}{
		"retained":              {label: "true", retain: true, kind: "Deployment", want: nil},
		"member lacks it yet":   {label: "true", retain: false, kind: "Deployment", want: int64(2)},
		"not asked for":         {label: "", retain: true, kind: "Deployment", want: int64(2)},
		"other value":           {label: "yes", retain: true, kind: "Deployment", want: int64(2)},
		"kind without rules":    {label: "true", retain: true, kind: "Gadget", want: nil},
		"autoscaled":            {retain: true, autoscaled: true, kind: "Deployment", want: nil},
		"autoscaled, any kind":  {retain: true, autoscaled: true, kind: "Gadget", want: nil},
		"autoscaled, not there": {autoscaled: true, kind: "Deployment", want: int64(2)},
		"autoscaled, hub rules": {label: "false", retain: true, autoscaled: true, kind: "Deployment", want: int64(2)},
		"not autoscaled":        {retain: true, kind: "Gadget", want: int64(7)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tmpl := object(t, `{apiVersion: apps/v1, kind: `+tc.kind+`, metadata: {name: x, namespace: d}, spec: {replicas: 7}}`)
			tmpl.SetLabels(map[string]string{workv1alpha2.RetainReplicasLabel: tc.label})
			got, err := Render(tmpl, Target{Replicas: new(int32(2)), RetainReplicas: tc.retain, Autoscaled: tc.autoscaled}, nil)
			if err != nil {
				t.Fatal(err)
			}
			if have := child(got.Object, "spec")["replicas"]; have != tc.want {
				t.Errorf("replicas %v, want %v", have, tc.want)
			}
		})
	}
}

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

// TestStamps shows what marks a copy, and that the marks of another copy do not stay.
func TestStamps(t *testing.T) {
	t.Parallel()
	const conf = `{apiVersion: v1, kind: ConfigMap, metadata: {name: x, namespace: d, uid: u, labels: {karmada.io/managed: "false", own: l,
		work.karmada.io/permanent-id: w, clusterresourcebinding.karmada.io/permanent-id: old}, annotations: {own: a, work.karmada.io/name: w,
		work.karmada.io/conflict-resolution: CONFLICT, resourcetemplate.karmada.io/managed-labels: x, clusterresourcebinding.karmada.io/name: old,
		resourcetemplate.karmada.io/generation: "9", manifold-k8s.io/content-hash: old}}}`
	for name, tc := range map[string]struct {
		conflict            string
		target              Target
		labels, annotations map[string]string
	}{
		"namespaced": {"", Target{Binding: Binding{"d", "b", "id"}, TemplateUID: "u", TemplateGeneration: 2},
			map[string]string{"karmada.io/managed": "true", "own": "l", "resourcebinding.karmada.io/permanent-id": "id"},
			map[string]string{"own": "a", "resourcebinding.karmada.io/namespace": "d", "resourcebinding.karmada.io/name": "b",
				"resourcetemplate.karmada.io/uid": "u", "resourcetemplate.karmada.io/generation": "2", "work.karmada.io/conflict-resolution": "abort"}},
		"cluster-wide, template overwrites": {"overwrite", Target{Binding: Binding{"", "b", "id"}, TemplateUID: "u"},
			map[string]string{"karmada.io/managed": "true", "own": "l", "clusterresourcebinding.karmada.io/permanent-id": "id"},
			map[string]string{"own": "a", "clusterresourcebinding.karmada.io/name": "b", "resourcetemplate.karmada.io/uid": "u",
				"work.karmada.io/conflict-resolution": "overwrite"}},
		"no binding, policy overwrites": {"maybe", Target{TemplateUID: "u", ConflictResolution: policyv1alpha1.ConflictOverwrite},
			map[string]string{"karmada.io/managed": "true", "own": "l"},
			map[string]string{"own": "a", "resourcetemplate.karmada.io/uid": "u", "work.karmada.io/conflict-resolution": "overwrite"}},
		"template beats policy": {"abort", Target{TemplateUID: "u", ConflictResolution: policyv1alpha1.ConflictOverwrite},
			map[string]string{"karmada.io/managed": "true", "own": "l"},
			map[string]string{"own": "a", "resourcetemplate.karmada.io/uid": "u", "work.karmada.io/conflict-resolution": "abort"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := Render(object(t, strings.Replace(conf, "CONFLICT", `"`+tc.conflict+`"`, 1)), tc.target, nil)
			if err != nil {
				t.Fatal(err)
			}
			tc.annotations[workv1alpha2.ContentHashAnnotation] = Hash(got)
			if diff := cmp.Diff(tc.labels, got.GetLabels()) + cmp.Diff(tc.annotations, got.GetAnnotations()); diff != "" {
				t.Errorf("labels and annotations (-want +got):\n%s", diff)
			}
		})
	}
}

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

func goldenCases(t testing.TB) []string {
	t.Helper()
	dirs, err := filepath.Glob("testdata/*/template.yaml")
	if err != nil || len(dirs) == 0 {
		t.Fatalf("no golden cases: %v", err)
	}
	for i, d := range dirs {
		dirs[i] = filepath.Dir(d)
	}
	return dirs
}

func goldenTarget(tmpl *unstructured.Unstructured) Target {
	target := Target{
		Cluster: "member1", Replicas: new(int32(2)), Completions: new(int32(5)), RetainReplicas: true,
		Binding:     Binding{Name: tmpl.GetName() + "-" + strings.ToLower(tmpl.GetKind()), PermanentID: "binding-id"},
		TemplateUID: "template-uid", TemplateGeneration: tmpl.GetGeneration(),
	}
	target.Binding.Namespace = tmpl.GetNamespace()
	return target
}

func readTemplate(t testing.TB, dir string) *unstructured.Unstructured {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "template.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return object(t, string(text))
}

// readOverrides returns none for a case without the file.
func readOverrides(t testing.TB, dir string) []Override {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "overrides.yaml"))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	var out []Override
	if err := yaml.UnmarshalStrict(text, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// object reads YAML with the number types of the API machinery.
func object(t testing.TB, text string) *unstructured.Unstructured {
	t.Helper()
	asJSON, err := yaml.YAMLToJSON([]byte(strings.ReplaceAll(text, "\t", "  ")))
	if err != nil {
		t.Fatal(err)
	}
	u := &unstructured.Unstructured{}
	if err := u.UnmarshalJSON(asJSON); err != nil {
		t.Fatal(err)
	}
	return u
}

// scribble changes every object and list below v, so that sharing shows.
func scribble(v any) {
	switch v := v.(type) {
	case map[string]any:
		for key, e := range v {
			scribble(e)
			v[key] = fmt.Sprint("scribbled over ", key)
		}
	case []any:
		for i, e := range v {
			scribble(e)
			v[i] = "scribbled over"
		}
	}
}
