/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package explain

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	clusterv1alpha1 "github.com/manifold-k8s/manifold/apis/cluster/v1alpha1"
	hubv1alpha1 "github.com/manifold-k8s/manifold/apis/hub/v1alpha1"
	policyv1alpha1 "github.com/manifold-k8s/manifold/apis/policy/v1alpha1"
	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
	"github.com/manifold-k8s/manifold/pkg/binding"
	"github.com/manifold-k8s/manifold/pkg/brief"
	"github.com/manifold-k8s/manifold/pkg/interpret"
	"github.com/manifold-k8s/manifold/pkg/match"
	"github.com/manifold-k8s/manifold/pkg/placement"
	"github.com/manifold-k8s/manifold/pkg/schedule"
)

// Input is all that an explanation rests on. Nothing of it is changed.
type Input struct {
	Template *unstructured.Unstructured
	// Policies, ClusterOverrides and Overrides are those that may concern the template: those of its namespace, and all
	// cluster-wide ones.
	Policies         placement.Policies
	ClusterOverrides []*policyv1alpha1.ClusterOverridePolicy
	Overrides        []*policyv1alpha1.OverridePolicy
	Clusters         []*clusterv1alpha1.Cluster
	// Requirers are the bindings whose templates need this one beside them, in any order. Those that the binding names besides
	// count, too.
	Requirers []*binding.Binding
	// Binding is the one that has the name which the template's has, nil if there is none. It may be another's.
	Binding *binding.Binding
	// Skipped are namespaces that stay on the hub.
	Skipped match.Namespaces
	Now     time.Time
	// Cluster is the name of the cluster whose manifest is wanted; empty for none.
	Cluster string
}

// Knows reports whether anything can be said of a cluster: there is one of that name, or it may have a copy.
func (in Input) Knows(cluster string) bool {
	return slices.ContainsFunc(in.Clusters, func(c *clusterv1alpha1.Cluster) bool { return c.Name == cluster }) ||
		in.Binding != nil && slices.Contains(binding.Clusters(in.Binding), cluster)
}

// Explain answers for one template.
func Explain(in Input) *hubv1alpha1.Explanation {
	x := newSubject(in)
	x.tellPolicies()
	x.tellRequirers()
	x.tellPlacement()
	x.tellClusters()
	x.tellNotes()
	x.out.State, x.out.Message = x.state()
	return x.out
}

// subject is a template on the way to its explanation.
type subject struct {
	Input
	gvk      schema.GroupVersionKind
	workload bool // kinds with replicas
	out      *hubv1alpha1.Explanation

	barred   string // why nobody may govern it; empty if somebody may
	claim    match.Claim
	governor placement.Governor
	missing  []string         // override policies that have to be there before the governor decides
	stored   *binding.Binding // the template's own, nil if there is none
	unsure   bool             // of some of those who need it, nothing is known but that they do
	foreign  string           // why the binding of that name is not the template's; empty if it is, or there is none

	// What a decision would say now. Only set if somebody governs or needs the template; anew and fresh, if somebody governs it.
	next     *binding.Binding
	decision placement.Decision
	anew     map[string]schedule.Verdict // by cluster
	fresh    schedule.Decision
}

func newSubject(in Input) *subject {
	t := in.Template
	x := &subject{Input: in, gvk: t.GroupVersionKind()}
	x.out = &hubv1alpha1.Explanation{
		TypeMeta:   metav1.TypeMeta{APIVersion: hubv1alpha1.SchemeGroupVersion.String(), Kind: "Explanation"},
		ObjectMeta: metav1.ObjectMeta{Namespace: t.GetNamespace(), Name: t.GetName()},
		Template:   hubv1alpha1.ExplainedTemplate{APIVersion: t.GetAPIVersion(), Kind: t.GetKind(), UID: t.GetUID()},
	}
	var replicas int32
	if replicas, x.workload = interpret.Of(x.gvk).Replicas(t); x.workload {
		x.out.Template.Replicas = &replicas
	}
	x.barred = placement.Barred(x.gvk, t, in.Skipped)
	x.claim = placement.Claim(t, in.Binding)
	x.governor = placement.GovernClaimed(x.gvk, t, x.claim, in.Policies, in.Skipped)
	x.stored, x.foreign = own(in.Binding, t)
	unknown := x.unknown()
	x.Requirers, x.unsure = append(slices.Clone(in.Requirers), unknown...), len(unknown) > 0
	if !x.wanted() {
		return x
	}
	if x.governor.Policy != nil {
		x.missing = match.MissingOverrides(x.governor.Policy, in.ClusterOverrides, in.Overrides)
	}
	decide := placement.Input{Template: t, Governor: x.governor, Old: x.stored, Clusters: in.Clusters, Requirers: x.Requirers, Now: in.Now}
	x.next, x.decision = placement.Decide(decide)
	if !x.governor.Any() {
		return x
	}
	x.fresh = placement.Anew(decide)
	x.anew = make(map[string]schedule.Verdict, len(x.fresh.Verdicts))
	for _, v := range x.fresh.Verdicts {
		x.anew[v.Cluster] = v
	}
	return x
}

// wanted reports whether anybody decides about the template: a policy, or others that need it.
func (x *subject) wanted() bool { return x.governor.Any() || len(x.Requirers) > 0 }

