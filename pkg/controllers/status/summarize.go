/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package status

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	utiljson "k8s.io/apimachinery/pkg/util/json"

	clusterv1alpha1 "github.com/manifold-k8s/manifold/apis/cluster/v1alpha1"
	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
	"github.com/manifold-k8s/manifold/pkg/binding"
	"github.com/manifold-k8s/manifold/pkg/brief"
	syncer "github.com/manifold-k8s/manifold/pkg/controllers/sync"
	"github.com/manifold-k8s/manifold/pkg/interpret"
	"github.com/manifold-k8s/manifold/pkg/member"
)

// view is what is known of a binding in one cluster that may hold a copy.
type view struct {
	cluster string
	target  *workv1alpha2.TargetCluster // nil: the copy has to go
	// left: the cluster holds no copy any more, or is no part of the federation.
	left bool
	// away: the cluster does not answer. What is known of it is the last known state.
	away bool
	// since is when that was noticed, as it stands in messages; empty for one that has just stopped to answer.
	since string
	// known: there are an outcome and a copy, or the certainty that there is none. Without, what was reported last stands.
	known   bool
	outcome syncer.Outcome
	copy    *member.Copy
}

// views collects what is known, one view per cluster.
func (c *Controller) views(b *binding.Binding, key types.NamespacedName) []view {
	var out []view
	targets := binding.Targets(b)
	for _, cluster := range binding.Clusters(b) {
		v := view{cluster: cluster, target: targets[cluster]}
		if b.DeletionTimestamp != nil {
			v.target = nil
		}
		obj, exists, err := c.cfg.Clusters.GetStore().GetByKey(cluster)
		if err == nil && !exists {
			v.left = true
			out = append(out, v)
			continue
		}
		m := c.cfg.Fleet.Get(cluster)
		// Without a connection it is away only if it was not ready before: else the connection is just being made.
		v.away = m == nil && !ready(obj) || m != nil && m.State().Probed && !m.Reachable()
		if v.away {
			v.since = notReadySince(obj)
		}
		if o, ok := c.cfg.Outcomes.Outcome(cluster, key); ok {
			v.outcome = o
			if m != nil {
				v.copy, v.known = m.Copy(binding.TemplateKind(b), types.NamespacedName{Namespace: b.Spec.Resource.Namespace, Name: b.Spec.Resource.Name})
				v.known = v.known && (o.Hash != "" || o.Failed != "")
			}
			v.left = v.target == nil && o.Gone == binding.Revision(b)
		}
		out = append(out, v)
	}
	return out
}

// unheard reports whether a cluster that had a copy has not been heard of since the start. As long as they are all being
// listed, what can be said changes with each of them.
func unheard(b *binding.Binding, views []view) bool {
	return slices.ContainsFunc(views, func(v view) bool {
		return v.target != nil && !v.known && !v.left && !v.away &&
			slices.ContainsFunc(b.Status.AggregatedStatus, func(i workv1alpha2.AggregatedStatusItem) bool { return i.ClusterName == v.cluster && i.Applied })
	})
}

// ready reports whether a Cluster was ready when it was last looked at.
func ready(obj any) bool {
	c, ok := obj.(*clusterv1alpha1.Cluster)
	return ok && meta.IsStatusConditionTrue(c.Status.Conditions, clusterv1alpha1.ClusterConditionReady)
}

// notReadySince is since when the Cluster's condition Ready says that it is not, empty as long as it does not say so. It
// is stored with the Cluster, so it stands when the hub is restarted.
func notReadySince(obj any) string {
	c, ok := obj.(*clusterv1alpha1.Cluster)
	if !ok {
		return ""
	}
	condition := meta.FindStatusCondition(c.Status.Conditions, clusterv1alpha1.ClusterConditionReady)
	if condition == nil || condition.Status == metav1.ConditionTrue {
		return ""
	}
	return condition.LastTransitionTime.UTC().Format(time.RFC3339)
}

const (
	noAnswer       = "the cluster does not answer"
	untilItReturns = "; it is brought up to date when it returns"
)

