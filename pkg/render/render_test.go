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
		Replicas: new(int32(2)), Completions: new(int32(5)), RetainReplicas: true,
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
