/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package interpret

import (
	"strconv"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
)

// The two generations in a reported status: the member's own that its controller has acted on, and the template's that
// the copy was made from. Only the second can be compared between clusters.
const (
	observedGeneration = "observedGeneration"
	templateGeneration = "resourceTemplateGeneration"
)

// addTemplateGeneration says which generation of the template a reported status speaks of, once the member's controller
// has acted on it. Until then, and when the copy does not tell, it is left out: the status is not of the present one.
func addTemplateGeneration(out map[string]any, live *unstructured.Unstructured) {
	sent := stringAt(live.Object, "metadata", "annotations", workv1alpha2.TemplateGenerationAnnotation)
	if n, err := strconv.ParseInt(sent, 10, 64); err == nil && observed(live.Object) {
		setInt(out, templateGeneration, n)
	}
}

// observed says that the status of an object is about its present spec, or that it does not tell.
func observed(live map[string]any) bool {
	newest, says := newestObserved(mapAt(live, "status"))
	return !says || newest >= intAt(live, "metadata", "generation")
}

// newestObserved is the observedGeneration of a status, or the newest of its conditions where kinds keep it there.
func newestObserved(status map[string]any) (newest int64, says bool) {
	if n, ok := intOf(status[observedGeneration]); ok {
		return n, true
	}
	for _, c := range objectsAt(status, "conditions") {
		if n, ok := intOf(c[observedGeneration]); ok {
			newest, says = max(newest, n), true
		}
	}
	return newest, says
}

// upToDate says that what a member reports is about the template's present generation. It is the rule for statuses that
// addTemplateGeneration has marked.
func upToDate(it Item, generation int64) bool {
	return it.Status != nil && intAt(it.Status, templateGeneration) >= generation
}

// setObserved advances observedGeneration when every member has acted on the template's present generation. It is left
// alone otherwise, and for kinds whose members do not have it.
func setObserved(status map[string]any, tmpl *unstructured.Unstructured, m Members) {
	has := false
	for _, it := range m.Items {
		if !upToDate(it, tmpl.GetGeneration()) {
			return
		}
		_, ok := intOf(it.Status[observedGeneration])
		has = has || ok
	}
	if has {
		setInt(status, observedGeneration, tmpl.GetGeneration())
	}
}
