/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package v1alpha2

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	policyv1alpha1 "github.com/manifold-k8s/manifold/apis/policy/v1alpha1"
)

// GracefulEvictionTask is a cluster that a template is leaving. While the task exists, its copy there may stay.
type GracefulEvictionTask struct {
	// Name of the cluster that is left.
	FromCluster string `json:"fromCluster"`

	// What becomes of the copy there.
	// +optional
	PurgeMode policyv1alpha1.PurgeMode `json:"purgeMode,omitempty"`

	// How many replicas the cluster had. Absent for templates without replicas.
	// +optional
	Replicas *int32 `json:"replicas,omitempty"`

	// Why the template leaves, in one word of at most 32 characters, such as TaintUntolerated.
	Reason string `json:"reason"`

	// Why the template leaves, for people, in at most 1024 characters.
	// +optional
	Message string `json:"message,omitempty"`

	// The controller that made the task.
	Producer string `json:"producer"`

	// The longest time in seconds to wait for the new copy. Absent means the server's default.
	// +optional
	GracePeriodSeconds *int32 `json:"gracePeriodSeconds,omitempty"`

	// True keeps the old copy until somebody sets this to false or removes it; false lets it go at once. Absent leaves it to
	// the health of the new copy and the grace period.
	// +optional
	SuppressDeletion *bool `json:"suppressDeletion,omitempty"`

	// Labels for the new copy, taken from the old copy's status.
	// +optional
	PreservedLabelState map[string]string `json:"preservedLabelState,omitempty"`

	// When the task was made, from which the grace period counts. Written by the system.
	// +optional
	CreationTimestamp *metav1.Time `json:"creationTimestamp,omitempty"`

	// The clusters that the template was placed on before it began to leave. A cluster that is not among them is the one
	// that the new copy went to.
	// +optional
	// +listType=atomic
	ClustersBeforeFailover []string `json:"clustersBeforeFailover,omitempty"`
}