// unanswered is said of a cluster that is away. It names a point in time, so that it need not be written again as the
// state grows older.
func (v view) unanswered() string {
	if v.since == "" {
		return noAnswer + untilItReturns
	}
	return noAnswer + " since " + v.since + "; its state is of then" + untilItReturns
}

// saysAway reports whether the binding says that the cluster does not answer.
func saysAway(b *binding.Binding, cluster string) bool {
	return slices.ContainsFunc(b.Status.AggregatedStatus, func(i workv1alpha2.AggregatedStatusItem) bool {
		return i.ClusterName == cluster && strings.Contains(i.AppliedMessage, noAnswer)
	})
}

// onlyAge reports whether two reports differ in nothing but how old the state of clusters is.
func onlyAge(before, after []workv1alpha2.AggregatedStatusItem) bool {
	marked := false
	return slices.EqualFunc(before, after, func(a, b workv1alpha2.AggregatedStatusItem) bool {
		if a.AppliedMessage != b.AppliedMessage {
			marked = true
		}
		for _, i := range []*workv1alpha2.AggregatedStatusItem{&a, &b} {
			if strings.HasPrefix(i.AppliedMessage, noAnswer) {
				i.AppliedMessage = ""
			}
		}
		return binding.SameItem(a, b)
	}) && marked
}

// summarize brings a binding's status up to date with the views. It reports whether something is still moving, copies that
// are not sent yet or not healthy yet, and whether something has failed.
func summarize(s *workv1alpha2.ResourceBindingStatus, b *binding.Binding, views []view, now time.Time) (moving, failed bool) {
	old := s.AggregatedStatus
	s.AggregatedStatus = nil
	applied := 0
	for _, v := range views {
		if v.left {
			continue
		}
		i := slices.IndexFunc(old, func(o workv1alpha2.AggregatedStatusItem) bool { return o.ClusterName == v.cluster })
		switch {
		case v.target != nil && v.known:
			item := itemOf(b, v)
			failed = failed || item.AppliedMessage != "" && (i < 0 || item.AppliedMessage != old[i].AppliedMessage)
			moving = moving || item.AppliedMessage == "" && item.Health != workv1alpha2.ResourceHealthy
			if item.Applied {
				applied++
			}
			s.AggregatedStatus = append(s.AggregatedStatus, item)
		case v.target != nil && v.away:
			item := workv1alpha2.AggregatedStatusItem{ClusterName: v.cluster, AppliedMessage: v.unanswered(), Health: workv1alpha2.ResourceUnknown}
			failed = failed || i < 0 || item.AppliedMessage != old[i].AppliedMessage
			if i >= 0 {
				item.Status = old[i].Status // the last that was heard of it
			}
			s.AggregatedStatus = append(s.AggregatedStatus, item)
		case i >= 0:
			item := old[i]
			if v.target == nil && v.outcome.Failed != "" {
				item.AppliedMessage = v.outcome.Failed // why the copy is not gone yet
			}
			s.AggregatedStatus = append(s.AggregatedStatus, item)
			if old[i].Applied && v.target != nil {
				applied++
			}
		default:
			moving = true
		}
	}
	slices.SortFunc(s.AggregatedStatus, func(a, b workv1alpha2.AggregatedStatusItem) int {
		return strings.Compare(a.ClusterName, b.ClusterName)
	})
	if len(s.AggregatedStatus) > 0 || len(old) > 0 { // nothing to say about a binding that nobody has looked at yet
		wanted := len(binding.Targets(b))
		full := fullyApplied(b, views, applied, wanted, now)
		if applied > 0 && applied == wanted && len(s.AggregatedStatus) == applied {
			full.Status, full.Reason = metav1.ConditionTrue, workv1alpha2.FullyAppliedSuccessReason
		}
		meta.SetStatusCondition(&s.Conditions, full)
	}
	return moving, failed
}

