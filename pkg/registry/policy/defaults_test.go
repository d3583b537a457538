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
	"k8s.io/utils/ptr"

	policyv1alpha1 "github.com/manifold-k8s/manifold/apis/policy/v1alpha1"
)

func TestPropagationPolicyIdentityAndScheduler(t *testing.T) {
	t.Parallel()
	const id = policyv1alpha1.PropagationPolicyPermanentIDLabel
	k := propagationPolicy(&atomic.Pointer[Surroundings]{})
	old := validPolicy()
	old.Labels = map[string]string{id: "from the client"}
	k.Default(old, nil)
	if got := old.Labels[id]; got == "from the client" || len(got) != 36 {
		t.Fatalf("permanent id is %q, want a fresh UUID", got)
	}

	cases := map[string]struct {
		set  func(*policyv1alpha1.PropagationPolicy)
		want []string
	}{
		"labels dropped":        {set: func(p *policyv1alpha1.PropagationPolicy) { p.Labels = nil }},
		"same":                  {set: func(*policyv1alpha1.PropagationPolicy) {}},
		"id changed":            {set: func(p *policyv1alpha1.PropagationPolicy) { p.Labels[id] = "other" }, want: []string{"Invalid metadata.labels[" + id + "]"}},
		"scheduler changed":     {set: func(p *policyv1alpha1.PropagationPolicy) { p.Spec.SchedulerName = "other" }, want: []string{"Invalid spec.schedulerName"}},
		"scheduler left out":    {set: func(p *policyv1alpha1.PropagationPolicy) { p.Spec.SchedulerName = "" }},
		"anything else changed": {set: func(p *policyv1alpha1.PropagationPolicy) { p.Spec.Priority = ptr.To[int32](7) }},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := old.DeepCopy()
			c.set(p)
			k.Default(p, old)
			if diff := cmp.Diff(c.want, found(append(k.Validate(p), k.ValidateUpdate(p, old)...))); diff != "" {
				t.Errorf("errors (-want +got):\n%s", diff)
			}
			if len(c.want) == 0 && p.Labels[id] != old.Labels[id] {
				t.Errorf("permanent id is %q, want %q", p.Labels[id], old.Labels[id])
			}
		})
	}

	bare := validPolicy()
	if diff := cmp.Diff([]string{"Required metadata.labels[" + id + "]"}, found(validatePropagationPolicy(bare, id, defaulted(bare), "shop"))); diff != "" {
		t.Errorf("without permanent id (-want +got):\n%s", diff)
	}
}

func defaulted(p *policyv1alpha1.PropagationPolicy) *policyv1alpha1.PropagationSpec {
	defaultSelectors(p.Spec.ResourceSelectors, p.Namespace)
	defaultPropagation(&p.Spec)
	return &p.Spec
}

func TestPolicyName(t *testing.T) {
	t.Parallel()
	k := clusterOverridePolicy(&atomic.Pointer[Surroundings]{})
	got := found(k.Validate(&policyv1alpha1.ClusterOverridePolicy{ObjectMeta: metav1.ObjectMeta{Name: "Not_A_Name"}}))
	if diff := cmp.Diff([]string{"Invalid metadata.name"}, got); diff != "" {
		t.Errorf("errors (-want +got):\n%s", diff)
	}
}

