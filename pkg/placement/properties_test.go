/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package placement

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	clusterv1alpha1 "github.com/manifold-k8s/manifold/apis/cluster/v1alpha1"
	policyv1alpha1 "github.com/manifold-k8s/manifold/apis/policy/v1alpha1"
	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
	"github.com/manifold-k8s/manifold/pkg/binding"
)

// Whatever happens, a cluster that may hold a copy is never forgotten, the inputs stay as they are, and the same input
// gives the same binding.
func TestNoClusterIsForgotten(t *testing.T) {
	t.Parallel()
	for seed := range uint64(1500) {
		r := rand.New(rand.NewPCG(seed, 0))
		in := randomInput(r)
		for step := range 4 {
			before := struct {
				tmpl     *unstructured.Unstructured
				old      *binding.Binding
				clusters []*clusterv1alpha1.Cluster
			}{in.Template.DeepCopy(), nil, nil}
			if in.Old != nil {
				before.old = in.Old.DeepCopy()
			}
			for _, c := range in.Clusters {
				before.clusters = append(before.clusters, c.DeepCopy())
			}
			next, _ := Decide(in)
			again, _ := Decide(in)
			if diff := cmp.Diff(next, again); diff != "" {
				t.Fatalf("seed %d, step %d: decided twice:\n%s", seed, step, diff)
			}
			if !equality.Semantic.DeepEqual(before.tmpl, in.Template) || !equality.Semantic.DeepEqual(before.old, in.Old) ||
				!equality.Semantic.DeepEqual(before.clusters, in.Clusters) {
				t.Fatalf("seed %d, step %d: an input was changed", seed, step)
			}
			known := binding.Clusters(next)
			if in.Old != nil {
				for _, c := range binding.Clusters(in.Old) {
					if !slices.Contains(known, c) {
						t.Fatalf("seed %d, step %d: %s is forgotten: %v", seed, step, c, known)
					}
				}
			}
			if slices.Sort(known); len(slices.Compact(slices.Clone(known))) != len(known) {
				t.Fatalf("seed %d, step %d: a cluster twice: %v", seed, step, known)
			}
			after := stored(in.Old, next)
			if g := next.Status.SchedulerObservedGeneration; g > after.Generation {
				t.Fatalf("seed %d, step %d: observed generation %d of %d", seed, step, g, after.Generation)
			}
			for _, target := range next.Spec.Clusters {
				if !slices.ContainsFunc(in.Clusters, func(c *clusterv1alpha1.Cluster) bool { return c.Name == target.Name && c.DeletionTimestamp == nil }) {
					suspended := next.Spec.Suspension != nil && next.Spec.Suspension.Scheduling != nil
					if !suspended {
						t.Fatalf("seed %d, step %d: target %s is no cluster", seed, step, target.Name)
					}
				}
			}
			now := randomInput(r)
			in.Template, in.Governor, in.Clusters, in.Now = now.Template, now.Governor, now.Clusters, in.Now.Add(time.Minute)
			in.Old = after
			shake(r, in.Old)
		}
	}
}

func randomInput(r *rand.Rand) Input {
	placements := []policyv1alpha1.Placement{duplicated, divided, tooFew(), {ClusterAffinity: only("m1", "m2")}, {ClusterAffinity: only("m3")}}
	in := Input{Template: deployment(int64(r.IntN(6))), Governor: governed(placements[r.IntN(len(placements))]), Now: start}
	if r.IntN(3) == 0 {
		lazy(in.Governor.Policy.Spec)
	}
	for i := range 5 {
		if r.IntN(3) == 0 {
			continue
		}
		c := cluster(fmt.Sprint("m", i))
		switch r.IntN(6) {
		case 0:
			deleting(c)
		case 1:
			taint(c)
		case 2:
			c.Status.APIEnablements = nil
		}
		in.Clusters = append(in.Clusters, c)
	}
	r.Shuffle(len(in.Clusters), func(i, j int) { in.Clusters[i], in.Clusters[j] = in.Clusters[j], in.Clusters[i] })
	return in
}

// shake does to a stored binding what others may: report on clusters, let go of some, suspend, ask for a rebalance.
func shake(r *rand.Rand, b *binding.Binding) {
	yes := true
	switch r.IntN(6) {
	case 0:
		b.Status.AggregatedStatus = slices.DeleteFunc(b.Status.AggregatedStatus, func(i workv1alpha2.AggregatedStatusItem) bool {
			return binding.Target(b, i.ClusterName) == nil
		})
	case 1:
		b.Status.AggregatedStatus = nil
		for _, t := range b.Spec.Clusters {
			b.Status.AggregatedStatus = append(b.Status.AggregatedStatus, workv1alpha2.AggregatedStatusItem{ClusterName: t.Name, Applied: true})
		}
	case 2:
		b.Spec.Suspension = &workv1alpha2.Suspension{Scheduling: &yes}
		b.Generation++
	case 3:
		b.Spec.Suspension = nil
		b.Generation++
	case 4:
		b.Spec.RescheduleTriggeredAt = &metav1.Time{Time: start.Add(time.Duration(r.IntN(300)) * time.Second)}
		b.Generation++
	}
}
