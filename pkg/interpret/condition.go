/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package interpret

import (
	"time"
)

// condition is a condition of a template's status without its times.
type condition struct {
	kind, status, reason, message string
	observed                      int64 // the generation it speaks of; 0 for kinds whose conditions do not tell
}

// setCondition writes c into status.conditions and keeps the place, and the time of the last transition unless the
// status changes. changeTime names the field that holds when anything of the condition last changed.
func setCondition(status map[string]any, c condition, changeTime string, now time.Time) {
	list, _ := status["conditions"].([]any) // absent at first
	stamp := now.UTC().Format(time.RFC3339)
	next := map[string]any{
		"type": c.kind, "status": c.status, "reason": c.reason, "message": c.message,
		"lastTransitionTime": stamp, changeTime: stamp,
	}
	if c.observed > 0 {
		next[observedGeneration] = c.observed
	}
	for i, e := range list {
		old, ok := e.(map[string]any)
		if !ok || old["type"] != c.kind {
			continue
		}
		if old["status"] == c.status {
			if old["reason"] == c.reason && stringAt(old, "message") == c.message && intAt(old, observedGeneration) == c.observed {
				return
			}
			if t := old["lastTransitionTime"]; t != nil {
				next["lastTransitionTime"] = t
			}
		}
		list[i] = next
		return
	}
	status["conditions"] = append(list, next)
}

func dropCondition(status map[string]any, kind string) {
	list, _ := status["conditions"].([]any) // absent: nothing to drop
	kept := make([]any, 0, len(list))
	for _, e := range list {
		if m, ok := e.(map[string]any); !ok || m["type"] != kind {
			kept = append(kept, e)
		}
	}
	if len(kept) < len(list) {
		status["conditions"] = kept
	}
}

// conditionOf returns the condition of the given type, nil when there is none.
func conditionOf(status map[string]any, kind string) map[string]any {
	for _, c := range objectsAt(status, "conditions") {
		if c["type"] == kind {
			return c
		}
	}
	return nil
}

func isTrue(status map[string]any, kind string) bool {
	return stringAt(conditionOf(status, kind), "status") == "True"
}
