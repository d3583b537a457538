/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package member

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	clusterv1alpha1 "github.com/manifold-k8s/manifold/apis/cluster/v1alpha1"
)

var (
	foo    = schema.GroupKind{Group: "example.com", Kind: "Foo"}
	foosV2 = []clusterv1alpha1.APIEnablement{{GroupVersion: "example.com/v2", Resources: []clusterv1alpha1.APIResource{{Name: "foos", Kind: "Foo"}}}}
)

// Absence is certain only when everything is known and nothing speaks of the kind.
func TestServes(t *testing.T) {
	t.Parallel()
	defined := map[schema.GroupKind]definition{foo: {}}
	for name, tc := range map[string]struct {
		apis     []clusterv1alpha1.APIEnablement
		complete bool
		defined  map[schema.GroupKind]definition
		version  string
		want     Serving
		resource string
	}{
		"nothing known":                     {version: "v2", want: Unsure},
		"listed":                            {apis: foosV2, version: "v2", want: Served, resource: "foos"},
		"listed, and all is known":          {apis: foosV2, complete: true, version: "v2", want: Served, resource: "foos"},
		"not listed, and not all known":     {apis: foosV2, version: "v1", want: Unsure},
		"served in another version":         {apis: foosV2, complete: true, version: "v1", want: Unserved},
		"defined, and not served yet":       {complete: true, defined: defined, version: "v1", want: Unserved},
		"defined, and not all known":        {defined: defined, version: "v1", want: Unsure},
		"neither served nor defined at all": {complete: true, version: "v1", want: Gone},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCatalogue(tc.apis, tc.complete, tc.defined)
			r, got := c.serves(foo.WithVersion(tc.version))
			if got != tc.want || r.Resource != tc.resource {
				t.Errorf("serves = %v, %v; want %q, %v", r, got, tc.resource, tc.want)
			}
			if other, ok := c.another(foo); ok != (len(tc.apis) > 0) || ok && other.Version != "v2" {
				t.Errorf("another = %v, %v", other, ok)
			}
		})
	}
}

// foos is a CustomResourceDefinition with v1 served and v0 not.
func foos(change ...func(*unstructured.Unstructured)) *unstructured.Unstructured {
	u := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": map[string]any{"name": "foos.example.com"},
		"spec": map[string]any{
			"group": "example.com", "names": map[string]any{"kind": "Foo"},
			"versions": []any{map[string]any{"name": "v0", "served": false}, map[string]any{"name": "v1", "served": true}},
		},
		"status": map[string]any{"conditions": []any{map[string]any{"type": "Established", "status": "True"}}},
	}}
	for _, f := range change {
		f(u)
	}
	return u
}

func TestDefinitions(t *testing.T) {
	t.Parallel()
	changes := 0
	s := &definitionStore{changed: func() { changes++ }, items: map[string]defined{}}
	served := newCatalogue([]clusterv1alpha1.APIEnablement{{GroupVersion: "example.com/v1", Resources: foosV2[0].Resources}}, false, nil)
	empty := newCatalogue(nil, false, nil)
	now := metav1.Now()
	for i, step := range []struct {
		do     func() error
		want   map[schema.GroupKind]definition
		synced bool
		behind bool // of a reading that lists nothing
	}{
		{do: func() error {
			return change(s, foos(func(u *unstructured.Unstructured) { delete(u.Object, "status") }))
		}, want: map[schema.GroupKind]definition{foo: {}}},
		{do: func() error { return list(s, foos()) }, want: map[schema.GroupKind]definition{foo: {versions: []string{"v1"}}}, synced: true, behind: true},
		{
			do: func() error {
				return change(s, foos(func(u *unstructured.Unstructured) { u.SetDeletionTimestamp(&now) }))
			},
			want: map[schema.GroupKind]definition{foo: {}}, synced: true,
		},
		{do: func() error { return remove(s, foos()) }, want: map[schema.GroupKind]definition{}, synced: true},
	} {
		if err := step.do(); err != nil {
			t.Fatal(err)
		}
		got, synced := s.snapshot()
		if diff := cmp.Diff(step.want, got, cmp.AllowUnexported(definition{})); diff != "" || synced != step.synced {
			t.Errorf("step %d: synced %v (-want +got):\n%s", i, synced, diff)
		}
		if empty.behind(got) != step.behind || served.behind(got) {
			t.Errorf("step %d: behind %v, with the kind listed %v", i, empty.behind(got), served.behind(got))
		}
		if changes != i { // nothing is told before all are known
			t.Errorf("step %d: %d changes were told", i, changes)
		}
	}
}

// Copies of a kind that the member does not serve any more are forgotten, and known to be gone only if the kind is.
func TestRetire(t *testing.T) {
	t.Parallel()
	key := types.NamespacedName{Namespace: "ns", Name: "a"}
	var told []string
	s := watched(&told)
	m := s.member
	look := func(step string, wantKnown bool) {
		t.Helper()
		if c, known := m.Copy(configMaps, key); known != wantKnown || c != nil {
			t.Errorf("%s: known %v, want %v; copy %v", step, known, wantKnown, c)
		}
	}
	if err := list(s, managed("a", "1")); err != nil {
		t.Fatal(err)
	}
	told = nil
	m.catalogue = newCatalogue(nil, true, nil)
	s.retire(Unserved)
	look("not served in this version", false)
	s.retire(Gone)
	s.retire(Gone)
	look("gone", true)
	if diff := cmp.Diff([]string{"ns/a 1>-", "synced ConfigMap", "synced ConfigMap"}, told); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
	m.catalogue.complete = false
	look("perhaps not gone any more", false)
	s.revive()
	look("watched anew", false)
}

// Members that list the same hold one list.
func TestInventoriesAreShared(t *testing.T) {
	t.Parallel()
	apis := func(kinds ...string) []clusterv1alpha1.APIEnablement {
		e := clusterv1alpha1.APIEnablement{GroupVersion: "shared.example.com/v1"}
		for _, k := range kinds {
			e.Resources = append(e.Resources, clusterv1alpha1.APIResource{Name: k + "s", Kind: k})
		}
		return []clusterv1alpha1.APIEnablement{e}
	}
	a, same, other := newCatalogue(apis("a", "b"), true, nil), newCatalogue(apis("a", "b"), false, nil), newCatalogue(apis("a", "c"), true, nil)
	if a.inventory != same.inventory || !a.complete || same.complete {
		t.Error("equal ones are not shared")
	}
	if a.inventory == other.inventory || sameAPIs(a.apis, other.apis) {
		t.Error("different ones are shared")
	}
}
