/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package interpret

import (
	"reflect"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
)

// generic is what holds for every kind as far as it has no rules of its own: what the conventions of Kubernetes say
// about a status, that is observedGeneration and conditions.
var generic = Rules{
	Reflect:   reflectWhole,
	Health:    genericHealth,
	Aggregate: aggregateGeneric,
}

// reflectWhole reports the status as it is, with the template generation that it speaks of.
func reflectWhole(live *unstructured.Unstructured) map[string]any {
	out := wholeStatus(live)
	if out != nil {
		addTemplateGeneration(out, live)
	}
	return out
}

// healthyWhenTrue and unhealthyWhenTrue are the types of conditions that say how an object does, as they are in common
// use. Other types, such as those of single steps, say nothing about the whole.
var (
	healthyWhenTrue = map[string]bool{
		"Ready": true, "Available": true, "Healthy": true, "Succeeded": true, "Synced": true,
		"Established": true, "NamesAccepted": true, "Accepted": true, "Programmed": true,
	}
	unhealthyWhenTrue = map[string]bool{
		"Failed": true, "Degraded": true, "Error": true, "Stalled": true, "Reconciling": true,
	}
)

// genericHealth goes by observedGeneration and conditions. An object without them is healthy: nothing speaks against it.
func genericHealth(live map[string]any) workv1alpha2.ResourceHealth {
	if !observed(live) {
		return workv1alpha2.ResourceUnknown
	}
	generation := intAt(live, "metadata", "generation")
	for _, c := range objectsAt(live, "status", "conditions") {
		kind, is := stringAt(c, "type"), stringAt(c, "status")
		bad, good := unhealthyWhenTrue[kind], healthyWhenTrue[kind]
		if seen, says := intOf(c["observedGeneration"]); says && seen < generation && (bad || good) {
			return workv1alpha2.ResourceUnknown
		}
		if bad && is == "True" || good && is != "True" {
			return workv1alpha2.ResourceUnhealthy
		}
	}
	return workv1alpha2.ResourceHealthy
}

func alwaysHealthy(map[string]any) workv1alpha2.ResourceHealth { return workv1alpha2.ResourceHealthy }

// aggregateGeneric takes the status over when there is one target. Of several it merges the conditions, and takes the
// fields on which all agree; of one on which they differ, any value would be true in some only, so it is left out.
// What no member has ever reported is none of our business: somebody on the hub may keep it.
func aggregateGeneric(status map[string]any, tmpl *unstructured.Unstructured, m Members) {
	if len(m.Items) == 0 && !m.Scheduled || !m.Reported && !anyReports(m.Items) {
		return
	}
	generation := tmpl.GetGeneration()
	if len(m.Items) == 1 && upToDate(m.Items[0], generation) && !m.Items[0].Away {
		takeOver(status, m.Items[0].Status, generation)
		return
	}
	takeCommon(status, m.Items)
	mergeConditions(status, tmpl, m)
	setObserved(status, tmpl, m)
}

func anyReports(items []Item) bool {
	for _, it := range items {
		if it.Status != nil {
			return true
		}
	}
	return false
}

// takeOver makes status what a member says, its generations put in terms of the template's.
func takeOver(status, reported map[string]any, generation int64) {
	clear(status)
	for key, v := range runtime.DeepCopyJSON(reported) {
		if key != templateGeneration {
			status[key] = v
		}
	}
	newest, says := newestObserved(status)
	if !says {
		return
	}
	if _, ok := intOf(status[observedGeneration]); ok {
		status[observedGeneration] = generation
	}
	for _, c := range objectsAt(status, "conditions") {
		if seen, ok := intOf(c[observedGeneration]); ok {
			c[observedGeneration] = generation
			if seen < newest {
				c[observedGeneration] = max(generation-1, 0)
			}
		}
	}
}

// takeCommon takes over the fields that all members report with the same value, and drops those that some report.
func takeCommon(status map[string]any, items []Item) {
	if !anyReports(items) { // what is there came from clusters that are no targets any more
		for key := range status {
			if !mergedFields[key] {
				delete(status, key)
			}
		}
		return
	}
	for _, it := range items {
		for key, v := range it.Status {
			if mergedFields[key] {
				continue
			}
			if agreed(items, key, v) {
				status[key] = runtime.DeepCopyJSONValue(v)
			} else {
				delete(status, key)
			}
		}
	}
}

// mergedFields are the fields of a status that are merged rather than compared.
var mergedFields = map[string]bool{"conditions": true, observedGeneration: true, templateGeneration: true}

func agreed(items []Item, key string, v any) bool {
	for _, it := range items {
		if other, ok := it.Status[key]; !ok || !reflect.DeepEqual(other, v) {
			return false
		}
	}
	return true
}
