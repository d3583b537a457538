/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package forecast

import (
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	clusterv1alpha1 "github.com/manifold-k8s/manifold/apis/cluster/v1alpha1"
	policyv1alpha1 "github.com/manifold-k8s/manifold/apis/policy/v1alpha1"
	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
	"github.com/manifold-k8s/manifold/pkg/binding"
	"github.com/manifold-k8s/manifold/pkg/interpret"
	"github.com/manifold-k8s/manifold/pkg/match"
	"github.com/manifold-k8s/manifold/pkg/placement"
)

// State is what decides about a template, as it is or as it would be.
type State struct {
	Template *unstructured.Unstructured // nil: there is none
	Policies placement.Policies
	// ClusterOverrides and Overrides are the override policies that may apply: all cluster-wide ones, and those of the
	// template's namespace.
	ClusterOverrides []*policyv1alpha1.ClusterOverridePolicy
	Overrides        []*policyv1alpha1.OverridePolicy
}

// Case is a template and a write that may concern it. Nothing of it is changed.
type Case struct {
	Before, After State            // at least one has a template
	Binding       *binding.Binding // in force; nil if the template has none
	Clusters      []*clusterv1alpha1.Cluster
	Skipped       match.Namespaces
	Now           time.Time
	// Orphan says that the template is deleted in such a way that what depends on it stays.
	Orphan bool
	// Fields is for how many clusters of a template fields are compared, at most. Each takes as long as all the rest; 0: for
	// none.
	Fields int
}

// Of returns what the write would change. What is on its way already, write or no write, is not told.
func Of(c Case) Change {
	t := c.template()
	out := Change{Kind: t.GetKind(), Namespace: t.GetNamespace(), Name: t.GetName()}
	b := c.inForce()
	if b != nil && binding.TemplateKind(b).GroupKind() != t.GroupVersionKind().GroupKind() {
		return out // another kind of that name has the binding, and nothing becomes of this one
	}
	_, out.Workload = interpret.Of(t.GroupVersionKind()).Replicas(t)
	if c.After.Template == nil {
		out.end(b, c.Orphan)
		return out
	}
	was, will := c.governor(c.Before, b), c.governor(c.After, b)
	missed, missing := c.Before.missing(was), c.After.missing(will)
	waits := len(missing) > 0 // it is left alone until they are there
	if was.Any() && (!will.Any() || waits && !will.Claimed) && b != nil && binding.Claimed(b) {
		out.release(b)
	}
	out.governed(was, will)
	switch {
	case waits && !slices.Equal(missed, missing):
		out.Awaited = missing
	case waits:
		out.compare(c, b, b)
	case will.Any():
		out.decide(c, b, will, c.input(c.Before, was, b), len(missed) > 0)
	case !was.Any(): // others may need it
		out.compare(c, b, b)
	}
	return out
}

// decide tells what follows from another decision. before is what the present one rests on; held: it is not carried out.
func (c *Change) decide(in Case, b *binding.Binding, will placement.Governor, before placement.Input, held bool) {
	was := before.Governor
	next, d := placement.Decide(in.input(in.After, will, b))
	var unmoved *binding.Binding // what the binding will be without the write
	if was.Any() && !held {
		unmoved, _ = placement.Decide(before)
	}
	c.place(b, unmoved, next, d)
	c.Deferred = d.Deferred && (was.Policy == nil || !equality.Semantic.DeepEqual(was.Policy.Spec, will.Policy.Spec))
	c.suspend(b, next)
	c.compare(in, b, next)
}

// template is the one that the case is about, as it would be if it is still there.
func (c Case) template() *unstructured.Unstructured {
	if c.After.Template != nil {
		return c.After.Template
	}
	return c.Before.Template
}

// inForce is the binding, unless it is on its way out with a former template of that name.
func (c Case) inForce() *binding.Binding {
	b := c.Binding
	if b == nil || b.DeletionTimestamp != nil {
		return nil
	}
	made := b.Spec.Resource.UID
	owned := func(o metav1.OwnerReference) bool { return o.UID == made }
	if made != c.template().GetUID() && slices.ContainsFunc(b.OwnerReferences, owned) {
		return nil
	}
	return b
}

func (c Case) governor(s State, b *binding.Binding) placement.Governor {
	if s.Template == nil {
		return placement.Governor{}
	}
	return placement.GovernClaimed(s.Template.GroupVersionKind(), s.Template, placement.Claim(s.Template, b), s.Policies, c.Skipped)
}

