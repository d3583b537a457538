/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package cluster

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	clusterv1alpha1 "github.com/manifold-k8s/manifold/apis/cluster/v1alpha1"
)

func TestWarnings(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		spec clusterv1alpha1.ClusterSpec
		want []string
	}{
		"an ordinary cluster": {spec: clusterv1alpha1.ClusterSpec{SyncMode: clusterv1alpha1.Push, ResourceModels: defaultModels(),
			Taints: []corev1.Taint{{Key: "a", Effect: corev1.TaintEffectNoSchedule}}}},
		"pull": {spec: clusterv1alpha1.ClusterSpec{SyncMode: clusterv1alpha1.Pull},
			want: []string{"spec.syncMode: Pull has no effect yet, the cluster is not connected"}},
		"a taint that should evict": {spec: clusterv1alpha1.ClusterSpec{Taints: []corev1.Taint{{Key: "a", Effect: corev1.TaintEffectNoExecute}}},
			want: []string{"spec.taints[0].effect: NoExecute keeps new templates off, but evicts nothing yet"}},
		"models of one's own": {spec: clusterv1alpha1.ClusterSpec{ResourceModels: defaultModels()[:1]},
			want: []string{"spec.resourceModels: has no effect yet"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tc.want, warnings(&clusterv1alpha1.Cluster{Spec: tc.spec})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
