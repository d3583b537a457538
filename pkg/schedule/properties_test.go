/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package schedule

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	clusterv1alpha1 "github.com/manifold-k8s/manifold/apis/cluster/v1alpha1"
	policyv1alpha1 "github.com/manifold-k8s/manifold/apis/policy/v1alpha1"
	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
)

// randomCase makes a fleet and a request with most of the features.
func randomCase(r *rand.Rand) (Request, []*clusterv1alpha1.Cluster) {
	var clusters []*clusterv1alpha1.Cluster
	req := deployment(r.Int32N(40), policyv1alpha1.Placement{})
	req.UID, req.Available, req.Fresh = types.UID(fmt.Sprint(r.IntN(4))), map[string]int32{}, r.IntN(4) == 0
	for i := range 1 + r.IntN(9) {
		name := fmt.Sprint("m", i)
		c := member(name, inRegion(fmt.Sprint("r", r.IntN(4))))
		if r.IntN(6) == 0 {
			c.Spec.Taints = []corev1.Taint{noSchedule}
		}
		req.Available[name] = r.Int32N(30)
		if r.IntN(3) == 0 {
			req.Previous = append(req.Previous, workv1alpha2.TargetCluster{Name: name, Replicas: r.Int32N(10)})
		}
		clusters = append(clusters, c)
	}
	p := req.Placement
	rules := policyv1alpha1.ReplicaSchedulingStrategy{ReplicaSchedulingType: "Divided", WeightPreference: &policyv1alpha1.ClusterPreferences{}}
	for range r.IntN(4) {
		w := policyv1alpha1.StaticClusterWeight{Weight: 1 + r.Int64N(9)}
		w.TargetCluster.ClusterNames = []string{fmt.Sprint("m", r.IntN(9)), fmt.Sprint("m", r.IntN(9))}
		rules.WeightPreference.StaticWeightList = append(rules.WeightPreference.StaticWeightList, w)
	}
	p.ReplicaScheduling = []*policyv1alpha1.ReplicaSchedulingStrategy{nil, duplicate(), &rules, dynamic(), aggregate()}[r.IntN(5)]
	switch r.IntN(4) {
	case 0:
		p.SpreadConstraints = []policyv1alpha1.SpreadConstraint{by("cluster", 1+r.IntN(3), 3)}
	case 1:
		p.SpreadConstraints = []policyv1alpha1.SpreadConstraint{by("region", 1+r.IntN(3), 3), by("cluster", 1+r.IntN(5), 5)}
	case 2:
		near := group("near", "m0", "m1", "m2")
		near.OverflowAffinities = []policyv1alpha1.OverflowAffinity{{AffinityName: "more"}}
		p.ClusterAffinities = []policyv1alpha1.ClusterAffinityTerm{near, group("far", "m3", "m4", "m5")}
	}
	return req, clusters
}

// The decision does not depend on the order of clusters or previous targets, and nothing given is changed.
func TestPlaceIsPure(t *testing.T) {
	t.Parallel()
	for seed := range uint64(3000) {
		r := rand.New(rand.NewPCG(seed, 3))
		req, clusters := randomCase(r)
		copied := make([]*clusterv1alpha1.Cluster, len(clusters))
		for i, c := range clusters {
			copied[i] = c.DeepCopy()
		}
		shuffled := req
		shuffled.Placement, shuffled.Previous = req.Placement.DeepCopy(), slices.Clone(req.Previous)
		r.Shuffle(len(copied), func(i, j int) { copied[i], copied[j] = copied[j], copied[i] })
		r.Shuffle(len(shuffled.Previous), func(i, j int) {
			shuffled.Previous[i], shuffled.Previous[j] = shuffled.Previous[j], shuffled.Previous[i]
		})
		want := Place(req, clusters)
		order := slices.Clone(copied)
		if diff := cmp.Diff(want, Place(shuffled, copied)); diff != "" {
			t.Fatalf("seed %d: after a permutation (-want +got):\n%s", seed, diff)
		}
		if !slices.Equal(order, copied) {
			t.Fatalf("seed %d: the list of clusters was reordered", seed)
		}
		if diff := cmp.Diff(shuffled.Placement, req.Placement); diff != "" {
			t.Fatalf("seed %d: the placement was changed:\n%s", seed, diff)
		}
		for _, c := range copied {
			i := slices.IndexFunc(clusters, func(d *clusterv1alpha1.Cluster) bool { return c.Name == d.Name })
			if diff := cmp.Diff(c, clusters[i]); diff != "" {
				t.Fatalf("seed %d: a cluster was changed:\n%s", seed, diff)
			}
		}
	}
}

