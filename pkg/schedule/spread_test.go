/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package schedule

import (
	"strings"
	"testing"

	policyv1alpha1 "github.com/manifold-k8s/manifold/apis/policy/v1alpha1"
	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"

	clusterv1alpha1 "github.com/manifold-k8s/manifold/apis/cluster/v1alpha1"
)

func by(field policyv1alpha1.SpreadFieldValue, minGroups, maxGroups int) policyv1alpha1.SpreadConstraint {
	return policyv1alpha1.SpreadConstraint{SpreadByField: field, MinGroups: minGroups, MaxGroups: maxGroups}
}

// Region r1 has A and D, r2 has B, r3 has C.
var regionOf = map[string]string{"A": "r1", "B": "r2", "C": "r3", "D": "r1"}

func TestSpread(t *testing.T) {
	t.Parallel()
	const (
		success       = workv1alpha2.BindingReasonSuccess
		unschedulable = workv1alpha2.BindingReasonUnschedulable
		failed        = workv1alpha2.BindingReasonSchedulerError
	)
	type constraints = []policyv1alpha1.SpreadConstraint
	tests := map[string]struct {
		constraints constraints
		strategy    *policyv1alpha1.ReplicaSchedulingStrategy
		replicas    int32
		available   counts
		previous    counts
		want        counts
		reason      string
	}{
		"cluster 1.., duplicated":              {constraints{by("cluster", 1, 0)}, duplicate(), 3, "A5 B5", "", "A3 B3", success},
		"cluster 1.., aggregated":              {constraints{by("cluster", 1, 0)}, aggregate(), 3, "A5 B5", "", "A3", success},
		"cluster 1..1, static weights":         {constraints{by("cluster", 1, 1)}, weighted(t, "*=1"), 3, "A5 B5", "", "A2 B1", success},
		"cluster 1..1, empty preference":       {constraints{by("cluster", 1, 1)}, weighted(t), 3, "A5 B5", "", "A3", success},
		"cluster 2..2, duplicated":             {constraints{by("cluster", 2, 2)}, duplicate(), 20, "A5 B3 C9", "", "A20 C20", success},
		"cluster 3..3, too few":                {constraints{by("cluster", 3, 3)}, duplicate(), 2, "A5 B5", "", "", failed},
		"cluster 1..2, A is there, 12":         {constraints{by("cluster", 1, 2)}, aggregate(), 12, "A2 B4 C9", "A0", "B4 C8", success},
		"cluster 1..2, A is there, 10":         {constraints{by("cluster", 1, 2)}, aggregate(), 10, "A2 B4 C9", "A0", "A2 C8", success},
		"cluster 1..2, A is there, 14":         {constraints{by("cluster", 1, 2)}, aggregate(), 14, "A2 B4 C9", "A0", "A0", unschedulable},
		"region 2.., cluster 2..2":             {constraints{by("region", 2, 0), by("cluster", 2, 2)}, duplicate(), 2, "A5 B3 C9", "", "A2 B2", success},
		"region 2..2, cluster 2..2":            {constraints{by("region", 2, 2), by("cluster", 2, 2)}, duplicate(), 2, "A5 B3 C9 D1", "", "A2 B2", success},
		"region 2..2, cluster 3..3":            {constraints{by("region", 2, 2), by("cluster", 3, 3)}, duplicate(), 2, "A5 B3 C9 D1", "", "A2 B2 D2", success},
		"region 3..3, cluster 1..2":            {constraints{by("region", 3, 3), by("cluster", 1, 2)}, duplicate(), 2, "A5 B3 C9 D1", "", "A2 B2 C2", success},
		"region 1..3, cluster 1..4":            {constraints{by("region", 1, 3), by("cluster", 1, 4)}, duplicate(), 2, "A5 B3 C9 D1", "", "A2 D2", success},
		"region 1..2, one is enough":           {constraints{by("region", 1, 2), by("cluster", 2, 2)}, duplicate(), 2, "A5 B5 D5", "", "A2 D2", success},
		"region 4..4, too few":                 {constraints{by("region", 4, 4), by("cluster", 1, 4)}, duplicate(), 2, "A5 B3 C9 D1", "", "", failed},
		"region 1..1, cluster 3..3, too few":   {constraints{by("region", 1, 1), by("cluster", 3, 3)}, duplicate(), 2, "A5 B3 C9 D1", "", "", failed},
		"region 2..2, cluster 2..4, 12":        {constraints{by("region", 2, 2), by("cluster", 2, 4)}, aggregate(), 12, "A4 B6 C9 D4", "", "A4 B5 D3", success},
		"region 2..2, cluster 2..2, 12":        {constraints{by("region", 2, 2), by("cluster", 2, 2)}, aggregate(), 12, "A4 B6 C9 D4", "", "", unschedulable},
		"provider 1..1, cluster 1..1":          {constraints{by("provider", 1, 1), by("cluster", 1, 1)}, duplicate(), 2, "A4 B6", "", "B2", success},
		"zone only":                            {constraints{by("zone", 1, 1)}, duplicate(), 2, "A4 B6", "", "", failed},
		"a constraint without a field":         {constraints{by("", 1, 1)}, duplicate(), 2, "A4 B6", "", "B2", success},
		"what is there is chosen before":       {constraints{by("cluster", 1, 1)}, duplicate(), 2, "A4 B6", "A2", "A2", success},
		"room elsewhere moves nothing":         {constraints{by("region", 1, 1), by("cluster", 1, 2)}, duplicate(), 2, "A5 B3 C9 D9", "B2", "B2", success},
		"it does when the limits changed":      {constraints{by("region", 2, 2), by("cluster", 1, 2)}, duplicate(), 2, "A5 B3 C9", "B2", "A2 B2", success},
		"the same region is filled up":         {constraints{by("region", 1, 1), by("cluster", 1, 2)}, duplicate(), 2, "A5 B3 C9 D0", "A2", "A2 D2", success},
		"a failure keeps what is selected":     {constraints{by("cluster", 3, 3)}, duplicate(), 2, "A4 B6", "A2 B2 X2", "A2 B2", failed},
		"dynamic weight among the two largest": {constraints{by("cluster", 2, 2)}, dynamic(), 5, "A4 B6 C4", "", "A2 B3", success},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var clusters []*clusterv1alpha1.Cluster
			tc.available.each(t, func(name string, _ int32) {
				clusters = append(clusters, member(name, inRegion(regionOf[name]), func(c *clusterv1alpha1.Cluster) {
					c.Spec.Provider, c.Spec.Zones = "p", []string{"z"}
				}))
			})
			req := deployment(tc.replicas, policyv1alpha1.Placement{
				SpreadConstraints: tc.constraints, ReplicaScheduling: tc.strategy,
			})
			req.Available, req.Previous = tc.available.numbers(t), tc.previous.targets(t)
			d := Place(req, clusters)
			if got := countsOf(d.Targets); got != tc.want || d.Reason != tc.reason {
				t.Errorf("got %q (%s: %s), want %q (%s)", got, d.Reason, d.Message, tc.want, tc.reason)
			}
		})
	}
}

