/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package interpret

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
)

var pod = Rules{
	Replicas:     counted(func(map[string]any) int32 { return 1 }),
	Requirements: required(), // the Pod is its own template
	Dependencies: podDependencies(),
	Reflect:      reflectWhole,
	Health: func(live map[string]any) workv1alpha2.ResourceHealth {
		switch status := mapAt(live, "status"); stringAt(status, "phase") {
		case "":
			return workv1alpha2.ResourceUnknown
		case "Succeeded":
			return workv1alpha2.ResourceHealthy
		case "Running":
			return healthIf(isTrue(status, "Ready"))
		}
		return workv1alpha2.ResourceUnhealthy
	},
	Aggregate: func(status map[string]any, tmpl *unstructured.Unstructured, m Members) {
		phase := stringAt(status, "phase")
		switch {
		case len(m.Items) > 0:
			phase = worstPhase(m.Items, "Succeeded", "Failed", "Pending", "Running")
		case !m.Scheduled:
			return
		case phase != "Succeeded" && phase != "Failed": // what has ended has ended
			phase = "Pending"
		}
		status["phase"] = phase
		mergeConditions(status, tmpl, m)
		setObserved(status, tmpl, m)
		for _, key := range []string{"containerStatuses", "initContainerStatuses"} {
			setList(status, key, containersOf(m.Items, key))
		}
	},
}

// worstPhase returns the first of the given phases that an item is in, else best. An item without a phase is Pending.
func worstPhase(items []Item, best string, worstFirst ...string) string {
	seen := map[string]bool{}
	for _, it := range items {
		phase := stringAt(it.Status, "phase")
		if phase == "" {
			phase = "Pending"
		}
		seen[phase] = true
	}
	for _, phase := range worstFirst {
		if seen[phase] {
			return phase
		}
	}
	return best
}

// containersOf lists the containers of all members with what they have in common, named <container>.<cluster>: the API
// server takes entries of one name for the states of one container, and would refuse that one of them has ended.
func containersOf(items []Item, key string) []any {
	var out []any
	for _, it := range items {
		for _, c := range objectsAt(it.Status, key) {
			entry := pick(c, "ready", "state")
			if name := stringAt(c, "name"); name != "" {
				entry["name"] = name + "." + it.Cluster
			}
			out = append(out, entry)
		}
	}
	return out
}
