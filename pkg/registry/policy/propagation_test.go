/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package policy

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"

	policyv1alpha1 "github.com/manifold-k8s/manifold/apis/policy/v1alpha1"
)

// found prints errors as "type path", in order.
func found(errs field.ErrorList) []string {
	var out []string
	for _, err := range errs {
		out = append(out, strings.TrimPrefix(string(err.Type), "FieldValue")+" "+err.Field)
	}
	return out
}

func validPolicy() *policyv1alpha1.PropagationPolicy {
	return &policyv1alpha1.PropagationPolicy{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web"},
		Spec: policyv1alpha1.PropagationSpec{
			ResourceSelectors: []policyv1alpha1.ResourceSelector{{APIVersion: "apps/v1", Kind: "Deployment", Name: "web"}},
		},
	}
}

func weighted(s *policyv1alpha1.PropagationSpec, dynamic policyv1alpha1.DynamicWeightFactor) {
	s.Placement.ReplicaScheduling = &policyv1alpha1.ReplicaSchedulingStrategy{
		WeightPreference: &policyv1alpha1.ClusterPreferences{DynamicWeight: dynamic},
	}
}

func term(name string, clusters ...string) policyv1alpha1.ClusterAffinityTerm {
	return policyv1alpha1.ClusterAffinityTerm{AffinityName: name, ClusterAffinity: policyv1alpha1.ClusterAffinity{ClusterNames: clusters}}
}

func overflow(name string) []policyv1alpha1.OverflowAffinity {
	return []policyv1alpha1.OverflowAffinity{{AffinityName: name}}
}

func fields(key string, operator corev1.NodeSelectorOperator) *policyv1alpha1.FieldSelector {
	return &policyv1alpha1.FieldSelector{MatchExpressions: []corev1.NodeSelectorRequirement{{Key: key, Operator: operator, Values: []string{"x"}}}}
}

func badLabels() *metav1.LabelSelector {
	return &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{Key: "a", Operator: "Near"}}}
}

func application(s *policyv1alpha1.PropagationSpec) *policyv1alpha1.ApplicationFailoverBehavior {
	s.PropagateDeps = true
	s.Failover = &policyv1alpha1.FailoverBehavior{Application: &policyv1alpha1.ApplicationFailoverBehavior{}}
	return s.Failover.Application
}

func state(label, path string) *policyv1alpha1.StatePreservation {
	return &policyv1alpha1.StatePreservation{Rules: []policyv1alpha1.StatePreservationRule{{AliasLabelName: label, JSONPath: path}}}
}

