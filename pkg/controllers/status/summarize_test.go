/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package status

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	clusterv1alpha1 "github.com/manifold-k8s/manifold/apis/cluster/v1alpha1"
	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
	"github.com/manifold-k8s/manifold/pkg/binding"
)

func TestOnlyAge(t *testing.T) {
	t.Parallel()
	type items = []workv1alpha2.AggregatedStatusItem
	fresh, old := items{item("a", true, healthy, "")}, items{item("a", true, healthy, sinceT)}
	for name, tc := range map[string]struct {
		before, after items
		want          bool
	}{
		"grows old":      {fresh, old, true},
		"is fresh again": {old, fresh, true},
		"nothing":        {old, old, false},
		"news of health": {old, items{item("a", true, unhealthy, "")}, false},
		"a failure":      {old, items{item("a", true, healthy, "no")}, false},
		"another one":    {old, append(items{}, old[0], item("b", true, healthy, "")), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := onlyAge(tc.before, tc.after); got != tc.want {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
}

func TestSaysAway(t *testing.T) {
	t.Parallel()
	b := bound([]string{"a", "b"}, item("a", true, healthy, ""), item("b", true, healthy, sinceT), item("c", false, unknown, "no; "+sinceT))
	for cluster, want := range map[string]bool{"a": false, "b": true, "c": true, "d": false} {
		if got := saysAway(b, cluster); got != want {
			t.Errorf("%s: got %v, want %v", cluster, got, want)
		}
	}
}

// The age comes from the stored Cluster, so it is the same after a restart.
func TestNotReadySince(t *testing.T) {
	t.Parallel()
	cluster := func(status metav1.ConditionStatus) *clusterv1alpha1.Cluster {
		c := &clusterv1alpha1.Cluster{}
		c.Status.Conditions = []metav1.Condition{{
			Type: clusterv1alpha1.ClusterConditionReady, Status: status, LastTransitionTime: metav1.NewTime(start.In(time.FixedZone("x", 3600))),
		}}
		return c
	}
	for want, c := range map[string]*clusterv1alpha1.Cluster{
		"2026-01-02T03:04:05Z": cluster(metav1.ConditionFalse),
		"":                     cluster(metav1.ConditionTrue),
	} {
		if got := notReadySince(c); got != want || ready(c) != (want == "") {
			t.Errorf("since %q, ready %v, want since %q", got, ready(c), want)
		}
	}
	if got := notReadySince(&clusterv1alpha1.Cluster{}); got != "" {
		t.Errorf("a cluster of which nothing is known is not ready since %q", got)
	}
}

func TestSummarize(t *testing.T) {
	t.Parallel()
	type seen = map[string][]state
	for name, tc := range map[string]struct {
		targets  []string
		reported []workv1alpha2.AggregatedStatusItem
		seen     seen
		want     []workv1alpha2.AggregatedStatusItem
		full     string // status and message of FullyApplied, empty without
		moving   bool
	}{
		"nobody has looked yet": {
			targets: []string{"a", "b"}, seen: seen{"a": nil, "b": nil}, moving: true,
		},
		"one of two": {
			targets: []string{"a", "b"}, seen: seen{"a": {holds(healthy)}, "b": nil},
			want: []workv1alpha2.AggregatedStatusItem{item("a", true, healthy, "")},
			full: "False 1 of 2 clusters have the current manifest", moving: true,
		},
		"all": {
			targets: []string{"b", "a"}, seen: seen{"b": {holds(healthy)}, "a": {holds(healthy)}},
			want: []workv1alpha2.AggregatedStatusItem{item("a", true, healthy, ""), item("b", true, healthy, "")},
			full: "True 2 of 2 clusters have the current manifest",
		},
		"applied, and not healthy yet": {
			targets: []string{"a"}, seen: seen{"a": {holds(unhealthy)}},
			want: []workv1alpha2.AggregatedStatusItem{item("a", true, unhealthy, "")},
			full: "True 1 of 1 clusters have the current manifest", moving: true,
		},
		"an older manifest": {
			targets: []string{"a"}, seen: seen{"a": {copyOf("h0", healthy)}},
			want: []workv1alpha2.AggregatedStatusItem{item("a", false, unknown, "")},
			full: "False 0 of 1 clusters have the current manifest", moving: true,
		},
		"sent and not seen yet": {
			targets: []string{"a"}, seen: seen{"a": {known}},
			want: []workv1alpha2.AggregatedStatusItem{item("a", false, unknown, "")},
			full: "False 0 of 1 clusters have the current manifest", moving: true,
		},
		"what an earlier generation asked for": {
			targets: []string{"a", "b"}, seen: seen{"a": {holds(healthy), of(generation - 1)}, "b": {holds(healthy)}},
			want: []workv1alpha2.AggregatedStatusItem{item("a", false, unknown, ""), item("b", true, healthy, "")},
			full: "False 1 of 2 clusters have the current manifest", moving: true,
		},
		"a failure holds nothing back": {
			targets: []string{"a", "b"}, seen: seen{"a": {failed("no")}, "b": {holds(unhealthy)}},
			want: []workv1alpha2.AggregatedStatusItem{item("a", false, unknown, "no"), item("b", true, unhealthy, "")},
			full: "False 1 of 2 clusters have the current manifest; not applied in a: no",
		},
		"one failure of several, and another": {
			targets: []string{"c", "b", "a"}, seen: seen{"a": {failed("no")}, "b": {failed("never")}, "c": {failed("no")}},
			want: []workv1alpha2.AggregatedStatusItem{item("a", false, unknown, "no"), item("b", false, unknown, "never"), item("c", false, unknown, "no")},
			full: "False 0 of 3 clusters have the current manifest; not applied in a, c: no; and, for other reasons, in 1 more",
		},
		"a failure of which there is much to say": {
			targets: []string{"a"}, seen: seen{"a": {failed(strings.Repeat("ü", maxFailure))}},
			want: []workv1alpha2.AggregatedStatusItem{item("a", false, unknown, strings.Repeat("ü", maxFailure))},
			full: "False 0 of 1 clusters have the current manifest; not applied in a: " + strings.Repeat("ü", (maxFailure-3)/2) + "...",
		},
		"a failure over an older copy": {
			targets: []string{"a"}, seen: seen{"a": {holds(healthy), failed("no")}},
			want: []workv1alpha2.AggregatedStatusItem{item("a", false, unknown, "no")},
			full: "False 0 of 1 clusters have the current manifest; not applied in a: no",
		},
		"away: the last report stands": {
			targets: []string{"a", "b"}, reported: []workv1alpha2.AggregatedStatusItem{item("a", true, healthy, ""), item("b", true, healthy, "")},
			seen: seen{"a": nil, "b": {holds(healthy)}},
			want: []workv1alpha2.AggregatedStatusItem{item("a", true, healthy, ""), item("b", true, healthy, "")},
			full: "True 2 of 2 clusters have the current manifest",
		},
		"to be removed, and away": {
			targets: []string{"b"}, reported: []workv1alpha2.AggregatedStatusItem{item("a", true, healthy, ""), item("b", true, healthy, "")},
			seen: seen{"a": nil, "b": {holds(healthy)}},
			want: []workv1alpha2.AggregatedStatusItem{item("a", true, healthy, ""), item("b", true, healthy, "")},
			full: "False 1 of 1 clusters have the current manifest; still to be removed from a",
		},
		"to be removed, and there still": {
			targets: []string{"b"}, reported: []workv1alpha2.AggregatedStatusItem{item("a", true, healthy, ""), item("b", true, healthy, "")},
			seen: seen{"a": {holds(healthy), leaves}, "b": {holds(healthy)}},
			want: []workv1alpha2.AggregatedStatusItem{item("a", true, healthy, ""), item("b", true, healthy, "")},
			full: "False 1 of 1 clusters have the current manifest; still to be removed from a",
		},
		"removed": {
			targets: []string{"b"}, reported: []workv1alpha2.AggregatedStatusItem{item("a", true, healthy, ""), item("b", true, healthy, "")},
			seen: seen{"a": {left}, "b": {holds(healthy)}},
			want: []workv1alpha2.AggregatedStatusItem{item("b", true, healthy, "")},
			full: "True 1 of 1 clusters have the current manifest",
		},
		"removed from the last": {
			reported: []workv1alpha2.AggregatedStatusItem{item("a", true, healthy, "")}, seen: seen{"a": {left}},
			full: "False 0 of 0 clusters have the current manifest",
		},
		"a target that is no cluster any more": {
			targets: []string{"a", "b"}, reported: []workv1alpha2.AggregatedStatusItem{item("a", true, healthy, "")},
			seen: seen{"a": {left}, "b": {holds(healthy)}},
			want: []workv1alpha2.AggregatedStatusItem{item("b", true, healthy, "")},
			full: "False 1 of 2 clusters have the current manifest",
		},
		"just away: what it holds stands": {
			targets: []string{"a"}, seen: seen{"a": {holds(healthy), away("")}},
			want: []workv1alpha2.AggregatedStatusItem{item("a", true, healthy, "")},
			full: "True 1 of 1 clusters have the current manifest",
		},
		"just away, with an older manifest": {
			targets: []string{"a"}, seen: seen{"a": {copyOf("h0", healthy), away("")}},
			want: []workv1alpha2.AggregatedStatusItem{item("a", false, unknown, "the cluster does not answer; it is brought up to date when it returns")},
			full: "False 0 of 1 clusters have the current manifest",
		},
		"away": {
			targets: []string{"a", "b"}, seen: seen{"a": {holds(healthy), away("T")}, "b": {holds(healthy)}},
			want: []workv1alpha2.AggregatedStatusItem{item("a", true, healthy, sinceT), item("b", true, healthy, "")},
			full: "True 2 of 2 clusters have the current manifest; no answer from a",
		},
		"away, with an older manifest": {
			targets: []string{"a"}, seen: seen{"a": {copyOf("h0", healthy), away("T")}},
			want: []workv1alpha2.AggregatedStatusItem{item("a", false, unknown, sinceT)},
			full: "False 0 of 1 clusters have the current manifest; no answer from a",
		},
		"away, and had failed before": {
			targets: []string{"a"}, seen: seen{"a": {failed("no"), away("T")}},
			want: []workv1alpha2.AggregatedStatusItem{item("a", false, unknown, "no; "+sinceT)},
			full: "False 0 of 1 clusters have the current manifest; no answer from a",
		},
		"away, and the hub was restarted": {
			targets: []string{"a"}, reported: []workv1alpha2.AggregatedStatusItem{{ClusterName: "a", Applied: true, Health: healthy, Status: raw(`{"x":1}`)}},
			seen: seen{"a": {away("T")}},
			want: []workv1alpha2.AggregatedStatusItem{{ClusterName: "a", AppliedMessage: sinceT, Health: unknown, Status: raw(`{"x":1}`)}},
			full: "False 0 of 1 clusters have the current manifest; no answer from a",
		},
		"a known failure does not hurry the others": {
			targets:  []string{"a", "b"},
			reported: []workv1alpha2.AggregatedStatusItem{item("a", false, unknown, "no")},
			seen:     seen{"a": {failed("no")}, "b": {holds(unhealthy)}},
			want:     []workv1alpha2.AggregatedStatusItem{item("a", false, unknown, "no"), item("b", true, unhealthy, "")},
			full:     "False 1 of 2 clusters have the current manifest; not applied in a: no", moving: true,
		},
		"a known failure is no movement": {
			targets:  []string{"a", "b"},
			reported: []workv1alpha2.AggregatedStatusItem{item("a", false, unknown, "no")},
			seen:     seen{"a": {failed("no")}, "b": {holds(healthy)}},
			want:     []workv1alpha2.AggregatedStatusItem{item("a", false, unknown, "no"), item("b", true, healthy, "")},
			full:     "False 1 of 2 clusters have the current manifest; not applied in a: no",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := bound(tc.targets, tc.reported...)
			b.Generation = generation
			var views []view
			for _, c := range binding.Clusters(b) {
				views = append(views, see(b, c, tc.seen[c]...))
			}
			next := b.Status.DeepCopy()
			if moving, failed := summarize(next, b, views, start); (moving && !failed) != tc.moving {
				t.Errorf("moving = %v, want %v", moving, tc.moving)
			}
			if diff := cmp.Diff(tc.want, next.AggregatedStatus); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			full := ""
			if c := meta.FindStatusCondition(next.Conditions, workv1alpha2.FullyApplied); c != nil {
				full = fmt.Sprint(c.Status, " ", c.Message)
				if c.ObservedGeneration != b.Generation {
					t.Errorf("FullyApplied is about generation %d, want %d", c.ObservedGeneration, b.Generation)
				}
			}
			if full != tc.full {
				t.Errorf("FullyApplied: %q, want %q", full, tc.full)
			}
		})
	}
}

func randomViews(r *rand.Rand) (*binding.Binding, []view) {
	var targets []string
	var reported []workv1alpha2.AggregatedStatusItem
	healths := []workv1alpha2.ResourceHealth{healthy, unhealthy, unknown}
	for i := range 5 {
		c := fmt.Sprint("m", i)
		if r.IntN(2) == 0 {
			targets = append(targets, c)
		}
		if r.IntN(2) == 0 {
			reported = append(reported, item(c, r.IntN(2) == 0, healths[r.IntN(3)], ""))
		}
	}
	b := bound(targets, reported...)
	var views []view
	for _, c := range binding.Clusters(b) {
		v := see(b, c)
		switch r.IntN(5) {
		case 0:
			holds(healths[r.IntN(3)])(&v)
		case 1:
			copyOf("h0", healthy)(&v)
		case 2:
			failed("no")(&v)
		case 3:
			v.left = v.target == nil
		}
		if r.IntN(4) == 0 {
			v.away, v.since = true, []string{"", "T"}[r.IntN(2)]
		}
		views = append(views, v)
	}
	return b, views
}

// The order in which clusters are looked at does not matter, a second look changes nothing, no condition flaps, and a
// cluster is let go of only when it is known that it holds nothing.
func TestSummarizeProperties(t *testing.T) {
	t.Parallel()
	for seed := range uint64(2000) {
		r := rand.New(rand.NewPCG(seed, 0))
		b, views := randomViews(r)
		before := b.DeepCopy()
		first := b.Status.DeepCopy()
		moving, failed := summarize(first, b, views, start)

		shuffled := slices.Clone(views)
		r.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		other := b.Status.DeepCopy()
		if m, f := summarize(other, b, shuffled, start); m != moving || f != failed {
			t.Fatalf("seed %d: moving %v, in another order %v", seed, moving, m)
		}
		if diff := cmp.Diff(first, other); diff != "" {
			t.Fatalf("seed %d: in another order:\n%s", seed, diff)
		}
		if !equality.Semantic.DeepEqual(before, b) {
			t.Fatalf("seed %d: the binding was changed", seed)
		}
		for _, v := range views {
			kept := slices.ContainsFunc(first.AggregatedStatus, func(i workv1alpha2.AggregatedStatusItem) bool { return i.ClusterName == v.cluster })
			if v.target == nil && !v.left && !kept {
				t.Fatalf("seed %d: %s is forgotten", seed, v.cluster)
			}
			if v.left && kept {
				t.Fatalf("seed %d: %s has left and is kept", seed, v.cluster)
			}
		}
		again := b.DeepCopy()
		again.Status = *first
		var still []view
		for _, v := range views {
			if slices.Contains(binding.Clusters(again), v.cluster) {
				still = append(still, v)
			}
		}
		second := again.Status.DeepCopy()
		summarize(second, again, still, start.Add(time.Hour))
		if diff := cmp.Diff(first, second); diff != "" {
			t.Fatalf("seed %d: a second look:\n%s", seed, diff)
		}
	}
}
