/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package member

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	clusterv1alpha1 "github.com/manifold-k8s/manifold/apis/cluster/v1alpha1"
	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
)

var configMaps = schema.GroupVersionKind{Version: "v1", Kind: "ConfigMap"}

var configMapResource = schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}

// managed is a copy in a member, made from the manifest of that hash.
func managed(name, hash string) *unstructured.Unstructured {
	u := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": name, "namespace": "ns", "uid": "u-" + name},
	}}
	u.SetLabels(map[string]string{workv1alpha2.ManagedLabel: "true", workv1alpha2.ResourceBindingPermanentIDLabel: "pid"})
	u.SetAnnotations(map[string]string{workv1alpha2.ContentHashAnnotation: hash})
	return u
}

// watched is the store of a member's ConfigMaps, and what its listeners were told.
func watched(told *[]string) *copies {
	hash := func(c *Copy) string {
		if c == nil {
			return "-"
		}
		return c.Hash
	}
	m := &Member{Name: "m1", catalogue: newCatalogue(nil, false, nil), kinds: map[schema.GroupVersionKind]*copies{}, events: []Events{
		{}, // a listener to nothing
		{
			Changed: func(m *Member, c Change) {
				*told = append(*told, fmt.Sprintf("%s/%s %s>%s", c.Namespace, c.Name, hash(c.Old), hash(c.New)))
			},
			Synced: func(m *Member, gvk schema.GroupVersionKind) { *told = append(*told, "synced "+gvk.Kind) },
		},
	}}
	s := &copies{member: m, kind: configMaps, items: map[types.NamespacedName]*Copy{}}
	m.kinds[configMaps] = s
	return s
}

func TestCopies(t *testing.T) {
	t.Parallel()
	var told []string
	s := watched(&told)
	key := types.NamespacedName{Namespace: "ns", Name: "a"}
	if _, known := s.member.Copy(configMaps, key); known {
		t.Error("something is known before the first list")
	}
	if _, known := s.member.Copy(schema.GroupVersionKind{Kind: "Other"}, key); known {
		t.Error("something is known of a kind that nobody asked for")
	}
	for i, step := range []struct {
		do   func() error
		told []string
	}{
		{func() error { return list(s, managed("a", "1"), managed("b", "1")) }, []string{"ns/a ->1", "ns/b ->1", "synced ConfigMap"}},
		{func() error { return change(s, managed("c", "1")) }, []string{"ns/c ->1"}},
		{func() error { return change(s, managed("a", "2")) }, []string{"ns/a 1>2"}},
		{func() error { return remove(s, managed("b", "1")) }, []string{"ns/b 1>-"}},
		// a and c have gone while nobody watched; b came back
		{func() error { return list(s, managed("b", "3")) }, nil},
	} {
		told = nil
		if err := step.do(); err != nil {
			t.Fatal(err)
		}
		if step.told == nil { // in any order, but synced comes last
			if len(told) != 4 || told[0] != "ns/b ->3" || told[3] != "synced ConfigMap" {
				t.Errorf("step %d: told %v", i, told)
			}
			continue
		}
		if diff := cmp.Diff(step.told, told); diff != "" {
			t.Errorf("step %d (-want +got):\n%s", i, diff)
		}
	}
	if c, known := s.member.Copy(configMaps, key); !known || c != nil {
		t.Errorf("known %v, copy %+v: it has gone", known, c)
	}
	c, known := s.member.Copy(configMaps, types.NamespacedName{Namespace: "ns", Name: "b"})
	if !known || c == nil || c.Hash != "3" || c.UID != "u-b" || c.PermanentID != "pid" {
		t.Errorf("known %v, copy %+v", known, c)
	}
}

// A complete list leaves exactly what is in it, whatever was there before, and tells of every difference.
func TestReplaceLeavesTheList(t *testing.T) {
	t.Parallel()
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 0))
		var told []string
		s := watched(&told)
		have := map[string]string{}
		for range 3 {
			var objs []*unstructured.Unstructured
			want := map[string]string{}
			for i := range 6 {
				if name := fmt.Sprint("c", i); r.IntN(2) == 0 {
					want[name] = fmt.Sprint(r.IntN(2))
					objs = append(objs, managed(name, want[name]))
				}
			}
			told = nil
			if err := list(s, objs...); err != nil {
				t.Fatal(err)
			}
			got := map[string]string{}
			for key, c := range s.items {
				got[key.Name] = c.Hash
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("seed %d (-want +got):\n%s", seed, diff)
			}
			gone := 0
			for name := range have {
				if _, still := want[name]; !still {
					gone++
				}
			}
			if len(told) != len(want)+gone+1 {
				t.Fatalf("seed %d: told %v after %v became %v", seed, told, have, want)
			}
			have = want
		}
	}
}

