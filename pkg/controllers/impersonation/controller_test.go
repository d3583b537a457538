/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package impersonation

import (
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"

	clusterv1alpha1 "github.com/manifold-k8s/manifold/apis/cluster/v1alpha1"
)

// What does not concern the rights leads to no step: a Cluster's status changes every few seconds.
func TestSameForUs(t *testing.T) {
	t.Parallel()
	cluster := func(version string, generation int64) *clusterv1alpha1.Cluster {
		return &clusterv1alpha1.Cluster{ObjectMeta: metav1.ObjectMeta{UID: "c", ResourceVersion: version, Generation: generation}}
	}
	plain := func(version string) *rbacv1.ClusterRole {
		return &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{UID: "r", ResourceVersion: version}}
	}
	other := cluster("1", 1)
	other.UID = "another"
	for name, tc := range map[string]struct {
		old, now any
		want     bool
	}{
		"status of a Cluster":   {cluster("1", 1), cluster("2", 1), true},
		"spec of a Cluster":     {cluster("1", 1), cluster("2", 2), false},
		"a Cluster joined anew": {cluster("1", 1), other, false},
		"a role":                {plain("1"), plain("2"), false},
		"a role, told again":    {plain("1"), plain("1"), true},
		"something unknown":     {cache.DeletedFinalStateUnknown{}, plain("1"), false},
	} {
		if got := sameForUs(tc.old, tc.now); got != tc.want {
			t.Errorf("%s: %v, want %v", name, got, tc.want)
		}
	}
}