// missing are the override policies without which a template is not placed.
func (s State) missing(g placement.Governor) []string {
	if g.Policy == nil {
		return nil
	}
	return match.MissingOverrides(g.Policy, s.ClusterOverrides, s.Overrides)
}

func (c Case) input(s State, g placement.Governor, b *binding.Binding) placement.Input {
	return placement.Input{Template: s.Template, Governor: g, Old: b, Clusters: c.Clusters, Now: c.Now, Requirers: placement.Standing(b)}
}

// end tells what becomes of the copies of a template that is deleted.
func (c *Change) end(b *binding.Binding, orphan bool) {
	switch {
	case b == nil:
	case orphan, preserves(b):
		c.Orphaned = true
		c.Staying = targets(b)
	default:
		c.Ended = true
		c.Lost = targets(b)
	}
}

// release tells what becomes of the copies of a template that no policy governs any more. Those that others need are still
// looked after.
func (c *Change) release(b *binding.Binding) {
	c.Released = true
	for _, t := range b.Spec.Clusters {
		if !binding.Required(b, t.Name) {
			c.Staying = append(c.Staying, t)
		}
	}
}

// targets are those of a binding, because of a policy or because others need it.
func targets(b *binding.Binding) []workv1alpha2.TargetCluster {
	if b == nil {
		return nil
	}
	all := binding.Targets(b)
	var out []workv1alpha2.TargetCluster
	for _, name := range binding.Clusters(b) {
		if t := all[name]; t != nil {
			out = append(out, *t)
		}
	}
	return out
}

func preserves(b *binding.Binding) bool {
	p := b.Spec.PreserveResourcesOnDeletion
	return p != nil && *p
}

// governed tells that another policy takes over.
func (c *Change) governed(was, will placement.Governor) {
	if was.Policy != nil && will.Policy != nil && was.Policy.String() != will.Policy.String() {
		c.From, c.To = was.Policy.String(), will.Policy.String()
	}
}

// place tells how the targets change.
func (c *Change) place(b, unmoved, next *binding.Binding, d placement.Decision) {
	old := targets(b)
	if d.Held {
		c.Held = !equality.Semantic.DeepEqual(b.Spec.Placement, next.Spec.Placement) // it is the binding that holds
	}
	if d.Scheduled && d.Result.Reason != workv1alpha2.BindingReasonSuccess && !failed(unmoved, d.Result.Message) {
		c.Unplaced = d.Result.Message
	}
	if unmoved != nil && equality.Semantic.DeepEqual(unmoved.Spec.Clusters, next.Spec.Clusters) {
		return
	}
	will := targets(next)
	for _, t := range old {
		now := binding.Target(next, t.Name)
		switch {
		case now == nil && stays(next):
			c.Staying = append(c.Staying, t)
		case now == nil:
			c.Lost = append(c.Lost, t)
		case c.Workload && now.Replicas != t.Replicas:
			c.Moved = append(c.Moved, Move{Cluster: t.Name, From: t.Replicas, To: now.Replicas})
		}
	}
	for _, t := range will {
		if !slices.ContainsFunc(old, func(o workv1alpha2.TargetCluster) bool { return o.Name == t.Name }) {
			c.Gained = append(c.Gained, t)
		}
	}
}

// failed reports whether a binding says of itself that it cannot be scheduled, with this message.
func failed(b *binding.Binding, message string) bool {
	if b == nil {
		return false
	}
	s := meta.FindStatusCondition(b.Status.Conditions, workv1alpha2.Scheduled)
	return s != nil && s.Status == metav1.ConditionFalse && s.Message == message
}

// stays reports whether copies that the placement leaves out stay where they are, without Manifold's marks.
func stays(b *binding.Binding) bool {
	return preserves(b) || b.Labels[workv1alpha2.BindingManagedByLabel] == binding.ManagedByNamespace
}

// suspend tells what is not sent for now, and what is sent again.
func (c *Change) suspend(b, next *binding.Binding) {
	for _, t := range targets(next) {
		was := b != nil && binding.Suspended(b, t.Name)
		switch will := binding.Suspended(next, t.Name); {
		case will:
			c.Suspended = append(c.Suspended, t.Name)
			c.suspends = c.suspends || !was
		case was:
			c.Resumed = append(c.Resumed, t.Name)
		}
	}
}