func TestPropagationDefaults(t *testing.T) {
	t.Parallel()
	p := validPolicy()
	p.Spec = policyv1alpha1.PropagationSpec{
		ResourceSelectors: []policyv1alpha1.ResourceSelector{{APIVersion: "multicluster.x-k8s.io/v1alpha1", Kind: "ServiceImport"}},
		Placement: policyv1alpha1.Placement{
			SpreadConstraints: []policyv1alpha1.SpreadConstraint{{}, {SpreadByLabel: "rack", MinGroups: 2}},
			ReplicaScheduling: &policyv1alpha1.ReplicaSchedulingStrategy{},
		},
		Failover: &policyv1alpha1.FailoverBehavior{
			Application: &policyv1alpha1.ApplicationFailoverBehavior{DecisionConditions: &policyv1alpha1.DecisionConditions{}},
			Cluster:     &policyv1alpha1.ClusterFailoverBehavior{},
		},
	}
	want := policyv1alpha1.PropagationSpec{
		ResourceSelectors:  []policyv1alpha1.ResourceSelector{{APIVersion: "multicluster.x-k8s.io/v1alpha1", Kind: "ServiceImport", Namespace: "shop"}},
		PropagateDeps:      true,
		Priority:           ptr.To[int32](0),
		Preemption:         "Never",
		SchedulerName:      "default-scheduler",
		ConflictResolution: "Abort",
		Placement: policyv1alpha1.Placement{
			SpreadConstraints: []policyv1alpha1.SpreadConstraint{{SpreadByField: "cluster", MinGroups: 1}, {SpreadByLabel: "rack", MinGroups: 2}},
			ReplicaScheduling: &policyv1alpha1.ReplicaSchedulingStrategy{ReplicaSchedulingType: "Divided", ReplicaDivisionPreference: "Weighted"},
		},
		Failover: &policyv1alpha1.FailoverBehavior{
			Application: &policyv1alpha1.ApplicationFailoverBehavior{
				DecisionConditions: &policyv1alpha1.DecisionConditions{TolerationSeconds: ptr.To[int32](300)},
				PurgeMode:          "Gracefully",
				GracePeriodSeconds: ptr.To[int32](600),
			},
			Cluster: &policyv1alpha1.ClusterFailoverBehavior{PurgeMode: "Gracefully"},
		},
	}
	k := propagationPolicy(&atomic.Pointer[Surroundings]{})
	k.Default(p, nil)
	if diff := cmp.Diff(want, p.Spec); diff != "" {
		t.Errorf("defaulted spec (-want +got):\n%s", diff)
	}
	again := p.DeepCopy()
	k.Default(again, p)
	if diff := cmp.Diff(p, again); diff != "" {
		t.Errorf("defaulting twice changes something (-once +twice):\n%s", diff)
	}
}

func TestDefaultsLeaveWhatIsSet(t *testing.T) {
	t.Parallel()
	p := validPolicy()
	p.Spec.ResourceSelectors[0].Namespace = "bank"
	p.Spec.Priority = ptr.To[int32](5)
	p.Spec.Preemption = policyv1alpha1.PreemptAlways
	p.Spec.SchedulerName = "other"
	p.Spec.ConflictResolution = policyv1alpha1.ConflictOverwrite
	p.Spec.Placement.ReplicaScheduling = &policyv1alpha1.ReplicaSchedulingStrategy{ReplicaSchedulingType: policyv1alpha1.ReplicaSchedulingTypeDuplicated}
	a := application(&p.Spec)
	a.PurgeMode, a.DecisionConditions = policyv1alpha1.PurgeModeDirectly, &policyv1alpha1.DecisionConditions{TolerationSeconds: ptr.To[int32](1)}
	want := p.Spec.DeepCopy()
	k := propagationPolicy(&atomic.Pointer[Surroundings]{})
	k.Default(p, nil)
	if diff := cmp.Diff(want, &p.Spec); diff != "" {
		t.Errorf("spec (-want +got):\n%s", diff)
	}
}

func TestForeignFinalizersAreDropped(t *testing.T) {
	t.Parallel()
	p := validPolicy()
	p.Finalizers = []string{"example.com/keep", policyv1alpha1.PropagationPolicyFinalizer}
	propagationPolicy(&atomic.Pointer[Surroundings]{}).Default(p, nil)
	cpp := &policyv1alpha1.ClusterPropagationPolicy{ObjectMeta: metav1.ObjectMeta{Finalizers: []string{policyv1alpha1.ClusterPropagationPolicyFinalizer}}}
	clusterPropagationPolicy(&atomic.Pointer[Surroundings]{}).Default(cpp, nil)
	if diff := cmp.Diff([]string{"example.com/keep"}, append(p.Finalizers, cpp.Finalizers...)); diff != "" {
		t.Errorf("finalizers (-want +got):\n%s", diff)
	}
}
