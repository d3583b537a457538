/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package cluster

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	clusterv1alpha1 "github.com/manifold-k8s/manifold/apis/cluster/v1alpha1"
)

// setDefaults brings a cluster into the form it is stored in. old is nil on creation.
func setDefaults(c, old *clusterv1alpha1.Cluster, now time.Time) {
	moveZone(&c.Spec)
	var before []corev1.Taint
	if old != nil {
		before = old.Spec.Taints
	}
	stampTaints(c.Spec.Taints, before, now)
	switch {
	case len(c.Spec.ResourceModels) > 0:
		standardise(c.Spec.ResourceModels)
	case old == nil:
		c.Spec.ResourceModels = defaultModels()
	}
}

// moveZone moves the deprecated zone to zones. With other zones there too it stays, for validation to reject.
func moveZone(spec *clusterv1alpha1.ClusterSpec) {
	if spec.Zone == "" {
		return
	}
	switch {
	case len(spec.Zones) == 0:
		spec.Zones, spec.Zone = []string{spec.Zone}, ""
	case len(spec.Zones) == 1 && spec.Zones[0] == spec.Zone:
		spec.Zone = "" // the same manifest, applied again
	}
}

// stampTaints notes on NoExecute taints since when they are there, on which toleration periods depend. A taint that was
// there before keeps its time even if the client left it out: applying a manifest twice must not start periods anew.
func stampTaints(taints, before []corev1.Taint, now time.Time) {
	for i := range taints {
		taint := &taints[i]
		if taint.Effect != corev1.TaintEffectNoExecute || taint.TimeAdded != nil {
			continue
		}
		added := metav1.NewTime(now).Rfc3339Copy() // to the second, as it is stored
		taint.TimeAdded = &added
		for j := range before {
			if before[j].MatchTaint(taint) && before[j].TimeAdded != nil {
				taint.TimeAdded = before[j].TimeAdded.DeepCopy()
			}
		}
	}
}
