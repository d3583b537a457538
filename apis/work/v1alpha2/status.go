/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package v1alpha2

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// ResourceBindingStatus is what became of a template.
type ResourceBindingStatus struct {
	// The binding's generation that the scheduler last dealt with successfully.
	// +optional
	SchedulerObservedGeneration int64 `json:"schedulerObservedGeneration,omitempty"`

	// Which of the placement's cluster affinities is in use.
	// +optional
	SchedulerObservedAffinityName string `json:"schedulerObservingAffinityName,omitempty"`

	// When the scheduler last succeeded.
	// +optional
	LastScheduledTime *metav1.Time `json:"lastScheduledTime,omitempty"`

	// The binding's conditions: Scheduled and FullyApplied.
	// +optional
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// The state of the copy in each cluster, sorted by cluster.
	// +optional
	// +listType=atomic
	AggregatedStatus []AggregatedStatusItem `json:"aggregatedStatus,omitempty"`
}

// AggregatedStatusItem is the state of the copy in one cluster.
type AggregatedStatusItem struct {
	// Name of the cluster.
	ClusterName string `json:"clusterName"`

	// What is reported of the copy's status; which fields these are depends on its kind. Absent until it was read.
	// +optional
	Status *runtime.RawExtension `json:"status,omitempty"`

	// Whether the copy in the cluster is what it should be.
	// +optional
	Applied bool `json:"applied,omitempty"`

	// Why it is not.
	// +optional
	AppliedMessage string `json:"appliedMessage,omitempty"`

	// Whether the copy is in good health.
	// +optional
	Health ResourceHealth `json:"health,omitempty"`
}

// ResourceHealth is the health of a copy in a cluster.
// +enum
type ResourceHealth string

const (
	// ResourceHealthy means that the copy does what it should.
	ResourceHealthy ResourceHealth = "Healthy"
	// ResourceUnhealthy means that it does not.
	ResourceUnhealthy ResourceHealth = "Unhealthy"
	// ResourceUnknown means that this cannot be told, for instance because the status was not read yet.
	ResourceUnknown ResourceHealth = "Unknown"
)

const (
	// Scheduled is the condition type that says whether clusters were chosen for the template.
	Scheduled = "Scheduled"
	// FullyApplied is the condition type that says whether every chosen cluster has the template as it should be.
	FullyApplied = "FullyApplied"
)

// Reasons of the condition Scheduled.
const (
	// BindingReasonSuccess goes with True.
	BindingReasonSuccess = "Success"
	// BindingReasonNoClusterFit goes with False: no cluster passed the filters. Nothing stays placed.
	BindingReasonNoClusterFit = "NoClusterFit"
	// BindingReasonUnschedulable goes with False: the clusters have too little room. What was placed stays.
	BindingReasonUnschedulable = "Unschedulable"
	// BindingReasonQuotaExceeded goes with False: the result would exceed a quota. What was placed stays.
	BindingReasonQuotaExceeded = "QuotaExceeded"
	// BindingReasonSchedulerError goes with False: any other error. What was placed stays.
	BindingReasonSchedulerError = "SchedulerError"
)

// Reasons of the condition FullyApplied.
const (
	// FullyAppliedSuccessReason goes with True.
	FullyAppliedSuccessReason = "FullyAppliedSuccess"
	// FullyAppliedFailedReason goes with False: a copy is missing, not applied, or in a cluster it should not be in.
	FullyAppliedFailedReason = "FullyAppliedFailed"
)

// Reasons and producers of eviction tasks.
const (
	// EvictionReasonTaintUntolerated means that the cluster has a NoExecute taint that the placement does not tolerate.
	EvictionReasonTaintUntolerated = "TaintUntolerated"
	// EvictionReasonApplicationFailure means that the workload was unhealthy for too long.
	EvictionReasonApplicationFailure = "ApplicationFailure"
	// EvictionProducerTaintManager is the producer of tasks that taints gave rise to.
	EvictionProducerTaintManager = "TaintManager"
)
