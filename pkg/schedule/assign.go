/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package schedule

import (
	"cmp"
	"fmt"
	"math/big"
	"slices"

	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
	"github.com/manifold-k8s/manifold/pkg/brief"
)

// assign divides the replicas over the chosen clusters.
func (s *session) assign(selected []candidate) ([]share, *failure) {
	switch {
	case !s.req.workload():
		return everyone(selected, 0, "selected"), nil
	case s.plan.division == duplicated:
		return everyone(selected, s.req.Replicas, "every cluster gets all replicas"), nil
	case s.plan.division == staticWeight:
		return s.assignByWeight(selected), nil
	case s.req.Replicas == 0:
		return atZero(selected), nil
	}
	return s.assignByRoom(selected)
}

// everyone makes every cluster a target with n replicas.
func everyone(selected []candidate, n int32, why string) []share {
	shares := make([]share, 0, len(selected))
	for _, c := range selected {
		shares = append(shares, share{candidate: c, replicas: n, target: true, why: why})
	}
	return shares
}

// atZero is the result for a workload whose replicas are divided and scaled to 0: where it is, it stays, because
// scaling to 0 is no request to delete it; if it is nowhere, it goes everywhere, like a template without replicas.
func atZero(eligible []candidate) []share {
	if !slices.ContainsFunc(eligible, func(c candidate) bool { return c.present }) {
		return everyone(eligible, 0, "scaled to 0, and in no cluster so far")
	}
	shares := make([]share, 0, len(eligible))
	for _, c := range eligible {
		sh := share{candidate: c, target: c.present, why: "scaled to 0, and not in this cluster before"}
		if c.present {
			sh.why = "scaled to 0, and stays where it is"
		}
		shares = append(shares, sh)
	}
	return shares
}

// assignByWeight divides by the placement's weights. A cluster has the largest weight of the rules that select it, and
// without any is left out; if no rule selects any cluster, all weigh the same. What was placed before does not matter,
// nor does room.
func (s *session) assignByWeight(selected []candidate) []share {
	weights := make(map[int]int64, len(selected))
	for _, c := range selected {
		for _, rule := range s.plan.weights {
			if ok, _ := rule.affinity.Selects(c.cluster); ok && rule.weight > weights[c.index] {
				weights[c.index] = rule.weight
			}
		}
	}
	if len(weights) == 0 {
		for _, c := range selected {
			weights[c.index] = 1
		}
	}
	var eligible []candidate
	var shares []share
	for _, c := range selected {
		if weights[c.index] > 0 {
			eligible = append(eligible, c)
			continue
		}
		shares = append(shares, share{candidate: c, why: "no weight rule selects it"})
	}
	if s.req.Replicas == 0 {
		return append(shares, atZero(eligible)...)
	}
	sum := new(big.Int) // weights may be anything up to the largest int64
	for _, w := range weights {
		sum.Add(sum, big.NewInt(w))
	}
	counts := s.divide(s.req.Replicas, eligible, func(c *candidate) int64 { return weights[c.index] })
	for _, c := range eligible {
		n := counts[c.index]
		why := fmt.Sprintf("weight %d of %d", weights[c.index], sum)
		if n == 0 {
			why = "share is 0: " + why
		}
		shares = append(shares, share{candidate: c, replicas: n, target: n > 0, why: why})
	}
	return shares
}

// divide is Divide with the tie-break of the template. The result is keyed by candidate.index.
func (s *session) divide(n int32, among []candidate, weight func(*candidate) int64) map[int]int32 {
	order := TieOrder(s.req.UID)
	among = slices.Clone(among)
	slices.SortFunc(among, func(a, b candidate) int { return order(a.cluster.Name, b.cluster.Name) })
	cs := make([]Candidate, len(among))
	for i := range among {
		cs[i] = Candidate{Cluster: among[i].cluster.Name, Weight: weight(&among[i])}
	}
	shares := make(map[int]int32, len(cs))
	for i, k := range Divide(n, cs) {
		shares[among[i].index] = k
	}
	return shares
}

// roomPlan says what of the replicas has to be placed, and by which measure.
type roomPlan struct {
	want   int32
	base   func(*candidate) int32 // what a cluster has before
	weight func(*candidate) int64
	kind   string // of the room that the weights measure, with a space; may be empty
	reason func(c *candidate, weight int64) string
}

