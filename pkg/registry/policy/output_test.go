/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package policy

import (
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	policyv1alpha1 "github.com/manifold-k8s/manifold/apis/policy/v1alpha1"
)

// Messages must tell what would be right.
func TestMessages(t *testing.T) {
	t.Parallel()
	p := validPolicy()
	p.Spec.ResourceSelectors[0].Namespace = "bank"
	p.Spec.ConflictResolution = "Merge"
	p.Spec.SchedulePriority = &policyv1alpha1.SchedulePriority{PriorityClassName: "x"}
	k := propagationPolicy(&atomic.Pointer[Surroundings]{})
	k.Default(p, nil)
	want := `[spec.resourceSelectors[0].namespace: Invalid value: "bank": must be the policy's own namespace, "shop", or be left out, ` +
		`spec.conflictResolution: Unsupported value: "Merge": supported values: "Abort", "Overwrite", ` +
		`spec.schedulePriority.priorityClassSource: Required value: one of ["KubePriorityClass"]]`
	if diff := cmp.Diff(want, k.Validate(p).ToAggregate().Error()); diff != "" {
		t.Errorf("message (-want +got):\n%s", diff)
	}
}

func TestWarnings(t *testing.T) {
	t.Parallel()
	type spec = policyv1alpha1.PropagationSpec
	const weights = "spec.placement.replicaScheduling.weightPreference"
	cases := map[string]struct {
		set  func(*spec)
		want []string
	}{
		"nothing in vain":    {set: func(*spec) {}},
		"propagateDeps":      {set: func(s *spec) { s.PropagateDeps = true }},
		"workloadAffinity":   {set: func(s *spec) { s.Placement.WorkloadAffinity = &policyv1alpha1.WorkloadAffinity{} }, want: []string{"spec.placement.workloadAffinity: has no effect yet"}},
		"preemption":         {set: func(s *spec) { s.Preemption = policyv1alpha1.PreemptAlways }},
		"dependentOverrides": {set: func(s *spec) { s.DependentOverrides = []string{"x"} }},
		"schedulerName":      {set: func(s *spec) { s.SchedulerName = "x" }, want: []string{"spec.schedulerName: has no effect yet"}},
		"empty failover":     {set: func(s *spec) { s.Failover = &policyv1alpha1.FailoverBehavior{} }},
		"failover":           {set: func(s *spec) { application(s) }, want: []string{"spec.failover: has no effect yet"}},
		"activation":         {set: func(s *spec) { s.ActivationPreference = policyv1alpha1.LazyActivation }},
		"schedulePriority":   {set: func(s *spec) { s.SchedulePriority = &policyv1alpha1.SchedulePriority{} }, want: []string{"spec.schedulePriority: has no effect yet"}},
		"association":        {set: func(s *spec) { s.Association = true }, want: []string{"spec.association: deprecated and without effect, use propagateDeps"}},
		"spreadByLabel": {set: func(s *spec) {
			s.Placement.SpreadConstraints = []policyv1alpha1.SpreadConstraint{{}, {SpreadByLabel: "x"}}
		}, want: []string{"spec.placement.spreadConstraints[1].spreadByLabel: has no effect yet"}},
		"name and labels": {set: func(s *spec) { s.ResourceSelectors[0].LabelSelector = &metav1.LabelSelector{} }, want: []string{"spec.resourceSelectors[0].labelSelector: ignored because name is set"}},
		"labels only": {set: func(s *spec) {
			s.ResourceSelectors[0].Name, s.ResourceSelectors[0].LabelSelector = "", &metav1.LabelSelector{}
		}},
		"dynamic weight only": {
			set:  func(s *spec) { weighted(s, policyv1alpha1.DynamicWeightByAvailableReplicas) },
			want: []string{totalRoom},
		},
		"dynamic and static weights": {
			set: func(s *spec) {
				weighted(s, policyv1alpha1.DynamicWeightByAvailableReplicas)
				s.Placement.ReplicaScheduling.WeightPreference.StaticWeightList = []policyv1alpha1.StaticClusterWeight{{Weight: 1}}
			},
			want: []string{totalRoom, weights + ".staticWeightList: ignored because dynamicWeight is set"},
		},
		"weights of copies": {
			set: func(s *spec) {
				weighted(s, "")
				s.Placement.ReplicaScheduling.ReplicaSchedulingType = policyv1alpha1.ReplicaSchedulingTypeDuplicated
			},
			want: []string{weights + ": ignored because replicaSchedulingType is Duplicated"},
		},
		"weights when aggregating": {
			set: func(s *spec) {
				weighted(s, "")
				s.Placement.ReplicaScheduling.ReplicaDivisionPreference = policyv1alpha1.ReplicaDivisionPreferenceAggregated
			},
			want: []string{totalRoom, weights + ": ignored because replicaDivisionPreference is Aggregated"},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := validPolicy()
			c.set(&p.Spec)
			k := propagationPolicy(&atomic.Pointer[Surroundings]{})
			k.Default(p, nil)
			if diff := cmp.Diff(c.want, k.Warnings(p)); diff != "" {
				t.Errorf("warnings (-want +got):\n%s", diff)
			}
		})
	}
}

