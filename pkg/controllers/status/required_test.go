/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package status

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/meta"

	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
)

// A template that others need is applied when it is in their clusters as well as in its own.
func TestSummarizeOfTheRequired(t *testing.T) {
	t.Parallel()
	b := bound([]string{"a", "b"})
	b.Generation = generation
	by := func(name string, clusters ...string) workv1alpha2.BindingSnapshot {
		return workv1alpha2.BindingSnapshot{Namespace: "ns", Name: name, Clusters: bound(clusters).Spec.Clusters}
	}
	b.Spec.RequiredBy = []workv1alpha2.BindingSnapshot{by("x", "b", "c"), by("y", "c")}
	for message, views := range map[string][]view{
		"False 2 of 3 clusters have the current manifest": {see(b, "a", holds(healthy)), see(b, "b", holds(healthy)), see(b, "c", known)},
		"True 3 of 3 clusters have the current manifest":  {see(b, "a", holds(healthy)), see(b, "b", holds(healthy)), see(b, "c", holds(healthy))},
		"False 3 of 3 clusters have the current manifest; still to be removed from d": {
			see(b, "a", holds(healthy)), see(b, "b", holds(healthy)), see(b, "c", holds(healthy)), see(b, "d", holds(healthy)),
		},
	} {
		s := b.Status.DeepCopy()
		s.AggregatedStatus = []workv1alpha2.AggregatedStatusItem{item("d", true, healthy, "")}
		summarize(s, b, views, start)
		full := meta.FindStatusCondition(s.Conditions, workv1alpha2.FullyApplied)
		if full == nil {
			t.Fatal("nothing is said")
		}
		if diff := cmp.Diff(message, string(full.Status)+" "+full.Message); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}
