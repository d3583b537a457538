/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package interpret

import (
	"strconv"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
)

// What the kinds of apps/v1 have in common: counters, and generations that tell which spec the counters speak of.

// reflectCounters reports the given counters of a member object's status, without zeros, and the three generations that
// say how current they are. Nothing is reported before the member's controller has seen the object; a Deployment that
// is scaled to zero has only zeros and is reported all the same. A template generation that is missing or no number is
// left out: then the counters are shown, but never taken for those of the current template.
func reflectCounters(live *unstructured.Unstructured, counters ...string) map[string]any {
	status := mapAt(live.Object, "status")
	observed := intAt(status, "observedGeneration")
	if observed == 0 {
		return nil
	}
	out := map[string]any{"observedGeneration": observed}
	for _, key := range counters {
		setInt(out, key, intAt(status, key))
	}
	setInt(out, "generation", live.GetGeneration())
	sent := stringAt(live.Object, "metadata", "annotations", workv1alpha2.TemplateGenerationAnnotation)
	if n, err := strconv.ParseInt(sent, 10, 64); err == nil {
		setInt(out, "resourceTemplateGeneration", n)
	}
	return out
}

// reflectConditions adds the member's conditions without the times that change with every pod, and without those that are
// implied by what else is reported. Most are, and every copy in every member has them.
func reflectConditions(out map[string]any, live *unstructured.Unstructured, implied func(c map[string]any) bool) {
	var list []any
	for _, c := range objectsAt(live.Object, "status", "conditions") {
		if implied(c) {
			continue
		}
		list = append(list, pick(c, "type", "status", "reason", "message", "lastTransitionTime"))
	}
	if len(list) > 0 {
		out["conditions"] = list
	}
}

// current says that the item's counters speak of the template's present generation: the member has it, and the
// member's controller has acted on it.
func current(it Item, templateGeneration int64) bool {
	return it.Status != nil &&
		intAt(it.Status, "observedGeneration") >= intAt(it.Status, "generation") &&
		intAt(it.Status, "resourceTemplateGeneration") >= templateGeneration
}

// rollout says when a kind's rollout is over, once by the sums that a client sees and once by each member.
type rollout struct {
	counters []string
	// looksDone is what kubectl rollout status concludes from the summed status; nil for kinds it does not know.
	looksDone func(tmpl, status map[string]any) bool
	// done says that a member whose counters are current has nothing left to do.
	done func(tmpl map[string]any, it Item) bool
}

// sumUp writes the counters' sums into status, and observedGeneration: the template's generation once every member has
// acted on it. Sums alone can make a rollout look finished while a member lags, for instance when each of three
// members is to have all replicas and two of them do. Then observedGeneration stays behind, or falls behind when a
// target was added, so that kubectl rollout status ends exactly when the last member is done.
func (r rollout) sumUp(status map[string]any, tmpl *unstructured.Unstructured, m Members) {
	for _, key := range r.counters {
		setInt(status, key, sum(m.Items, key))
	}
	if len(m.Items) == 0 && !m.Scheduled {
		return
	}
	generation := tmpl.GetGeneration()
	observed, done := true, true
	for _, it := range m.Items {
		isCurrent := current(it, generation)
		observed = observed && isCurrent
		done = done && isCurrent && (r.done == nil || r.done(tmpl.Object, it))
	}
	switch {
	case r.looksDone != nil && !done && r.looksDone(tmpl.Object, status):
		setInt(status, "observedGeneration", min(intAt(status, "observedGeneration"), max(generation-1, 0)))
	case observed:
		setInt(status, "observedGeneration", generation)
	}
}

// specReplicas reads spec.replicas of an apps kind; the API server's default is 1.
func specReplicas(obj map[string]any) int64 {
	if n, ok := intOf(at(obj, "spec", "replicas")); ok {
		return n
	}
	return 1
}

func replicasAsWritten(tmpl map[string]any) int32 {
	return int32(intAt(tmpl, "spec", "replicas"))
}

// controllerHealth is the part of health that all apps kinds share: Unknown until the member's controller has seen the
// object, Unhealthy until it has acted on its present spec.
func controllerHealth(live map[string]any, healthy func(status map[string]any) bool) workv1alpha2.ResourceHealth {
	status := mapAt(live, "status")
	observed, generation := intAt(status, "observedGeneration"), intAt(live, "metadata", "generation")
	switch {
	case observed == 0:
		return workv1alpha2.ResourceUnknown
	case observed < generation || !healthy(status):
		return workv1alpha2.ResourceUnhealthy
	}
	return workv1alpha2.ResourceHealthy
}

func healthIf(ok bool) workv1alpha2.ResourceHealth {
	if ok {
		return workv1alpha2.ResourceHealthy
	}
	return workv1alpha2.ResourceUnhealthy
}

// wholeStatus reports the status as it is.
func wholeStatus(live *unstructured.Unstructured) map[string]any {
	status := mapAt(live.Object, "status")
	if len(status) == 0 {
		return nil
	}
	return runtime.DeepCopyJSON(status)
}
