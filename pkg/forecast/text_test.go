/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package forecast

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
)

func TestText(t *testing.T) {
	t.Parallel()
	target := func(name string, replicas int32) []workv1alpha2.TargetCluster {
		return []workv1alpha2.TargetCluster{{Name: name, Replicas: replicas}}
	}
	gains := Change{Kind: "Deployment", Namespace: "ns", Name: "gains", Workload: true, Gained: target("m1", 1)}
	loses := Change{Kind: "Deployment", Namespace: "ns", Name: "loses", Workload: true, Lost: target("m1", 2)}
	plain := Change{Kind: "ClusterRole", Name: "plain", Lost: target("m1", 0)}
	same := Change{Kind: "Deployment", Namespace: "ns", Name: "same"}
	hidden := loses
	hidden.Hidden = true
	controls := gains
	controls.Name = "a\nb\x00c"
	for name, tc := range map[string]struct {
		changes []Change
		rest    Rest
		limits  Limits
		want    []string
	}{
		"nothing": {changes: []Change{same, same}, limits: Limits{Lines: 2, Bytes: 200}},
		"what hurts first": {
			changes: []Change{gains, same, loses, plain}, limits: Limits{Lines: 5, Bytes: 200},
			want: []string{
				"Deployment ns/loses: 2 replicas would leave m1", "ClusterRole plain: would be removed from m1",
				"Deployment ns/gains: would be created in m1 (1 replica)",
			},
		},
		"the rest counted": {
			changes: []Change{gains, gains, loses, loses, loses}, limits: Limits{Lines: 1, Bytes: 200},
			want: []string{"Deployment ns/loses: 2 replicas would leave m1", "and 4 more templates would change, 2 of them would be removed from clusters with 4 replicas"},
		},
		"one more": {
			changes: []Change{gains, gains}, limits: Limits{Lines: 1, Bytes: 200},
			want: []string{"Deployment ns/gains: would be created in m1 (1 replica)", "and 1 more template would change"},
		},
		"hidden": {
			changes: []Change{gains, hidden}, limits: Limits{Lines: 3, Bytes: 200},
			want: []string{"Deployment ns/gains: would be created in m1 (1 replica)", "1 template that you may not read would change, 1 of them would be removed from clusters with 2 replicas"},
		},
		"not looked at": {
			rest: Rest{Templates: 9}, limits: Limits{Lines: 1, Bytes: 200},
			want: []string{"9 more templates would have to be looked at, and were not"},
		},
		"not even counted": {
			rest: Rest{Templates: 9, More: true}, limits: Limits{Lines: 1, Bytes: 200},
			want: []string{"at least 9 more templates would have to be looked at, and were not"},
		},
		"short": {changes: []Change{gains}, limits: Limits{Lines: 1, Bytes: 25}, want: []string{"Deployment ns/gains: w..."}},
		"no control characters": {
			changes: []Change{controls}, limits: Limits{Lines: 1, Bytes: 200},
			want: []string{"Deployment ns/a b c: would be created in m1 (1 replica)"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tc.want, Text(tc.changes, tc.rest, tc.limits)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
