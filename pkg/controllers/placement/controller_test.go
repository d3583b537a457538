/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package placement

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	clusterv1alpha1 "github.com/manifold-k8s/manifold/apis/cluster/v1alpha1"
)

// cluster is a member that serves two groups.
func cluster() *clusterv1alpha1.Cluster {
	c := &clusterv1alpha1.Cluster{ObjectMeta: metav1.ObjectMeta{Name: "m1", Generation: 1}}
	c.Status.APIEnablements = []clusterv1alpha1.APIEnablement{{GroupVersion: "apps/v1"}, {GroupVersion: "v1"}}
	c.Status.Conditions = []metav1.Condition{{Type: clusterv1alpha1.ClusterConditionCompleteAPIEnablements, Status: metav1.ConditionTrue}}
	return c
}

func TestConcernsPlacement(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change func(*clusterv1alpha1.Cluster)
		want   bool
	}{
		"nothing":        {func(*clusterv1alpha1.Cluster) {}, false},
		"spec":           {func(c *clusterv1alpha1.Cluster) { c.Generation++ }, true},
		"deletion":       {func(c *clusterv1alpha1.Cluster) { c.DeletionTimestamp = &metav1.Time{Time: time.Unix(1, 0)} }, true},
		"label":          {func(c *clusterv1alpha1.Cluster) { c.Labels = map[string]string{"a": "b"} }, true},
		"annotation":     {func(c *clusterv1alpha1.Cluster) { c.Annotations = map[string]string{"a": "b"} }, false},
		"served kinds":   {func(c *clusterv1alpha1.Cluster) { c.Status.APIEnablements = c.Status.APIEnablements[:1] }, true},
		"a list's state": {func(c *clusterv1alpha1.Cluster) { c.Status.Conditions[0].Status = metav1.ConditionFalse }, true},
		"a heartbeat":    {func(c *clusterv1alpha1.Cluster) { c.Status.Conditions[0].Message = "x" }, false},
		"nodes":          {func(c *clusterv1alpha1.Cluster) { c.Status.NodeSummary = &clusterv1alpha1.NodeSummary{TotalNum: 1} }, false},
		"readiness alone": { // comes with a taint, which is spec
			func(c *clusterv1alpha1.Cluster) {
				c.Status.Conditions = append(c.Status.Conditions, metav1.Condition{Type: clusterv1alpha1.ClusterConditionReady, Status: metav1.ConditionTrue})
			}, false,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			old := cluster()
			now := cluster()
			tc.change(now)
			if got := concernsPlacement(old, now); got != tc.want {
				t.Errorf("concernsPlacement = %v, want %v", got, tc.want)
			}
		})
	}
}

func TestDifference(t *testing.T) {
	t.Parallel()
	type m = map[string]string
	for name, tc := range map[string]struct {
		from, to m
		want     map[string]any
	}{
		"both empty": {nil, nil, map[string]any{}},
		"same":       {m{"a": "1"}, m{"a": "1"}, map[string]any{}},
		"added":      {nil, m{"a": "1"}, map[string]any{"a": "1"}},
		"empty text": {nil, m{"a": ""}, map[string]any{"a": ""}},
		"changed":    {m{"a": "1"}, m{"a": "2"}, map[string]any{"a": "2"}},
		"removed":    {m{"a": "1", "b": "2"}, m{"b": "2"}, map[string]any{"a": nil}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tc.want, difference(tc.from, tc.to)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// The difference, as a merge patch, makes the one map out of the other.
func TestDifferencePatches(t *testing.T) {
	t.Parallel()
	random := func(r *rand.Rand) map[string]string {
		m := map[string]string{}
		for i := range 5 {
			if r.IntN(2) == 0 {
				m[fmt.Sprint("k", i)] = fmt.Sprint(r.IntN(3))
			}
		}
		return m
	}
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 0))
		from, to := random(r), random(r)
		doc, err := json.Marshal(from)
		if err != nil {
			t.Fatal(err)
		}
		patch, err := json.Marshal(difference(from, to))
		if err != nil {
			t.Fatal(err)
		}
		out, err := jsonpatch.MergePatch(doc, patch)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		got := map[string]string{}
		if err := json.Unmarshal(out, &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(to, got); diff != "" {
			t.Fatalf("seed %d: %s over %s (-want +got):\n%s", seed, patch, doc, diff)
		}
	}
}
