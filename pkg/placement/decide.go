/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package placement

import (
	"encoding/json"
	"slices"
	"strings"
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
	"github.com/manifold-k8s/manifold/pkg/schedule"
)

// Input is all that a decision rests on. Nothing of it is changed.
type Input struct {
	Template *unstructured.Unstructured
	Governor Governor         // of the template; the zero value only if there are Requirers
	Old      *binding.Binding // nil for a template that was not placed before
	Clusters []*clusterv1alpha1.Cluster
	// Requirers are the bindings whose templates need this one beside them, in any order.
	Requirers []*binding.Binding
	Now       time.Time
}

// Decision says how the binding came about.
type Decision struct {
	Scheduled bool // false: the placement in force still holds, or is held
	Held      bool // scheduling is suspended: nobody looked whether the placement in force still holds
	Deferred  bool // the policy is Lazy and says something else than the binding, which follows with the template's next change
	Result    schedule.Decision
	// Dispute says how the policies of those that need the template differ about it; empty when they agree, or when a policy
	// of its own decides.
	Dispute string
	// Unread says why it cannot be told what the template refers to; nil when it can, or nobody asks.
	Unread error
}

// Decide returns the binding that the template should have. It is pure: without a reason to change, the result equals
// the old binding.
func Decide(in Input) (*binding.Binding, Decision) {
	next := skeleton(in)
	describe(in.Template, next)
	require(in.Requirers, next)
	var d Decision
	if !in.Governor.Any() {
		d.Dispute = attach(in, next)
		stampVersion(in, next)
		Remember(in.Old, next)
		return next, d
	}
	d.Deferred = fill(in, next)
	d.Unread = refer(in.Template, next)
	switch suspended := next.Spec.Suspension; {
	case suspended != nil && suspended.Scheduling != nil && *suspended.Scheduling:
		d.Held = true
		DropLeaving(next, in.Clusters)
	case needsScheduling(next, in.Clusters):
		d.Scheduled = true
		d.Result = schedule.Place(request(in, next), in.Clusters)
		next.Spec.Clusters = d.Result.Targets
		next.Status.SchedulerObservedAffinityName = d.Result.Affinity
		if d.Result.Reason == workv1alpha2.BindingReasonSuccess {
			next.Annotations[policyv1alpha1.AppliedPlacementAnnotation] = encode(next.Spec.Placement)
		}
	}
	stampVersion(in, next)
	Remember(in.Old, next)
	report(in, next, d)
	return next, d
}

// stampVersion notes the version of the template that led to a new spec. A version alone is nothing new.
func stampVersion(in Input, next *binding.Binding) {
	if in.Old != nil && equality.Semantic.DeepEqual(in.Old.Spec, next.Spec) {
		next.Spec.Resource.ResourceVersion = in.Old.Spec.Resource.ResourceVersion
	} else {
		next.Spec.Resource.ResourceVersion = in.Template.GetResourceVersion()
	}
}

// skeleton is the old binding, or an empty one of the right name.
func skeleton(in Input) *binding.Binding {
	next := &binding.Binding{}
	if in.Old != nil {
		next = in.Old.DeepCopy()
	}
	key := binding.KeyOf(in.Template.GetNamespace(), in.Template.GetName(), in.Template.GetKind())
	next.Namespace, next.Name = key.Namespace, key.Name
	if next.Labels == nil {
		next.Labels = map[string]string{}
	}
	if next.Annotations == nil {
		next.Annotations = map[string]string{}
	}
	if f := binding.Finalizer(key.Namespace); !slices.Contains(next.Finalizers, f) {
		next.Finalizers = append(next.Finalizers, f)
	}
	yes := true
	owner := metav1.OwnerReference{
		APIVersion: in.Template.GetAPIVersion(), Kind: in.Template.GetKind(), Name: in.Template.GetName(), UID: in.Template.GetUID(),
		Controller: &yes, BlockOwnerDeletion: &yes,
	}
	i := slices.IndexFunc(next.OwnerReferences, func(o metav1.OwnerReference) bool { return o.UID == owner.UID })
	switch {
	case i < 0:
		next.OwnerReferences = append(next.OwnerReferences, owner)
	case next.OwnerReferences[i].APIVersion != owner.APIVersion:
		next.OwnerReferences[i] = owner
	}
	return next
}

