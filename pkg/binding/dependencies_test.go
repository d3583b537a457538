/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package binding

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
	"github.com/manifold-k8s/manifold/pkg/interpret"
)

// needed is an entry by which that binding needs the template in some clusters.
func needed(by string, clusters ...string) workv1alpha2.BindingSnapshot {
	return workv1alpha2.BindingSnapshot{Namespace: "ns", Name: by, Clusters: targets(clusters...)}
}

func TestCode(t *testing.T) {
	t.Parallel()
	if got := Code("default/nginx-deployment"); got != "5bdc5c4dcf" {
		t.Errorf("code = %q", got)
	}
	key := DependedByLabel(types.NamespacedName{Namespace: "default", Name: "nginx-deployment"})
	if key != "resourcebinding.karmada.io/depended-by-5bdc5c4dcf" {
		t.Errorf("label = %q", key)
	}
}

// A copy may be, and should be, wherever the binding itself is placed or those that need it are.
func TestTargetsOfTheRequired(t *testing.T) {
	t.Parallel()
	b := &Binding{}
	b.Spec.Replicas = 7
	b.Spec.Clusters = targets("a", "b")
	b.Spec.RequiredBy = []workv1alpha2.BindingSnapshot{needed("x", "b", "c"), needed("y", "d", "c"), needed("z")}
	b.Status.AggregatedStatus = items("a", "c", "e")
	if diff := cmp.Diff([]string{"a", "b", "c", "d", "e"}, Clusters(b)); diff != "" {
		t.Errorf("clusters (-want +got):\n%s", diff)
	}
	want := map[string]*workv1alpha2.TargetCluster{
		"a": {Name: "a", Replicas: 0}, "b": {Name: "b", Replicas: 1}, // its own shares
		"c": {Name: "c", Replicas: 7}, "d": {Name: "d", Replicas: 7}, // not those of who needs it
	}
	if diff := cmp.Diff(want, Targets(b)); diff != "" {
		t.Errorf("targets (-want +got):\n%s", diff)
	}
	for _, cluster := range Clusters(b) {
		if diff := cmp.Diff(want[cluster], Target(b, cluster)); diff != "" {
			t.Errorf("target %s (-want +got):\n%s", cluster, diff)
		}
		if got := Required(b, cluster); got != strings.Contains("bcd", cluster) {
			t.Errorf("required in %s: %v", cluster, got)
		}
	}
}

// What a policy has left behind is no longer enforced, except where others need it.
func TestEnforced(t *testing.T) {
	t.Parallel()
	b := &Binding{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{}, Annotations: map[string]string{}}}
	b.Spec.Clusters = targets("a", "b")
	if Governed(b) || Enforced(b, "a") {
		t.Error("nobody governs it")
	}
	b.Spec.RequiredBy = []workv1alpha2.BindingSnapshot{needed("x", "b", "c")}
	if got := fmt.Sprint(Governed(b), Enforced(b, "a"), Enforced(b, "b"), Enforced(b, "c")); got != "true false true true" {
		t.Errorf("required in b and c: %s", got)
	}
	b.Labels[workv1alpha2.BindingManagedByLabel] = ManagedByNamespace
	if !Enforced(b, "a") {
		t.Error("governed, and not enforced")
	}
}

