/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package schedule

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/types"

	policyv1alpha1 "github.com/manifold-k8s/manifold/apis/policy/v1alpha1"
	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
)

func TestStaticWeights(t *testing.T) {
	t.Parallel()
	tests := []struct {
		replicas int32
		clusters string
		rules    string
		previous counts
		even     counts
		odd      counts
	}{
		{replicas: 9, clusters: "A B", rules: "A=1 B=2", even: "A3 B6", odd: "A3 B6"},
		{replicas: 9, clusters: "A B", rules: "A=1 B=3", even: "A2 B7", odd: "A2 B7"},
		{replicas: 3, clusters: "A B", rules: "A=1 B=1", even: "A2 B1", odd: "A1 B2"},
		{replicas: 1, clusters: "A B", rules: "A=1 B=1", even: "A1", odd: "B1"},
		{replicas: 2, clusters: "A B C", rules: "A=1 B=1 C=1", even: "A1 B1", odd: "B1 C1"},
		{replicas: 7, clusters: "A B C", rules: "A=1 B=1 C=1", even: "A3 B2 C2", odd: "A2 B2 C3"},
		{replicas: 8, clusters: "A B C", rules: "A=1 B=1 C=1", even: "A3 B3 C2", odd: "A2 B3 C3"},
		{replicas: 10, clusters: "A B C", rules: "A=3 B=2 C=1", even: "A5 B3 C2", odd: "A5 B3 C2"},
		{replicas: 12, clusters: "A B C", rules: "A=3 B=2 C=1", even: "A6 B4 C2", odd: "A6 B4 C2"},
		{replicas: 1, clusters: "A B", rules: "A=1 B=10", even: "B1", odd: "B1"},
		{replicas: 2, clusters: "A B", rules: "A=1 B=3", even: "A1 B1", odd: "A1 B1"},
		{replicas: 4, clusters: "A B", rules: "A=1 B=3", even: "A1 B3", odd: "A1 B3"},
		{replicas: 5, clusters: "A B", rules: "A=1 B=10", even: "B5", odd: "B5"},
		{replicas: 6, clusters: "A B", rules: "A=1 B=10", even: "A1 B5", odd: "A1 B5"},
		{replicas: 1, clusters: "A B C", rules: "A=1 B=2 C=3", even: "C1", odd: "C1"},
		{replicas: 2, clusters: "A B C", rules: "A=1 B=2 C=3", even: "B1 C1", odd: "B1 C1"},
		{replicas: 3, clusters: "A B C", rules: "A=1 B=2 C=3", even: "A1 B1 C1", odd: "A1 B1 C1"},
		{replicas: 4, clusters: "A B C", rules: "A=1 B=2 C=3", even: "A1 B1 C2", odd: "A1 B1 C2"},
		{replicas: 6, clusters: "A B C", rules: "A=1 B=2 C=3", even: "A1 B2 C3", odd: "A1 B2 C3"},
		{replicas: 7, clusters: "A B C", rules: "A=1 B=2 C=3", even: "A1 B2 C4", odd: "A1 B2 C4"},
		{replicas: 100, clusters: "A B C", rules: "A=1 B=1 C=98", even: "A1 B1 C98", odd: "A1 B1 C98"},
		{replicas: 10, clusters: "A B C", rules: "A=50 B=49 C=1", even: "A5 B5", odd: "A5 B5"},
		{replicas: 10, clusters: "A B C", rules: "A=1", even: "A10", odd: "A10"},
		{replicas: 10, clusters: "A B C", rules: "X=1", even: "A4 B3 C3", odd: "A3 B3 C4"},
		{replicas: 10, clusters: "A B", rules: "A=1 B=1 X=8", even: "A5 B5", odd: "A5 B5"},
		{replicas: 6, clusters: "A B", rules: "A,B=1 B=2", even: "A2 B4", odd: "A2 B4"},
		{replicas: 6, clusters: "A B C", rules: "*=1 C=4", even: "A1 B1 C4", odd: "A1 B1 C4"},
		{replicas: 5, clusters: "A B C", rules: "", even: "A2 B2 C1", odd: "A1 B2 C2"},
		{replicas: 6, clusters: "A B", rules: "A=1 B=1", previous: "A5", even: "A3 B3", odd: "A3 B3"},
		{replicas: 3, clusters: "A B", rules: "A=1 B=1", previous: "A2 B1", even: "A2 B1", odd: "A1 B2"},
		{replicas: 3, clusters: "A B", rules: "A=1 B=1", previous: "A1 B2", even: "A2 B1", odd: "A1 B2"},
	}
	for _, tc := range tests {
		for uid, want := range map[types.UID]counts{"": tc.even, evenUID: tc.even, oddUID: tc.odd} {
			t.Run(fmt.Sprintf("%d over %s by %s/UID %q", tc.replicas, tc.clusters, tc.rules, uid), func(t *testing.T) {
				t.Parallel()
				req := deployment(tc.replicas, policyv1alpha1.Placement{
					ReplicaScheduling: weighted(t, strings.Fields(tc.rules)...),
				})
				req.UID, req.Previous = uid, tc.previous.targets(t)
				d := Place(req, members(strings.Fields(tc.clusters)...))
				if got := countsOf(d.Targets); got != want || d.Reason != workv1alpha2.BindingReasonSuccess {
					t.Errorf("got %q (%s), want %q", got, d.Reason, want)
				}
			})
		}
	}
}