func TestCopyOf(t *testing.T) {
	t.Parallel()
	wide := managed("a", "1")
	wide.SetNamespace("")
	wide.SetLabels(map[string]string{
		workv1alpha2.ResourceBindingPermanentIDLabel: "of another", workv1alpha2.ClusterResourceBindingPermanentIDLabel: "own",
	})
	if c := CopyOf(wide); c.PermanentID != "own" {
		t.Errorf("a cluster-wide copy belongs to %q", c.PermanentID)
	}
	malformed := managed("a", "1")
	malformed.Object["status"] = "text"
	if c := CopyOf(malformed); c.Health != workv1alpha2.ResourceUnknown || c.Status != (Collected{}) || c.Hash != "1" {
		t.Errorf("copy of a malformed object: %+v", c)
	}
	plain, reported := managed("a", "1"), managed("a", "1")
	reported.Object["status"] = map[string]any{"x": int64(1)}
	reported.SetResourceVersion("9")
	if CopyOf(plain).Fingerprint != CopyOf(reported).Fingerprint {
		t.Error("the status changes the fingerprint")
	}
	plain.Object["data"] = map[string]any{"k": "v"}
	if CopyOf(plain).Fingerprint == CopyOf(reported).Fingerprint {
		t.Error("the content does not change the fingerprint")
	}
	dying := managed("a", "1")
	now := metav1.Now()
	dying.SetDeletionTimestamp(&now)
	if !CopyOf(dying).Deleting || CopyOf(plain).Deleting {
		t.Error("deletion is not told")
	}
}

func nodeObject(name, ready string, allocatable map[string]any) *unstructured.Unstructured {
	u := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "Node", "metadata": map[string]any{"name": name}}}
	status := map[string]any{}
	if ready != "" {
		status["conditions"] = []any{map[string]any{"type": "MemoryPressure", "status": "True"}, map[string]any{"type": "Ready", "status": ready}}
	}
	if allocatable != nil {
		status["allocatable"] = allocatable
	}
	u.Object["status"] = status
	return u
}

func TestNodes(t *testing.T) {
	t.Parallel()
	s := &nodeStore{nodes: map[string]node{}, changed: make(chan struct{}, 1)}
	signalled := func() bool {
		select {
		case <-s.changed:
			return true
		default:
			return false
		}
	}
	big := map[string]any{"cpu": "4", "memory": "8Gi", "pods": "110"}
	for i, step := range []struct {
		do      func() error
		changed bool
		want    NodeSummary
	}{
		{func() error { return list(s, nodeObject("a", "True", big), nodeObject("b", "False", big)) }, true,
			NodeSummary{2, 1, corev1.ResourceList{"cpu": resource.MustParse("8"), "memory": resource.MustParse("16Gi"), "pods": resource.MustParse("220")}}},
		{func() error { return change(s, nodeObject("a", "True", big)) }, false, // a heartbeat
			NodeSummary{2, 1, corev1.ResourceList{"cpu": resource.MustParse("8"), "memory": resource.MustParse("16Gi"), "pods": resource.MustParse("220")}}},
		{func() error { return change(s, nodeObject("b", "True", map[string]any{"cpu": "500m"})) }, true,
			NodeSummary{2, 2, corev1.ResourceList{"cpu": resource.MustParse("4500m"), "memory": resource.MustParse("8Gi"), "pods": resource.MustParse("110")}}},
		{func() error { return change(s, nodeObject("c", "", nil)) }, true, // its kubelet has not reported yet
			NodeSummary{3, 2, corev1.ResourceList{"cpu": resource.MustParse("4500m"), "memory": resource.MustParse("8Gi"), "pods": resource.MustParse("110")}}},
		{func() error { return change(s, nodeObject("d", "Unknown", map[string]any{"cpu": "many"})) }, true,
			NodeSummary{4, 2, corev1.ResourceList{"cpu": resource.MustParse("4500m"), "memory": resource.MustParse("8Gi"), "pods": resource.MustParse("110")}}},
		{func() error { return remove(s, nodeObject("a", "True", big)) }, true,
			NodeSummary{3, 1, corev1.ResourceList{"cpu": resource.MustParse("500m")}}},
		{func() error { return list(s) }, true, NodeSummary{0, 0, corev1.ResourceList{}}},
	} {
		if err := step.do(); err != nil {
			t.Fatal(err)
		}
		if got := signalled(); got != step.changed {
			t.Errorf("step %d: signalled %v, want %v", i, got, step.changed)
		}
		if got := s.summary(); !got.same(&step.want) {
			t.Errorf("step %d: %+v, want %+v", i, got, step.want)
		}
	}
}