// own returns the binding if it is the template's, and why it is not if it is another's.
func own(b *binding.Binding, t *unstructured.Unstructured) (own *binding.Binding, foreign string) {
	switch {
	case b == nil:
		return nil, ""
	case binding.TemplateKind(b).GroupKind() != t.GroupVersionKind().GroupKind():
		r := b.Spec.Resource
		return nil, fmt.Sprintf("the name %s, which its binding would have, belongs to the binding of %s %s of %s: only one of them can be propagated", b.Name, r.Kind, r.Name, r.APIVersion)
	case b.Spec.Resource.UID != t.GetUID():
		return nil, fmt.Sprintf("the binding %s of a former object of the same name is still there", b.Name)
	case b.Spec.Resource.APIVersion != t.GetAPIVersion():
		return nil, fmt.Sprintf("it is propagated as %s, in which version a policy selects it", b.Spec.Resource.APIVersion)
	}
	return b, ""
}

// inForce is the binding by which the template is placed, or would be. It is nil if nobody ever governed it.
func (x *subject) inForce() *binding.Binding {
	if x.stored != nil {
		return x.stored
	}
	return x.next
}

// state sums up.
func (x *subject) state() (hubv1alpha1.ExplanationState, string) {
	switch {
	case x.Template.GetDeletionTimestamp() != nil:
		return hubv1alpha1.ExplanationDeleting, "the template is being deleted, and its copies with it"
	case x.barred != "":
		return hubv1alpha1.ExplanationNotPropagated, "it stays on the hub: " + x.barred
	case !x.wanted() && x.stored == nil:
		return hubv1alpha1.ExplanationUnselected, "no policy selects it, so it is in no cluster"
	case !x.wanted():
		return hubv1alpha1.ExplanationReleased, fmt.Sprintf("no policy selects it any more: what is in %s stays as it is, until one does", names(binding.Clusters(x.stored)))
	case x.foreign != "":
		return hubv1alpha1.ExplanationWaiting, x.foreign
	case len(x.missing) > 0:
		return hubv1alpha1.ExplanationWaiting, x.waits()
	case x.stored == nil && !x.governor.Any():
		return hubv1alpha1.ExplanationWaiting, "no policy selects it, and it is about to follow what needs it"
	case x.stored == nil:
		return hubv1alpha1.ExplanationWaiting, "it has a policy and is about to be placed: " + x.fresh.Message
	case x.stored.DeletionTimestamp != nil:
		return hubv1alpha1.ExplanationWaiting, fmt.Sprintf("its former binding is being removed, with the copies in %s", names(binding.Clusters(x.stored)))
	}
	c := meta.FindStatusCondition(x.stored.Status.Conditions, workv1alpha2.Scheduled)
	switch {
	case c != nil && c.Status != metav1.ConditionTrue:
		return hubv1alpha1.ExplanationUnscheduled, "it cannot be placed as the policy says: " + c.Message
	case len(binding.Targets(x.stored)) == 0:
		return hubv1alpha1.ExplanationUnscheduled, "it is placed in no cluster"
	}
	return x.completeness()
}

// waits says what the policy waits for before it places the template.
func (x *subject) waits() string {
	message := fmt.Sprintf("%s waits for %s, on which it depends", x.governor.Policy, strings.Join(x.missing, ", "))
	if x.stored != nil {
		message += fmt.Sprintf("; until then what is in %s stays as it is", names(binding.Clusters(x.stored)))
	}
	return message
}

// completeness says how many of the targets have what they should have.
func (x *subject) completeness() (hubv1alpha1.ExplanationState, string) {
	var wrong, unwell []string
	for _, c := range x.out.Clusters {
		switch {
		case !c.Target:
		case !c.Applied || c.Message != "" || c.OverrideError != "":
			wrong = append(wrong, c.Name)
		case c.Health == string(workv1alpha2.ResourceUnhealthy):
			unwell = append(unwell, c.Name)
		}
	}
	all := len(binding.Targets(x.stored))
	switch {
	case len(wrong) > 0:
		return hubv1alpha1.ExplanationIncomplete, fmt.Sprintf("%d of %s have what they should have, not %s", all-len(wrong), count(all, "cluster"), names(wrong))
	case x.behind():
		return hubv1alpha1.ExplanationIncomplete, fmt.Sprintf("%s are being brought up to date", count(all, "cluster"))
	case len(unwell) > 0:
		return hubv1alpha1.ExplanationPlaced, fmt.Sprintf("it is in %s as it should be, and not in good health in %s", count(all, "cluster"), names(unwell))
	}
	return hubv1alpha1.ExplanationPlaced, fmt.Sprintf("it is in %s as it should be", count(all, "cluster"))
}

// behind reports whether what is known of the clusters is older than what the binding says now.
func (x *subject) behind() bool {
	c := meta.FindStatusCondition(x.stored.Status.Conditions, workv1alpha2.FullyApplied)
	return c == nil || c.ObservedGeneration < x.stored.Generation
}

// tellPlacement says how the template is placed.
func (x *subject) tellPlacement() {
	b := x.inForce()
	if b == nil {
		return
	}
	p := &hubv1alpha1.ExplainedPlacement{Affinity: b.Status.SchedulerObservedAffinityName}
	x.out.Placement = p
	if x.stored != nil {
		p.Binding, p.LastScheduledTime = b.Name, b.Status.LastScheduledTime.DeepCopy()
	}
	if c := meta.FindStatusCondition(b.Status.Conditions, workv1alpha2.Scheduled); c != nil {
		p.Reason, p.Message = c.Reason, c.Message
	}
	if s := b.Spec.Suspension; s != nil {
		p.SchedulingSuspended = s.Scheduling != nil && *s.Scheduling
		p.DispatchingSuspended = s.Dispatching != nil && *s.Dispatching
	}
}

// maxNames bounds how many of many are named in a sentence.
const maxNames = 5

// names lists the first few of many.
func names(all []string) string {
	if len(all) == 0 {
		return "no cluster"
	}
	return brief.Names(all, maxNames)
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
