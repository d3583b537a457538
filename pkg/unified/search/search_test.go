/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package search

import (
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	clusterv1alpha1 "github.com/manifold-k8s/manifold/apis/cluster/v1alpha1"
	searchv1alpha1 "github.com/manifold-k8s/manifold/apis/search/v1alpha1"
)

func cluster(name string, serves ...string) *clusterv1alpha1.Cluster {
	c := &clusterv1alpha1.Cluster{ObjectMeta: metav1.ObjectMeta{Name: name}}
	for _, kind := range serves {
		gv, resource := "v1", map[string]string{"Pod": "pods", "Secret": "secrets"}[kind]
		if kind == "Deployment" {
			gv, resource = "apps/v1", "deployments"
		}
		c.Status.APIEnablements = append(c.Status.APIEnablements, clusterv1alpha1.APIEnablement{
			GroupVersion: gv, Resources: []clusterv1alpha1.APIResource{{Name: resource, Kind: kind}},
		})
	}
	return c
}

func registry(clusters []string, selectors ...searchv1alpha1.ResourceSelector) *searchv1alpha1.ResourceRegistry {
	r := &searchv1alpha1.ResourceRegistry{}
	r.Spec.TargetCluster.ClusterNames, r.Spec.ResourceSelectors = clusters, selectors
	return r
}

