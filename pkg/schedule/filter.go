/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package schedule

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"

	clusterv1alpha1 "github.com/manifold-k8s/manifold/apis/cluster/v1alpha1"
	policyv1alpha1 "github.com/manifold-k8s/manifold/apis/policy/v1alpha1"
	"github.com/manifold-k8s/manifold/pkg/match"
)

// refusal is why a cluster is no candidate, for the summary: the first reason.
type refusal struct{ cluster, why string }

// filter sorts the clusters into candidates and refusals and fills in the verdicts on the refused.
func (s *session) filter(t term, verdicts []Verdict) (candidates []candidate, refusals []refusal) {
	for i, c := range s.clusters {
		verdicts[i].Cluster = c.Name
		tier, why := s.refuse(c, t)
		if len(why) > 0 {
			verdicts[i].Reason = strings.Join(why, "; ")
			refusals = append(refusals, refusal{c.Name, why[0]})
			continue
		}
		previous, present := s.previous[c.Name]
		k := candidate{cluster: c, index: i, tier: tier, present: present}
		if present && s.req.workload() {
			k.held = max(0, previous.Replicas)
		}
		if s.plan.needsCapacity() {
			k.free = s.room(c)
		}
		candidates = append(candidates, k)
	}
	return candidates, refusals
}

// refuse returns why a cluster is no candidate: the affinity alone, or else everything that speaks against it, in
// fixed order. Taints and missing APIs keep new templates away, and never turn out one that is there.
func (s *session) refuse(c *clusterv1alpha1.Cluster, t term) (tier int, why []string) {
	if c.DeletionTimestamp != nil {
		return 0, []string{"the cluster is being deleted"}
	}
	tier, refused := t.tierOf(c)
	if refused != "" {
		return 0, []string{refused}
	}
	if s.evicting[c.Name] {
		why = append(why, "the template is being evicted from it")
	}
	why = append(why, s.plan.spread.missing(c)...)
	if _, present := s.previous[c.Name]; present {
		return tier, why
	}
	if reason := lacksAPI(c, s.req.APIVersion, s.req.Kind); reason != "" {
		why = append(why, reason)
	}
	return tier, append(why, s.untolerated(c)...)
}

// tierOf returns the first tier that selects the cluster, or why the term does not.
func (t term) tierOf(c *clusterv1alpha1.Cluster) (tier int, refused string) {
	for i := range t.tiers {
		ok, why := t.tiers[i].affinity.Selects(c)
		if ok {
			return i, ""
		}
		if i == 0 {
			refused = why
		}
	}
	if t.name != "" {
		refused = fmt.Sprintf("not in affinity group %q: %s", t.name, refused)
	}
	return 0, refused
}

// lacksAPI returns why the cluster cannot take the kind, or "". What is missing from an incomplete list may be there.
func lacksAPI(c *clusterv1alpha1.Cluster, apiVersion, kind string) string {
	for i := range c.Status.APIEnablements {
		e := &c.Status.APIEnablements[i]
		if e.GroupVersion != apiVersion {
			continue
		}
		for j := range e.Resources {
			if e.Resources[j].Kind == kind {
				return ""
			}
		}
	}
	if meta.IsStatusConditionTrue(c.Status.Conditions, clusterv1alpha1.ClusterConditionCompleteAPIEnablements) {
		return fmt.Sprintf("does not serve %s %s", apiVersion, kind)
	}
	return fmt.Sprintf("not known to serve %s %s: the list of its APIs is not complete", apiVersion, kind)
}

// untolerated returns a reason for every taint that keeps the template away.
func (s *session) untolerated(c *clusterv1alpha1.Cluster) (why []string) {
	for i := range c.Spec.Taints {
		taint := &c.Spec.Taints[i]
		if taint.Effect != corev1.TaintEffectNoSchedule && taint.Effect != corev1.TaintEffectNoExecute {
			continue
		}
		if s.req.Placement == nil || !tolerated(s.req.Placement.ClusterTolerations, taint) {
			why = append(why, "untolerated taint "+taint.ToString())
		}
	}
	return why
}

// tolerated covers the operators that admission lets through: Exists, Equal, and empty, which means Equal.
func tolerated(tolerations []corev1.Toleration, taint *corev1.Taint) bool {
	for i := range tolerations {
		t := &tolerations[i]
		if (t.Effect != "" && t.Effect != taint.Effect) || (t.Key != "" && t.Key != taint.Key) {
			continue
		}
		switch t.Operator {
		case corev1.TolerationOpExists:
			return true
		case corev1.TolerationOpEqual, "":
			if t.Key != "" && t.Value == taint.Value {
				return true
			}
		}
	}
	return false
}

// missing returns a reason for every property that a constraint groups by and the cluster does not have.
func (s *spread) missing(c *clusterv1alpha1.Cluster) (why []string) {
	for _, field := range s.properties {
		has := true
		switch field {
		case policyv1alpha1.SpreadByFieldProvider:
			has = c.Spec.Provider != ""
		case policyv1alpha1.SpreadByFieldRegion:
			has = c.Spec.Region != ""
		case policyv1alpha1.SpreadByFieldZone:
			has = len(match.Zones(c)) > 0
		}
		if !has {
			why = append(why, fmt.Sprintf("has no %s, by which the template is spread", field))
		}
	}
	return why
}
