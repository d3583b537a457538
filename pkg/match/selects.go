/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package match

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	policyv1alpha1 "github.com/manifold-k8s/manifold/apis/policy/v1alpha1"
)

// Template is what matching needs to know of an object on the hub.
type Template struct {
	APIVersion string // as written in the object, e.g. apps/v1
	Kind       string
	Namespace  string // empty for cluster-wide kinds
	Name       string
	Labels     map[string]string
}

// Strength is how specifically a policy selects a template. The order of the constants is the order of strength.
type Strength int

const (
	// StrengthNone: not selected.
	StrengthNone Strength = iota
	// StrengthAll: selected with everything of its kind.
	StrengthAll
	// StrengthLabel: selected by a labelSelector, which may be empty.
	StrengthLabel
	// StrengthName: selected by its name.
	StrengthName
)

// String completes the sentence "it selects the template …".
func (s Strength) String() string {
	switch s {
	case StrengthAll:
		return "with all of its kind"
	case StrengthLabel:
		return "by labels"
	case StrengthName:
		return "by name"
	}
	return "not at all"
}

// Selects returns the strength of the strongest selector that selects the template. apiVersion and kind are compared
// exactly. An empty namespace means any; for namespaced policies admission has filled it in. A selector with a name
// ignores its labelSelector; one whose labelSelector cannot be parsed selects nothing. No selectors select nothing.
func Selects(selectors []policyv1alpha1.ResourceSelector, t Template) Strength {
	best := StrengthNone
	for i := range selectors {
		best = max(best, strength(&selectors[i], t))
	}
	return best
}

func strength(s *policyv1alpha1.ResourceSelector, t Template) Strength {
	if s.Kind != t.Kind || s.APIVersion != t.APIVersion || (s.Namespace != "" && s.Namespace != t.Namespace) {
		return StrengthNone
	}
	if s.Name != "" {
		if s.Name == t.Name {
			return StrengthName
		}
		return StrengthNone
	}
	switch {
	case s.LabelSelector == nil:
		return StrengthAll
	case labelsMatch(s.LabelSelector, t.Labels):
		return StrengthLabel
	}
	return StrengthNone
}

// labelsMatch evaluates a selector once. The common case, equalities alone, is not worth parsing it for.
func labelsMatch(s *metav1.LabelSelector, set labels.Set) bool {
	for key, value := range s.MatchLabels {
		if has, found := set[key]; !found || has != value {
			return false
		}
	}
	if len(s.MatchExpressions) == 0 {
		return true
	}
	selector, err := metav1.LabelSelectorAsSelector(s)
	return err == nil && selector.Matches(set)
}