func TestExtents(t *testing.T) {
	t.Parallel()
	type extents map[string]map[string]namespaces
	pod := func(namespace string) searchv1alpha1.ResourceSelector {
		return searchv1alpha1.ResourceSelector{APIVersion: "v1", Kind: "Pod", Namespace: namespace}
	}
	all := []*clusterv1alpha1.Cluster{cluster("a", "Pod", "Secret"), cluster("b", "Pod"), cluster("c")}
	for name, c := range map[string]struct {
		registries []*searchv1alpha1.ResourceRegistry
		want       extents
	}{
		"none":         {want: extents{}},
		"all clusters": {registries: []*searchv1alpha1.ResourceRegistry{registry(nil, pod(""))}, want: extents{"pods": {"a": nil, "b": nil, "c": nil}}},
		"one namespace": {registries: []*searchv1alpha1.ResourceRegistry{registry([]string{"a"}, pod("x"))},
			want: extents{"pods": {"a": {"x"}}}},
		"several add up": {registries: []*searchv1alpha1.ResourceRegistry{registry([]string{"a", "b"}, pod("y"), pod("x")), registry([]string{"b"}, pod("")), registry([]string{"a"}, pod("x"))},
			want: extents{"pods": {"a": {"x", "y"}, "b": nil}}},
		"all, and then one": {registries: []*searchv1alpha1.ResourceRegistry{registry([]string{"a"}, pod(""), pod("x"))},
			want: extents{"pods": {"a": nil}}},
		"no cluster selected": {registries: []*searchv1alpha1.ResourceRegistry{registry([]string{"z"}, pod(""))}, want: extents{"pods": {}}},
		"nobody serves it": {registries: []*searchv1alpha1.ResourceRegistry{registry(nil, searchv1alpha1.ResourceSelector{APIVersion: "apps/v1", Kind: "Deployment"})},
			want: extents{}},
		"secrets, however they came to be stored": {registries: []*searchv1alpha1.ResourceRegistry{registry(nil, searchv1alpha1.ResourceSelector{APIVersion: "v1", Kind: "Secret"})},
			want: extents{}},
	} {
		got := extents{}
		for resource, e := range extentsOf(c.registries, all) {
			got[resource.Resource] = e.clusters
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestVectors(t *testing.T) {
	t.Parallel()
	v := vector{"b": "2", "a": "1", position: "7"}
	data, err := base64.RawURLEncoding.DecodeString(v.String())
	if want := `{"":"7","a":"1","b":"2"}`; err != nil || string(data) != want {
		t.Errorf("%s, %v, want %s", data, err, want)
	}
	encode := base64.RawURLEncoding.EncodeToString
	for name, c := range map[string]struct {
		version, number string
		known           bool
	}{
		"a vector":           {v.String(), "7", true},
		"none":               {"", "", true},
		"any":                {"0", "0", true},
		"a plain number":     {"12345", "", true},
		"not base64":         {"%", "", true},
		"not JSON":           {encode([]byte("x")), "", true},
		"null":               {encode([]byte("null")), "", true},
		"only the clusters'": {vector{"a": "1"}.String(), "", false},
	} {
		if number, known := numberOf(c.version); number != c.number || known != c.known {
			t.Errorf("%s: %q, %v, want %q, %v", name, number, known, c.number, c.known)
		}
	}
}

func TestTokens(t *testing.T) {
	t.Parallel()
	want := token{ResourceVersion: vector{"a": "1", position: "7"}.String(), Cluster: "a", Continue: "x"}
	if got, err := parseToken(want.String()); err != nil || got != want {
		t.Errorf("%+v, %v", got, err)
	}
	for _, s := range []string{"", "%", "e30", token{ResourceVersion: "5", Cluster: "a"}.String(), token{ResourceVersion: vector{}.String()}.String()} {
		if _, err := parseToken(s); !apierrors.IsBadRequest(err) {
			t.Errorf("%q: %v, want a bad request", s, err)
		}
	}
}

// An object goes through the union and comes out as it was, but for the annotation and the version that is asked for.
func TestItems(t *testing.T) {
	t.Parallel()
	object := func() *unstructured.Unstructured {
		return &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "v1", "kind": "Pod", "spec": map[string]any{"nodeName": "n", "priority": int64(9007199254740993)},
			"metadata": map[string]any{"name": "web.example", "namespace": "shop", "uid": "u", "resourceVersion": "42", "annotations": map[string]any{"a": "b"}},
		}}
	}
	in := object()
	if err := show("m1", in); err != nil {
		t.Fatal(err)
	}
	if in.GetName() != "web.example.m1" {
		t.Errorf("in the union it is %s", in.GetName())
	}
	data, err := codec{}.Encode(in)
	if err != nil {
		t.Fatal(err)
	}
	obj, err := codec{}.Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	i := obj.(*item)
	i.SetResourceVersion("1000") // as the union does
	before := i.DeepCopyObject()
	want := object()
	want.SetAnnotations(map[string]string{"a": "b", clusterAnnotation: "m1"})
	want.SetResourceVersion("v")
	if diff := cmp.Diff(want, i.shown("v")); diff != "" || i.version != "42" {
		t.Errorf("version %s, shown (-want +got):\n%s", i.version, diff)
	}
	if diff := cmp.Diff(before.(*item).Object, i.Object); diff != "" {
		t.Errorf("showing it has changed it (-before +after):\n%s", diff)
	}
	_, set, err := attributes(schema.GroupKind{Kind: "Pod"})(i)
	if err != nil || set["spec.nodeName"] != "n" || set["status.phase"] != "" || set["spec.hostNetwork"] != "false" || set[ownName] != "web.example" || set["metadata.namespace"] != "shop" {
		t.Errorf("fields %v, %v", set, err)
	}
	stale(i, time.Unix(0, 0))
	if got := i.GetAnnotations()[staleAnnotation]; got != "1970-01-01T00:00:00Z" {
		t.Errorf("stale since %q", got)
	}
}

func TestLocalised(t *testing.T) {
	t.Parallel()
	version := vector{"m1": "42", "m2": "7", position: "1000"}.String()
	object := `{"metadata":{"annotations":{"a":"b","` + clusterAnnotation + `":"m1"},"resourceVersion":"` + version + `"},"spec":{"n":9007199254740993}}`
	const json, apply, patch = "application/json", "application/apply-patch+yaml", "application/json-patch+json"
	for name, c := range map[string]struct{ body, method, media, want string }{
		"an object":          {object, http.MethodPut, json, `{"metadata":{"annotations":{"a":"b"},"resourceVersion":"42"},"spec":{"n":9007199254740993}}`},
		"of another cluster": {`{"metadata":{"resourceVersion":"` + vector{"m3": "1"}.String() + `"}}`, http.MethodPut, json, `{"metadata":{"resourceVersion":"` + vector{"m3": "1"}.String() + `"}}`},
		"the member's own":   {`{"metadata":{"resourceVersion":"42"}}`, http.MethodPut, json, `{"metadata":{"resourceVersion":"42"}}`},
		"a patch":            {`{"metadata":{"resourceVersion":"` + version + `"}}`, http.MethodPatch, "application/merge-patch+json", `{"metadata":{"resourceVersion":"42"}}`},
		"an apply":           {"metadata:\n  resourceVersion: " + version + "\n", http.MethodPatch, apply, `{"metadata":{"resourceVersion":"42"}}`},
		"an apply without":   {"metadata:\n  name: x\n", http.MethodPatch, apply, "metadata:\n  name: x\n"},
		"a deletion":         {`{"preconditions":{"resourceVersion":"` + version + `"}}`, http.MethodDelete, json, `{"preconditions":{"resourceVersion":"42"}}`},
		"nothing":            {"", http.MethodDelete, json, ""},
		"a JSON patch":       {`[{"op":"remove","path":"/a"}]`, http.MethodPatch, patch, `[{"op":"remove","path":"/a"}]`},
	} {
		if got, err := localised([]byte(c.body), c.method, c.media, "m1"); err != nil || string(got) != c.want {
			t.Errorf("%s: %s, %v, want %s", name, got, err, c.want)
		}
	}
	if _, err := localised([]byte("x"), http.MethodPut, json, "m1"); !apierrors.IsBadRequest(err) {
		t.Errorf("no JSON: %v", err)
	}
	if _, err := localised([]byte("x"), http.MethodPut, "application/cbor", "m1"); !apierrors.IsUnsupportedMediaType(err) {
		t.Errorf("another form: %v", err)
	}
}

func TestWithin(t *testing.T) {
	t.Parallel()
	const prefix = "/apis/search.karmada.io/v1alpha1/proxying/karmada/proxy"
	for path, want := range map[string]struct {
		path, verb, resource, scope string
		reads                       bool
	}{
		"/api/v1/namespaces/a/pods/x":       {"/api/v1/namespaces/a/pods/x", "get", "pods", "a", true},
		"/api/v1/namespaces/a/pods/x/log":   {"/api/v1/namespaces/a/pods/x/log", "get", "pods", "a", false},
		"/apis/apps/v1/deployments?watch=1": {"/apis/apps/v1/deployments", "watch", "deployments", "", true},
		"/api/v1/namespaces/a":              {"/api/v1/namespaces/a", "get", "namespaces", "", true},
		"/version":                          {"/version", "get", "", "", true},
		"":                                  {"/", "get", "", "", true},
		"/":                                 {"/", "get", "", "", true},
	} {
		in, err := within(httptest.NewRequest(http.MethodGet, prefix+path, nil), proxyingSegments)
		if err != nil || in.path != want.path || in.Verb != want.verb || in.Resource != want.resource || in.scope() != want.scope || in.reads() != want.reads {
			t.Errorf("%s: %+v, %v", path, in, err)
		}
	}
	if _, err := within(httptest.NewRequest(http.MethodGet, prefix+"/api/v1/../secrets", nil), proxyingSegments); !apierrors.IsBadRequest(err) {
		t.Errorf("a path that climbs: %v", err)
	}
}
