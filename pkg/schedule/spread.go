/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package schedule

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	policyv1alpha1 "github.com/manifold-k8s/manifold/apis/policy/v1alpha1"
	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
)

// presentScore is what a cluster that is a target already has ahead of others when clusters are chosen.
const presentScore = 100

// limit bounds a number of groups.
type limit struct{ min, max int }

// spread is the spread constraints of a placement, read once.
type spread struct {
	region      *limit                            // nil: not constrained
	cluster     *limit                            // nil: not constrained
	properties  []policyv1alpha1.SpreadFieldValue // that clusters must have
	ignored     bool                              // by static weights: all candidates are chosen
	unsupported []string
}

// newSpread reads the constraints. Fixed weights say themselves which clusters get how much, so with them (but not
// with an empty weightPreference, which says nothing) constraints choose nothing.
func newSpread(p *policyv1alpha1.Placement) spread {
	s := spread{ignored: fixedWeights(p.ReplicaScheduling)}
	if s.ignored && len(p.SpreadConstraints) > 0 {
		s.unsupported = append(s.unsupported, "spec.placement.spreadConstraints")
	}
	for i := range p.SpreadConstraints {
		c := &p.SpreadConstraints[i]
		path := fmt.Sprintf("spec.placement.spreadConstraints[%d]", i)
		l := &limit{min: max(1, c.MinGroups), max: c.MaxGroups}
		if l.max <= 0 {
			l.max = math.MaxInt
		}
		switch c.SpreadByField {
		case policyv1alpha1.SpreadByFieldRegion:
			s.region = l
			s.properties = append(s.properties, c.SpreadByField)
		case policyv1alpha1.SpreadByFieldCluster:
			s.cluster = l
		case "":
			if c.SpreadByLabel == "" { // the API's default
				s.cluster = l
			} else if !s.ignored {
				s.unsupported = append(s.unsupported, path+".spreadByLabel")
			}
		default:
			s.properties = append(s.properties, c.SpreadByField)
			if !s.ignored && (c.MinGroups > 1 || c.MaxGroups > 0) {
				s.unsupported = append(s.unsupported, path)
			}
		}
	}
	slices.Sort(s.properties)
	return s
}

func fixedWeights(r *policyv1alpha1.ReplicaSchedulingStrategy) bool {
	if divisionOf(r) != staticWeight {
		return false
	}
	return r.WeightPreference == nil || len(r.WeightPreference.StaticWeightList) > 0
}

// limits reports whether the constraints choose among the candidates.
func (s *spread) limits() bool {
	return !s.ignored && (s.region != nil || s.cluster != nil || len(s.properties) > 0)
}

// choose applies the spread constraints: it returns the candidates to divide over.
func (s *session) choose(candidates []candidate) ([]candidate, *failure) {
	sp := &s.plan.spread
	if !sp.limits() {
		return candidates, nil
	}
	ordered := slices.Clone(candidates)
	slices.SortFunc(ordered, byPreference)
	if sp.region == nil && sp.cluster == nil {
		return nil, &failure{workv1alpha2.BindingReasonSchedulerError,
			"spread constraints choose by cluster and region only, and there is neither"}
	}
	clusters := limit{min: 1, max: math.MaxInt}
	if sp.cluster != nil {
		clusters = *sp.cluster
	}
	if chosen := s.stay(ordered, clusters); chosen != nil {
		return chosen, nil
	}
	if sp.region != nil {
		return s.chooseByRegion(ordered, *sp.region, clusters)
	}
	return s.chooseByCluster(ordered, clusters)
}

// stay returns the present targets, filled up from the same regions to the largest number of clusters, if that
// satisfies the constraints and has room for all replicas; else nil. So nothing moves only because room has come up
// elsewhere: the sets that the constraints prefer depend on it.
func (s *session) stay(ordered []candidate, clusters limit) []candidate {
	if s.req.Fresh {
		return nil
	}
	var chosen []candidate
	inRegions := make(map[string]bool)
	for _, c := range ordered {
		if c.present {
			chosen = append(chosen, c)
			inRegions[c.cluster.Spec.Region] = true
		}
	}
	most := clusters.max
	if r := s.plan.spread.region; r != nil {
		if len(inRegions) < r.min || len(inRegions) > r.max {
			return nil
		}
		most = max(most, len(inRegions)) // one in each region, if that is more
	}
	if len(chosen) == 0 || len(chosen) > most {
		return nil
	}
	for _, c := range ordered {
		if len(chosen) < clusters.max && !c.present && (s.plan.spread.region == nil || inRegions[c.cluster.Spec.Region]) {
			chosen = append(chosen, c)
		}
	}
	if len(chosen) < clusters.min || (s.plan.division != duplicated && total(chosen) < int64(s.req.Replicas)) {
		return nil
	}
	return chosen
}

// byPreference is the order in which clusters are chosen: nearer tier, is a target already, more room, name.
func byPreference(a, b candidate) int {
	return cmp.Or(cmp.Compare(a.tier, b.tier), cmp.Compare(b.score(), a.score()),
		cmp.Compare(b.available(), a.available()), cmp.Compare(a.index, b.index))
}

func (c *candidate) score() int64 {
	if c.present {
		return presentScore
	}
	return 0
}

// chooseByCluster takes the first clusters in the order given, at most l.max. When replicas are divided and these have
// too little room, it exchanges them, the least preferred first, for the outsider with the most room.
func (s *session) chooseByCluster(ordered []candidate, l limit) ([]candidate, *failure) {
	if len(ordered) < l.min {
		return nil, tooFew("cluster", len(ordered), l.min)
	}
	n := min(len(ordered), l.max)
	chosen, outside := ordered[:n:n], slices.Clone(ordered[n:])
	want, room := int64(s.req.Replicas), total(chosen)
	if s.plan.division == duplicated || room >= want {
		return chosen, nil
	}
	chosen = slices.Clone(chosen)
	for i := n - 1; i >= 0 && room < want && len(outside) > 0; i-- {
		best := 0
		for j := range outside {
			if outside[j].available() > outside[best].available() {
				best = j
			}
		}
		if gain := outside[best].available() - chosen[i].available(); gain > 0 {
			chosen[i], outside[best] = outside[best], chosen[i]
			room += gain
		}
	}
	if room < want {
		return nil, &failure{workv1alpha2.BindingReasonUnschedulable,
			fmt.Sprintf("%d of the clusters have room for at most %s, %d wanted", n, plural(room, "replica"), want)}
	}
	return chosen, nil
}

func tooFew(what string, have, want int) *failure {
	return &failure{workv1alpha2.BindingReasonSchedulerError,
		fmt.Sprintf("%s to choose from, the spread constraints ask for at least %d", plural(int64(have), what), want)}
}

// total is how many replicas the candidates have room for.
func total(cs []candidate) int64 {
	var sum int64
	for i := range cs {
		sum += cs[i].available()
	}
	return sum
}
