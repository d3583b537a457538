/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package interpret

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/manifold-k8s/manifold/pkg/brief"
)

// Reasons of merged conditions for which the members' own cannot stand.
const (
	reasonNotPlaced   = "NotPlaced"
	reasonNotUpToDate = "NotUpToDate"
	reasonNotReported = "NotReported"
	reasonDiffer      = "ClustersDiffer"
)

// maxQuoted bounds what a merged message repeats of a member's, in bytes.
const maxQuoted = 256

// trueAnywhere are the types of conditions of which one True counts for all: they speak of trouble or unrest.
var trueAnywhere = func() map[string]bool {
	out := map[string]bool{"ScalingLimited": true, "DisruptionTarget": true, "PodResizePending": true, "PodResizeInProgress": true}
	for kind := range unhealthyWhenTrue {
		out[kind] = true
	}
	return out
}()

// mergeConditions makes the template's conditions out of those of the members, type by type. One is True only if it is
// in every cluster, and each of them speaks of the template's present generation; types in trueAnywhere are the other
// way round. A type that no member has any more goes.
func mergeConditions(status map[string]any, tmpl *unstructured.Unstructured, m Members) {
	var kinds []string
	collect := func(from map[string]any) {
		for _, c := range objectsAt(from, "conditions") {
			if kind := stringAt(c, "type"); kind != "" && !slices.Contains(kinds, kind) {
				kinds = append(kinds, kind)
			}
		}
	}
	collect(status)
	for _, it := range m.Items {
		collect(it.Status)
	}
	for _, kind := range kinds {
		v := poll(kind, m, tmpl.GetGeneration())
		if v.silent() {
			dropCondition(status, kind)
			continue
		}
		setCondition(status, v.condition(status, tmpl.GetGeneration(), m), "lastTransitionTime", m.Now)
	}
}

// votes is what the members say about one type of condition.
type votes struct {
	kind    string
	placed  int
	by      map[string][]string       // clusters by the condition's status: True, False, Unknown
	example map[string]map[string]any // the condition of the first cluster, by status
	same    map[string]bool           // all reasons and messages of a status are the same
	behind  []string                  // clusters whose status is not about the present generation, or not there
	lacking []string                  // clusters that report no such condition
	dated   bool                      // some member's condition has an observedGeneration
}

func poll(kind string, m Members, generation int64) votes {
	v := votes{
		kind: kind, placed: len(m.Items),
		by: map[string][]string{}, example: map[string]map[string]any{}, same: map[string]bool{},
	}
	for _, it := range m.Items {
		c := conditionOf(it.Status, kind)
		if _, ok := intOf(c[observedGeneration]); ok {
			v.dated = true
		}
		is := stringAt(c, "status")
		switch {
		case !upToDate(it, generation):
			v.behind = append(v.behind, it.Cluster)
			continue
		case c == nil:
			v.lacking = append(v.lacking, it.Cluster)
			continue
		case is != "True" && is != "False":
			is = "Unknown"
		}
		v.by[is] = append(v.by[is], it.Cluster)
		if first := v.example[is]; first == nil {
			v.example[is], v.same[is] = c, true
		} else {
			v.same[is] = v.same[is] && first["reason"] == c["reason"] && first["message"] == c["message"]
		}
	}
	return v
}

// silent says that every member has spoken, and none of this.
func (v votes) silent() bool { return v.placed > 0 && len(v.lacking) == v.placed }

// verdict is the merged status.
func (v votes) verdict() string {
	open := len(v.behind)+len(v.by["Unknown"]) > 0
	switch {
	case v.placed == 0:
		return "Unknown"
	case trueAnywhere[v.kind] && len(v.by["True"]) > 0:
		return "True"
	case !trueAnywhere[v.kind] && len(v.by["False"]) > 0:
		return "False"
	case open, !trueAnywhere[v.kind] && len(v.lacking) > 0:
		return "Unknown"
	case trueAnywhere[v.kind]:
		return "False"
	}
	return "True"
}

// condition is the merged condition; status is the template's, which has the one before.
func (v votes) condition(status map[string]any, generation int64, m Members) condition {
	is := v.verdict()
	c := condition{kind: v.kind, status: is}
	c.reason, c.message = v.why(is)
	c.message = withAway(c.message, m.Items)
	if v.dated {
		c.observed = generation
		if len(v.behind) > 0 { // what was said before, at most
			c.observed = min(intAt(conditionOf(status, v.kind), observedGeneration), max(generation-1, 0))
		}
	}
	return c
}

func (v votes) why(is string) (reason, message string) {
	who := v.by[is]
	switch {
	case v.placed == 0:
		return reasonNotPlaced, "Placed in no cluster."
	case len(who) > 0:
		return v.quote(is, who)
	case len(v.behind) > 0:
		return reasonNotUpToDate, "Not up to date in: " + brief.Names(v.behind, maxClusters)
	}
	return reasonNotReported, "Not reported by: " + brief.Names(v.lacking, maxClusters)
}

// quote repeats what the clusters of that status say: in their own words if they agree and are all there are.
func (v votes) quote(is string, who []string) (reason, message string) {
	first := v.example[is]
	reason, message = stringAt(first, "reason"), stringAt(first, "message")
	if len(message) > maxQuoted {
		message = strings.ToValidUTF8(message[:maxQuoted], "") + "..."
	}
	if reason == "" || !v.same[is] {
		reason = reasonDiffer
	}
	switch {
	case len(who) == v.placed && v.same[is] && message != "":
		return reason, message
	case len(who) == v.placed:
		return reason, is + " in every cluster."
	case message == "":
		return reason, is + " in: " + brief.Names(who, maxClusters)
	}
	return reason, is + " in: " + brief.Names(who, maxClusters) + ": " + message
}

// withAway adds to a message whose state is only the last known one.
func withAway(message string, items []Item) string {
	var away []string
	for _, it := range items {
		if it.Away {
			away = append(away, it.Cluster)
		}
	}
	if len(away) == 0 {
		return message
	}
	return strings.TrimSuffix(message, ".") + "; no answer from: " + brief.Names(away, maxClusters)
}
