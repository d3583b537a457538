/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package interpret

import (
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
	"github.com/manifold-k8s/manifold/pkg/brief"
)

var deployment = Rules{
	ReplicaPath:  []string{"spec", "replicas"},
	Replicas:     counted(replicasAsWritten),
	Requirements: required("spec", "template"),
	Dependencies: podDependencies("spec", "template"),
	Reflect: func(live *unstructured.Unstructured) map[string]any {
		out := reflectCounters(live, deploymentRollout.counters...)
		if out != nil {
			reflectConditions(out, live, impliedByCounters(out))
		}
		return out
	},
	Health: func(live map[string]any) workv1alpha2.ResourceHealth {
		return controllerHealth(live, func(status map[string]any) bool {
			updated := intAt(status, "updatedReplicas")
			return updated >= specReplicas(live) && intAt(status, "availableReplicas") >= updated
		})
	},
	Aggregate: func(status map[string]any, tmpl *unstructured.Unstructured, m Members) {
		deploymentRollout.sumUp(status, tmpl, m)
		deploymentConditions(status, tmpl, m)
	},
}

// impliedByCounters says of a Deployment's condition that it tells what the counters tell: all replicas are there, and the
// rollout is over.
func impliedByCounters(counters map[string]any) func(c map[string]any) bool {
	return func(c map[string]any) bool {
		switch c["type"] {
		case conditionAvailable:
			return c["status"] == "True" && intAt(counters, "unavailableReplicas") == 0
		case conditionProgressing:
			return c["status"] == "True" && c["reason"] == reasonComplete
		}
		return false
	}
}

var deploymentRollout = rollout{
	counters: []string{"replicas", "updatedReplicas", "readyReplicas", "availableReplicas", "unavailableReplicas"},
	looksDone: func(tmpl, status map[string]any) bool {
		return intAt(status, "updatedReplicas") >= specReplicas(tmpl) && settled(status)
	},
	done: func(_ map[string]any, it Item) bool {
		if !settled(it.Status) {
			return false
		}
		if it.Replicas == nil { // the member's own count, which the member knows to be reached
			return intAt(it.Status, "unavailableReplicas") == 0
		}
		return intAt(it.Status, "updatedReplicas") == int64(*it.Replicas)
	},
}

// settled says that no old pod is left and every new one is available.
func settled(status map[string]any) bool {
	updated := intAt(status, "updatedReplicas")
	return intAt(status, "replicas") <= updated && intAt(status, "availableReplicas") >= updated
}

// Types and reasons of a Deployment's conditions, as Kubernetes' Deployment controller and kubectl know them.
const (
	conditionAvailable      = "Available"
	conditionProgressing    = "Progressing"
	conditionReplicaFailure = "ReplicaFailure"

	reasonAvailable        = "MinimumReplicasAvailable"
	reasonUnavailable      = "MinimumReplicasUnavailable"
	reasonComplete         = "NewReplicaSetAvailable"
	reasonDeadlineExceeded = "ProgressDeadlineExceeded"
	reasonUpdating         = "ReplicaSetUpdated"
	reasonPaused           = "DeploymentPaused"
	reasonFailedCreate     = "FailedCreate"

	// deploymentChangeTime holds when anything of a Deployment's condition changed last.
	deploymentChangeTime = "lastUpdateTime"
)

func deploymentConditions(status map[string]any, tmpl *unstructured.Unstructured, m Members) {
	if len(m.Items) == 0 && !m.Scheduled {
		return // nothing is known, so nothing is said
	}
	for _, c := range []condition{availableCondition(tmpl, m), progressingCondition(tmpl, m)} {
		c.message = withAway(c.message, m.Items)
		setCondition(status, c, deploymentChangeTime, m.Now)
	}

	var failing []string
	for _, it := range m.Items {
		if isTrue(it.Status, conditionReplicaFailure) {
			failing = append(failing, it.Cluster)
		}
	}
	if len(failing) == 0 {
		dropCondition(status, conditionReplicaFailure)
		return
	}
	setCondition(status, condition{kind: conditionReplicaFailure, status: "True", reason: reasonFailedCreate, message: "Pods cannot be created in: " + brief.Names(failing, maxClusters)}, deploymentChangeTime, m.Now)
}

// availableCondition is True when every cluster that is to have replicas has the least it may have.
func availableCondition(tmpl *unstructured.Unstructured, m Members) condition {
	if len(m.Items) == 0 && specReplicas(tmpl.Object) > 0 {
		return condition{kind: conditionAvailable, status: "False", reason: reasonUnavailable, message: "Placed in no cluster."}
	}
	var lacking []string
	for _, it := range m.Items {
		if !availableIn(it) {
			lacking = append(lacking, it.Cluster)
		}
	}
	if len(lacking) > 0 {
		return condition{kind: conditionAvailable, status: "False", reason: reasonUnavailable, message: "Not available in: " + brief.Names(lacking, maxClusters)}
	}
	return condition{kind: conditionAvailable, status: "True", reason: reasonAvailable, message: "Available in every cluster."}
}

func availableIn(it Item) bool {
	switch {
	case it.Replicas != nil && *it.Replicas == 0:
		return true
	case it.Status == nil:
		return false
	case conditionOf(it.Status, conditionAvailable) != nil:
		return isTrue(it.Status, conditionAvailable)
	case it.Replicas != nil:
		return intAt(it.Status, "availableReplicas") >= int64(*it.Replicas)
	}
	return intAt(it.Status, "unavailableReplicas") == 0
}

// progressingCondition says whether the rollout is over, under way or stuck. A member's own verdict counts only when it
// speaks of the template's present generation.
func progressingCondition(tmpl *unstructured.Unstructured, m Members) condition {
	if paused, _ := at(tmpl.Object, "spec", "paused").(bool); paused { // absent means false
		return condition{kind: conditionProgressing, status: "Unknown", reason: reasonPaused, message: "Deployment is paused."}
	}
	var stuck, pending []string
	for _, it := range m.Items {
		own := conditionOf(it.Status, conditionProgressing)
		switch isCurrent := current(it, tmpl.GetGeneration()); {
		case isCurrent && stringAt(own, "reason") == reasonDeadlineExceeded:
			stuck = append(stuck, it.Cluster)
		case !isCurrent,
			own != nil && stringAt(own, "reason") != reasonComplete,
			own == nil && !deploymentRollout.done(tmpl.Object, it):
			pending = append(pending, it.Cluster)
		}
	}
	switch {
	case len(stuck) > 0:
		return condition{kind: conditionProgressing, status: "False", reason: reasonDeadlineExceeded, message: "Progress deadline exceeded in: " + brief.Names(stuck, maxClusters)}
	case len(pending) > 0:
		return condition{kind: conditionProgressing, status: "True", reason: reasonUpdating, message: "Rollout under way in: " + brief.Names(pending, maxClusters)}
	case len(m.Items) == 0:
		return condition{kind: conditionProgressing, status: "True", reason: reasonComplete, message: "Placed in no cluster."}
	}
	return condition{kind: conditionProgressing, status: "True", reason: reasonComplete, message: fmt.Sprintf("Rolled out to %d clusters.", len(m.Items))}
}