func TestPropagationPolicyValidation(t *testing.T) {
	t.Parallel()
	type spec = policyv1alpha1.PropagationSpec
	const affinities = "spec.placement.clusterAffinities"
	cases := map[string]struct {
		set  func(*spec)
		want []string
	}{
		"minimal": {set: func(*spec) {}},
		"everything set": {set: func(s *spec) {
			s.PropagateDeps = true
			s.Priority = ptr.To[int32](-3)
			s.Preemption = policyv1alpha1.PreemptAlways
			s.DependentOverrides = []string{"o"}
			s.SchedulerName = "other"
			s.ConflictResolution = policyv1alpha1.ConflictOverwrite
			s.ActivationPreference = policyv1alpha1.LazyActivation
			s.PreserveResourcesOnDeletion = ptr.To(true)
			s.SchedulePriority = &policyv1alpha1.SchedulePriority{PriorityClassSource: policyv1alpha1.KubePriorityClass, PriorityClassName: "high"}
			s.Suspension = &policyv1alpha1.Suspension{DispatchingOnClusters: &policyv1alpha1.SuspendClusters{ClusterNames: []string{"m1"}}}
			s.Failover = &policyv1alpha1.FailoverBehavior{
				Application: &policyv1alpha1.ApplicationFailoverBehavior{StatePreservation: state("example.com/id", "{.id}")},
				Cluster:     &policyv1alpha1.ClusterFailoverBehavior{PurgeMode: policyv1alpha1.PurgeModeDirectly},
			}
			s.Placement = policyv1alpha1.Placement{
				ClusterAffinities:  []policyv1alpha1.ClusterAffinityTerm{term("first", "m1"), term("second")},
				ClusterTolerations: []corev1.Toleration{{Operator: corev1.TolerationOpExists}, {Key: "k", Operator: corev1.TolerationOpEqual}, {Key: "k"}},
				SpreadConstraints: []policyv1alpha1.SpreadConstraint{
					{SpreadByField: policyv1alpha1.SpreadByFieldRegion, MinGroups: 1, MaxGroups: 2},
					{SpreadByField: policyv1alpha1.SpreadByFieldCluster, MinGroups: 2, MaxGroups: 2},
				},
				WorkloadAffinity: &policyv1alpha1.WorkloadAffinity{
					Affinity:     &policyv1alpha1.WorkloadAffinityTerm{GroupByLabelKey: "app"},
					AntiAffinity: &policyv1alpha1.WorkloadAffinityTerm{GroupByLabelKey: "example.com/tier"},
				},
			}
		}},

		"no selectors": {
			set:  func(s *spec) { s.ResourceSelectors = nil },
			want: []string{"Required spec.resourceSelectors"},
		},
		"selector without apiVersion and kind": {
			set:  func(s *spec) { s.ResourceSelectors[0] = policyv1alpha1.ResourceSelector{Name: "web"} },
			want: []string{"Required spec.resourceSelectors[0].apiVersion", "Required spec.resourceSelectors[0].kind"},
		},
		"selector in another namespace": {
			set:  func(s *spec) { s.ResourceSelectors[0].Namespace = "bank" },
			want: []string{"Invalid spec.resourceSelectors[0].namespace"},
		},
		"selector that can never match": {
			set:  func(s *spec) { s.ResourceSelectors[0].LabelSelector = badLabels() },
			want: []string{"Invalid spec.resourceSelectors[0].labelSelector.matchExpressions[0].operator"},
		},
		"unknown preemption": {
			set:  func(s *spec) { s.Preemption = "Sometimes" },
			want: []string{"NotSupported spec.preemption"},
		},
		"preemption without names": {
			set: func(s *spec) {
				s.Preemption = policyv1alpha1.PreemptAlways
				s.ResourceSelectors[0].Name = ""
			},
			want: []string{"Required spec.resourceSelectors[0].name"},
		},
		"unknown conflict resolution": {
			set:  func(s *spec) { s.ConflictResolution = "Merge" },
			want: []string{"NotSupported spec.conflictResolution"},
		},
		"unknown activation preference": {
			set:  func(s *spec) { s.ActivationPreference = "Eager" },
			want: []string{"NotSupported spec.activationPreference"},
		},
		"empty dependent override": {
			set:  func(s *spec) { s.DependentOverrides = []string{"a", ""} },
			want: []string{"Required spec.dependentOverrides[1]"},
		},
		"all and some clusters suspended": {
			set: func(s *spec) {
				s.Suspension = &policyv1alpha1.Suspension{Dispatching: ptr.To(true),
					DispatchingOnClusters: &policyv1alpha1.SuspendClusters{ClusterNames: []string{"m1"}}}
			},
			want: []string{"Invalid spec.suspension.dispatching"},
		},
		"all clusters suspended, none named": {
			set: func(s *spec) {
				s.Suspension = &policyv1alpha1.Suspension{Dispatching: ptr.To(true), DispatchingOnClusters: &policyv1alpha1.SuspendClusters{}}
			},
		},
		"unknown priority class source": {
			set: func(s *spec) {
				s.SchedulePriority = &policyv1alpha1.SchedulePriority{PriorityClassSource: "PodPriorityClass"}
			},
			want: []string{"NotSupported spec.schedulePriority.priorityClassSource", "Required spec.schedulePriority.priorityClassName"},
		},
		"no priority class source": {
			set:  func(s *spec) { s.SchedulePriority = &policyv1alpha1.SchedulePriority{PriorityClassName: "high"} },
			want: []string{"Required spec.schedulePriority.priorityClassSource"},
		},

		"affinity and affinities": {
			set: func(s *spec) {
				s.Placement.ClusterAffinity = &policyv1alpha1.ClusterAffinity{}
				s.Placement.ClusterAffinities = []policyv1alpha1.ClusterAffinityTerm{term("a")}
			},
			want: []string{"Forbidden " + affinities},
		},
		"affinity labels": {
			set: func(s *spec) {
				s.Placement.ClusterAffinity = &policyv1alpha1.ClusterAffinity{LabelSelector: badLabels()}
			},
			want: []string{"Invalid spec.placement.clusterAffinity.labelSelector.matchExpressions[0].operator"},
		},
		"affinity label value": {
			set: func(s *spec) {
				s.Placement.ClusterAffinity = &policyv1alpha1.ClusterAffinity{LabelSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"a": "not a value"}}}
			},
			want: []string{"Invalid spec.placement.clusterAffinity.labelSelector.matchLabels"},
		},
		"field selector key": {
			set: func(s *spec) {
				s.Placement.ClusterAffinity = &policyv1alpha1.ClusterAffinity{FieldSelector: fields("planet", corev1.NodeSelectorOpIn)}
			},
			want: []string{"NotSupported spec.placement.clusterAffinity.fieldSelector.matchExpressions[0].key"},
		},
		"field selector operator": {
			set: func(s *spec) {
				s.Placement.ClusterAffinity = &policyv1alpha1.ClusterAffinity{FieldSelector: fields("zone", corev1.NodeSelectorOpExists)}
			},
			want: []string{"NotSupported spec.placement.clusterAffinity.fieldSelector.matchExpressions[0].operator"},
		},
		"field selector without operator": {
			set: func(s *spec) {
				s.Placement.ClusterAffinity = &policyv1alpha1.ClusterAffinity{FieldSelector: fields("region", "")}
			},
			want: []string{"Required spec.placement.clusterAffinity.fieldSelector.matchExpressions[0].operator"},
		},
		"affinity name missing": {
			set: func(s *spec) {
				s.Placement.ClusterAffinities = []policyv1alpha1.ClusterAffinityTerm{term("a"), term("")}
			},
			want: []string{"Required " + affinities + "[1].affinityName"},
		},
		"affinity name too long": {
			set: func(s *spec) {
				s.Placement.ClusterAffinities = []policyv1alpha1.ClusterAffinityTerm{term(strings.Repeat("a", 33))}
			},
			want: []string{"TooLong " + affinities + "[0].affinityName"},
		},
		"affinity name of full length": {
			set: func(s *spec) {
				s.Placement.ClusterAffinities = []policyv1alpha1.ClusterAffinityTerm{term(strings.Repeat("a", 32))}
			},
		},
		"affinity name malformed": {
			set: func(s *spec) {
				s.Placement.ClusterAffinities = []policyv1alpha1.ClusterAffinityTerm{term("not a key")}
			},
			want: []string{"Invalid " + affinities + "[0].affinityName"},
		},
		"affinity name twice": {
			set: func(s *spec) {
				s.Placement.ClusterAffinities = []policyv1alpha1.ClusterAffinityTerm{term("a"), term("b"), term("a")}
			},
			want: []string{"Duplicate " + affinities + "[2].affinityName"},
		},
		"affinity term with a bad field selector": {
			set: func(s *spec) {
				bad := term("a")
				bad.FieldSelector = fields("planet", corev1.NodeSelectorOpIn)
				s.Placement.ClusterAffinities = []policyv1alpha1.ClusterAffinityTerm{bad}
			},
			want: []string{"NotSupported " + affinities + "[0].fieldSelector.matchExpressions[0].key"},
		},
		"overflow without division": {
			set: func(s *spec) {
				full := term("a", "m1")
				full.OverflowAffinities = overflow("b")
				s.Placement.ClusterAffinities = []policyv1alpha1.ClusterAffinityTerm{full}
			},
			want: []string{"Forbidden " + affinities + "[0].overflowAffinities"},
		},
		"overflow with static weights": {
			set: func(s *spec) {
				full := term("a", "m1")
				full.OverflowAffinities = overflow("b")
				s.Placement.ClusterAffinities = []policyv1alpha1.ClusterAffinityTerm{full}
				weighted(s, "")
			},
			want: []string{"Forbidden " + affinities + "[0].overflowAffinities"},
		},
		"overflow of an empty term": {
			set: func(s *spec) {
				full := term("a")
				full.OverflowAffinities = overflow("b")
				s.Placement.ClusterAffinities = []policyv1alpha1.ClusterAffinityTerm{full}
				weighted(s, policyv1alpha1.DynamicWeightByAvailableReplicas)
			},
			want: []string{"Forbidden " + affinities + "[0].overflowAffinities"},
		},
		"overflow with dynamic weight": {
			set: func(s *spec) {
				full := term("a", "m1")
				full.OverflowAffinities = overflow("b")
				s.Placement.ClusterAffinities = []policyv1alpha1.ClusterAffinityTerm{full}
				weighted(s, policyv1alpha1.DynamicWeightByAvailableReplicas)
			},
		},
		"overflow with aggregation": {
			set: func(s *spec) {
				full := term("a", "m1")
				full.OverflowAffinities = overflow("b")
				s.Placement.ClusterAffinities = []policyv1alpha1.ClusterAffinityTerm{full}
				s.Placement.ReplicaScheduling = &policyv1alpha1.ReplicaSchedulingStrategy{ReplicaDivisionPreference: policyv1alpha1.ReplicaDivisionPreferenceAggregated}
			},
		},
		"overflow names": {
			set: func(s *spec) {
				full := term("a", "m1")
				full.OverflowAffinities = []policyv1alpha1.OverflowAffinity{{AffinityName: "a"}, {AffinityName: "b"}, {AffinityName: "b"}, {}, {AffinityName: "?"}}
				s.Placement.ClusterAffinities = []policyv1alpha1.ClusterAffinityTerm{full}
				weighted(s, policyv1alpha1.DynamicWeightByAvailableReplicas)
			},
			want: []string{
				"Required " + affinities + "[0].overflowAffinities[3].affinityName",
				"Duplicate " + affinities + "[0].overflowAffinities[0].affinityName",
				"Duplicate " + affinities + "[0].overflowAffinities[2].affinityName",
				"Invalid " + affinities + "[0].overflowAffinities[4].affinityName",
			},
		},
		"overflow with a bad field selector": {
			set: func(s *spec) {
				full := term("a", "m1")
				full.OverflowAffinities = overflow("b")
				full.OverflowAffinities[0].FieldSelector = fields("zone", "Gt")
				s.Placement.ClusterAffinities = []policyv1alpha1.ClusterAffinityTerm{full}
				weighted(s, policyv1alpha1.DynamicWeightByAvailableReplicas)
			},
			want: []string{"NotSupported " + affinities + "[0].overflowAffinities[0].fieldSelector.matchExpressions[0].operator"},
		},

		"toleration Lt and Gt": {
			set: func(s *spec) {
				s.Placement.ClusterTolerations = []corev1.Toleration{{Operator: "Lt"}, {Operator: "Gt"}}
			},
			want: []string{"NotSupported spec.placement.clusterTolerations[0].operator", "NotSupported spec.placement.clusterTolerations[1].operator"},
		},

		"spread by unknown field": {
			set: func(s *spec) {
				s.Placement.SpreadConstraints = []policyv1alpha1.SpreadConstraint{{SpreadByField: "rack"}, {}}
			},
			want: []string{"NotSupported spec.placement.spreadConstraints[0].spreadByField"},
		},
		"spread by field and label": {
			set: func(s *spec) {
				s.Placement.SpreadConstraints = []policyv1alpha1.SpreadConstraint{{SpreadByField: policyv1alpha1.SpreadByFieldCluster, SpreadByLabel: "x"}}
			},
			want: []string{"Forbidden spec.placement.spreadConstraints[0].spreadByLabel"},
		},
		"spread by label alone": {
			set: func(s *spec) { s.Placement.SpreadConstraints = []policyv1alpha1.SpreadConstraint{{SpreadByLabel: "x"}} },
		},
		"negative groups": {
			set: func(s *spec) {
				s.Placement.SpreadConstraints = []policyv1alpha1.SpreadConstraint{{MinGroups: -1, MaxGroups: -2}}
			},
			want: []string{"Invalid spec.placement.spreadConstraints[0].minGroups", "Invalid spec.placement.spreadConstraints[0].maxGroups"},
		},
		"fewer groups at most than at least": {
			set: func(s *spec) {
				s.Placement.SpreadConstraints = []policyv1alpha1.SpreadConstraint{{MinGroups: 3, MaxGroups: 2}}
			},
			want: []string{"Invalid spec.placement.spreadConstraints[0].maxGroups"},
		},
		"no upper bound": {
			set: func(s *spec) { s.Placement.SpreadConstraints = []policyv1alpha1.SpreadConstraint{{MinGroups: 3}} },
		},
		"same spread field thrice is reported once": {
			set:  func(s *spec) { s.Placement.SpreadConstraints = make([]policyv1alpha1.SpreadConstraint, 3) },
			want: []string{"Duplicate spec.placement.spreadConstraints[1].spreadByField"},
		},
		"spread without cluster": {
			set: func(s *spec) {
				s.Placement.SpreadConstraints = []policyv1alpha1.SpreadConstraint{{SpreadByField: policyv1alpha1.SpreadByFieldRegion}}
			},
			want: []string{"Required spec.placement.spreadConstraints"},
		},

		"unknown scheduling type": {
			set: func(s *spec) {
				s.Placement.ReplicaScheduling = &policyv1alpha1.ReplicaSchedulingStrategy{ReplicaSchedulingType: "Halved"}
			},
			want: []string{"NotSupported spec.placement.replicaScheduling.replicaSchedulingType"},
		},
		"unknown division preference": {
			set: func(s *spec) {
				s.Placement.ReplicaScheduling = &policyv1alpha1.ReplicaSchedulingStrategy{ReplicaDivisionPreference: "Random"}
			},
			want: []string{"NotSupported spec.placement.replicaScheduling.replicaDivisionPreference"},
		},
		"unknown dynamic weight": {
			set:  func(s *spec) { weighted(s, "Price") },
			want: []string{"NotSupported spec.placement.replicaScheduling.weightPreference.dynamicWeight"},
		},
		"static weights": {
			set: func(s *spec) {
				weighted(s, "")
				s.Placement.ReplicaScheduling.WeightPreference.StaticWeightList = []policyv1alpha1.StaticClusterWeight{
					{Weight: 1}, {Weight: 0}, {Weight: 1, TargetCluster: policyv1alpha1.ClusterAffinity{LabelSelector: badLabels()}},
				}
			},
			want: []string{
				"Invalid spec.placement.replicaScheduling.weightPreference.staticWeightList[1].weight",
				"Invalid spec.placement.replicaScheduling.weightPreference.staticWeightList[2].targetCluster.labelSelector.matchExpressions[0].operator",
			},
		},
		"workload affinity keys": {
			set: func(s *spec) {
				s.Placement.WorkloadAffinity = &policyv1alpha1.WorkloadAffinity{
					Affinity: &policyv1alpha1.WorkloadAffinityTerm{}, AntiAffinity: &policyv1alpha1.WorkloadAffinityTerm{GroupByLabelKey: "no key"}}
			},
			want: []string{
				"Required spec.placement.workloadAffinity.affinity.groupByLabelKey",
				"Invalid spec.placement.workloadAffinity.antiAffinity.groupByLabelKey",
			},
		},
		"workload affinity to and against the same": {
			set: func(s *spec) {
				s.Placement.WorkloadAffinity = &policyv1alpha1.WorkloadAffinity{
					Affinity: &policyv1alpha1.WorkloadAffinityTerm{GroupByLabelKey: "app"}, AntiAffinity: &policyv1alpha1.WorkloadAffinityTerm{GroupByLabelKey: "app"}}
			},
			want: []string{"Invalid spec.placement.workloadAffinity.antiAffinity.groupByLabelKey"},
		},

		"application failover without dependencies": {
			set: func(s *spec) {
				application(s)
				s.PropagateDeps = false
			},
			want: []string{"Invalid spec.propagateDeps"},
		},
		"negative toleration": {
			set:  func(s *spec) { application(s).DecisionConditions.TolerationSeconds = ptr.To[int32](-1) },
			want: []string{"Invalid spec.failover.application.decisionConditions.tolerationSeconds"},
		},
		"unknown purge mode of application": {
			set:  func(s *spec) { application(s).PurgeMode = "Softly" },
			want: []string{"NotSupported spec.failover.application.purgeMode"},
		},
		"grace period of zero": {
			set:  func(s *spec) { application(s).GracePeriodSeconds = ptr.To[int32](0) },
			want: []string{"Invalid spec.failover.application.gracePeriodSeconds"},
		},
		"grace period without grace": {
			set: func(s *spec) {
				a := application(s)
				a.PurgeMode, a.GracePeriodSeconds = policyv1alpha1.PurgeModeNever, ptr.To[int32](5)
			},
			want: []string{"Forbidden spec.failover.application.gracePeriodSeconds"},
		},
		"purge mode Never of cluster": {
			set: func(s *spec) {
				s.Failover = &policyv1alpha1.FailoverBehavior{Cluster: &policyv1alpha1.ClusterFailoverBehavior{PurgeMode: policyv1alpha1.PurgeModeNever}}
			},
			want: []string{"NotSupported spec.failover.cluster.purgeMode"},
		},
		"state without rules": {
			set:  func(s *spec) { application(s).StatePreservation = &policyv1alpha1.StatePreservation{} },
			want: []string{"Required spec.failover.application.statePreservation.rules"},
		},
		"state rule empty": {
			set: func(s *spec) { application(s).StatePreservation = state("", "") },
			want: []string{
				"Required spec.failover.application.statePreservation.rules[0].aliasLabelName",
				"Required spec.failover.application.statePreservation.rules[0].jsonPath",
			},
		},
		"state label malformed": {
			set: func(s *spec) {
				s.Failover = &policyv1alpha1.FailoverBehavior{Cluster: &policyv1alpha1.ClusterFailoverBehavior{StatePreservation: state("a b", "{.x}")}}
			},
			want: []string{"Invalid spec.failover.cluster.statePreservation.rules[0].aliasLabelName"},
		},
		"several at once": {
			set: func(s *spec) {
				s.ConflictResolution = "x"
				s.Placement.ClusterTolerations = []corev1.Toleration{{Operator: "Lt"}}
			},
			want: []string{"NotSupported spec.placement.clusterTolerations[0].operator", "NotSupported spec.conflictResolution"},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := validPolicy()
			c.set(&p.Spec)
			k := propagationPolicy()
			k.Default(p, nil)
			if diff := cmp.Diff(c.want, found(k.Validate(p))); diff != "" {
				t.Errorf("errors (-want +got):\n%s", diff)
			}
		})
	}
}

func TestClusterPropagationPolicySelectsInAnyNamespace(t *testing.T) {
	t.Parallel()
	p := &policyv1alpha1.ClusterPropagationPolicy{ObjectMeta: metav1.ObjectMeta{Name: "web"}, Spec: validPolicy().Spec}
	p.Spec.ResourceSelectors = append(p.Spec.ResourceSelectors, policyv1alpha1.ResourceSelector{APIVersion: "v1", Kind: "Secret", Namespace: "bank"})
	k := clusterPropagationPolicy()
	k.Default(p, nil)
	if errs := k.Validate(p); len(errs) > 0 {
		t.Errorf("rejected: %v", errs)
	}
	if got := p.Spec.ResourceSelectors[0].Namespace; got != "" {
		t.Errorf("selector namespace is %q, want none", got)
	}
}