func TestOverrideWarnings(t *testing.T) {
	t.Parallel()
	got := overridePolicy(&atomic.Pointer[Surroundings]{}).Warnings(&policyv1alpha1.OverridePolicy{Spec: policyv1alpha1.OverrideSpec{
		TargetCluster: &policyv1alpha1.ClusterAffinity{},
		Overriders:    policyv1alpha1.Overriders{Plaintext: make([]policyv1alpha1.PlaintextOverrider, 1)},
	}})
	want := []string{"spec.targetCluster: deprecated, use overrideRules", "spec.overriders: deprecated, use overrideRules"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
}

func TestColumns(t *testing.T) {
	t.Parallel()
	selectors := []policyv1alpha1.ResourceSelector{
		{Kind: "Deployment", Name: "web"}, {Kind: "Service"}, {Kind: "Secret", LabelSelector: &metav1.LabelSelector{}}, {Kind: "Job"},
	}
	p := validPolicy()
	p.Spec.ResourceSelectors = selectors
	p.Spec.Placement.ClusterAffinity = &policyv1alpha1.ClusterAffinity{ClusterNames: []string{"m1", "m2"}}
	p.Spec.Placement.ReplicaScheduling = &policyv1alpha1.ReplicaSchedulingStrategy{}
	k := propagationPolicy(&atomic.Pointer[Surroundings]{})
	k.Default(p, nil)
	got := map[string]any{}
	for _, column := range k.Columns {
		got[column.Name] = column.Cell(p)
	}
	want := map[string]any{"Conflict-Resolution": "Abort", "Priority": int64(0), "Age": "<unknown>",
		"Resources": "Deployment/web,Service/*,Secret,+1", "Clusters": "m1,m2", "Replicas": "Divided/Weighted"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("cells (-want +got):\n%s", diff)
	}

	clusters := map[string]policyv1alpha1.Placement{
		"*":          {},
		"a>b":        {ClusterAffinities: []policyv1alpha1.ClusterAffinityTerm{term("a"), term("b")}},
		"<filtered>": {ClusterAffinity: &policyv1alpha1.ClusterAffinity{ExcludeClusters: []string{"m1"}}},
	}
	for want, placement := range clusters {
		if got := candidates(&placement); got != want {
			t.Errorf("clusters are %q, want %q", got, want)
		}
	}
	if got := division(nil); got != "Duplicated" {
		t.Errorf("replicas are %q, want Duplicated", got)
	}
	if got := selected(nil); got != "*" {
		t.Errorf("resources are %q, want *", got)
	}
}

func TestValidationLeavesTheObjectAlone(t *testing.T) {
	t.Parallel()
	p := validPolicy()
	k := propagationPolicy(&atomic.Pointer[Surroundings]{})
	k.Default(p, nil)
	before := p.DeepCopy()
	k.Validate(p)
	k.ValidateUpdate(p, before)
	k.Warnings(p)
	if diff := cmp.Diff(before, p); diff != "" {
		t.Errorf("changed (-before +after):\n%s", diff)
	}
}
