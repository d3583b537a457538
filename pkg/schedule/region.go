/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package schedule

import (
	"cmp"
	"fmt"
	"slices"

	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
)

// scoreUnit makes room for replicas count for more than any score of clusters in the score of a region.
const scoreUnit = 1000

// searchSteps bounds the search for the best set of regions, whose number grows with the binomial coefficient of
// regions and groups. It is enough to try all sets of up to 15 regions; beyond, the best set found counts.
const searchSteps = 1 << 16

// region is a group of candidates.
type region struct {
	name     string
	clusters []candidate // in order of preference
	score    int64
}

// chooseByRegion chooses the best set of regions, then one cluster of each, and fills up from the same regions to the
// largest number of clusters. With more regions than that number there are more clusters.
func (s *session) chooseByRegion(ordered []candidate, regions, clusters limit) ([]candidate, *failure) {
	groups := s.groupByRegion(ordered, regions, clusters)
	if len(groups) < regions.min {
		return nil, tooFew("region", len(groups), regions.min)
	}
	search := newSearch(groups, regions, clusters.min)
	search.extend(0, 0, 0)
	if search.best == nil {
		return nil, &failure{workv1alpha2.BindingReasonSchedulerError,
			fmt.Sprintf("the clusters in %s are fewer than the %d that the spread constraints ask for", plural(int64(min(regions.max, len(groups))), "region"), clusters.min)}
	}
	var chosen, rest []candidate
	for _, i := range search.shortened() {
		chosen = append(chosen, groups[i].clusters[0])
		rest = append(rest, groups[i].clusters[1:]...)
	}
	slices.SortFunc(rest, byPreference)
	if more := clusters.max - len(chosen); more > 0 {
		chosen = append(chosen, rest[:min(more, len(rest))]...)
	}
	return chosen, nil
}

// groupByRegion returns the regions, those with fewer clusters first, then by score, then by name.
func (s *session) groupByRegion(ordered []candidate, regions, clusters limit) []region {
	byName := make(map[string]int)
	var groups []region
	for _, c := range ordered {
		name := c.cluster.Spec.Region
		i, found := byName[name]
		if !found {
			i = len(groups)
			byName[name] = i
			groups = append(groups, region{name: name})
		}
		groups[i].clusters = append(groups[i].clusters, c)
	}
	for i := range groups {
		groups[i].score = s.regionScore(groups[i].clusters, regions.min, clusters.min)
	}
	slices.SortFunc(groups, func(a, b region) int {
		return cmp.Or(cmp.Compare(len(a.clusters), len(b.clusters)), cmp.Compare(b.score, a.score), cmp.Compare(a.name, b.name))
	})
	return groups
}

// regionScore rates a region. With all replicas in each cluster, by how many of its clusters have room for all. With
// divided replicas, by how much of the region's part it has room for, in as many clusters as it should use.
func (s *session) regionScore(clusters []candidate, minRegions, minClusters int) int64 {
	want := int64(s.req.Replicas)
	var count, scores, room int64
	if s.plan.division == duplicated {
		for i := range clusters {
			if clusters[i].available() >= want {
				count++
				scores += clusters[i].score()
			}
		}
		if count == 0 {
			return 0
		}
		return count*scoreUnit + scores/count
	}
	part := (want + int64(minRegions) - 1) / int64(minRegions)
	use := int64(max(minClusters, minRegions))
	for i := range clusters {
		count++
		scores += clusters[i].score()
		room += clusters[i].available()
		if count >= use && room >= part {
			break
		}
	}
	return min(room, part)*scoreUnit + scores/count
}

// search looks for the set of regions with the best total score.
type search struct {
	groups      []region
	regions     limit
	minClusters int
	ahead       []int // clusters in the groups from i to the last
	path        []int // of groups, ascending
	steps       int   // left

	best         []int
	bestScore    int64
	bestClusters int
}

func newSearch(groups []region, regions limit, minClusters int) *search {
	s := &search{groups: groups, regions: regions, minClusters: minClusters, steps: searchSteps}
	s.ahead = make([]int, len(groups)+1)
	for i := len(groups) - 1; i >= 0; i-- {
		s.ahead[i] = s.ahead[i+1] + len(groups[i].clusters)
	}
	return s
}

// extend tries all ways to add groups, from the given one on, to the path. A path that satisfies the limits is not
// extended. A path that can no longer satisfy them is left, so that the first leaf is reached without detours.
func (s *search) extend(from int, score int64, clusters int) {
	if s.complete(len(s.path), clusters) {
		if s.best == nil || score > s.bestScore || (score == s.bestScore && clusters > s.bestClusters) {
			s.best, s.bestScore, s.bestClusters = slices.Clone(s.path), score, clusters
		}
		return
	}
	free := s.regions.max - len(s.path) // how many groups may be added
	if free <= 0 {
		return
	}
	for i := from; i < len(s.groups); i++ {
		left := len(s.groups) - i
		// The groups with most clusters are the last ones.
		most := s.ahead[len(s.groups)-min(free, left)]
		if len(s.path)+left < s.regions.min || clusters+most < s.minClusters || s.steps <= 0 {
			return
		}
		s.steps--
		s.path = append(s.path, i)
		s.extend(i+1, score+s.groups[i].score, clusters+len(s.groups[i].clusters))
		s.path = s.path[:len(s.path)-1]
	}
}

// complete reports whether a path of that many groups with that many clusters satisfies the limits.
func (s *search) complete(groups, clusters int) bool {
	return groups >= s.regions.min && groups <= s.regions.max && clusters >= s.minClusters
}

// shortened returns the best set, or, if its best regions alone are a set that the search comes across too, those:
// fewer regions do when the others contribute least.
func (s *search) shortened() []int {
	byScore := slices.Clone(s.best)
	slices.SortStableFunc(byScore, func(a, b int) int { return cmp.Compare(s.groups[b].score, s.groups[a].score) })
	for n := s.regions.min; n < len(byScore); n++ {
		if part := slices.Sorted(slices.Values(byScore[:n])); s.isLeaf(part) {
			return part
		}
	}
	return s.best
}

// isLeaf reports whether the search records the path: it satisfies the limits, and no shorter beginning of it does.
func (s *search) isLeaf(path []int) bool {
	clusters := 0
	for n, i := range path {
		if n > 0 && s.complete(n, clusters) {
			return false
		}
		clusters += len(s.groups[i].clusters)
	}
	return s.complete(len(path), clusters)
}