func TestSameSummary(t *testing.T) {
	t.Parallel()
	cpu := func(q string) *NodeSummary {
		return &NodeSummary{Total: 1, Ready: 1, Allocatable: corev1.ResourceList{"cpu": resource.MustParse(q)}}
	}
	for name, tc := range map[string]struct {
		a, b *NodeSummary
		want bool
	}{
		"both unknown":    {nil, nil, true},
		"one unknown":     {cpu("1"), nil, false},
		"written another": {cpu("1"), cpu("1000m"), true},
		"other":           {cpu("1"), cpu("2"), false},
		"one more":        {cpu("1"), &NodeSummary{Total: 2, Ready: 1, Allocatable: cpu("1").Allocatable}, false},
	} {
		if got := tc.a.same(tc.b); got != tc.want {
			t.Errorf("%s: same = %v", name, got)
		}
	}
}

func TestAway(t *testing.T) {
	t.Parallel()
	r := schema.GroupResource{Resource: "x"}
	for name, tc := range map[string]struct {
		err  error
		want bool
	}{
		"no error":          {nil, false},
		"no answer":         {errors.New("dial tcp: refused"), true},
		"not found":         {apierrors.NewNotFound(r, "a"), false},
		"forbidden":         {apierrors.NewForbidden(r, "a", nil), false},
		"conflict":          {apierrors.NewConflict(r, "a", nil), false},
		"internal":          {apierrors.NewInternalError(errors.New("x")), false},
		"not authenticated": {apierrors.NewUnauthorized("x"), true},
		"unavailable":       {apierrors.NewServiceUnavailable("x"), true},
		"timeout":           {apierrors.NewServerTimeout(r, "get", 1), true},
		"expired":           {apierrors.NewResourceExpired("x"), false},
	} {
		if got := Away(tc.err); got != tc.want {
			t.Errorf("%s: Away = %v, want %v", name, got, tc.want)
		}
	}
}

func TestEnablements(t *testing.T) {
	t.Parallel()
	resources := func(names ...string) (out []metav1.APIResource) {
		for _, n := range names {
			out = append(out, metav1.APIResource{Name: n, Kind: "K" + n})
		}
		return out
	}
	got := enablements([]*metav1.APIResourceList{
		{GroupVersion: "v1", APIResources: resources("pods", "pods/log", "configmaps")},
		{GroupVersion: "apps/v1", APIResources: resources("deployments/scale", "deployments")},
		{GroupVersion: "empty/v1"},
	})
	want := []clusterv1alpha1.APIEnablement{
		{GroupVersion: "apps/v1", Resources: []clusterv1alpha1.APIResource{{Name: "deployments", Kind: "Kdeployments"}}},
		{GroupVersion: "empty/v1"},
		{GroupVersion: "v1", Resources: []clusterv1alpha1.APIResource{{Name: "configmaps", Kind: "Kconfigmaps"}, {Name: "pods", Kind: "Kpods"}}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestCollected(t *testing.T) {
	t.Parallel()
	collect := func(status map[string]any) Collected {
		c, err := Collect(status)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	status := map[string]any{"replicas": int64(2), "conditions": []any{map[string]any{"type": "Ready"}}}
	c := collect(status)
	if diff := cmp.Diff(status, c.Map()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if c != collect(c.Map()) {
		t.Error("equal ones differ")
	}
	if c == collect(map[string]any{"replicas": int64(3)}) || c == (Collected{}) {
		t.Error("different ones are equal")
	}
	none := collect(nil)
	if none != (Collected{}) || none.Map() != nil || none.JSON() != "" {
		t.Errorf("nothing became %q", none.JSON())
	}
	if _, err := Collect(map[string]any{"a": make(chan int)}); err == nil {
		t.Error("what is not JSON was taken")
	}
}
