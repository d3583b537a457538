/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package policy

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	policyv1alpha1 "github.com/manifold-k8s/manifold/apis/policy/v1alpha1"
)

// maxAffinityNameLength bounds the names that a binding's status repeats.
const maxAffinityNameLength = 32

// ValidatePlacementShape checks what concerns each field of a placement by itself: required values, enumerations and
// lengths. A binding, which holds a copy of a policy's placement, is held to this much.
func ValidatePlacementShape(placement *policyv1alpha1.Placement, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	for i, term := range placement.ClusterAffinities {
		path := path.Child("clusterAffinities").Index(i)
		errs = append(errs, validateAffinityNameLength(term.AffinityName, path.Child("affinityName"))...)
		for j, overflow := range term.OverflowAffinities {
			errs = append(errs, validateAffinityNameLength(overflow.AffinityName, path.Child("overflowAffinities").Index(j).Child("affinityName"))...)
		}
	}
	for i, constraint := range placement.SpreadConstraints {
		if constraint.SpreadByField != "" {
			errs = append(errs, oneOf(path.Child("spreadConstraints").Index(i).Child("spreadByField"), constraint.SpreadByField,
				policyv1alpha1.SpreadByFieldCluster, policyv1alpha1.SpreadByFieldRegion,
				policyv1alpha1.SpreadByFieldZone, policyv1alpha1.SpreadByFieldProvider)...)
		}
	}
	if placement.ReplicaScheduling != nil {
		errs = append(errs, validateReplicaScheduling(placement.ReplicaScheduling, path.Child("replicaScheduling"))...)
	}
	if affinity := placement.WorkloadAffinity; affinity != nil {
		path := path.Child("workloadAffinity")
		if affinity.Affinity != nil && affinity.Affinity.GroupByLabelKey == "" {
			errs = append(errs, field.Required(path.Child("affinity", "groupByLabelKey"), "a label key"))
		}
		if affinity.AntiAffinity != nil && affinity.AntiAffinity.GroupByLabelKey == "" {
			errs = append(errs, field.Required(path.Child("antiAffinity", "groupByLabelKey"), "a label key"))
		}
	}
	return errs
}

func validateAffinityNameLength(name string, path *field.Path) field.ErrorList {
	switch {
	case name == "":
		return field.ErrorList{field.Required(path, "a name by which the binding's status refers to it")}
	case len(name) > maxAffinityNameLength:
		return field.ErrorList{field.TooLong(path, name, maxAffinityNameLength)}
	}
	return nil
}

func validateReplicaScheduling(scheduling *policyv1alpha1.ReplicaSchedulingStrategy, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	if scheduling.ReplicaSchedulingType != "" {
		errs = append(errs, oneOf(path.Child("replicaSchedulingType"), scheduling.ReplicaSchedulingType,
			policyv1alpha1.ReplicaSchedulingTypeDuplicated, policyv1alpha1.ReplicaSchedulingTypeDivided)...)
	}
	if scheduling.ReplicaDivisionPreference != "" {
		errs = append(errs, oneOf(path.Child("replicaDivisionPreference"), scheduling.ReplicaDivisionPreference,
			policyv1alpha1.ReplicaDivisionPreferenceAggregated, policyv1alpha1.ReplicaDivisionPreferenceWeighted)...)
	}
	if weights := scheduling.WeightPreference; weights != nil {
		path := path.Child("weightPreference")
		for i, entry := range weights.StaticWeightList {
			if entry.Weight < 1 {
				errs = append(errs, field.Invalid(path.Child("staticWeightList").Index(i).Child("weight"), entry.Weight, "must be at least 1"))
			}
		}
		if weights.DynamicWeight != "" {
			errs = append(errs, oneOf(path.Child("dynamicWeight"), weights.DynamicWeight, policyv1alpha1.DynamicWeightByAvailableReplicas)...)
		}
	}
	return errs
}

