/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package policy

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	policyv1alpha1 "github.com/manifold-k8s/manifold/apis/policy/v1alpha1"
	"github.com/manifold-k8s/manifold/pkg/match"
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
	for path, affinity := range propagationAffinities(spec) {
		warnings = append(warnings, affinityWarnings(affinity, path)...)
	}
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
	for path, affinity := range overrideAffinities(spec) {
		warnings = append(warnings, affinityWarnings(affinity, path)...)
	}
	rules := field.NewPath("spec", "overrideRules")
	for i := range spec.OverrideRules {
		if hasNone(&spec.OverrideRules[i].Overriders) {
			warnings = append(warnings, fmt.Sprintf("%s: empty, so the rule changes nothing", rules.Index(i).Child("overriders")))
		}
	}
	if len(spec.OverrideRules) == 0 && hasNone(&spec.Overriders) {
		warnings = append(warnings, fmt.Sprintf("%s: there are none, so the policy changes nothing", rules))
	}
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
		path := field.NewPath("spec", "resourceSelectors").Index(i).Child("labelSelector")
		if selector.Name != "" && selector.LabelSelector != nil {
			warnings = append(warnings, fmt.Sprintf("%s: ignored because name is set", path))
		} else if why := match.Contradiction(selector.LabelSelector); why != "" {
			warnings = append(warnings, fmt.Sprintf("%s: nothing can match: %s", path, why))
		}
	}
	return warnings
}

// affinityWarnings says why a filter can let no cluster pass.
func affinityWarnings(affinity *policyv1alpha1.ClusterAffinity, path *field.Path) []string {
	var warnings []string
	if why := match.Contradiction(affinity.LabelSelector); why != "" {
		warnings = append(warnings, fmt.Sprintf("%s: no cluster can match: %s", path.Child("labelSelector"), why))
	}
	if affinity.FieldSelector != nil {
		for i, r := range affinity.FieldSelector.MatchExpressions {
			if r.Operator == corev1.NodeSelectorOpIn && len(r.Values) == 0 {
				warnings = append(warnings, fmt.Sprintf("%s: empty, so no cluster can match; list what %s may be",
					path.Child("fieldSelector", "matchExpressions").Index(i).Child("values"), r.Key))
			}
		}
	}
	excluded := func(name string) bool { return slices.Contains(affinity.ExcludeClusters, name) }
	if names := affinity.ClusterNames; len(names) > 0 && !slices.ContainsFunc(names, func(name string) bool { return !excluded(name) }) {
		warnings = append(warnings, fmt.Sprintf("%s: contains all clusterNames, so no cluster can match", path.Child("exclude")))
	}
	return warnings
}