// Success places exactly what was asked for; a failure leaves what is there; every cluster has a verdict with a reason.
func TestPlaceAddsUp(t *testing.T) {
	t.Parallel()
	for seed := range uint64(3000) {
		r := rand.New(rand.NewPCG(seed, 4))
		req, clusters := randomCase(r)
		d := Place(req, clusters)
		if len(d.Verdicts) != len(clusters) {
			t.Fatalf("seed %d: %d verdicts on %d clusters", seed, len(d.Verdicts), len(clusters))
		}
		var kept []workv1alpha2.TargetCluster
		sum, held := int32(0), int32(0)
		for _, v := range d.Verdicts {
			if v.Reason == "" || (!v.Kept && v.Replicas != 0) {
				t.Fatalf("seed %d: %+v", seed, v)
			}
			if v.Kept {
				kept = append(kept, workv1alpha2.TargetCluster{Name: v.Cluster, Replicas: v.Replicas})
				sum += v.Replicas
			}
		}
		for _, p := range req.Previous {
			held += p.Replicas
		}
		if diff := cmp.Diff(kept, d.Targets); diff != "" {
			t.Fatalf("seed %d: verdicts and targets differ:\n%s", seed, diff)
		}
		divided := req.Placement.ReplicaScheduling != nil && req.Placement.ReplicaScheduling.ReplicaSchedulingType == "Divided"
		switch {
		case d.Reason != workv1alpha2.BindingReasonSuccess && sum > held:
			t.Fatalf("seed %d: %s, and %d replicas instead of %d", seed, d.Reason, sum, held)
		case d.Reason == workv1alpha2.BindingReasonSuccess && divided && sum != req.Replicas:
			t.Fatalf("seed %d: %d replicas instead of %d", seed, sum, req.Replicas)
		case d.Reason == workv1alpha2.BindingReasonSuccess && !divided && sum != req.Replicas*int32(len(d.Targets)):
			t.Fatalf("seed %d: not %d replicas each: %v", seed, req.Replicas, d.Targets)
		}
	}
}

// Placing again on top of a success, with the room that is left, changes nothing.
func TestPlaceSettles(t *testing.T) {
	t.Parallel()
	for seed := range uint64(3000) {
		r := rand.New(rand.NewPCG(seed, 5))
		req, clusters := randomCase(r)
		req.Fresh = false
		first := Place(req, clusters)
		if first.Reason != workv1alpha2.BindingReasonSuccess {
			continue
		}
		for _, p := range req.Previous {
			req.Available[p.Name] += p.Replicas
		}
		for _, target := range first.Targets {
			// Duplicated looks at no room, so there may be less than nothing left.
			req.Available[target.Name] = max(0, req.Available[target.Name]-target.Replicas)
		}
		req.Previous, req.ObservedAffinity = first.Targets, first.Affinity
		second := Place(req, clusters)
		if diff := cmp.Diff(first.Targets, second.Targets); diff != "" {
			t.Fatalf("seed %d: %s: the second result differs (-first +second):\n%s", seed, second.Message, diff)
		}
	}
}

func BenchmarkPlace(b *testing.B) {
	for name, strategy := range map[string]*policyv1alpha1.ReplicaSchedulingStrategy{
		"duplicated": duplicate(), "static": weighted(b, "*=1", "mac=5"), "aggregated": aggregate(),
	} {
		for _, n := range []int{3, 300} {
			b.Run(fmt.Sprintf("%s/clusters=%d", name, n), func(b *testing.B) {
				var clusters []*clusterv1alpha1.Cluster
				req := deployment(600, policyv1alpha1.Placement{ReplicaScheduling: strategy})
				req.Available = map[string]int32{}
				for i := range n {
					clusters = append(clusters, member(fmt.Sprintf("m%03d", i)))
					req.Available[clusters[i].Name] = 250
				}
				for b.Loop() {
					Place(req, clusters)
				}
			})
		}
	}
}
