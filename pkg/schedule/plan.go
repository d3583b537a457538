/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package schedule

import (
	"fmt"
	"slices"

	policyv1alpha1 "github.com/manifold-k8s/manifold/apis/policy/v1alpha1"
	"github.com/manifold-k8s/manifold/pkg/match"
)

// division is how replicas are divided.
type division int

const (
	duplicated    division = iota // every cluster gets all
	staticWeight                  // by the weights in the placement
	dynamicWeight                 // by room, over all clusters
	aggregated                    // by room, over as few clusters as have enough
)

// byCapacity reports whether the division looks at how much room clusters have.
func (d division) byCapacity() bool { return d == dynamicWeight || d == aggregated }

// plan is a placement, read once.
type plan struct {
	division    division
	weights     []weightRule // of staticWeight; empty: all equal
	terms       []term       // never empty
	spread      spread
	unsupported []string
}

// weightRule gives the clusters it selects a weight.
type weightRule struct {
	affinity match.Affinity
	weight   int64
}

// term is one set of clusters to choose from.
type term struct {
	name  string // empty without affinity groups
	tiers []tier // the first is the term itself; the rest take what does not fit there
}

type tier struct {
	name     string
	affinity match.Affinity
}

func newPlan(req *Request) plan {
	p := req.Placement
	if p == nil {
		p = &policyv1alpha1.Placement{}
	}
	out := plan{division: divisionOf(p.ReplicaScheduling)}
	if out.division == staticWeight && p.ReplicaScheduling.WeightPreference != nil {
		for i := range p.ReplicaScheduling.WeightPreference.StaticWeightList {
			rule := &p.ReplicaScheduling.WeightPreference.StaticWeightList[i]
			out.weights = append(out.weights, weightRule{match.NewAffinity(&rule.TargetCluster), rule.Weight})
		}
	}
	for i := range p.ClusterAffinities {
		a := &p.ClusterAffinities[i]
		t := term{name: a.AffinityName, tiers: []tier{{a.AffinityName, match.NewAffinity(&a.ClusterAffinity)}}}
		// Tiers are for dividing by room; what is not divided has no use for them.
		if req.workload() && out.division.byCapacity() {
			for j := range a.OverflowAffinities {
				o := &a.OverflowAffinities[j]
				t.tiers = append(t.tiers, tier{o.AffinityName, match.NewAffinity(&o.ClusterAffinity)})
			}
		} else if len(a.OverflowAffinities) > 0 && req.workload() {
			out.unsupported = append(out.unsupported, fmt.Sprintf("spec.placement.clusterAffinities[%d].overflowAffinities", i))
		}
		out.terms = append(out.terms, t)
	}
	if len(out.terms) == 0 {
		out.terms = []term{{tiers: []tier{{affinity: match.NewAffinity(p.ClusterAffinity)}}}}
	}
	out.spread = newSpread(p)
	out.unsupported = append(out.unsupported, out.spread.unsupported...)
	if p.WorkloadAffinity != nil {
		out.unsupported = append(out.unsupported, "spec.placement.workloadAffinity")
	}
	slices.Sort(out.unsupported)
	return out
}

// divisionOf reads the strategy with the API's defaults: none at all duplicates, an empty type divides, an empty
// preference goes by weight.
func divisionOf(r *policyv1alpha1.ReplicaSchedulingStrategy) division {
	switch {
	case r == nil || r.ReplicaSchedulingType == policyv1alpha1.ReplicaSchedulingTypeDuplicated:
		return duplicated
	case r.ReplicaDivisionPreference == policyv1alpha1.ReplicaDivisionPreferenceAggregated:
		return aggregated
	case r.WeightPreference != nil && r.WeightPreference.DynamicWeight != "":
		return dynamicWeight
	}
	return staticWeight
}

// needsCapacity reports whether the room in the clusters matters.
func (p *plan) needsCapacity() bool { return p.division.byCapacity() || p.spread.limits() }
