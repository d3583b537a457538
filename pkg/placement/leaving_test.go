/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package placement

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	clusterv1alpha1 "github.com/manifold-k8s/manifold/apis/cluster/v1alpha1"
	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
	"github.com/manifold-k8s/manifold/pkg/binding"
)

// A binding that no policy governs must not hold a cluster that is being removed, nor forget that a copy is there.
func TestLeavingClusterIsDroppedAndRemembered(t *testing.T) {
	t.Parallel()
	now := metav1.Now()
	clusters := []*clusterv1alpha1.Cluster{
		{ObjectMeta: metav1.ObjectMeta{Name: "a"}},
		{ObjectMeta: metav1.ObjectMeta{Name: "b", DeletionTimestamp: &now}},
	}
	old := &binding.Binding{}
	old.Spec.Clusters = []workv1alpha2.TargetCluster{{Name: "a", Replicas: 1}, {Name: "b", Replicas: 2}, {Name: "unknown"}}
	next := old.DeepCopy()
	DropLeaving(next, clusters)
	Remember(old, next)
	want := []workv1alpha2.TargetCluster{{Name: "a", Replicas: 1}, {Name: "unknown"}}
	if diff := cmp.Diff(want, next.Spec.Clusters); diff != "" {
		t.Errorf("targets (-want +got):\n%s", diff)
	}
	if got := binding.Clusters(next); !cmp.Equal(got, []string{"a", "unknown", "b"}) {
		t.Errorf("clusters that may hold a copy: %v", got)
	}
}
