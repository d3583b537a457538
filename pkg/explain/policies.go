/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package explain

import (
	"cmp"
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	hubv1alpha1 "github.com/manifold-k8s/manifold/apis/hub/v1alpha1"
	policyv1alpha1 "github.com/manifold-k8s/manifold/apis/policy/v1alpha1"
	"github.com/manifold-k8s/manifold/pkg/match"
	"github.com/manifold-k8s/manifold/pkg/placement"
)

// maxUnrelated bounds how many policies are listed that do not select the template.
const maxUnrelated = 50

// tellPolicies says which policy governs the template, and why the others do not. Of a template that nobody may govern, and
// of a namespace, policies decide nothing.
func (x *subject) tellPolicies() {
	if x.barred != "" || x.gvk == placement.Namespaces {
		return
	}
	t := x.Template
	v := match.Best(placement.Matchable(x.gvk, t), x.claim, x.Policies.Namespaced, x.Policies.ClusterWide)
	if w := v.Policy; w != nil {
		x.out.Policy = &hubv1alpha1.ExplainedPolicy{Kind: w.Kind, Namespace: w.Namespace, Name: w.Name, Why: v.Why}
	}
	specs := x.selectors()
	losers := make([]loser, 0, len(v.Losers))
	for _, l := range v.Losers {
		one := loser{policy: hubv1alpha1.ExplainedPolicy{Kind: l.Kind, Namespace: l.Namespace, Name: l.Name, Why: l.Why}, near: selected}
		if why, near := misses(specs[id{l.Kind, l.Name}], placement.Matchable(x.gvk, t)); near != selected {
			one.policy.Why, one.near = why, near
		}
		losers = append(losers, one)
	}
	slices.SortFunc(losers, func(a, b loser) int {
		return cmp.Or(cmp.Compare(b.near, a.near), -cmp.Compare(a.policy.Kind, b.policy.Kind), cmp.Compare(a.policy.Name, b.policy.Name))
	})
	unrelated := 0
	for _, l := range losers {
		if l.near != selected {
			unrelated++
		}
		if unrelated > maxUnrelated {
			x.out.OmittedPolicies++
			continue
		}
		x.out.OtherPolicies = append(x.out.OtherPolicies, l.policy)
	}
}

// loser is a policy that does not govern the template, and how near it is to that.
type loser struct {
	policy hubv1alpha1.ExplainedPolicy
	near   nearness
}

// id names a policy among those given: they are of one namespace or of none.
type id struct{ kind, name string }

func (x *subject) selectors() map[id][]policyv1alpha1.ResourceSelector {
	out := make(map[id][]policyv1alpha1.ResourceSelector, len(x.Policies.Namespaced)+len(x.Policies.ClusterWide))
	for _, p := range x.Policies.Namespaced {
		out[id{match.KindPropagationPolicy, p.Name}] = p.Spec.ResourceSelectors
	}
	for _, p := range x.Policies.ClusterWide {
		out[id{match.KindClusterPropagationPolicy, p.Name}] = p.Spec.ResourceSelectors
	}
	return out
}

// selecting returns the policies that select the template, whether or not they may govern it, sorted.
func (x *subject) selecting() []string {
	var out []string
	t := placement.Matchable(x.gvk, x.Template)
	for of, selectors := range x.selectors() {
		if match.Selects(selectors, t) != match.StrengthNone {
			out = append(out, of.kind+" "+of.name)
		}
	}
	slices.Sort(out)
	return out
}

// nearness is how far the selector gets that comes nearest to selecting a template.
type nearness int

const (
	otherKind nearness = iota
	otherVersion
	otherNamespace
	otherName
	otherLabels
	selected
)

// misses says why no selector selects the template, by the one that comes nearest.
func misses(selectors []policyv1alpha1.ResourceSelector, t match.Template) (why string, near nearness) {
	if match.Selects(selectors, t) != match.StrengthNone {
		return "", selected
	}
	why, near = "it selects no "+t.Kind, otherKind
	for i := range selectors {
		if w, n := miss(&selectors[i], t); n > near {
			why, near = w, n
		}
	}
	return why, near
}

// miss does so for one selector, which does not select the template.
func miss(s *policyv1alpha1.ResourceSelector, t match.Template) (why string, near nearness) {
	switch {
	case s.Kind != t.Kind:
		return "", otherKind
	case s.APIVersion != t.APIVersion:
		return fmt.Sprintf("it selects %s of %s, and this is one of %s", s.Kind, s.APIVersion, t.APIVersion), otherVersion
	case s.Namespace != "" && s.Namespace != t.Namespace:
		return fmt.Sprintf("it selects %s in namespace %s", s.Kind, s.Namespace), otherNamespace
	case s.Name != "":
		return fmt.Sprintf("it selects %s by another name: %s", s.Kind, s.Name), otherName
	case s.LabelSelector != nil:
		if _, err := metav1.LabelSelectorAsSelector(s.LabelSelector); err != nil {
			return fmt.Sprintf("its label selector selects nothing: %v", err), otherLabels
		}
		return fmt.Sprintf("it selects %s by labels that this one has not: %s", s.Kind, metav1.FormatLabelSelector(s.LabelSelector)), otherLabels
	}
	return "", otherKind // it selects the template; whoever asks has seen that
}
