/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package v1alpha1

// Condition types of a Work.
const (
	// WorkApplied says whether the cluster holds every manifest as it should be.
	WorkApplied = "Applied"
	// WorkDispatching says whether the manifests are sent to the cluster.
	WorkDispatching = "Dispatching"
	// WorkAvailable is part of the API and not written.
	WorkAvailable = "Available"
	// WorkDegraded is part of the API and not written.
	WorkDegraded = "Degraded"
	// WorkProgressing is part of the API and not written.
	WorkProgressing = "Progressing"
)

// Reasons of the conditions.
const (
	// ReasonAppliedSuccessful goes with Applied True.
	ReasonAppliedSuccessful = "AppliedSuccessful"
	// ReasonAppliedFailed goes with Applied False; the message says what stands in the way.
	ReasonAppliedFailed = "AppliedFailed"
	// ReasonDispatching goes with Dispatching True.
	ReasonDispatching = "Dispatching"
	// ReasonSuspendDispatching goes with Dispatching False.
	ReasonSuspendDispatching = "SuspendDispatching"
)

// ExecutionFinalizer keeps a Work until its objects in the cluster are gone or released.
const ExecutionFinalizer = "karmada.io/execution-controller"
