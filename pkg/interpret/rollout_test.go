/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package interpret

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// member writes what Reflect gives for a Deployment whose n replicas are all there.
func member(generation, n int64) map[string]any {
	s := map[string]any{"observedGeneration": int64(5), "generation": int64(5), "resourceTemplateGeneration": generation,
		"conditions": []any{
			map[string]any{"type": "Available", "status": "True", "reason": reasonAvailable},
			map[string]any{"type": "Progressing", "status": "True", "reason": reasonComplete},
		}}
	for _, key := range []string{"replicas", "updatedReplicas", "readyReplicas", "availableReplicas"} {
		setInt(s, key, n)
	}
	return s
}

func with(s map[string]any, key string, value any) map[string]any {
	if n, ok := value.(int); ok {
		value = int64(n)
	}
	s[key] = value
	return s
}

func TestDeploymentRollout(t *testing.T) {
	t.Parallel()
	const previous = 1 // observedGeneration so far; the template is at generation 2
	item := func(cluster string, wanted int32, status map[string]any) Item {
		return Item{Cluster: cluster, Replicas: new(wanted), Status: status, Applied: true}
	}
	for name, tc := range map[string]struct {
		replicas int64
		m        Members
		observed int64
		finished bool // kubectl rollout status ends
	}{
		"divided and done":         {3, Members{Items: []Item{item("a", 1, member(2, 1)), item("b", 2, member(2, 2))}}, 2, true},
		"one not collected":        {3, Members{Items: []Item{item("a", 1, member(2, 1)), item("b", 2, nil)}}, previous, false},
		"one has the old template": {3, Members{Items: []Item{item("a", 1, member(2, 1)), item("b", 2, member(1, 2))}}, previous, false},
		"one controller is behind": {3, Members{Items: []Item{item("a", 1, member(2, 1)), item("b", 2, with(member(2, 2), "observedGeneration", 4))}}, previous, false},
		"one still creates pods":   {3, Members{Items: []Item{item("a", 1, member(2, 1)), item("b", 2, member(2, 1))}}, 2, false},
		"one still has old pods":   {3, Members{Items: []Item{item("a", 1, member(2, 1)), item("b", 2, with(member(2, 2), "replicas", 3))}}, 2, false},
		"one is not available":     {3, Members{Items: []Item{item("a", 1, member(2, 1)), item("b", 2, with(member(2, 2), "availableReplicas", 1))}}, 2, false},
		"duplicated and done":      {2, Members{Items: []Item{item("a", 2, member(2, 2)), item("b", 2, member(2, 2))}}, 2, true},
		// The sums alone, two of two, would look finished.
		"duplicated and one empty":       {2, Members{Items: []Item{item("a", 2, member(2, 2)), item("b", 2, member(2, 0))}}, 1, false},
		"duplicated and one uncollected": {2, Members{Items: []Item{item("a", 2, member(2, 2)), item("b", 2, nil)}}, 1, false},
		"shares were swapped":            {6, Members{Items: []Item{item("a", 4, member(2, 2)), item("b", 2, member(2, 4))}}, 1, false},
		"members keep their replicas":    {2, Members{Items: []Item{{Cluster: "a", Status: member(2, 7)}}}, 2, true},
		"member scales by itself":        {2, Members{Items: []Item{{Cluster: "a", Status: with(member(2, 3), "unavailableReplicas", 2)}}}, 1, false},
		"a share of none":                {3, Members{Items: []Item{item("a", 0, member(2, 0)), item("b", 3, member(2, 3))}}, 2, true},
		"scaled to zero":                 {0, Members{Items: []Item{item("a", 0, member(2, 0))}}, 2, true},
		"scaled to zero, uncollected":    {0, Members{Items: []Item{item("a", 0, nil)}}, 1, false},
		"placed nowhere with replicas":   {3, Members{Scheduled: true}, 2, false},
		"placed nowhere without":         {0, Members{Scheduled: true}, 2, true},
		"not placed yet":                 {0, Members{}, previous, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tmpl := deploymentTemplate(2, tc.replicas, map[string]any{"observedGeneration": int64(previous)})
			tc.m.Now = now
			status, _ := Kind{deployment}.Aggregate(tmpl, tc.m)
			if got := intAt(status, "observedGeneration"); got != tc.observed {
				t.Errorf("observedGeneration %d, want %d", got, tc.observed)
			}
			if got := rolloutStatusEnds(tmpl, status); got != tc.finished {
				t.Errorf("rollout status ends: %v, want %v (%v)", got, tc.finished, status)
			}
		})
	}
}

