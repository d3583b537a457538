/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package interpret

import (
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/manifold-k8s/manifold/pkg/brief"
)

var job = Rules{
	ReplicaPath:     []string{"spec", "parallelism"},
	CompletionsPath: []string{"spec", "completions"},
	Replicas:        counted(jobReplicas),
	Requirements:    required("spec", "template"),
	Health:          alwaysHealthy,
	Dependencies:    podDependencies("spec", "template"),
	Reflect: func(live *unstructured.Unstructured) map[string]any {
		return pickOrNothing(mapAt(live.Object, "status"),
			"active", "succeeded", "failed", "conditions", "startTime", "completionTime")
	},
	Aggregate: aggregateJob,
}

// jobReplicas is how many pods run at once at most.
func jobReplicas(tmpl map[string]any) int32 {
	n, ok := intOf(at(tmpl, "spec", "parallelism"))
	if !ok {
		n = 1 // the API server's default
	}
	if completions, ok := intOf(at(tmpl, "spec", "completions")); ok {
		n = min(n, completions)
	}
	return int32(max(n, 0))
}

// Condition types and reasons of Jobs.
const (
	jobComplete        = "Complete"
	jobFailed          = "Failed"
	jobFailureTarget   = "FailureTarget"
	jobSuccessCriteria = "SuccessCriteriaMet"

	// jobChangeTime holds when anything of a Job's condition changed last.
	jobChangeTime = "lastProbeTime"
)

// aggregateJob keeps to what the API server demands of a Job's status: counters never fall, a Job with active pods is
// not finished, Failed comes with FailureTarget, Complete with SuccessCriteriaMet and a completionTime, and a
// finished Job never changes. So one failed member makes FailureTarget at once, and Failed when the last member stopped.
func aggregateJob(status map[string]any, _ *unstructured.Unstructured, m Members) {
	if isTrue(status, jobComplete) || isTrue(status, jobFailed) {
		return
	}
	active := sum(m.Items, "active")
	setInt(status, "active", active)
	for _, key := range []string{"succeeded", "failed"} {
		setInt(status, key, max(intAt(status, key), sum(m.Items, key)))
	}
	if start := earliestStart(m.Items); stringAt(status, "startTime") == "" && start != "" {
		status["startTime"] = start
	}

	var failed []string
	var completion string
	finished := len(m.Items) > 0 && active == 0 && stringAt(status, "startTime") != ""
	for _, it := range m.Items {
		switch {
		case isTrue(it.Status, jobFailed):
			failed = append(failed, it.Cluster)
		case isTrue(it.Status, jobComplete):
			completion = latest(completion, stringAt(it.Status, "completionTime"))
		default:
			finished = false
		}
	}
	if len(failed) > 0 {
		message := "Failed in: " + brief.Names(failed, maxClusters)
		setCondition(status, condition{kind: jobFailureTarget, status: "True", reason: "JobFailed", message: message}, jobChangeTime, m.Now)
		if finished {
			setCondition(status, condition{kind: jobFailed, status: "True", reason: "JobFailed", message: message}, jobChangeTime, m.Now)
		}
		return
	}
	if !finished || isTrue(status, jobFailureTarget) {
		return
	}
	if !later(completion, stringAt(status, "startTime")) { // clocks of clusters differ
		completion = stringAt(status, "startTime")
	}
	status["completionTime"] = completion
	setCondition(status, condition{kind: jobSuccessCriteria, status: "True", reason: "CompletionsReached", message: "Reached the expected completions in every cluster."}, jobChangeTime, m.Now)
	setCondition(status, condition{kind: jobComplete, status: "True", reason: "Completed", message: "Complete in every cluster."}, jobChangeTime, m.Now)
}

// earliestStart is the first start of all items, and empty until all have one.
func earliestStart(items []Item) string {
	var first string
	for _, it := range items {
		start := stringAt(it.Status, "startTime")
		if _, err := time.Parse(time.RFC3339, start); err != nil {
			return "" // not started yet
		}
		if first == "" || later(first, start) {
			first = start
		}
	}
	return first
}

var cronJob = Rules{
	Dependencies: podDependencies("spec", "jobTemplate", "spec", "template"),
	Health:       alwaysHealthy,
	Reflect:      wholeStatus,
	Aggregate: func(status map[string]any, _ *unstructured.Unstructured, m Members) {
		active := []any{}
		for _, it := range m.Items {
			list, _ := it.Status["active"].([]any) // absent when no run is under way
			active = append(active, runtime.DeepCopyJSONValue(list).([]any)...)
			for _, key := range []string{"lastScheduleTime", "lastSuccessfulTime"} {
				if t := latest(stringAt(status, key), stringAt(it.Status, key)); t != "" {
					status[key] = t
				}
			}
		}
		setList(status, "active", active)
	},
}

// setList writes a list the way the API machinery serialises it: an empty one is left out.
func setList(status map[string]any, key string, list []any) {
	if len(list) == 0 {
		delete(status, key)
		return
	}
	status[key] = list
}