// What is left unset in a strategy means what the API's defaults say.
func TestDivisionDefaults(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		strategy *policyv1alpha1.ReplicaSchedulingStrategy
		want     counts
	}{
		"no strategy":              {nil, "A5 B5 C5"},
		"duplicated":               {duplicate(), "A5 B5 C5"},
		"empty strategy":           {&policyv1alpha1.ReplicaSchedulingStrategy{}, "A2 B2 C1"},
		"no weight preference":     {&policyv1alpha1.ReplicaSchedulingStrategy{ReplicaSchedulingType: "Divided"}, "A2 B2 C1"},
		"empty weight preference":  {weighted(t), "A2 B2 C1"},
		"an unrelated weight only": {weighted(t, "X=3"), "A2 B2 C1"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := Place(deployment(5, policyv1alpha1.Placement{ReplicaScheduling: tc.strategy}), members("A", "B", "C"))
			if got := countsOf(d.Targets); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestCapacity(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		strategy *policyv1alpha1.ReplicaSchedulingStrategy
		uid      types.UID
		replicas int32
		previous counts
		free     counts
		fresh    bool
		want     counts
	}{
		"dynamic, first 12":                   {dynamic(), "", 12, "", "A6 B12 C18", false, "A2 B4 C6"},
		"dynamic, first 10":                   {dynamic(), "", 10, "", "A6 B12 C18", false, "A2 B3 C5"},
		"dynamic, 12 to 18":                   {dynamic(), "", 18, "A2 B4 C6", "A4 B8 C12", false, "A3 B6 C9"},
		"dynamic, 12 to 18, C is full":        {dynamic(), "", 18, "A2 B4 C6", "A4 B8 C0", false, "A4 B8 C6"},
		"dynamic, 12 to 6":                    {dynamic(), "", 6, "A2 B4 C6", "A4 B8 C12", false, "A1 B2 C3"},
		"dynamic, 12 to 5":                    {dynamic(), "", 5, "A2 B4 C6", "A4 B8 C12", false, "A1 B2 C2"},
		"dynamic, C disappears":               {dynamic(), "", 12, "A2 B4 C6", "A6 B12", false, "A4 B8"},
		"dynamic, D appears":                  {dynamic(), "", 12, "A2 B4 C6", "A4 B8 C12 D18", false, "A2 B4 C6"},
		"dynamic, fresh, D is new":            {dynamic(), "", 12, "A2 B4 C6", "A4 B8 C12 D18", true, "A1 B3 C4 D4"},
		"dynamic, A is full":                  {dynamic(), evenUID, 3, "", "A0 B3 C3", false, "B2 C1"},
		"dynamic, A is full, odd":             {dynamic(), oddUID, 3, "", "A0 B3 C3", false, "B1 C2"},
		"aggregated, first 12":                {aggregate(), "", 12, "", "A6 B12 C18", false, "C12"},
		"aggregated, first 20":                {aggregate(), "", 20, "", "A6 B12 C18", false, "B8 C12"},
		"aggregated, first 30":                {aggregate(), "", 30, "", "A6 B12 C18", false, "B12 C18"},
		"aggregated, 12 to 20":                {aggregate(), "", 20, "C12", "A6 B12 C6", false, "B5 C15"},
		"aggregated, 12 to 16":                {aggregate(), "", 16, "C12", "A6 B12 C6", false, "C16"},
		"aggregated, 20 to 5":                 {aggregate(), "", 5, "B8 C12", "A6 B4 C6", false, "C5"},
		"aggregated, 20 to 15":                {aggregate(), "", 15, "B8 C12", "A6 B4 C6", false, "B6 C9"},
		"aggregated, fresh":                   {aggregate(), "", 12, "B9 C3", "A6 B12 C15", true, "B12"},
		"aggregated, back from 0, stays on A": {aggregate(), "", 3, "A0", "A6 B12 C15", false, "A3"},
		"duplicated":                          {duplicate(), "", 3, "", "A1 B12 C15", false, "A3 B3 C3"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			req := deployment(tc.replicas, policyv1alpha1.Placement{ReplicaScheduling: tc.strategy})
			req.UID, req.Previous, req.Fresh = tc.uid, tc.previous.targets(t), tc.fresh
			req.Available = tc.free.numbers(t)
			var names []string
			tc.free.each(t, func(name string, _ int32) { names = append(names, name) })
			d := Place(req, members(names...))
			if got := countsOf(d.Targets); got != tc.want || d.Reason != workv1alpha2.BindingReasonSuccess {
				t.Errorf("got %q (%s: %s), want %q", got, d.Reason, d.Message, tc.want)
			}
		})
	}
}

