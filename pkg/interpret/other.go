/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package interpret

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
)

var persistentVolume = Kind{
	reflect: wholeStatus,
	aggregate: func(status map[string]any, _ *unstructured.Unstructured, m Members) {
		if len(m.Items) > 0 {
			status["phase"] = worstPhase(m.Items, "Released", "Failed", "Pending", "Available", "Bound")
		}
	},
}

var persistentVolumeClaim = Kind{
	reflect: wholeStatus,
	health: func(live map[string]any) workv1alpha2.ResourceHealth {
		return healthIf(stringAt(live, "status", "phase") == "Bound")
	},
	aggregate: func(status map[string]any, _ *unstructured.Unstructured, m Members) {
		if len(m.Items) > 0 {
			status["phase"] = worstPhase(m.Items, "Bound", "Lost", "Pending")
		}
	},
}

var disruptionBudget = Kind{
	reflect: func(live *unstructured.Unstructured) map[string]any {
		return pickOrNothing(mapAt(live.Object, "status"),
			"currentHealthy", "desiredHealthy", "expectedPods", "disruptionsAllowed", "disruptedPods")
	},
	health: func(live map[string]any) workv1alpha2.ResourceHealth {
		status := mapAt(live, "status")
		return healthIf(intAt(status, "currentHealthy") >= intAt(status, "desiredHealthy"))
	},
	aggregate: func(status map[string]any, _ *unstructured.Unstructured, m Members) {
		disrupted := map[string]any{}
		for _, it := range m.Items {
			for pod, since := range mapAt(it.Status, "disruptedPods") {
				disrupted[it.Cluster+"/"+pod] = since
			}
		}
		delete(status, "disruptedPods")
		if len(disrupted) > 0 {
			status["disruptedPods"] = disrupted
		}
		for _, key := range []string{"currentHealthy", "desiredHealthy", "expectedPods", "disruptionsAllowed"} {
			setRequiredInt(status, key, sum(m.Items, key), m)
		}
	},
}

var podAutoscaler = Kind{
	reflect: func(live *unstructured.Unstructured) map[string]any {
		return pickOrNothing(mapAt(live.Object, "status"), "currentReplicas", "desiredReplicas")
	},
	aggregate: func(status map[string]any, _ *unstructured.Unstructured, m Members) {
		for _, key := range []string{"currentReplicas", "desiredReplicas"} {
			setRequiredInt(status, key, sum(m.Items, key), m)
		}
	},
}

// setRequiredInt writes a counter that the API machinery serialises even when it is zero. Without any item there is
// nothing to add up, and a status that was never written stays so.
func setRequiredInt(status map[string]any, key string, n int64, m Members) {
	if _, written := status[key]; written || len(m.Items) > 0 {
		status[key] = n
	}
}