// TestRolloutNeverEndsEarly tries random states: kubectl's verdict on the sums is never done while a member is not.
func TestRolloutNeverEndsEarly(t *testing.T) {
	t.Parallel()
	ended := 0
	for seed := range uint64(5000) {
		r := rand.New(rand.NewPCG(seed, 0))
		m, total, done := Members{Scheduled: true, Now: now}, int64(0), true
		duplicated := r.IntN(2) == 0
		for i := range 1 + r.IntN(3) {
			wanted := int64(r.IntN(3))
			if duplicated {
				wanted = 2
			}
			total += wanted
			it := Item{Cluster: fmt.Sprint(i), Replicas: new(int32(wanted))}
			switch r.IntN(8) {
			case 0:
				done = false
			case 1:
				it.Status = member(1, wanted)
				done = false
			case 2:
				have := int64(r.IntN(4))
				it.Status = member(2, have)
				done = done && have == wanted
			default:
				it.Status = member(2, wanted)
			}
			m.Items = append(m.Items, it)
		}
		if duplicated {
			total = 2
		}
		tmpl := deploymentTemplate(2, total, map[string]any{"observedGeneration": int64(1 + r.IntN(2))})
		status, _ := Kind{deployment}.Aggregate(tmpl, m)
		if got := rolloutStatusEnds(tmpl, status); got != done {
			t.Fatalf("seed %d: ends: %v, members done: %v: %v", seed, got, done, status)
		}
		if done {
			ended++
		}
	}
	if ended == 0 {
		t.Error("no state was done")
	}
}

// rolloutStatusEnds decides as kubectl rollout status does for a Deployment.
func rolloutStatusEnds(tmpl *unstructured.Unstructured, status map[string]any) bool {
	if tmpl.GetGeneration() > intAt(status, "observedGeneration") {
		return false
	}
	updated := intAt(status, "updatedReplicas")
	return updated >= specReplicas(tmpl.Object) && intAt(status, "replicas") <= updated && intAt(status, "availableReplicas") >= updated
}

func deploymentTemplate(generation, replicas int64, status map[string]any) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "apps/v1", "kind": "Deployment",
		"metadata": map[string]any{"name": "x", "namespace": "d", "generation": generation},
		"spec":     map[string]any{"replicas": replicas},
		"status":   status,
	}}
}

func TestDeploymentSums(t *testing.T) {
	t.Parallel()
	tmpl := deploymentTemplate(1, 3, map[string]any{"collisionCount": int64(4), "unavailableReplicas": int64(9)})
	status, changed := Kind{deployment}.Aggregate(tmpl, Members{Now: now, Items: []Item{
		{Cluster: "b", Replicas: new(int32(2)), Status: with(member(1, 2), "readyReplicas", 1)},
		{Cluster: "a", Replicas: new(int32(1)), Status: member(1, 1)},
	}})
	want := statusOf(t, `{collisionCount: 4, replicas: 3, updatedReplicas: 3, readyReplicas: 2, availableReplicas: 3, observedGeneration: 1, conditions: [
		{type: Available, status: "True", reason: MinimumReplicasAvailable, message: Available in every cluster., lastUpdateTime: "2026-05-04T03:02:01Z", lastTransitionTime: "2026-05-04T03:02:01Z"},
		{type: Progressing, status: "True", reason: NewReplicaSetAvailable, message: Rolled out to 2 clusters., lastUpdateTime: "2026-05-04T03:02:01Z", lastTransitionTime: "2026-05-04T03:02:01Z"}]}`)
	if diff := cmp.Diff(want, status); diff != "" || !changed {
		t.Errorf("changed %v, status (-want +got):\n%s", changed, diff)
	}
}