func TestTooLittleRoomMovesNothing(t *testing.T) {
	t.Parallel()
	req := deployment(40, policyv1alpha1.Placement{ReplicaScheduling: dynamic()})
	req.Available = counts("A6 B12 C18").numbers(t)
	d := Place(req, members("A", "B", "C"))
	if d.Reason != workv1alpha2.BindingReasonUnschedulable || len(d.Targets) != 0 {
		t.Errorf("got %s with %v, want Unschedulable and nothing", d.Reason, d.Targets)
	}
	if want := "room for 36 replicas in 3 clusters, 40 wanted"; d.Message != want {
		t.Errorf("got message %q, want %q", d.Message, want)
	}
	req.Previous = counts("A1 B2").targets(t)
	d = Place(req, members("A", "B", "C"))
	if got := countsOf(d.Targets); got != "A1 B2" || d.Reason != workv1alpha2.BindingReasonUnschedulable {
		t.Errorf("got %q (%s), want the previous targets", got, d.Reason)
	}
	delete(req.Available, "C")
	d = Place(req, members("A", "B", "C"))
	if want := "room for 18 more replicas in 3 clusters, 37 wanted; no resources are reported by C"; d.Message != want {
		t.Errorf("got message %q, want %q", d.Message, want)
	}
}

func TestScaledToZero(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		strategy *policyv1alpha1.ReplicaSchedulingStrategy
		previous counts
		want     counts
	}{
		"by weight, stays where it is":      {weighted(t, "A=1", "B=1", "D=1"), "A2 B1", "A0 B0"},
		"by weight, new":                    {weighted(t, "A=1", "B=1"), "", "A0 B0"},
		"by weight, was outside the rules":  {weighted(t, "A=1", "B=1"), "A2 C1", "A0"},
		"dynamic, stays where it is":        {dynamic(), "B3", "B0"},
		"aggregated, new":                   {aggregate(), "", "A0 B0 C0 D0"},
		"duplicated, in every cluster":      {duplicate(), "A2", "A0 B0 C0 D0"},
		"no strategy is duplicated as well": {nil, "", "A0 B0 C0 D0"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			req := deployment(0, policyv1alpha1.Placement{ReplicaScheduling: tc.strategy})
			req.Previous = tc.previous.targets(t)
			d := Place(req, members("A", "B", "C", "D"))
			if got := countsOf(d.Targets); got != tc.want || d.Reason != workv1alpha2.BindingReasonSuccess {
				t.Errorf("got %q (%s), want %q", got, d.Reason, tc.want)
			}
		})
	}
}

func TestTemplateWithoutReplicasGoesToAllSelected(t *testing.T) {
	t.Parallel()
	for _, strategy := range []*policyv1alpha1.ReplicaSchedulingStrategy{nil, duplicate(), weighted(t, "A=1"), dynamic(), aggregate()} {
		req := Request{APIVersion: "v1", Kind: "ConfigMap", Placement: &policyv1alpha1.Placement{
			ClusterAffinity:   &policyv1alpha1.ClusterAffinity{ClusterNames: []string{"A", "B"}},
			ReplicaScheduling: strategy,
		}}
		d := Place(req, members("A", "B", "C"))
		if got := countsOf(d.Targets); got != "A0 B0" {
			t.Errorf("%+v: got %q", strategy, got)
		}
	}
}

func TestVerdictsExplainShares(t *testing.T) {
	t.Parallel()
	req := deployment(5, policyv1alpha1.Placement{ReplicaScheduling: weighted(t, "A=1", "B=10")})
	req.Previous = counts("C5 Gone2").targets(t)
	want := []Verdict{
		{Cluster: "A", Reason: "share is 0: weight 1 of 11"},
		{Cluster: "B", Kept: true, Replicas: 5, Reason: "weight 10 of 11"},
		{Cluster: "C", Reason: "no weight rule selects it"},
		{Cluster: "Gone", Reason: "the cluster does not exist"},
	}
	d := Place(req, members("C", "B", "A"))
	if diff := cmp.Diff(want, d.Verdicts); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if want := "5 replicas in 1 cluster"; d.Message != want {
		t.Errorf("got message %q, want %q", d.Message, want)
	}
}
