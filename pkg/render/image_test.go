/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package render

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	policyv1alpha1 "github.com/manifold-k8s/manifold/apis/policy/v1alpha1"
)

const digest = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

func TestParseImage(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]image{
		"nginx":                         {repository: "nginx"},
		"nginx:1.25":                    {repository: "nginx", tag: "1.25"},
		"library/nginx":                 {repository: "library/nginx"},
		"registry.k8s.io/pause:3.9":     {registry: "registry.k8s.io", repository: "pause", tag: "3.9"},
		"localhost/x":                   {registry: "localhost", repository: "x"},
		"localhost:5000/a/b":            {registry: "localhost:5000", repository: "a/b"},
		"host:5000/a:1":                 {registry: "host:5000", repository: "a", tag: "1"},
		"a/host:5000":                   {repository: "a/host", tag: "5000"},
		"nginx@" + digest:               {repository: "nginx", digest: digest},
		"gcr.io/p/nginx:1.25@" + digest: {registry: "gcr.io", repository: "p/nginx", tag: "1.25", digest: digest},
		"gcr.io/":                       {registry: "gcr.io"},
		"":                              {},
		"nginx:":                        {repository: "nginx:"},
	} {
		if diff := cmp.Diff(want, parseImage(s), cmp.AllowUnexported(image{})); diff != "" {
			t.Errorf("%q (-want +got):\n%s", s, diff)
		}
	}
}

func TestOverrideImage(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		image, component, op, value, want string
	}{
		"registry add to none":          {"nginx:1", "Registry", "add", "mirror.example.com", "mirror.example.com/nginx:1"},
		"registry add is a suffix":      {"gcr.io/nginx", "Registry", "add", ".cn", "gcr.io.cn/nginx"},
		"registry replace":              {"gcr.io/p/nginx:1", "Registry", "replace", "localhost:5000/m", "localhost:5000/m/p/nginx:1"},
		"registry replace none":         {"library/nginx", "Registry", "replace", "gcr.io", "gcr.io/library/nginx"},
		"registry remove":               {"gcr.io/p/nginx:1", "Registry", "remove", "", "p/nginx:1"},
		"registry keeps tag and digest": {"gcr.io/nginx:1@" + digest, "Registry", "replace", "quay.io", "quay.io/nginx:1@" + digest},
		"repository add":                {"gcr.io/nginx:1", "Repository", "add", "-slim", "gcr.io/nginx-slim:1"},
		"repository replace":            {"gcr.io/nginx:1", "Repository", "replace", "a/b", "gcr.io/a/b:1"},
		"repository remove":             {"gcr.io/nginx:1", "Repository", "remove", "", "gcr.io/:1"},
		"tag add":                       {"nginx:1", "Tag", "add", "-alpine", "nginx:1-alpine"},
		"tag add to none":               {"nginx", "Tag", "add", "1", "nginx:1"},
		"tag add to digest":             {"nginx@sha256:01", "Tag", "add", "23", "nginx@sha256:0123"},
		"tag add drops digest":          {"nginx:1@" + digest, "Tag", "add", "-alpine", "nginx:1-alpine"},
		"tag replace":                   {"nginx:1", "Tag", "replace", "2", "nginx:2"},
		"tag replace by digest":         {"nginx:1", "Tag", "replace", digest, "nginx@" + digest},
		"digest replace by tag":         {"nginx@" + digest, "Tag", "replace", "2", "nginx:2"},
		"tag replace by neither":        {"nginx:1", "Tag", "replace", "not a tag", "nginx:1"},
		"tag replace by nothing":        {"nginx:1", "Tag", "replace", "", "nginx:1"},
		"tag remove":                    {"nginx:1@" + digest, "Tag", "remove", "", "nginx"},
		"digest remove":                 {"nginx@" + digest, "Tag", "remove", "", "nginx"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := overrideImage(tc.image, policyv1alpha1.ImageOverrider{
				Component: policyv1alpha1.ImageComponent(tc.component), Operator: policyv1alpha1.OverriderOperator(tc.op), Value: tc.value,
			})
			if err != nil || got != tc.want {
				t.Errorf("got %q, %v, want %q", got, err, tc.want)
			}
		})
	}
}

// TestImageKinds shows which containers are found without a predicate.
func TestImageKinds(t *testing.T) {
	t.Parallel()
	o := []Override{{Overriders: policyv1alpha1.Overriders{ImageOverrider: []policyv1alpha1.ImageOverrider{{
		Component: "Tag", Operator: "replace", Value: "new"}}}}}
	const spec = `{initContainers: [{name: i, image: "a:old"}], containers: [{name: c, image: "a:old"}, {name: none}]}`
	for kind, tc := range map[string]struct {
		spec string
		want bool
	}{
		"Pod":         {spec, true},
		"ReplicaSet":  {`{template: {spec: ` + spec + `}}`, true},
		"Deployment":  {`{template: {spec: ` + spec + `}}`, true},
		"DaemonSet":   {`{template: {spec: ` + spec + `}}`, true},
		"StatefulSet": {`{template: {spec: ` + spec + `}}`, true},
		"Job":         {`{template: {spec: ` + spec + `}}`, true},
		"CronJob":     {`{jobTemplate: {spec: {template: {spec: ` + spec + `}}}}`, false},
		"Rollout":     {`{template: {spec: ` + spec + `}}`, false},
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			tmpl := object(t, `{apiVersion: example.com/v1, kind: `+kind+`, metadata: {name: x, namespace: d}, spec: `+tc.spec+`}`)
			got, err := Render(tmpl, Target{}, o)
			if err != nil {
				t.Fatal(err)
			}
			text, err := got.MarshalJSON()
			if err != nil {
				t.Fatal(err)
			}
			if have := strings.Contains(string(text), `{"image":"a:new","name":"c"}`); have != tc.want {
				t.Errorf("container changed: %v, want %v: %s", have, tc.want, text)
			}
			if !strings.Contains(string(text), `{"image":"a:old","name":"i"}`) {
				t.Errorf("init container changed: %s", text)
			}
		})
	}
}

func TestImagePredicate(t *testing.T) {
	t.Parallel()
	tmpl := object(t, `{apiVersion: example.com/v1, kind: App, metadata: {name: x}, spec: {images: [{ref: "a/b:1"}, {ref: "a/b:1"}]}}`)
	got, err := Render(tmpl, Target{}, []Override{{Overriders: policyv1alpha1.Overriders{ImageOverrider: []policyv1alpha1.ImageOverrider{{
		Predicate: &policyv1alpha1.ImagePredicate{Path: "/spec/images/1/ref"}, Component: "Registry", Operator: "add", Value: "gcr.io"}}}}})
	if err != nil {
		t.Fatal(err)
	}
	want := []any{map[string]any{"ref": "a/b:1"}, map[string]any{"ref": "gcr.io/a/b:1"}}
	if diff := cmp.Diff(want, child(got.Object, "spec")["images"]); diff != "" {
		t.Errorf("images (-want +got):\n%s", diff)
	}
}
