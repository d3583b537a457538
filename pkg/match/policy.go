/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package match

import (
	"cmp"
	"fmt"

	"k8s.io/apimachinery/pkg/types"

	policyv1alpha1 "github.com/manifold-k8s/manifold/apis/policy/v1alpha1"
)

// The kinds of policies, as they stand in Policy.Kind, Claim.Kind and Override.Kind.
const (
	KindPropagationPolicy        = "PropagationPolicy"
	KindClusterPropagationPolicy = "ClusterPropagationPolicy"
	KindOverridePolicy           = "OverridePolicy"
	KindClusterOverridePolicy    = "ClusterOverridePolicy"
)

// Policy is a propagation policy of either kind.
type Policy struct {
	Kind        string
	Namespace   string // empty for a ClusterPropagationPolicy
	Name        string
	UID         types.UID
	PermanentID string                          // empty if the policy does not carry the label
	Spec        *policyv1alpha1.PropagationSpec // the caller's object; must not be changed
}

// String names the policy with its kind and namespace, for reasons.
func (p *Policy) String() string {
	if p.Namespace == "" {
		return p.Kind + " " + p.Name
	}
	return p.Kind + " " + p.Namespace + "/" + p.Name
}

// Claim names the policy that a template carries the mark of. The zero value means no mark.
type Claim struct {
	Kind        string
	Namespace   string // empty for a ClusterPropagationPolicy
	Name        string
	PermanentID string // if set, a policy of the same name with another id is not the claimer
}

// Verdict is which policy governs a template, and why the others do not.
type Verdict struct {
	Policy *Policy // nil: no policy governs the template
	Kept   bool    // Policy is the one of the claim, not newly found
	Taken  bool    // Policy takes the template over from the one of the claim, which would still govern it
	Why    string  // why Policy governs the template, or why none does
	Losers []Loser // every other policy given, in the order given, PropagationPolicies first
}

// Loser is a policy that does not govern the template.
type Loser struct {
	Kind      string
	Namespace string
	Name      string
	Why       string
}

// Best returns the policy that governs the template.
//
// A template keeps the policy of its claim as long as that exists, is not being deleted and still selects the
// template, even if a better one appears. Only a policy with preemption Always takes it over: a PropagationPolicy from
// another one and a ClusterPropagationPolicy from another one if its priority is strictly larger, a PropagationPolicy
// from a ClusterPropagationPolicy always, the reverse never. A claim that no longer holds counts as none.
//
// Without a claim (and among several that may take over), a PropagationPolicy of the template's namespace goes before
// any ClusterPropagationPolicy; then the larger priority wins, then the stronger selector, then the smaller name in
// byte order. Policies under deletion are never candidates.
//
// The result does not depend on the order of the policies, and asking again with the winner as the claim gives the
// same winner.
func Best(t Template, claim Claim, pps []*policyv1alpha1.PropagationPolicy, cpps []*policyv1alpha1.ClusterPropagationPolicy) Verdict {
	entries := make([]contender, 0, len(pps)+len(cpps))
	for _, p := range pps {
		entries = append(entries, contend(t, Policy{
			Kind: KindPropagationPolicy, Namespace: p.Namespace, Name: p.Name, UID: p.UID,
			PermanentID: p.Labels[policyv1alpha1.PropagationPolicyPermanentIDLabel], Spec: &p.Spec,
		}, p.DeletionTimestamp != nil))
	}
	for _, p := range cpps {
		entries = append(entries, contend(t, Policy{
			Kind: KindClusterPropagationPolicy, Name: p.Name, UID: p.UID,
			PermanentID: p.Labels[policyv1alpha1.ClusterPropagationPolicyPermanentIDLabel], Spec: &p.Spec,
		}, p.DeletionTimestamp != nil))
	}
	var winner, claimer *contender
	for i := range entries {
		if e := &entries[i]; e.out == "" && claim.holds(&e.Policy) {
			claimer = e
		}
	}
	for i := range entries {
		e := &entries[i]
		if e.out == "" && (claimer == nil || e.preempts(claimer)) && (winner == nil || e.compare(winner) < 0) {
			winner = e
		}
	}
	if winner == nil {
		winner = claimer
	}
	return verdict(entries, winner, claimer)
}

