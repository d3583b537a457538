/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package match

import (
	"cmp"
	"slices"

	policyv1alpha1 "github.com/manifold-k8s/manifold/apis/policy/v1alpha1"
)

// Override is what one override policy has to say about a template. Rules whose targetCluster does not select a
// cluster are still in it: that is decided per cluster, when rendering.
type Override struct {
	Kind      string // ClusterOverridePolicy or OverridePolicy
	Namespace string // empty for a ClusterOverridePolicy
	Name      string
	Rules     []policyv1alpha1.RuleWithCluster // in the order they apply; never empty, must not be changed
}

// Overrides returns the override policies that apply to the template, in the order they apply, so that the last has
// the last word: ClusterOverridePolicies before OverridePolicies of the template's namespace; within a kind the more
// specific after the less specific (all of the kind, labels, name), and then by name. A policy without selectors
// counts as selecting all of the kind. Policies under deletion and policies without rules are left out. The deprecated
// form with overriders at the top of the spec becomes one rule if there are no overrideRules.
func Overrides(t Template, cops []*policyv1alpha1.ClusterOverridePolicy, ops []*policyv1alpha1.OverridePolicy) []Override {
	var found []ranked
	for _, p := range cops {
		if p.DeletionTimestamp == nil {
			found = appendOverride(found, t, Override{Kind: KindClusterOverridePolicy, Name: p.Name}, &p.Spec)
		}
	}
	first := len(found)
	for _, p := range ops {
		if p.DeletionTimestamp == nil && t.Namespace != "" && p.Namespace == t.Namespace {
			found = appendOverride(found, t, Override{Kind: KindOverridePolicy, Namespace: p.Namespace, Name: p.Name}, &p.Spec)
		}
	}
	order := func(a, b ranked) int {
		return cmp.Or(cmp.Compare(a.strength, b.strength), cmp.Compare(a.Name, b.Name))
	}
	slices.SortFunc(found[:first], order)
	slices.SortFunc(found[first:], order)
	overrides := make([]Override, 0, len(found))
	for _, r := range found {
		overrides = append(overrides, r.Override)
	}
	return overrides
}

type ranked struct {
	Override
	strength Strength
}

func appendOverride(found []ranked, t Template, o Override, spec *policyv1alpha1.OverrideSpec) []ranked {
	s := StrengthAll
	if len(spec.ResourceSelectors) > 0 {
		s = Selects(spec.ResourceSelectors, t)
	}
	o.Rules = rules(spec)
	if s == StrengthNone || len(o.Rules) == 0 {
		return found
	}
	return append(found, ranked{o, s})
}

// rules returns the rules of a policy; the deprecated form counts only if it overrides something.
func rules(spec *policyv1alpha1.OverrideSpec) []policyv1alpha1.RuleWithCluster {
	if len(spec.OverrideRules) > 0 {
		return spec.OverrideRules
	}
	o := &spec.Overriders
	if len(o.Plaintext)+len(o.ImageOverrider)+len(o.CommandOverrider)+len(o.ArgsOverrider)+
		len(o.LabelsOverrider)+len(o.AnnotationsOverrider)+len(o.FieldOverrider) == 0 {
		return nil
	}
	return []policyv1alpha1.RuleWithCluster{{TargetCluster: spec.TargetCluster, Overriders: *o}}
}
