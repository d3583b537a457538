/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package apis_test

import (
	"encoding/json"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"

	clusterv1alpha1 "github.com/manifold-k8s/manifold/apis/cluster/v1alpha1"
	hubv1alpha1 "github.com/manifold-k8s/manifold/apis/hub/v1alpha1"
	policyv1alpha1 "github.com/manifold-k8s/manifold/apis/policy/v1alpha1"
	searchv1alpha1 "github.com/manifold-k8s/manifold/apis/search/v1alpha1"
	workv1alpha1 "github.com/manifold-k8s/manifold/apis/work/v1alpha1"
	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
)

func newScheme(t *testing.T) *runtime.Scheme {
	t.Helper()
	s := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		policyv1alpha1.AddToScheme, clusterv1alpha1.AddToScheme, hubv1alpha1.AddToScheme, searchv1alpha1.AddToScheme, workv1alpha1.AddToScheme, workv1alpha2.AddToScheme,
		clusterv1alpha1.AddConversionFuncs,
	} {
		if err := add(s); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// decode reads a manifest twice: as it is, and strictly into the Go type that the scheme has for its kind.
func decode(t *testing.T, file string) (map[string]any, runtime.Object) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var raw map[string]any
	if err := yaml.UnmarshalStrict(data, &raw); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	obj, err := newScheme(t).New((&unstructured.Unstructured{Object: raw}).GroupVersionKind())
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	if err := yaml.UnmarshalStrict(data, obj); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return raw, obj
}

func manifests(t *testing.T, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", pattern))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Fatalf("no manifests in testdata/%s", pattern)
	}
	return files
}

// A manifest comes back as it was: through JSON, as clients and the store see it, and through the converter to unstructured
// objects, as server-side apply sees it.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	for _, file := range append(manifests(t, "*.yaml"), manifests(t, "examples/*.yaml")...) {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			want, obj := decode(t, file)

			data, err := json.Marshal(obj.DeepCopyObject())
			if err != nil {
				t.Fatal(err)
			}
			var got map[string]any
			if err := json.Unmarshal(data, &got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("JSON (-want +got):\n%s", diff)
			}

			converted, err := runtime.DefaultUnstructuredConverter.ToUnstructured(obj)
			if err != nil {
				t.Fatal(err)
			}
			back := reflect.New(reflect.TypeOf(obj).Elem()).Interface()
			if err := runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(converted, back, true); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(obj, back); diff != "" {
				t.Errorf("unstructured (-want +got):\n%s", diff)
			}
		})
	}
}

// Every kind has a manifest in testdata with every field of its Go type, so that TestRoundTrip leaves none out.
func TestManifestsAreComplete(t *testing.T) {
	t.Parallel()
	missing := map[schema.GroupVersionKind]bool{}
	for gvk, typ := range newScheme(t).AllKnownTypes() {
		if strings.HasPrefix(typ.PkgPath(), "github.com/manifold-k8s/") && hasMetadata(typ) {
			missing[gvk] = true
		}
	}
	for _, file := range manifests(t, "*.yaml") {
		_, obj := decode(t, file)
		delete(missing, obj.GetObjectKind().GroupVersionKind())

		v := reflect.ValueOf(obj).Elem()
		all, set := map[string]bool{}, map[string]bool{}
		declared(v.Type(), "", all)
		populated(v, "", set)
		for _, path := range slices.Sorted(maps.Keys(all)) {
			if !set[path] {
				t.Errorf("%s lacks %s", file, path)
			}
		}
	}
	for gvk := range missing {
		t.Errorf("no manifest for %v", gvk)
	}
}

// hasMetadata tells objects from lists and options.
func hasMetadata(t reflect.Type) bool {
	_, ok := t.FieldByName("ObjectMeta")
	return ok
}

// The schemas that clients know have so many field paths below spec and status, items of lists and values of maps included.
func TestFieldCount(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		typ  reflect.Type
		want int
	}{
		"PropagationPolicy":        {typ: reflect.TypeFor[policyv1alpha1.PropagationPolicy](), want: 167},
		"ClusterPropagationPolicy": {typ: reflect.TypeFor[policyv1alpha1.ClusterPropagationPolicy](), want: 167},
		"OverridePolicy":           {typ: reflect.TypeFor[policyv1alpha1.OverridePolicy](), want: 156},
		"ClusterOverridePolicy":    {typ: reflect.TypeFor[policyv1alpha1.ClusterOverridePolicy](), want: 156},
		"ResourceBinding":          {typ: reflect.TypeFor[workv1alpha2.ResourceBinding](), want: 275},
		"ClusterResourceBinding":   {typ: reflect.TypeFor[workv1alpha2.ClusterResourceBinding](), want: 275},
		"ResourceRegistry":         {typ: reflect.TypeFor[searchv1alpha1.ResourceRegistry](), want: 43},
	} {
		all := map[string]bool{}
		for _, part := range []string{"Spec", "Status"} {
			if f, ok := tc.typ.FieldByName(part); ok {
				declared(f.Type, "."+jsonName(f), all)
			}
		}
		if len(all) != tc.want {
			t.Errorf("%s has %d field paths, want %d", name, len(all), tc.want)
		}
	}
}

