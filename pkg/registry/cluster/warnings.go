/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package cluster

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"

	clusterv1alpha1 "github.com/manifold-k8s/manifold/apis/cluster/v1alpha1"
)

// warnings names what is accepted and stored but not acted upon. Whoever makes one of these work takes its line away.
func warnings(c *clusterv1alpha1.Cluster) []string {
	var out []string
	if c.Spec.SyncMode == clusterv1alpha1.Pull {
		out = append(out, "spec.syncMode: Pull has no effect yet, the cluster is not connected")
	}
	for i, t := range c.Spec.Taints {
		if t.Effect == corev1.TaintEffectNoExecute {
			out = append(out, fmt.Sprintf("spec.taints[%d].effect: NoExecute keeps new templates off, but evicts nothing yet", i))
		}
	}
	if len(c.Spec.ResourceModels) > 0 && !equality.Semantic.DeepEqual(c.Spec.ResourceModels, defaultModels()) {
		out = append(out, "spec.resourceModels: has no effect yet")
	}
	return out
}