// validatePlacementRules checks the fields of a placement against each other, and its selectors.
func validatePlacementRules(placement *policyv1alpha1.Placement, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	if placement.ClusterAffinity != nil {
		errs = append(errs, ValidateAffinity(placement.ClusterAffinity, path.Child("clusterAffinity"))...)
		if placement.ClusterAffinities != nil {
			errs = append(errs, field.Forbidden(path.Child("clusterAffinities"), "must not be combined with clusterAffinity; use one of the two"))
		}
	}
	errs = append(errs, validateAffinityTerms(placement, path.Child("clusterAffinities"))...)
	errs = append(errs, validateTolerations(placement.ClusterTolerations, path.Child("clusterTolerations"))...)
	errs = append(errs, validateSpreadConstraints(placement.SpreadConstraints, path.Child("spreadConstraints"))...)
	if scheduling := placement.ReplicaScheduling; scheduling != nil && scheduling.WeightPreference != nil {
		list := path.Child("replicaScheduling", "weightPreference", "staticWeightList")
		for i := range scheduling.WeightPreference.StaticWeightList {
			errs = append(errs, ValidateAffinity(&scheduling.WeightPreference.StaticWeightList[i].TargetCluster, list.Index(i).Child("targetCluster"))...)
		}
	}
	if placement.WorkloadAffinity != nil {
		errs = append(errs, validateWorkloadAffinity(placement.WorkloadAffinity, path.Child("workloadAffinity"))...)
	}
	return errs
}

func validateAffinityTerms(placement *policyv1alpha1.Placement, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	names := sets.New[string]()
	for i := range placement.ClusterAffinities {
		term := &placement.ClusterAffinities[i]
		path := path.Index(i)
		errs = append(errs, validateAffinityName(term.AffinityName, names, path.Child("affinityName"))...)
		errs = append(errs, ValidateAffinity(&term.ClusterAffinity, path)...)
		if len(term.OverflowAffinities) == 0 {
			continue
		}
		overflows := path.Child("overflowAffinities")
		if !dividesByCapacity(placement.ReplicaScheduling) {
			errs = append(errs, field.Forbidden(overflows,
				"only when replicas are divided by capacity: replicaSchedulingType Divided, with the preference Aggregated or with a dynamicWeight"))
		}
		if isEmpty(&term.ClusterAffinity) {
			errs = append(errs, field.Forbidden(overflows, "needs a term that selects clusters itself: an empty one selects all, and nothing can overflow"))
		}
		inTerm := sets.New(term.AffinityName)
		for j := range term.OverflowAffinities {
			overflow := &term.OverflowAffinities[j]
			errs = append(errs, validateAffinityName(overflow.AffinityName, inTerm, overflows.Index(j).Child("affinityName"))...)
			errs = append(errs, ValidateAffinity(&overflow.ClusterAffinity, overflows.Index(j))...)
		}
	}
	return errs
}

// validateAffinityName checks the syntax of a name of permitted length, and that seen lacks it; seen gains it.
func validateAffinityName(name string, seen sets.Set[string], path *field.Path) field.ErrorList {
	if name == "" {
		return nil // the shape is wrong, and reported
	}
	errs := validateLabelKey(name, path)
	if seen.Has(name) {
		errs = append(errs, field.Duplicate(path, name))
	}
	seen.Insert(name)
	return errs
}

func validateLabelKey(key string, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	for _, msg := range validation.IsQualifiedName(key) {
		errs = append(errs, field.Invalid(path, key, msg))
	}
	return errs
}

func dividesByCapacity(s *policyv1alpha1.ReplicaSchedulingStrategy) bool {
	if s == nil || s.ReplicaSchedulingType != policyv1alpha1.ReplicaSchedulingTypeDivided {
		return false
	}
	switch s.ReplicaDivisionPreference {
	case policyv1alpha1.ReplicaDivisionPreferenceAggregated:
		return true
	case policyv1alpha1.ReplicaDivisionPreferenceWeighted:
		return s.WeightPreference != nil && s.WeightPreference.DynamicWeight != ""
	}
	return false
}

