/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package placement

import (
	"testing"

	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
)

func TestFollowsToMembers(t *testing.T) {
	t.Parallel()
	skip := func(v string) map[string]string { return map[string]string{workv1alpha2.SkipAutoPropagationLabel: v} }
	for name, tc := range map[string]struct {
		ns     string
		labels map[string]string
		want   bool
	}{
		"ordinary":                {"team-a", nil, true},
		"default":                 {"default", nil, false},
		"begins like default":     {"default-x", nil, true},
		"kube-system":             {"kube-system", nil, false},
		"kube-anything":           {"kube-x", nil, false},
		"kube without a dash":     {"kubeflow", nil, true},
		"ours":                    {"karmada-system", nil, false},
		"of clusters":             {"karmada-cluster", nil, false},
		"execution":               {"karmada-es-m1", nil, false},
		"begins like ours":        {"karmada-systems", nil, true},
		"ours in the middle":      {"x-karmada-system", nil, true},
		"label":                   {"team-a", skip("true"), false},
		"label in capitals":       {"team-a", skip("TRUE"), false},
		"label that says nothing": {"team-a", skip("yes"), true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := followsToMembers(namespace(tc.ns, tc.labels)); got != tc.want {
				t.Errorf("followsToMembers = %v, want %v", got, tc.want)
			}
		})
	}
}