func TestRegionSearchIsBounded(t *testing.T) {
	t.Parallel()
	var clusters []*clusterv1alpha1.Cluster
	for i := range 120 {
		name := string(rune('a'+i/26)) + string(rune('a'+i%26))
		clusters = append(clusters, member(name, inRegion("r"+name[:1]+string(rune('a'+i%13)))))
	}
	req := deployment(100, policyv1alpha1.Placement{
		SpreadConstraints: []policyv1alpha1.SpreadConstraint{by("region", 20, 25), by("cluster", 50, 60)},
	})
	req.Available = make(map[string]int32)
	for i, c := range clusters {
		req.Available[c.Name] = int32(i * 7 % 131)
	}
	d := Place(req, clusters)
	if d.Reason != workv1alpha2.BindingReasonSuccess || len(d.Targets) < 50 || len(d.Targets) > 60 {
		t.Errorf("got %d targets (%s: %s), want 50 to 60", len(d.Targets), d.Reason, d.Message)
	}
}

func TestUnsupported(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		placement policyv1alpha1.Placement
		want      string
	}{
		"nothing set": {policyv1alpha1.Placement{}, ""},
		"all in effect": {policyv1alpha1.Placement{
			SpreadConstraints: []policyv1alpha1.SpreadConstraint{by("cluster", 1, 2), by("zone", 1, 0)},
		}, ""},
		"workload affinity": {policyv1alpha1.Placement{WorkloadAffinity: &policyv1alpha1.WorkloadAffinity{}},
			"spec.placement.workloadAffinity"},
		"constraints with static weights": {policyv1alpha1.Placement{
			SpreadConstraints: []policyv1alpha1.SpreadConstraint{by("cluster", 1, 2)}, ReplicaScheduling: weighted(t, "A=1"),
		}, "spec.placement.spreadConstraints"},
		"limits on zones, and labels": {policyv1alpha1.Placement{SpreadConstraints: []policyv1alpha1.SpreadConstraint{
			by("cluster", 1, 2), by("zone", 1, 2), {SpreadByLabel: "rack"},
		}}, "spec.placement.spreadConstraints[1] spec.placement.spreadConstraints[2].spreadByLabel"},
		"overflow without capacity": {policyv1alpha1.Placement{ClusterAffinities: []policyv1alpha1.ClusterAffinityTerm{
			{AffinityName: "x", OverflowAffinities: []policyv1alpha1.OverflowAffinity{{AffinityName: "y"}}},
		}}, "spec.placement.clusterAffinities[0].overflowAffinities"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := Place(deployment(1, tc.placement), nil)
			if got := strings.Join(d.Unsupported, " "); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}
