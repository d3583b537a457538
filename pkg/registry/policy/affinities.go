/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package policy

import (
	"iter"

	"k8s.io/apimachinery/pkg/util/validation/field"

	policyv1alpha1 "github.com/manifold-k8s/manifold/apis/policy/v1alpha1"
)

// propagationAffinities yields every filter on clusters that a propagation policy has, with its path.
func propagationAffinities(spec *policyv1alpha1.PropagationSpec) iter.Seq2[*field.Path, *policyv1alpha1.ClusterAffinity] {
	placement, path := &spec.Placement, field.NewPath("spec", "placement")
	return func(yield func(*field.Path, *policyv1alpha1.ClusterAffinity) bool) {
		if placement.ClusterAffinity != nil && !yield(path.Child("clusterAffinity"), placement.ClusterAffinity) {
			return
		}
		for i := range placement.ClusterAffinities {
			term, path := &placement.ClusterAffinities[i], path.Child("clusterAffinities").Index(i)
			if !yield(path, &term.ClusterAffinity) {
				return
			}
			for j := range term.OverflowAffinities {
				if !yield(path.Child("overflowAffinities").Index(j), &term.OverflowAffinities[j].ClusterAffinity) {
					return
				}
			}
		}
		if placement.ReplicaScheduling == nil || placement.ReplicaScheduling.WeightPreference == nil {
			return
		}
		weights := placement.ReplicaScheduling.WeightPreference.StaticWeightList
		list := path.Child("replicaScheduling", "weightPreference", "staticWeightList")
		for i := range weights {
			if !yield(list.Index(i).Child("targetCluster"), &weights[i].TargetCluster) {
				return
			}
		}
	}
}

// overrideAffinities yields those of an override policy.
func overrideAffinities(spec *policyv1alpha1.OverrideSpec) iter.Seq2[*field.Path, *policyv1alpha1.ClusterAffinity] {
	return func(yield func(*field.Path, *policyv1alpha1.ClusterAffinity) bool) {
		for i := range spec.OverrideRules {
			target := spec.OverrideRules[i].TargetCluster
			if target != nil && !yield(field.NewPath("spec", "overrideRules").Index(i).Child("targetCluster"), target) {
				return
			}
		}
		if spec.TargetCluster != nil {
			yield(field.NewPath("spec", "targetCluster"), spec.TargetCluster)
		}
	}
}