// fullyApplied is the condition as long as it is not met.
func fullyApplied(b *binding.Binding, views []view, applied, wanted int, now time.Time) metav1.Condition {
	full := metav1.Condition{
		Type: workv1alpha2.FullyApplied, Status: metav1.ConditionFalse, Reason: workv1alpha2.FullyAppliedFailedReason,
		Message:            fmt.Sprintf("%d of %d clusters have the current manifest", applied, wanted),
		LastTransitionTime: metav1.NewTime(now), ObservedGeneration: b.Generation,
	}
	var leaving, away []string
	for _, v := range views {
		switch {
		case v.target == nil && !v.left:
			leaving = append(leaving, v.cluster)
		case v.target != nil && v.away && v.since != "":
			away = append(away, v.cluster)
		}
	}
	slices.Sort(leaving)
	slices.Sort(away)
	if why := failures(views); why != "" {
		full.Message += "; " + why
	}
	if len(away) > 0 {
		full.Message += "; no answer from " + brief.Names(away, maxClusters)
	}
	if len(leaving) > 0 {
		full.Message += "; still to be removed from " + brief.Names(leaving, maxClusters)
	}
	return full
}

// maxClusters bounds how many clusters a message names.
const maxClusters = 8

// itemOf reports one target cluster.
func itemOf(b *binding.Binding, v view) workv1alpha2.AggregatedStatusItem {
	item := workv1alpha2.AggregatedStatusItem{ClusterName: v.cluster, AppliedMessage: v.outcome.Failed, Health: workv1alpha2.ResourceUnknown}
	item.Applied = v.applied(b)
	switch {
	case !v.away:
	case item.AppliedMessage == "" && (v.since != "" || !item.Applied):
		item.AppliedMessage = v.unanswered()
	case item.AppliedMessage != "" && v.since != "":
		item.AppliedMessage += "; " + v.unanswered()
	}
	if v.copy == nil {
		return item
	}
	if raw := v.copy.Status.JSON(); raw != "" {
		item.Status = &runtime.RawExtension{Raw: []byte(raw)}
	}
	if item.Applied {
		item.Health = v.copy.Health
	}
	return item
}

// applied reports whether the copy is known to be what this generation of the binding asks for.
func (v view) applied(b *binding.Binding) bool {
	return v.outcome.Failed == "" && v.copy != nil && v.copy.Hash == v.outcome.Hash && v.outcome.Generation >= b.Generation
}

// items puts the views of the target clusters into the form in which they are added up.
func items(b *binding.Binding, views []view, workload bool) []interpret.Item {
	var out []interpret.Item
	decoded := map[member.Collected]map[string]any{} // copies are often in the same state in all members
	for _, v := range views {
		if v.target == nil || v.left {
			continue
		}
		item := interpret.Item{Cluster: v.cluster, Replicas: v.outcome.Replicas, Away: v.away && v.since != ""}
		if v.known {
			if v.copy != nil {
				status, ok := decoded[v.copy.Status]
				if !ok {
					status = v.copy.Status.Map()
					decoded[v.copy.Status] = status
				}
				item.Status, item.Health, item.Applied = status, v.copy.Health, v.applied(b)
			}
		} else {
			item.Status, item.Applied, item.Health = reported(b, v.cluster)
		}
		if item.Replicas == nil && workload && v.outcome.Hash == "" {
			n := v.target.Replicas
			item.Replicas = &n
		}
		out = append(out, item)
	}
	return out
}

// hasReported says whether a cluster that the binding names, target or not, has reported a status.
func hasReported(b *binding.Binding) bool {
	return slices.ContainsFunc(b.Status.AggregatedStatus, func(i workv1alpha2.AggregatedStatusItem) bool { return i.Status != nil })
}

// reported returns what the binding last said about a cluster.
func reported(b *binding.Binding, cluster string) (status map[string]any, applied bool, health workv1alpha2.ResourceHealth) {
	for i := range b.Status.AggregatedStatus {
		item := &b.Status.AggregatedStatus[i]
		if item.ClusterName != cluster {
			continue
		}
		if item.Status != nil {
			if err := utiljson.Unmarshal(item.Status.Raw, &status); err != nil {
				return nil, item.Applied, item.Health // not ours; as if nothing had been collected
			}
		}
		return status, item.Applied, item.Health
	}
	return nil, false, workv1alpha2.ResourceUnknown
}