func isEmpty(a *policyv1alpha1.ClusterAffinity) bool {
	return a.LabelSelector == nil && a.FieldSelector == nil && len(a.ClusterNames) == 0 && len(a.ExcludeClusters) == 0
}

func validateTolerations(tolerations []corev1.Toleration, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	for i, toleration := range tolerations {
		switch toleration.Operator {
		case "", corev1.TolerationOpExists, corev1.TolerationOpEqual:
		default:
			errs = append(errs, field.NotSupported(path.Index(i).Child("operator"), toleration.Operator,
				[]corev1.TolerationOperator{"", corev1.TolerationOpExists, corev1.TolerationOpEqual}))
		}
	}
	return errs
}

func validateSpreadConstraints(constraints []policyv1alpha1.SpreadConstraint, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	uses := map[policyv1alpha1.SpreadFieldValue]int{}
	for i, c := range constraints {
		path := path.Index(i)
		if c.SpreadByField != "" && c.SpreadByLabel != "" {
			errs = append(errs, field.Forbidden(path.Child("spreadByLabel"), "must not be combined with spreadByField; use one of the two"))
		}
		if c.MinGroups < 0 {
			errs = append(errs, field.Invalid(path.Child("minGroups"), c.MinGroups, "must not be negative"))
		}
		switch {
		case c.MaxGroups < 0:
			errs = append(errs, field.Invalid(path.Child("maxGroups"), c.MaxGroups, "must not be negative"))
		case c.MaxGroups > 0 && c.MaxGroups < c.MinGroups:
			errs = append(errs, field.Invalid(path.Child("maxGroups"), c.MaxGroups, fmt.Sprintf("must not be less than minGroups, which is %d", c.MinGroups)))
		}
		if c.SpreadByField == "" {
			continue
		}
		uses[c.SpreadByField]++
		if uses[c.SpreadByField] == 2 {
			errs = append(errs, field.Duplicate(path.Child("spreadByField"), c.SpreadByField))
		}
	}
	if len(uses) > 0 && uses[policyv1alpha1.SpreadByFieldCluster] == 0 {
		errs = append(errs, field.Required(path, `an entry with spreadByField "cluster" beside those for other fields`))
	}
	return errs
}

func validateWorkloadAffinity(affinity *policyv1alpha1.WorkloadAffinity, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	var together, apart string
	if affinity.Affinity != nil {
		together = affinity.Affinity.GroupByLabelKey
	}
	if affinity.AntiAffinity != nil {
		apart = affinity.AntiAffinity.GroupByLabelKey
	}
	if together != "" {
		errs = append(errs, validateLabelKey(together, path.Child("affinity", "groupByLabelKey"))...)
	}
	if apart != "" {
		errs = append(errs, validateLabelKey(apart, path.Child("antiAffinity", "groupByLabelKey"))...)
	}
	if together != "" && together == apart {
		errs = append(errs, field.Invalid(path.Child("antiAffinity", "groupByLabelKey"), apart,
			"must differ from affinity.groupByLabelKey: a group cannot be kept together and apart"))
	}
	return errs
}

// ValidateAffinity checks a filter on clusters, wherever it is used.
func ValidateAffinity(affinity *policyv1alpha1.ClusterAffinity, path *field.Path) field.ErrorList {
	errs := validateLabelSelector(affinity.LabelSelector, path.Child("labelSelector"))
	if affinity.FieldSelector == nil {
		return errs
	}
	for i, requirement := range affinity.FieldSelector.MatchExpressions {
		path := path.Child("fieldSelector", "matchExpressions").Index(i)
		errs = append(errs, oneOf(path.Child("key"), requirement.Key, "provider", "region", "zone")...)
		errs = append(errs, oneOf(path.Child("operator"), requirement.Operator, corev1.NodeSelectorOpIn, corev1.NodeSelectorOpNotIn)...)
	}
	return errs
}
