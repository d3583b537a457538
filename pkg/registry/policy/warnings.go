/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package policy

import (
	"fmt"

	"k8s.io/apimachinery/pkg/util/validation/field"

	policyv1alpha1 "github.com/manifold-k8s/manifold/apis/policy/v1alpha1"
)

type propagation = policyv1alpha1.PropagationSpec

// noEffectYet lists the fields of a propagation policy that are accepted and stored but not acted upon. Whoever makes one
// work takes its line away.
var noEffectYet = []struct {
	path string
	set  func(*propagation) bool
}{
	{"spec.placement.workloadAffinity", func(s *propagation) bool { return s.Placement.WorkloadAffinity != nil }},
	{"spec.schedulerName", func(s *propagation) bool {
		return s.SchedulerName != "" && s.SchedulerName != policyv1alpha1.DefaultSchedulerName
	}},
	{"spec.failover", func(s *propagation) bool {
		return s.Failover != nil && (s.Failover.Application != nil || s.Failover.Cluster != nil)
	}},
	{"spec.schedulePriority", func(s *propagation) bool { return s.SchedulePriority != nil }},
}

// NoEffectYet returns the paths of the fields set in a policy's spec that nothing acts upon yet, in a stable order.
func NoEffectYet(spec *policyv1alpha1.PropagationSpec) []string {
	var paths []string
	for _, f := range noEffectYet {
		if f.set(spec) {
			paths = append(paths, f.path)
		}
	}
	for i, constraint := range spec.Placement.SpreadConstraints {
		if constraint.SpreadByLabel != "" {
			paths = append(paths, field.NewPath("spec", "placement", "spreadConstraints").Index(i).Child("spreadByLabel").String())
		}
	}
	return paths
}

// totalRoom is said of policies that divide by room.
const totalRoom = "spec.placement.replicaScheduling: the room of a cluster is its total capacity, what runs there is not deducted yet"

func propagationWarnings(spec *policyv1alpha1.PropagationSpec) []string {
	warnings := selectorWarnings(spec.ResourceSelectors)
	for _, path := range NoEffectYet(spec) {
		warnings = append(warnings, path+": has no effect yet")
	}
	if spec.Association {
		warnings = append(warnings, "spec.association: deprecated and without effect, use propagateDeps")
	}
	scheduling := spec.Placement.ReplicaScheduling
	if dividesByRoom(scheduling) {
		warnings = append(warnings, totalRoom)
	}
	if scheduling == nil || scheduling.WeightPreference == nil {
		return warnings
	}
	const weights = "spec.placement.replicaScheduling.weightPreference"
	switch weighted := scheduling.ReplicaDivisionPreference == policyv1alpha1.ReplicaDivisionPreferenceWeighted; {
	case scheduling.ReplicaSchedulingType == policyv1alpha1.ReplicaSchedulingTypeDuplicated:
		warnings = append(warnings, weights+": ignored because replicaSchedulingType is Duplicated")
	case !weighted:
		warnings = append(warnings, fmt.Sprintf("%s: ignored because replicaDivisionPreference is %s", weights, scheduling.ReplicaDivisionPreference))
	case len(scheduling.WeightPreference.StaticWeightList) > 0 && scheduling.WeightPreference.DynamicWeight != "":
		warnings = append(warnings, weights+".staticWeightList: ignored because dynamicWeight is set")
	}
	return warnings
}

// dividesByRoom reports whether shares depend on how much room clusters have.
func dividesByRoom(s *policyv1alpha1.ReplicaSchedulingStrategy) bool {
	if s == nil || s.ReplicaSchedulingType == policyv1alpha1.ReplicaSchedulingTypeDuplicated {
		return false
	}
	return s.ReplicaDivisionPreference == policyv1alpha1.ReplicaDivisionPreferenceAggregated ||
		(s.WeightPreference != nil && s.WeightPreference.DynamicWeight != "")
}

func overrideWarnings(spec *policyv1alpha1.OverrideSpec) []string {
	warnings := selectorWarnings(spec.ResourceSelectors)
	if spec.TargetCluster != nil {
		warnings = append(warnings, "spec.targetCluster: deprecated, use overrideRules")
	}
	if !hasNone(&spec.Overriders) {
		warnings = append(warnings, "spec.overriders: deprecated, use overrideRules")
	}
	return warnings
}

func selectorWarnings(selectors []policyv1alpha1.ResourceSelector) []string {
	var warnings []string
	for i, selector := range selectors {
		if selector.Name != "" && selector.LabelSelector != nil {
			warnings = append(warnings, fmt.Sprintf("spec.resourceSelectors[%d].labelSelector: ignored because name is set", i))
		}
	}
	return warnings
}
