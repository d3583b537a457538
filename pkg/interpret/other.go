/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package interpret

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
)

var persistentVolume = Rules{
	Health:  alwaysHealthy,
	Reflect: wholeStatus,
	Aggregate: func(status map[string]any, _ *unstructured.Unstructured, m Members) {
		setPhase(status, m, "Released", "Failed", "Pending", "Available", "Bound")
	},
}

// setPhase is worstPhase, and Pending where there is no copy.
func setPhase(status map[string]any, m Members, best string, worstFirst ...string) {
	switch {
	case len(m.Items) > 0:
		status["phase"] = worstPhase(m.Items, best, worstFirst...)
	case m.Scheduled:
		status["phase"] = "Pending"
	}
}

var persistentVolumeClaim = Rules{
	Reflect: wholeStatus,
	Health: func(live map[string]any) workv1alpha2.ResourceHealth {
		return healthIf(stringAt(live, "status", "phase") == "Bound")
	},
	Aggregate: func(status map[string]any, _ *unstructured.Unstructured, m Members) {
		setPhase(status, m, "Bound", "Lost", "Pending")
	},
}

var disruptionBudget = Rules{
	Reflect: func(live *unstructured.Unstructured) map[string]any {
		return reflectFields(live, "currentHealthy", "desiredHealthy", "expectedPods", "disruptionsAllowed", "disruptedPods", observedGeneration)
	},
	Health: func(live map[string]any) workv1alpha2.ResourceHealth {
		if !observed(live) {
			return workv1alpha2.ResourceUnknown
		}
		status := mapAt(live, "status")
		return healthIf(intAt(status, "currentHealthy") >= intAt(status, "desiredHealthy"))
	},
	Aggregate: func(status map[string]any, tmpl *unstructured.Unstructured, m Members) {
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
		setObserved(status, tmpl, m)
	},
}

var podAutoscaler = Rules{
	Reflect: func(live *unstructured.Unstructured) map[string]any {
		out := reflectFields(live, "currentReplicas", "desiredReplicas", observedGeneration)
		if out != nil {
			reflectConditions(out, live, func(map[string]any) bool { return false })
		}
		return out
	},
	Health: alwaysHealthy,
	Aggregate: func(status map[string]any, tmpl *unstructured.Unstructured, m Members) {
		for _, key := range []string{"currentReplicas", "desiredReplicas"} {
			setRequiredInt(status, key, sum(m.Items, key), m)
		}
		mergeConditions(status, tmpl, m)
		setObserved(status, tmpl, m)
	},
}

// reflectFields reports the given fields with the template generation that they speak of; nil when none is there.
func reflectFields(live *unstructured.Unstructured, keys ...string) map[string]any {
	out := pickOrNothing(mapAt(live.Object, "status"), keys...)
	if out != nil {
		addTemplateGeneration(out, live)
	}
	return out
}

// setRequiredInt writes a counter that the API machinery serialises even when it is zero. Without any item there is
// nothing to add up, and a status that was never written stays so.
func setRequiredInt(status map[string]any, key string, n int64, m Members) {
	if _, written := status[key]; written || len(m.Items) > 0 {
		status[key] = n
	}
}
