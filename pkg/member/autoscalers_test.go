/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package member

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

func autoscaler(name, apiVersion, kind, target string) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"metadata": map[string]any{"namespace": "ns", "name": name},
		"spec":     map[string]any{"scaleTargetRef": map[string]any{"apiVersion": apiVersion, "kind": kind, "name": target}},
	}}
}

func deployment(name string) Scaled {
	return Scaled{Namespace: "ns", Kind: schema.GroupKind{Group: "apps", Kind: "Deployment"}, Name: name}
}

func TestAutoscalers(t *testing.T) {
	t.Parallel()
	var told [][]Scaled
	s := newAutoscalers(func(targets []Scaled) { told = append(told, targets) })
	m := &Member{autoscalers: s, rewatch: make(chan struct{}, 1)}
	if name, known := m.Autoscaler(deployment("web")); name != "" || known || len(m.rewatch) != 1 || !s.isWanted() {
		t.Errorf("before the first list: %q, known %v", name, known)
	}
	web, other := autoscaler("a", "apps/v1", "Deployment", "web"), autoscaler("a", "apps/v1", "Deployment", "other")
	for i, step := range []struct {
		do         func() error
		web, other string
		told       [][]Scaled
	}{
		{do: func() error { return list(s, web) }, web: "a", told: [][]Scaled{nil}},
		{do: func() error { return change(s, web) }, web: "a"},
		{do: func() error { return change(s, other) }, other: "a", told: [][]Scaled{{deployment("other"), deployment("web")}}},
		{do: func() error { return change(s, autoscaler("b", "apps/v1beta1", "Deployment", "other")) }, other: "a", told: [][]Scaled{{deployment("other")}}},
		{do: func() error { return change(s, autoscaler("c", "example.com/v1", "Deployment", "web")) }, other: "a", told: [][]Scaled{{{
			Namespace: "ns", Kind: schema.GroupKind{Group: "example.com", Kind: "Deployment"}, Name: "web",
		}}}},
		{do: func() error { return remove(s, other) }, other: "b", told: [][]Scaled{{deployment("other")}}},
		{do: func() error { return remove(s, other) }, other: "b"},
	} {
		told = nil
		if err := step.do(); err != nil {
			t.Fatal(err)
		}
		for target, want := range map[string]string{"web": step.web, "other": step.other} {
			if name, known := m.Autoscaler(deployment(target)); name != want || !known {
				t.Errorf("step %d: %s is scaled by %q, want %q, known %v", i, target, name, want, known)
			}
		}
		if diff := cmp.Diff(step.told, told); diff != "" {
			t.Errorf("step %d: told (-want +got):\n%s", i, diff)
		}
	}
}

// A list leaves exactly what is in it and tells of all that is scaled by others than before.
func TestAutoscalersReplace(t *testing.T) {
	t.Parallel()
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 0))
		var told []Scaled
		s := newAutoscalers(func(targets []Scaled) { told = append(told, targets...) })
		s.none()
		for range 4 {
			before, objs := maps.Clone(s.of), []*unstructured.Unstructured{}
			for i := range 5 {
				if r.IntN(2) == 0 {
					objs = append(objs, autoscaler(fmt.Sprint("a", i), "apps/v1", "Deployment", fmt.Sprint("d", r.IntN(3))))
				}
			}
			told = nil
			if err := list(s, objs...); err != nil {
				t.Fatal(err)
			}
			for i := range 3 {
				d := deployment(fmt.Sprint("d", i))
				if !slices.Equal(before[d], s.of[d]) && !slices.Contains(told, d) {
					t.Fatalf("seed %d: told %v, and not that %v became %v", seed, told, before[d], s.of[d])
				}
			}
			if len(s.targets) != len(objs) {
				t.Fatalf("seed %d: %d of %d are known", seed, len(s.targets), len(objs))
			}
		}
	}
}

// A member whose autoscalers may not be read must not stop its workloads; one that is away says nothing.
func TestAutoscalersThatCannotBeRead(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		err   error
		known bool
	}{
		"forbidden": {err: apierrors.NewForbidden(schema.GroupResource{}, "", nil), known: true},
		"away":      {err: errors.New("connection refused")},
	} {
		s := newAutoscalers(func([]Scaled) {})
		if s.failed(tc.err); s.synced != tc.known {
			t.Errorf("%s: known %v, want %v", name, s.synced, tc.known)
		}
	}
}