// planByRoom distinguishes four situations, so that nothing that runs is moved without need: from scratch if asked to;
// fewer replicas are taken from where they are, in proportion; only the difference is placed when replicas are
// missing; and else nothing changes.
func (s *session) planByRoom(selected []candidate) (p roomPlan, changes bool) {
	var held int64
	for i := range selected {
		held += int64(selected[i].held)
	}
	none := func(*candidate) int32 { return 0 }
	switch n := int64(s.req.Replicas); {
	case s.req.Fresh:
		return roomPlan{s.req.Replicas, none, (*candidate).available, "", func(_ *candidate, w int64) string {
			return "room for " + plural(w, "replica")
		}}, true
	case held > n:
		return roomPlan{s.req.Replicas, none, func(c *candidate) int64 { return int64(c.held) }, "", func(_ *candidate, w int64) string {
			return fmt.Sprintf("had %d of %d before the scale-down", w, held)
		}}, true
	case held < n:
		has := func(c *candidate) int32 { return c.held }
		free := func(c *candidate) int64 { return int64(c.free) }
		kind := ""
		if held > 0 {
			kind = "more "
		}
		return roomPlan{int32(n - held), has, free, kind, func(c *candidate, w int64) string {
			if c.held == 0 {
				return "room for " + plural(w, "replica")
			}
			return fmt.Sprintf("had %d, room for %d more", c.held, w)
		}}, true
	}
	return roomPlan{}, false
}

// assignByRoom divides by how much room the clusters have, tier by tier, by the division of the plan within a tier.
func (s *session) assignByRoom(selected []candidate) ([]share, *failure) {
	p, changes := s.planByRoom(selected)
	shares := make([]share, 0, len(selected))
	if !changes {
		for _, c := range selected {
			sh := share{candidate: c, replicas: c.held, target: c.held > 0, why: "unchanged: all replicas are placed"}
			if !sh.target {
				sh.why = "not needed: all replicas are placed already"
			}
			shares = append(shares, sh)
		}
		return shares, nil
	}
	room := make(map[int]int64) // by tier
	var sum int64
	for i := range selected {
		w := p.weight(&selected[i])
		room[selected[i].tier] += w
		sum += w
	}
	if sum < int64(p.want) {
		return nil, s.shortfall(selected, p, sum)
	}
	left := p.want
	for tier := 0; len(shares) < len(selected); tier++ {
		var cs []candidate
		for _, c := range selected {
			if c.tier == tier {
				cs = append(cs, c)
			}
		}
		n := int32(min(int64(left), room[tier]))
		left -= n
		shares = append(shares, s.assignTier(cs, n, p)...)
	}
	return shares, nil
}

// assignTier divides n over clusters that have room for n.
func (s *session) assignTier(cs []candidate, n int32, p roomPlan) []share {
	among := cs
	if s.plan.division == aggregated {
		among = fewest(cs, int64(n), p.weight)
	}
	counts := s.divide(n, among, p.weight)
	shares := make([]share, 0, len(cs))
	for _, c := range cs {
		replicas := p.base(&c) + counts[c.index]
		sh := share{candidate: c, replicas: replicas, target: replicas > 0, why: p.reason(&c, p.weight(&c))}
		if !sh.target {
			sh.why = "share is 0: " + sh.why
		}
		shares = append(shares, sh)
	}
	return shares
}

// fewest returns the shortest list of clusters with weight for n: those that are targets already first, then by weight.
func fewest(cs []candidate, n int64, weight func(*candidate) int64) []candidate {
	cs = slices.Clone(cs)
	slices.SortFunc(cs, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(b.score(), a.score()), cmp.Compare(weight(&b), weight(&a)), cmp.Compare(a.index, b.index))
	})
	var sum int64
	for i := range cs {
		if sum >= n {
			return cs[:i]
		}
		sum += weight(&cs[i])
	}
	return cs
}

// shortfall is the failure when the clusters together have too little room.
func (s *session) shortfall(selected []candidate, p roomPlan, room int64) *failure {
	m := fmt.Sprintf("room for %s in %s, %d wanted", plural(room, p.kind+"replica"), plural(int64(len(selected)), "cluster"), p.want)
	var silent []string
	for i := range selected {
		c := selected[i].cluster
		if _, told := s.req.Available[c.Name]; !told && c.Status.ResourceSummary == nil {
			silent = append(silent, c.Name)
		}
	}
	if len(silent) > 0 {
		m += "; no resources are reported by " + brief.Names(silent, maxNames)
	}
	return &failure{workv1alpha2.BindingReasonUnschedulable, m}
}
