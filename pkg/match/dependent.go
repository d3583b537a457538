/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package match

import (
	"slices"

	policyv1alpha1 "github.com/manifold-k8s/manifold/apis/policy/v1alpha1"
)

// MissingOverrides returns which of the override policies that a propagation policy depends on are not there, sorted and
// with their kind and namespace: OverridePolicies of its namespace for a PropagationPolicy, ClusterOverridePolicies for
// a ClusterPropagationPolicy. One that is being deleted is not there any more. A template that such a policy governs
// must not be placed until none is missing; no other policy takes its place meanwhile.
func MissingOverrides(p *Policy, cops []*policyv1alpha1.ClusterOverridePolicy, ops []*policyv1alpha1.OverridePolicy) []string {
	var missing []string
	for _, name := range p.Spec.DependentOverrides {
		if p.Kind == KindPropagationPolicy {
			there := slices.ContainsFunc(ops, func(o *policyv1alpha1.OverridePolicy) bool {
				return o.Name == name && o.Namespace == p.Namespace && o.DeletionTimestamp == nil
			})
			if !there {
				missing = append(missing, KindOverridePolicy+" "+p.Namespace+"/"+name)
			}
			continue
		}
		there := slices.ContainsFunc(cops, func(o *policyv1alpha1.ClusterOverridePolicy) bool {
			return o.Name == name && o.DeletionTimestamp == nil
		})
		if !there {
			missing = append(missing, KindClusterOverridePolicy+" "+name)
		}
	}
	slices.Sort(missing)
	return slices.Compact(missing)
}