// leaves are the types whose JSON is not that of their Go fields, and metadata, which is not ours to check.
var leaves = map[reflect.Type]bool{
	reflect.TypeFor[metav1.TypeMeta]():      true,
	reflect.TypeFor[metav1.ObjectMeta]():    true,
	reflect.TypeFor[metav1.Time]():          true,
	reflect.TypeFor[resource.Quantity]():    true,
	reflect.TypeFor[apiextensionsv1.JSON](): true,
	reflect.TypeFor[runtime.RawExtension](): true,
}

// jsonName gives the name of a field, which is empty for one whose fields are inlined.
func jsonName(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	return name
}

// declared collects the paths of a type's fields; [] stands for the items of a list and {} for the values of a map.
func declared(t reflect.Type, path string, out map[string]bool) {
	if path != "" {
		out[path] = true
	}
	if leaves[t] {
		return
	}
	switch t.Kind() {
	case reflect.Pointer:
		declared(t.Elem(), path, out)
	case reflect.Slice:
		declared(t.Elem(), path+"[]", out)
	case reflect.Map:
		declared(t.Elem(), path+"{}", out)
	case reflect.Struct:
		for i := range t.NumField() {
			if name := jsonName(t.Field(i)); name != "" {
				declared(t.Field(i).Type, path+"."+name, out)
			} else {
				declared(t.Field(i).Type, path, out)
			}
		}
	}
}

// populated collects the paths that declared would, as far as the value has something there.
func populated(v reflect.Value, path string, out map[string]bool) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		if v.IsNil() {
			return
		}
	case reflect.Struct:
	default:
		// An element of a list may be the zero value in one place as long as it is not everywhere.
		if v.IsZero() {
			return
		}
	}
	out[path] = true
	if leaves[v.Type()] {
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		if v.Elem().Kind() != reflect.Struct {
			return // a pointer that is set counts, whatever it points to
		}
		populated(v.Elem(), path, out)
	case reflect.Slice:
		for i := range v.Len() {
			populated(v.Index(i), path+"[]", out)
		}
	case reflect.Map:
		for _, key := range v.MapKeys() {
			populated(v.MapIndex(key), path+"{}", out)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if name := jsonName(v.Type().Field(i)); name != "" {
				populated(v.Field(i), path+"."+name, out)
			} else {
				populated(v.Field(i), path, out)
			}
		}
	}
}

// What a user leaves out is not made up on the way.
func TestEmptyPartsStayAbsent(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		obj  any
		want string
	}{
		"placement":            {obj: policyv1alpha1.PropagationSpec{}, want: `{"resourceSelectors":null}`},
		"deprecated overrider": {obj: policyv1alpha1.OverrideSpec{}, want: `{}`},
		"patch value":          {obj: policyv1alpha1.PlaintextOverrider{Path: "/a", Operator: "remove"}, want: `{"path":"/a","operator":"remove"}`},
		"empty affinity": {
			obj:  policyv1alpha1.Placement{ClusterAffinity: &policyv1alpha1.ClusterAffinity{LabelSelector: &metav1.LabelSelector{}}},
			want: `{"clusterAffinity":{"labelSelector":{}}}`,
		},
		"status": {
			obj:  clusterv1alpha1.Cluster{Spec: clusterv1alpha1.ClusterSpec{SyncMode: clusterv1alpha1.Push}},
			want: `{"metadata":{},"spec":{"syncMode":"Push"}}`,
		},
	} {
		got, err := json.Marshal(tc.obj)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != tc.want {
			t.Errorf("%s: got %s, want %s", name, got, tc.want)
		}
	}
}

// The same types serve as the internal version, and the proxy's options can be read from a query.
func TestInternalVersion(t *testing.T) {
	t.Parallel()
	s := newScheme(t)
	internal := schema.GroupVersion{Group: clusterv1alpha1.GroupName, Version: runtime.APIVersionInternal}
	clusterv1alpha1.AddKnownTypes(s, internal)
	obj, err := s.New(internal.WithKind("Cluster"))
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := obj.(*clusterv1alpha1.Cluster); !ok {
		t.Errorf("the internal Cluster is a %T", obj)
	}
	var opts clusterv1alpha1.ClusterProxyOptions
	if err := s.Convert(&url.Values{"path": {"/api/v1/pods"}}, &opts, nil); err != nil {
		t.Fatal(err)
	}
	if opts.Path != "/api/v1/pods" {
		t.Errorf("path is %q, want /api/v1/pods", opts.Path)
	}
}