// verdict puts the outcome into words.
func verdict(entries []contender, winner, claimer *contender) Verdict {
	var v Verdict
	switch {
	case winner == nil:
		v.Why = "no policy selects the template"
	case winner == claimer:
		v.Why = "the template is claimed by it, and it still selects the template " + winner.strength.String()
	case claimer != nil:
		v.Why = fmt.Sprintf("it preempts %s; it selects the template %s", &claimer.Policy, winner.strength)
	default:
		v.Why = "it selects the template " + winner.strength.String()
	}
	if winner != nil {
		policy := winner.Policy // so that the verdict does not hold on to all entries
		v.Policy, v.Kept, v.Taken = &policy, winner == claimer, claimer != nil && winner != claimer
	}
	var winnerName string
	if winner != nil {
		winnerName = winner.String()
	}
	v.Losers = make([]Loser, 0, len(entries))
	for i := range entries {
		if e := &entries[i]; e != winner {
			v.Losers = append(v.Losers, Loser{Kind: e.Kind, Namespace: e.Namespace, Name: e.Name, Why: e.lost(winner, winnerName, claimer)})
		}
	}
	return v
}

// contender is a policy on its way to a verdict.
type contender struct {
	Policy
	strength Strength
	out      string // why it is no candidate at all; "" if it is one
}

func contend(t Template, p Policy, deleting bool) contender {
	c := contender{Policy: p}
	switch {
	case p.Kind == KindPropagationPolicy && t.Namespace == "":
		c.out = "the template is cluster-wide; a PropagationPolicy governs only its own namespace"
	case p.Kind == KindPropagationPolicy && t.Namespace != p.Namespace:
		c.out = "the template is in another namespace"
	case deleting:
		c.out = "the policy is being deleted"
	default:
		if c.strength = Selects(p.Spec.ResourceSelectors, t); c.strength == StrengthNone {
			c.out = "no selector of the policy selects the template"
		}
	}
	return c
}

func (c Claim) holds(p *Policy) bool {
	return c.Name == p.Name && c.Kind == p.Kind && c.Namespace == p.Namespace &&
		(c.PermanentID == "" || c.PermanentID == p.PermanentID)
}

// compare is negative if c wins against d when nobody has a claim. It is 0 only for the same policy.
func (c *contender) compare(d *contender) int {
	return cmp.Or(
		cmp.Compare(rank(c.Kind), rank(d.Kind)),
		cmp.Compare(d.priority(), c.priority()),
		cmp.Compare(d.strength, c.strength),
		cmp.Compare(c.Name, d.Name),
	)
}

// priority is the policy's explicit priority; unset is 0.
func (c *contender) priority() int32 {
	if c.Spec.Priority == nil {
		return 0
	}
	return *c.Spec.Priority
}

// rank orders the kinds.
func rank(kind string) int {
	if kind == KindPropagationPolicy {
		return 0
	}
	return 1
}

// preempts reports whether c takes the template over from its claimer.
func (c *contender) preempts(claimer *contender) bool {
	if c == claimer || c.Spec.Preemption != policyv1alpha1.PreemptAlways {
		return false
	}
	if c.Kind != claimer.Kind {
		return c.Kind == KindPropagationPolicy
	}
	return c.priority() > claimer.priority()
}

// lost says why c is not the winner. name is the winner's.
func (c *contender) lost(winner *contender, name string, claimer *contender) string {
	if c.out != "" {
		return c.out
	}
	if c == claimer {
		return "preempted by " + name
	}
	if claimer != nil && !c.preempts(claimer) {
		return c.notTakenOver(claimer)
	}
	switch {
	case c.Kind != winner.Kind:
		return name + " goes before any ClusterPropagationPolicy"
	case c.priority() != winner.priority():
		return fmt.Sprintf("its priority %d is lower than %d of %s", c.priority(), winner.priority(), name)
	case c.strength != winner.strength:
		return fmt.Sprintf("it selects the template %s, %s %s", c.strength, name, winner.strength)
	}
	return "its name sorts after that of " + name
}

// notTakenOver says why c leaves the template to its claimer.
func (c *contender) notTakenOver(claimer *contender) string {
	held := "the template is claimed by " + claimer.String()
	switch {
	case c.Spec.Preemption != policyv1alpha1.PreemptAlways:
		return held + ", and preemption of this policy is not Always"
	case c.Kind != claimer.Kind:
		return held + ", which a ClusterPropagationPolicy never preempts"
	}
	return fmt.Sprintf("%s, whose priority %d is not lower than %d of this policy", held, claimer.priority(), c.priority())
}