// describe copies what the template says.
func describe(t *unstructured.Unstructured, next *binding.Binding) {
	next.Spec.Resource = workv1alpha2.ObjectReference{
		APIVersion: t.GetAPIVersion(), Kind: t.GetKind(), Namespace: t.GetNamespace(), Name: t.GetName(), UID: t.GetUID(),
		ResourceVersion: next.Spec.Resource.ResourceVersion,
	}
	kind := interpret.Of(t.GroupVersionKind())
	replicas, _ := kind.Replicas(t)
	requirements := kind.Requirements(t)
	next.Spec.Replicas = replicas
	if !equality.Semantic.DeepEqual(next.Spec.ReplicaRequirements, requirements) {
		next.Spec.ReplicaRequirements = requirements
	}
}

// fill copies what the policy says. It reports whether the policy says more, which has to wait.
func fill(in Input, next *binding.Binding) (deferred bool) {
	binding.SetClaim(next.Labels, next.Annotations, in.Governor.Policy)
	if in.Governor.Namespace {
		next.Labels[workv1alpha2.BindingManagedByLabel] = binding.ManagedByNamespace
		next.Spec.Placement = &policyv1alpha1.Placement{}
		next.Spec.SchedulerName = policyv1alpha1.DefaultSchedulerName
		return false
	}
	if waits(in, next) {
		said := next.Spec.DeepCopy()
		follow(in.Governor.Policy.Spec, said)
		return !equality.Semantic.DeepEqual(said, &next.Spec)
	}
	follow(in.Governor.Policy.Spec, &next.Spec)
	return false
}

// follow copies what the policy says.
func follow(p *policyv1alpha1.PropagationSpec, s *workv1alpha2.ResourceBindingSpec) {
	s.Placement = p.Placement.DeepCopy()
	s.PropagateDeps = p.PropagateDeps
	s.SchedulerName = p.SchedulerName
	s.Failover = p.Failover.DeepCopy()
	s.ConflictResolution = p.ConflictResolution
	s.PreserveResourcesOnDeletion = p.PreserveResourcesOnDeletion
	s.Suspension = suspension(p.Suspension, s.Suspension)
}

// suspension takes over the policy's part and keeps what others have said about scheduling.
func suspension(policy *policyv1alpha1.Suspension, old *workv1alpha2.Suspension) *workv1alpha2.Suspension {
	var scheduling *bool
	if old != nil {
		scheduling = old.Scheduling
	}
	if policy == nil && scheduling == nil {
		return nil
	}
	out := &workv1alpha2.Suspension{Scheduling: scheduling}
	if policy != nil {
		out.Suspension = *policy.DeepCopy()
	}
	return out
}

// needsScheduling applies the rules for when a placement in force is questioned: never just because the fleet has
// changed, if that would move replicas which are running where they were put.
func needsScheduling(b *binding.Binding, clusters []*clusterv1alpha1.Cluster) bool {
	if b.Annotations[policyv1alpha1.AppliedPlacementAnnotation] != encode(b.Spec.Placement) {
		return true
	}
	if !meta.IsStatusConditionTrue(b.Status.Conditions, workv1alpha2.Scheduled) {
		return true // an earlier attempt failed
	}
	rs := b.Spec.Placement.ReplicaScheduling
	divided := rs != nil && rs.ReplicaSchedulingType != policyv1alpha1.ReplicaSchedulingTypeDuplicated
	workload := b.Spec.Replicas > 0 || b.Spec.ReplicaRequirements != nil
	if !workload || !divided {
		return true // follows the fleet; nothing that runs is moved by that
	}
	if rebalance(b) {
		return true
	}
	var sum int32
	for _, t := range b.Spec.Clusters {
		sum += t.Replicas
		if !slices.ContainsFunc(clusters, func(c *clusterv1alpha1.Cluster) bool { return c.Name == t.Name && c.DeletionTimestamp == nil }) {
			return true
		}
	}
	return sum != b.Spec.Replicas
}

// rebalance reports whether somebody has asked for a placement anew since the last one.
func rebalance(b *binding.Binding) bool {
	triggered, last := b.Spec.RescheduleTriggeredAt, b.Status.LastScheduledTime
	return triggered != nil && last != nil && triggered.After(last.Time)
}

