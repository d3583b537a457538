/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package interpret

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
)

var replicaSet = Rules{
	ReplicaPath:  []string{"spec", "replicas"},
	Replicas:     counted(replicasAsWritten),
	Requirements: required("spec", "template"),
	Dependencies: podDependencies("spec", "template"),
	Reflect: func(live *unstructured.Unstructured) map[string]any {
		return reflectCounters(live, replicaSetRollout.counters...)
	},
	Health: func(live map[string]any) workv1alpha2.ResourceHealth {
		return controllerHealth(live, func(status map[string]any) bool {
			return intAt(status, "availableReplicas") >= specReplicas(live)
		})
	},
	Aggregate: replicaSetRollout.sumUp,
}

var replicaSetRollout = rollout{counters: []string{"replicas", "fullyLabeledReplicas", "readyReplicas", "availableReplicas"}}

// replicationController is summed up and judged like its successor, but is no workload whose replicas are divided.
var replicationController = Rules{
	Reflect: replicaSet.Reflect, Health: replicaSet.Health, Aggregate: replicaSet.Aggregate,
}

var daemonSet = Rules{
	Dependencies: podDependencies("spec", "template"),
	Reflect: func(live *unstructured.Unstructured) map[string]any {
		return reflectCounters(live, daemonSetRollout.counters...)
	},
	Health: func(live map[string]any) workv1alpha2.ResourceHealth {
		return controllerHealth(live, func(status map[string]any) bool {
			desired, updated := intAt(status, "desiredNumberScheduled"), intAt(status, "updatedNumberScheduled")
			if onDelete(live) { // pods are replaced when the user deletes them, so old ones are no fault
				return intAt(status, "numberAvailable") >= desired
			}
			return updated >= desired && intAt(status, "numberAvailable") >= updated
		})
	},
	Aggregate: daemonSetRollout.sumUp,
}

var daemonSetRollout = rollout{
	counters: []string{
		"currentNumberScheduled", "desiredNumberScheduled", "numberAvailable", "numberMisscheduled",
		"numberReady", "updatedNumberScheduled", "numberUnavailable",
	},
	looksDone: func(_, status map[string]any) bool { return daemonSetSettled(status) },
	done:      func(_ map[string]any, it Item) bool { return daemonSetSettled(it.Status) },
}

func daemonSetSettled(status map[string]any) bool {
	desired := intAt(status, "desiredNumberScheduled")
	return intAt(status, "updatedNumberScheduled") >= desired && intAt(status, "numberAvailable") >= desired
}

func onDelete(obj map[string]any) bool {
	return stringAt(obj, "spec", "updateStrategy", "type") == "OnDelete"
}

var statefulSet = Rules{
	ReplicaPath:  []string{"spec", "replicas"},
	Replicas:     counted(replicasAsWritten),
	Requirements: required("spec", "template"),
	Dependencies: statefulSetDependencies,
	Reflect: func(live *unstructured.Unstructured) map[string]any {
		out := reflectCounters(live, statefulSetRollout.counters...)
		for _, key := range []string{"currentRevision", "updateRevision"} {
			if rev := stringAt(live.Object, "status", key); out != nil && rev != "" {
				out[key] = rev
			}
		}
		return out
	},
	Health: func(live map[string]any) workv1alpha2.ResourceHealth {
		return controllerHealth(live, func(status map[string]any) bool {
			updated, available := intAt(status, "updatedReplicas"), intAt(status, "availableReplicas")
			if onDelete(live) {
				return available >= specReplicas(live)
			}
			return updated >= specReplicas(live)-partition(live) && available >= updated
		})
	},
	Aggregate: func(status map[string]any, tmpl *unstructured.Unstructured, m Members) {
		statefulSetRevisions(status, m)
		statefulSetRollout.sumUp(status, tmpl, m)
	},
}

var statefulSetRollout = rollout{
	counters: []string{"replicas", "currentReplicas", "readyReplicas", "updatedReplicas", "availableReplicas"},
	looksDone: func(tmpl, status map[string]any) bool {
		want := specReplicas(tmpl)
		if intAt(status, "readyReplicas") < want {
			return false
		}
		if p := partition(tmpl); p > 0 {
			return intAt(status, "updatedReplicas") >= want-p
		}
		return status["currentRevision"] == status["updateRevision"]
	},
	done: func(tmpl map[string]any, it Item) bool {
		if it.Replicas != nil && intAt(it.Status, "readyReplicas") < int64(*it.Replicas) {
			return false
		}
		if p := partition(tmpl); p > 0 {
			return it.Replicas == nil || intAt(it.Status, "updatedReplicas") >= int64(*it.Replicas)-p
		}
		return it.Status["currentRevision"] == it.Status["updateRevision"]
	},
}

// partition is the ordinal below which a StatefulSet's pods keep their revision.
func partition(obj map[string]any) int64 {
	return intAt(obj, "spec", "updateStrategy", "rollingUpdate", "partition")
}

// statefulSetRevisions shows the revisions of one member: of the first that is still between two, else of the first
// that has any. They differ exactly while some member has pods to replace, which is what kubectl rollout status asks.
func statefulSetRevisions(status map[string]any, m Members) {
	var shown map[string]any
	for _, it := range m.Items {
		if stringAt(it.Status, "updateRevision") == "" {
			continue
		}
		if it.Status["currentRevision"] != it.Status["updateRevision"] {
			shown = it.Status
			break
		}
		if shown == nil {
			shown = it.Status
		}
	}
	for _, key := range []string{"currentRevision", "updateRevision"} {
		if rev := stringAt(shown, key); rev != "" {
			status[key] = rev
		} else {
			delete(status, key)
		}
	}
}