func TestDeploymentConditions(t *testing.T) {
	t.Parallel()
	stuck := func(status map[string]any) map[string]any {
		return with(status, "conditions", []any{
			map[string]any{"type": "Available", "status": "False"},
			map[string]any{"type": "Progressing", "status": "False", "reason": reasonDeadlineExceeded},
			map[string]any{"type": "ReplicaFailure", "status": "True", "reason": reasonFailedCreate},
		})
	}
	many := Members{}
	for i := range 12 {
		many.Items = append(many.Items, Item{Cluster: fmt.Sprintf("m%02d", i), Replicas: new(int32(1))})
	}
	for name, tc := range map[string]struct {
		m                               Members
		available, progressing, failure string
	}{
		"all well": {Members{Items: []Item{{Cluster: "a", Status: member(1, 2)}}},
			"True/MinimumReplicasAvailable: Available in every cluster.", "True/NewReplicaSetAvailable: Rolled out to 1 clusters.", ""},
		"one stuck": {Members{Items: []Item{{Cluster: "b", Status: stuck(member(1, 0))}, {Cluster: "a", Status: member(1, 2)}}},
			"False/MinimumReplicasUnavailable: Not available in: b", "False/ProgressDeadlineExceeded: Progress deadline exceeded in: b",
			"True/FailedCreate: Pods cannot be created in: b"},
		"stuck with the old template": {Members{Items: []Item{{Cluster: "b", Status: stuck(member(0, 0))}}},
			"False/MinimumReplicasUnavailable: Not available in: b", "True/ReplicaSetUpdated: Rollout under way in: b",
			"True/FailedCreate: Pods cannot be created in: b"},
		"no share is no lack": {Members{Items: []Item{{Cluster: "a", Replicas: new(int32(0)), Status: stuck(member(1, 0))}, {Cluster: "b", Status: member(1, 2)}}},
			"True/MinimumReplicasAvailable: Available in every cluster.", "False/ProgressDeadlineExceeded: Progress deadline exceeded in: a",
			"True/FailedCreate: Pods cannot be created in: a"},
		"many uncollected": {many,
			"False/MinimumReplicasUnavailable: Not available in: m00, m01, m02, m03, m04, m05, m06, m07 and 4 more",
			"True/ReplicaSetUpdated: Rollout under way in: m00, m01, m02, m03, m04, m05, m06, m07 and 4 more", ""},
		"one does not answer": {Members{Items: []Item{{Cluster: "b", Status: member(1, 2), Away: true}, {Cluster: "a", Status: member(1, 2)}}},
			"True/MinimumReplicasAvailable: Available in every cluster; no answer from: b",
			"True/NewReplicaSetAvailable: Rolled out to 2 clusters; no answer from: b", ""},
		"placed nowhere": {Members{Scheduled: true}, "False/MinimumReplicasUnavailable: Placed in no cluster.", "True/NewReplicaSetAvailable: Placed in no cluster.", ""},
		"not placed yet": {Members{}, "", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tc.m.Now = now
			status, _ := Kind{deployment}.Aggregate(deploymentTemplate(1, 2, nil), tc.m)
			for kind, want := range map[string]string{"Available": tc.available, "Progressing": tc.progressing, "ReplicaFailure": tc.failure} {
				got := ""
				if c := conditionOf(status, kind); c != nil {
					got = fmt.Sprintf("%s/%s: %s", c["status"], c["reason"], c["message"])
				}
				if got != want {
					t.Errorf("%s: got %q, want %q", kind, got, want)
				}
			}
		})
	}
}

func TestConditionTimes(t *testing.T) {
	t.Parallel()
	const old = "2020-01-01T00:00:00Z"
	status := map[string]any{"conditions": []any{
		map[string]any{"type": "Other", "status": "True"},
		map[string]any{"type": "T", "status": "True", "reason": "R", "message": "m", "lastTransitionTime": old, "lastUpdateTime": old},
	}}
	stamp := "2026-05-04T03:02:01Z"
	for _, step := range []struct {
		c                   condition
		transition, updated string
	}{
		{condition{kind: "T", status: "True", reason: "R", message: "m"}, old, old},
		{condition{kind: "T", status: "True", reason: "R", message: "other"}, old, stamp},
		{condition{kind: "T", status: "False", reason: "R", message: "other"}, stamp, stamp},
	} {
		setCondition(status, step.c, "lastUpdateTime", now)
		got := conditionOf(status, "T")
		if got["lastTransitionTime"] != step.transition || got["lastUpdateTime"] != step.updated || got["message"] != step.c.message {
			t.Errorf("%v gave %v", step.c, got)
		}
	}
	if n := len(objectsAt(status, "conditions")); n != 2 {
		t.Errorf("%d conditions, want 2", n)
	}
}

// What the counters tell anyway is not reported once more by conditions.
func TestImpliedConditions(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		status string
		want   []string
	}{
		"rolled out": {
			`{observedGeneration: 1, replicas: 1, availableReplicas: 1, conditions: [{type: Available, status: "True"}, {type: Progressing, status: "True", reason: NewReplicaSetAvailable}]}`, nil,
		},
		"available though not all are": {
			`{observedGeneration: 1, replicas: 4, availableReplicas: 3, unavailableReplicas: 1, conditions: [{type: Available, status: "True"}]}`, []string{"Available"},
		},
		"not available":   {`{observedGeneration: 1, replicas: 1, conditions: [{type: Available, status: "False"}]}`, []string{"Available"}},
		"under way":       {`{observedGeneration: 1, replicas: 1, conditions: [{type: Progressing, status: "True", reason: ReplicaSetUpdated}]}`, []string{"Progressing"}},
		"cannot be made":  {`{observedGeneration: 1, replicas: 0, conditions: [{type: ReplicaFailure, status: "True"}]}`, []string{"ReplicaFailure"}},
		"somebody else's": {`{observedGeneration: 1, replicas: 1, conditions: [{type: Own, status: "True"}]}`, []string{"Own"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			live := object(t, `{apiVersion: apps/v1, kind: Deployment, metadata: {generation: 1}, status: `+tc.status+`}`)
			status, err := Of(live.GroupVersionKind()).Reflect(live)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, c := range objectsAt(status, "conditions") {
				got = append(got, stringAt(c, "type"))
			}
			if !slices.Equal(got, tc.want) {
				t.Errorf("conditions %v, want %v", got, tc.want)
			}
		})
	}
}