func request(in Input, b *binding.Binding) schedule.Request {
	_, workload := interpret.Of(in.Template.GroupVersionKind()).Replicas(in.Template)
	r := schedule.Request{
		APIVersion: in.Template.GetAPIVersion(), Kind: in.Template.GetKind(), UID: in.Template.GetUID(),
		Workload: workload, Replicas: b.Spec.Replicas, Requirements: b.Spec.ReplicaRequirements,
		Placement: b.Spec.Placement, Previous: b.Spec.Clusters, ObservedAffinity: b.Status.SchedulerObservedAffinityName,
	}
	for _, t := range b.Spec.GracefulEvictionTasks {
		r.Evicting = append(r.Evicting, t.FromCluster)
	}
	r.Fresh = rebalance(b)
	return r
}

// encode is the form in which the placement last applied is kept. Only its own output is compared with it.
func encode(p *policyv1alpha1.Placement) string {
	data, err := json.Marshal(p)
	if err != nil {
		panic(err) // plain data
	}
	return string(data)
}

// DropLeaving takes clusters that are being removed from the federation out of the targets of a binding that is not
// scheduled now: else it would hold them for ever.
func DropLeaving(b *binding.Binding, clusters []*clusterv1alpha1.Cluster) {
	b.Spec.Clusters = slices.DeleteFunc(b.Spec.Clusters, func(t workv1alpha2.TargetCluster) bool {
		return slices.ContainsFunc(clusters, func(c *clusterv1alpha1.Cluster) bool { return c.Name == t.Name && c.DeletionTimestamp != nil })
	})
}

// Remember keeps every cluster that drops out of the targets in the status, in the same write, until its copy is known to be gone:
// else a crash in between would forget that there may be one.
func Remember(old, next *binding.Binding) {
	if old == nil {
		return
	}
	for _, cluster := range binding.Clusters(old) {
		if !slices.Contains(binding.Clusters(next), cluster) {
			next.Status.AggregatedStatus = append(next.Status.AggregatedStatus, workv1alpha2.AggregatedStatusItem{
				ClusterName: cluster, AppliedMessage: "to be removed from this cluster", Health: workv1alpha2.ResourceUnknown,
			})
		}
	}
	slices.SortFunc(next.Status.AggregatedStatus, func(a, b workv1alpha2.AggregatedStatusItem) int {
		return strings.Compare(a.ClusterName, b.ClusterName)
	})
}

// maxMessage bounds condition messages, in bytes.
const maxMessage = 1024

// report sets the condition Scheduled and what goes with it.
func report(in Input, next *binding.Binding, d Decision) {
	generation := int64(1)
	if in.Old != nil {
		generation = in.Old.Generation
		if !equality.Semantic.DeepEqual(in.Old.Spec, next.Spec) {
			generation++ // what the write makes of it
		}
	}
	switch {
	case d.Held:
		return
	case !d.Scheduled:
		next.Status.SchedulerObservedGeneration = generation
		return
	}
	c := metav1.Condition{
		Type: workv1alpha2.Scheduled, Status: metav1.ConditionFalse, Reason: d.Result.Reason, Message: d.Result.Message,
		LastTransitionTime: metav1.NewTime(in.Now), ObservedGeneration: generation,
	}
	if len(d.Result.Unsupported) > 0 {
		c.Message += "; without effect yet: " + strings.Join(d.Result.Unsupported, ", ")
	}
	if len(c.Message) > maxMessage {
		c.Message = strings.ToValidUTF8(c.Message[:maxMessage-3], "") + "..."
	}
	if d.Result.Reason == workv1alpha2.BindingReasonSuccess {
		c.Status = metav1.ConditionTrue
		next.Status.SchedulerObservedGeneration = generation
		anew := rebalance(next)
		if anew || in.Old == nil || next.Status.LastScheduledTime == nil || !equality.Semantic.DeepEqual(in.Old.Spec, next.Spec) {
			now := metav1.NewTime(in.Now)
			if anew && now.Before(next.Spec.RescheduleTriggeredAt) {
				now = *next.Spec.RescheduleTriggeredAt // by a clock that is ahead; it is answered all the same
			}
			next.Status.LastScheduledTime = &now
		}
	}
	meta.SetStatusCondition(&next.Status.Conditions, c)
}