func TestRefer(t *testing.T) {
	t.Parallel()
	object := Object{Kind: schema.GroupKind{Group: "g", Kind: "K"}, Namespace: "ns", Name: "n", Labels: map[string]string{"app": "x"}}
	by := func(label, value string) *metav1.LabelSelector {
		return &metav1.LabelSelector{MatchLabels: map[string]string{label: value}}
	}
	for name, tc := range map[string]struct {
		from string
		ref  interpret.Dependency
		want bool
	}{
		"by name":                     {ref: interpret.Dependency{APIVersion: "g/v1", Kind: "K", Name: "n"}, want: true},
		"in another version":          {ref: interpret.Dependency{APIVersion: "g/v2", Kind: "K", Name: "n"}, want: true},
		"its namespace is said":       {ref: interpret.Dependency{APIVersion: "g/v1", Kind: "K", Namespace: "ns", Name: "n"}, want: true},
		"another name":                {ref: interpret.Dependency{APIVersion: "g/v1", Kind: "K", Name: "m"}},
		"another kind":                {ref: interpret.Dependency{APIVersion: "g/v1", Kind: "L", Name: "n"}},
		"another group":               {ref: interpret.Dependency{APIVersion: "v1", Kind: "K", Name: "n"}},
		"another namespace is said":   {ref: interpret.Dependency{APIVersion: "g/v1", Kind: "K", Namespace: "other", Name: "n"}},
		"from another namespace":      {from: "other", ref: interpret.Dependency{APIVersion: "g/v1", Kind: "K", Name: "n"}},
		"from there to here":          {from: "other", ref: interpret.Dependency{APIVersion: "g/v1", Kind: "K", Namespace: "ns", Name: "n"}},
		"by label":                    {ref: interpret.Dependency{APIVersion: "g/v1", Kind: "K", LabelSelector: by("app", "x")}, want: true},
		"by another label":            {ref: interpret.Dependency{APIVersion: "g/v1", Kind: "K", LabelSelector: by("app", "y")}},
		"the name goes first":         {ref: interpret.Dependency{APIVersion: "g/v1", Kind: "K", Name: "m", LabelSelector: by("app", "x")}},
		"neither name nor selector":   {ref: interpret.Dependency{APIVersion: "g/v1", Kind: "K"}},
		"a selector that is not one":  {ref: interpret.Dependency{APIVersion: "g/v1", Kind: "K", LabelSelector: by("app", "no value!")}},
		"an empty selector means all": {ref: interpret.Dependency{APIVersion: "g/v1", Kind: "K", LabelSelector: &metav1.LabelSelector{}}, want: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			from := tc.from
			if from == "" {
				from = "ns"
			}
			if got := Refer(from, []interpret.Dependency{{APIVersion: "v1", Kind: "Other", Name: "n"}, tc.ref}, object); got != tc.want {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
	if Refer("", []interpret.Dependency{{APIVersion: "g/v1", Kind: "K", Name: "n"}}, Object{Kind: object.Kind, Name: "n"}) {
		t.Error("a cluster-wide object is referred to")
	}
}

func TestDependencies(t *testing.T) {
	t.Parallel()
	secret := []interpret.Dependency{{APIVersion: "v1", Kind: "Secret", Name: "s"}}
	for name, tc := range map[string]struct {
		annotations map[string]string
		want        []interpret.Dependency
		known       bool
	}{
		"not said":           {},
		"unreadable":         {annotations: map[string]string{workv1alpha2.DependenciesAnnotation: "{"}},
		"none":               {annotations: map[string]string{workv1alpha2.DependenciesAnnotation: "[]"}, want: []interpret.Dependency{}, known: true},
		"none, put nullwise": {annotations: map[string]string{workv1alpha2.DependenciesAnnotation: "null"}, known: true},
		"one": {
			annotations: map[string]string{workv1alpha2.DependenciesAnnotation: `[{"apiVersion":"v1","kind":"Secret","name":"s"}]`},
			want:        secret, known: true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			refs, known := Dependencies(&Binding{ObjectMeta: metav1.ObjectMeta{Annotations: tc.annotations}})
			if diff := cmp.Diff(tc.want, refs); diff != "" || known != tc.known {
				t.Errorf("known %v, want %v; references (-want +got):\n%s", known, tc.known, diff)
			}
		})
	}
}

// randomReferrer is a binding that may need some of few ConfigMaps.
func randomReferrer(r *rand.Rand, name string) *Binding {
	b := &Binding{ObjectMeta: metav1.ObjectMeta{Namespace: []string{"ns", "ns", "other"}[r.IntN(3)], Name: name, Annotations: map[string]string{}}}
	b.Spec.PropagateDeps = r.IntN(4) > 0
	if r.IntN(5) > 0 {
		b.Spec.Clusters = targets("a")
	}
	if r.IntN(5) == 0 {
		now := metav1.Now()
		b.DeletionTimestamp = &now
	}
	var refs []interpret.Dependency
	for i := range 3 {
		switch r.IntN(4) {
		case 0:
			refs = append(refs, interpret.Dependency{APIVersion: "v1", Kind: "ConfigMap", Namespace: b.Namespace, Name: fmt.Sprint("c", i)})
		case 1:
			refs = append(refs, interpret.Dependency{APIVersion: "v1", Kind: "ConfigMap", LabelSelector: &metav1.LabelSelector{
				MatchLabels: map[string]string{"n": fmt.Sprint(i)},
			}})
		}
	}
	if text, err := json.Marshal(refs); err == nil && r.IntN(6) > 0 {
		b.Annotations[workv1alpha2.DependenciesAnnotation] = string(text)
	}
	return b
}

// Who needs an object follows from the bindings that there are, whatever they were before and in whatever order they came.
func TestRequirersFollowFromWhatThereIs(t *testing.T) {
	t.Parallel()
	for seed := range uint64(500) {
		r := rand.New(rand.NewPCG(seed, 0))
		s := NewStore(nil, nil, nil, nil)
		there := map[types.NamespacedName]*Binding{}
		for range 30 {
			b := randomReferrer(r, fmt.Sprint("b", r.IntN(6)))
			var err error
			if r.IntN(4) == 0 {
				delete(there, Key(b))
				err = s.namespaced.GetIndexer().Delete(b)
			} else {
				there[Key(b)] = b
				err = s.namespaced.GetIndexer().Update(b)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		for i := range 3 {
			object := Object{Kind: schema.GroupKind{Kind: "ConfigMap"}, Namespace: "ns", Name: fmt.Sprint("c", i), Labels: map[string]string{"n": fmt.Sprint(i)}}
			want := slices.SortedFunc(maps.Values(there), ByName)
			want = slices.DeleteFunc(want, func(b *Binding) bool {
				refs, _ := Dependencies(b)
				return !TakesAlong(b) || !Refer(b.Namespace, refs, object)
			})
			if diff := cmp.Diff(names(want), names(s.Requirers(object))); diff != "" {
				t.Fatalf("seed %d: who needs c%d (-want +got):\n%s", seed, i, diff)
			}
		}
	}
}

func names(bs []*Binding) []string {
	out := []string{}
	for _, b := range bs {
		out = append(out, Key(b).String())
	}
	return out
}

func TestRequiredByIndex(t *testing.T) {
	t.Parallel()
	s := NewStore(nil, nil, nil, nil)
	for name, by := range map[string][]workv1alpha2.BindingSnapshot{
		"one": {needed("x", "a")}, "both": {needed("x"), needed("y", "b")}, "other": {needed("y")}, "none": nil,
	} {
		b := &Binding{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: name}}
		b.Spec.RequiredBy = by
		if err := s.namespaced.GetIndexer().Add(b); err != nil {
			t.Fatal(err)
		}
	}
	var got []*Binding
	s.RequiredBy(types.NamespacedName{Namespace: "ns", Name: "x"}, func(b *Binding) { got = append(got, b) })
	slices.SortFunc(got, ByName)
	if diff := cmp.Diff([]string{"ns/both", "ns/one"}, names(got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
