/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// +genclient
// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// Work is what one member cluster gets: manifests, and what became of them there. It lives in the namespace that is set
// aside for the cluster, karmada-es-<cluster>.
type Work struct {
	metav1.TypeMeta `json:",inline"`
	// Standard object metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// What the cluster gets.
	Spec WorkSpec `json:"spec"`

	// What became of it. Written by the system.
	// +optional
	Status WorkStatus `json:"status,omitempty,omitzero"`
}

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// WorkList is a list of Works.
type WorkList struct {
	metav1.TypeMeta `json:",inline"`
	// Standard list metadata.
	// +optional
	metav1.ListMeta `json:"metadata,omitempty"`

	// The Works of the list.
	Items []Work `json:"items"`
}

// WorkSpec is what a cluster gets.
type WorkSpec struct {
	// The manifests.
	// +optional
	Workload WorkloadTemplate `json:"workload,omitempty"`

	// True holds back what the cluster has not got yet. What it has stays, and its state is still collected.
	// +optional
	SuspendDispatching *bool `json:"suspendDispatching,omitempty"`

	// Whether the objects stay in the cluster when the Work is deleted.
	// +optional
	PreserveResourcesOnDeletion *bool `json:"preserveResourcesOnDeletion,omitempty"`
}

// WorkloadTemplate holds the manifests of a Work.
type WorkloadTemplate struct {
	// Complete objects, each with apiVersion, kind and name.
	// +optional
	// +listType=atomic
	Manifests []runtime.RawExtension `json:"manifests,omitempty"`
}

// WorkStatus is what became of the manifests of a Work.
type WorkStatus struct {
	// The Work's conditions: Applied and Dispatching.
	// +optional
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// The state of every object that the cluster may hold because of the Work, also of those that are to be removed.
	// +optional
	// +listType=atomic
	ManifestStatuses []ManifestStatus `json:"manifestStatuses,omitempty"`
}

// ManifestStatus is the state of one object in the cluster.
type ManifestStatus struct {
	// The object.
	Identifier ResourceIdentifier `json:"identifier"`

	// What is reported of the object's status; which fields these are depends on its kind. Absent until it was read.
	// +optional
	Status *runtime.RawExtension `json:"status,omitempty"`

	// Whether the object is in good health.
	// +optional
	Health ResourceHealth `json:"health,omitempty"`
}

// ResourceIdentifier names an object in the cluster.
type ResourceIdentifier struct {
	// Position of the manifest in the list, from 0; -1 for an object that is in the list no more.
	Ordinal int `json:"ordinal"`

	// API group of the object; empty for the core group.
	// +optional
	Group string `json:"group,omitempty"`

	// API version of the object.
	Version string `json:"version"`

	// Kind of the object.
	Kind string `json:"kind"`

	// Plural name of the kind in the cluster; empty until that is known.
	Resource string `json:"resource"`

	// Namespace of the object; empty for a cluster-wide one.
	// +optional
	Namespace string `json:"namespace,omitempty"`

	// Name of the object.
	Name string `json:"name"`
}

// ResourceHealth is the health of an object in a cluster.
// +enum
type ResourceHealth string

const (
	// ResourceHealthy means that the object does what it should.
	ResourceHealthy ResourceHealth = "Healthy"
	// ResourceUnhealthy means that it does not.
	ResourceUnhealthy ResourceHealth = "Unhealthy"
	// ResourceUnknown means that this cannot be told, for instance because the status was not read yet.
	ResourceUnknown ResourceHealth = "Unknown"
)
