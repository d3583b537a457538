/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package status

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
	syncer "github.com/manifold-k8s/manifold/pkg/controllers/sync"
	"github.com/manifold-k8s/manifold/pkg/interpret"
	"github.com/manifold-k8s/manifold/pkg/member"
)

func collected(t *testing.T, status map[string]any) member.Collected {
	t.Helper()
	c, err := member.Collect(status)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestItemCarriesStatus(t *testing.T) {
	t.Parallel()
	b := bound([]string{"a"})
	v := see(b, "a", holds(healthy))
	v.copy.Status = collected(t, map[string]any{"replicas": int64(2)})
	got := itemOf(b, v)
	if got.Status == nil || string(got.Status.Raw) != `{"replicas":2}` {
		t.Errorf("status = %s", got.Status)
	}
}

func TestItems(t *testing.T) {
	t.Parallel()
	n := func(i int32) *int32 { return &i }
	for name, tc := range map[string]struct {
		reported []workv1alpha2.AggregatedStatusItem
		states   []state
		workload bool
		want     []interpret.Item
	}{
		"nothing known": {workload: true, want: []interpret.Item{{Cluster: "a", Replicas: n(1), Health: unknown}}},
		"no workload":   {want: []interpret.Item{{Cluster: "a", Health: unknown}}},
		"the last report stands": {
			workload: true,
			reported: []workv1alpha2.AggregatedStatusItem{{ClusterName: "a", Applied: true, Health: healthy, Status: raw(`{"replicas":3,"x":1.5}`)}},
			want: []interpret.Item{{
				Cluster: "a", Replicas: n(1), Applied: true, Health: healthy, Status: map[string]any{"replicas": int64(3), "x": 1.5},
			}},
		},
		"a report that is no object": {
			reported: []workv1alpha2.AggregatedStatusItem{{ClusterName: "a", Applied: true, Health: healthy, Status: raw(`[1]`)}},
			want:     []interpret.Item{{Cluster: "a", Applied: true, Health: healthy}},
		},
		"known": {
			workload: true, reported: []workv1alpha2.AggregatedStatusItem{{ClusterName: "a", Status: raw(`{"replicas":3}`)}},
			states: []state{holds(healthy), func(v *view) {
				v.outcome.Replicas, v.copy.Status = n(7), collected(t, map[string]any{"replicas": int64(7)})
			}},
			want: []interpret.Item{{Cluster: "a", Replicas: n(7), Applied: true, Health: healthy, Status: map[string]any{"replicas": int64(7)}}},
		},
		"known to be missing": {
			workload: true, reported: []workv1alpha2.AggregatedStatusItem{{ClusterName: "a", Applied: true, Status: raw(`{"replicas":3}`)}},
			states: []state{func(v *view) { v.known, v.outcome = true, syncer.Outcome{Hash: "h1", Replicas: n(2)} }},
			want:   []interpret.Item{{Cluster: "a", Replicas: n(2)}},
		},
		"the member decides itself": {
			workload: true, states: []state{holds(healthy)},
			want: []interpret.Item{{Cluster: "a", Applied: true, Health: healthy}},
		},
		"away": {
			workload: true, states: []state{holds(healthy), away("T")},
			want: []interpret.Item{{Cluster: "a", Applied: true, Health: healthy, Away: true}},
		},
		"no target any more": {states: []state{leaves}},
		"has left":           {states: []state{left}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := bound([]string{"a"}, tc.reported...)
			if diff := cmp.Diff(tc.want, items(b, []view{see(b, "a", tc.states...)}, tc.workload)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
