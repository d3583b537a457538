/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package sync

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"

	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
	"github.com/manifold-k8s/manifold/pkg/member"
)

// A copy that exists waits until it is known whether an autoscaler decides about its number; nothing else does.
func TestFindScaler(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		kind, label string
		exists      bool
		ok          bool
	}{
		"a workload that exists": {kind: "Deployment", exists: true},
		"a new one":              {kind: "Deployment", ok: true},
		"the hub's by label":     {kind: "Deployment", label: optOut, exists: true, ok: true},
		"no workload":            {kind: "DaemonSet", exists: true, ok: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench()
			site, err := member.NewFleet().Connect("m1", "f", &rest.Config{Host: "127.0.0.1:1"})
			if err != nil {
				t.Fatal(err)
			}
			b.site = site
			if tc.exists {
				b.have = &member.Copy{}
			}
			tmpl := &unstructured.Unstructured{Object: map[string]any{
				"apiVersion": "apps/v1", "kind": tc.kind, "metadata": map[string]any{"name": "web", "namespace": "ns"},
			}}
			tmpl.SetLabels(map[string]string{workv1alpha2.RetainReplicasLabel: tc.label})
			if ok := b.findScaler(tmpl); ok != tc.ok {
				t.Errorf("ok = %v, want %v", ok, tc.ok)
			}
			var want []types.NamespacedName
			if !tc.ok {
				want = append(want, b.key)
			}
			for _, held := range [][]types.NamespacedName{want, nil} { // once
				if diff := cmp.Diff(held, b.heldBack()); diff != "" {
					t.Errorf("held back (-want +got):\n%s", diff)
				}
			}
		})
	}
}

// A change of hands is said when it happens.
func TestTellScaler(t *testing.T) {
	t.Parallel()
	b := newBench()
	for i, step := range []struct {
		scaler     string
		handedOver bool
		events     int
	}{
		{"", false, 0},
		{"", true, 0}, // by label
		{"web", false, 0},
		{"web", true, 1},
		{"web", false, 1},
		{"", false, 2},
		{"", false, 2},
	} {
		b.scaler = step.scaler
		if b.tellScaler(step.handedOver); len(b.events.Events) != step.events {
			t.Errorf("step %d: %d events, want %d", i, len(b.events.Events), step.events)
		}
	}
}
