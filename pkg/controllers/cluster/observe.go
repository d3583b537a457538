/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package cluster

import (
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	clusterv1alpha1 "github.com/manifold-k8s/manifold/apis/cluster/v1alpha1"
	"github.com/manifold-k8s/manifold/pkg/member"
)

// flipAfter is how long a member must have been different before its condition Ready says so: a restart of its API
// server is no reason to place anything elsewhere.
const flipAfter = 30 * time.Second

// observe writes the member's state into c, and returns after how long to look again, 0 for not at all. since is when
// the state began to differ from what the condition Ready says. It is pure.
func observe(c *clusterv1alpha1.Cluster, s member.State, now, since time.Time) time.Duration {
	if c.DeletionTimestamp == nil && indexOf(c.Finalizers, clusterv1alpha1.ClusterFinalizer) < 0 {
		c.Finalizers = append(c.Finalizers, clusterv1alpha1.ClusterFinalizer)
	}
	hold := setReady(c, s, now, since)
	if s.Version != "" {
		c.Status.KubernetesVersion = s.Version
	}
	setAPIs(c, s, now)
	if s.Nodes != nil {
		c.Status.NodeSummary = &clusterv1alpha1.NodeSummary{TotalNum: s.Nodes.Total, ReadyNum: s.Nodes.Ready}
		summary := &clusterv1alpha1.ResourceSummary{}
		if c.Status.ResourceSummary != nil {
			summary = c.Status.ResourceSummary.DeepCopy()
		}
		summary.Allocatable = s.Nodes.Allocatable
		c.Status.ResourceSummary = summary
	}
	setTaint(c, now)
	return hold
}

func readyOf(c *clusterv1alpha1.Cluster) *metav1.Condition {
	return meta.FindStatusCondition(c.Status.Conditions, clusterv1alpha1.ClusterConditionReady)
}

// setReady sets the condition Ready. The first observation counts at once, a change only after it has lasted.
func setReady(c *clusterv1alpha1.Cluster, s member.State, now, since time.Time) time.Duration {
	next := metav1.Condition{
		Type: clusterv1alpha1.ClusterConditionReady, Status: metav1.ConditionFalse, Reason: s.Reason, Message: s.Message,
		LastTransitionTime: metav1.NewTime(now),
	}
	if s.Ready {
		next.Status = metav1.ConditionTrue
	}
	old := readyOf(c)
	if old != nil && old.Status != next.Status {
		if left := flipAfter - now.Sub(since); left > 0 {
			return left
		}
	}
	meta.SetStatusCondition(&c.Status.Conditions, next)
	return 0
}

// setAPIs reports the served kinds. What is known is kept while the member is away.
func setAPIs(c *clusterv1alpha1.Cluster, s member.State, now time.Time) {
	next := metav1.Condition{
		Type: clusterv1alpha1.ClusterConditionCompleteAPIEnablements, Status: metav1.ConditionTrue,
		Reason: clusterv1alpha1.ReasonAPIEnablementsComplete, Message: "all served kinds are known",
		LastTransitionTime: metav1.NewTime(now),
	}
	switch {
	case len(s.APIs) > 0:
		c.Status.APIEnablements = s.APIs
		if !s.Complete {
			next.Status, next.Reason = metav1.ConditionFalse, clusterv1alpha1.ReasonAPIEnablementsPartial
			next.Message = "some API groups of the cluster do not answer"
		}
	case len(c.Status.APIEnablements) > 0 || s.Reachable: // not read yet, or not any more
		return
	default:
		next.Status, next.Reason = metav1.ConditionFalse, clusterv1alpha1.ReasonAPIEnablementsEmpty
		next.Message = "the served kinds are not known"
	}
	meta.SetStatusCondition(&c.Status.Conditions, next)
}

// setTaint keeps new workloads off a member that is not ready. It never evicts anything.
func setTaint(c *clusterv1alpha1.Cluster, now time.Time) {
	ready := meta.IsStatusConditionTrue(c.Status.Conditions, clusterv1alpha1.ClusterConditionReady)
	i := slices.IndexFunc(c.Spec.Taints, func(t corev1.Taint) bool {
		return t.Key == clusterv1alpha1.TaintClusterNotReady && t.Effect == corev1.TaintEffectNoSchedule
	})
	switch {
	case ready && i >= 0:
		c.Spec.Taints = slices.Delete(c.Spec.Taints, i, i+1)
		if len(c.Spec.Taints) == 0 {
			c.Spec.Taints = nil
		}
	case !ready && i < 0:
		stamp := metav1.NewTime(now)
		c.Spec.Taints = append(c.Spec.Taints, corev1.Taint{
			Key: clusterv1alpha1.TaintClusterNotReady, Effect: corev1.TaintEffectNoSchedule, TimeAdded: &stamp,
		})
	}
}
