/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package v1alpha1

// FailoverBehavior says when and how a workload moves to another cluster.
type FailoverBehavior struct {
	// Moves a workload that is unhealthy in its cluster. Absent means that it stays. Needs propagateDeps.
	// +optional
	Application *ApplicationFailoverBehavior `json:"application,omitempty"`

	// How a workload leaves a cluster that has failed. Absent means the server's default.
	// +optional
	Cluster *ClusterFailoverBehavior `json:"cluster,omitempty"`
}

// ApplicationFailoverBehavior says when an unhealthy workload moves, and how.
type ApplicationFailoverBehavior struct {
	// What must be the case for the workload to move. Required; an empty object stands for the defaults.
	DecisionConditions *DecisionConditions `json:"decisionConditions"`

	// What becomes of the copy in the cluster that the workload leaves.
	// +optional
	// +default="Gracefully"
	PurgeMode PurgeMode `json:"purgeMode,omitempty"`

	// The longest time in seconds to wait for the new copy before the old one is removed. Only for, and needed with, the
	// purge mode Gracefully, for which it defaults to 600; must be positive.
	// +optional
	GracePeriodSeconds *int32 `json:"gracePeriodSeconds,omitempty"`

	// Parts of the old copy's status to hand to the new copy as labels.
	// +optional
	StatePreservation *StatePreservation `json:"statePreservation,omitempty"`
}

// DecisionConditions are the conditions for a workload to move.
type DecisionConditions struct {
	// How many seconds the workload must have been unhealthy. Must not be negative.
	// +optional
	// +default=300
	TolerationSeconds *int32 `json:"tolerationSeconds,omitempty"`
}

// ClusterFailoverBehavior says how a workload leaves a failed cluster.
type ClusterFailoverBehavior struct {
	// What becomes of the copy in the failed cluster: Directly or Gracefully.
	// +optional
	// +default="Gracefully"
	PurgeMode PurgeMode `json:"purgeMode,omitempty"`

	// Parts of the old copy's status to hand to the new copy as labels.
	// +optional
	StatePreservation *StatePreservation `json:"statePreservation,omitempty"`
}

// PurgeMode says what becomes of the copy in a cluster that a workload leaves.
// +enum
type PurgeMode string

const (
	// PurgeModeDirectly removes the old copy at once, before the new one is made.
	PurgeModeDirectly PurgeMode = "Directly"
	// PurgeModeGracefully removes the old copy when the new one is healthy or the grace period is over.
	PurgeModeGracefully PurgeMode = "Gracefully"
	// PurgeModeNever leaves the old copy for the user to remove.
	PurgeModeNever PurgeMode = "Never"
)

// StatePreservation selects the state that a workload takes along when it moves.
type StatePreservation struct {
	// The values to take along.
	// +listType=atomic
	Rules []StatePreservationRule `json:"rules"`
}

// StatePreservationRule takes one value along.
type StatePreservationRule struct {
	// Key of the label on the new copy that carries the value.
	AliasLabelName string `json:"aliasLabelName"`

	// Where the value is in the status last collected from the cluster that is left: a JSONPath template of Kubernetes,
	// braces included, such as {.jobStatus.jobID}. A path that finds nothing holds up the move.
	JSONPath string `json:"jsonPath"`
}
