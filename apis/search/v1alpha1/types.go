/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	clusterv1alpha1 "github.com/manifold-k8s/manifold/apis/cluster/v1alpha1"
	policyv1alpha1 "github.com/manifold-k8s/manifold/apis/policy/v1alpha1"
)

// +genclient
// +genclient:nonNamespaced
// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// ResourceRegistry names kinds of objects in member clusters that the resources search and proxying answer for.
type ResourceRegistry struct {
	metav1.TypeMeta `json:",inline"`
	// Standard object metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// What can be searched, and where.
	// +optional
	Spec ResourceRegistrySpec `json:"spec,omitempty,omitzero"`

	// What is known of the search. Nothing is written here yet.
	// +optional
	Status ResourceRegistryStatus `json:"status,omitempty,omitzero"`
}

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// ResourceRegistryList is a list of ResourceRegistries.
type ResourceRegistryList struct {
	metav1.TypeMeta `json:",inline"`
	// Standard list metadata.
	// +optional
	metav1.ListMeta `json:"metadata,omitempty"`

	// The registries of the list.
	Items []ResourceRegistry `json:"items"`
}

// ResourceRegistrySpec is what can be searched, and where.
type ResourceRegistrySpec struct {
	// The clusters to search. An empty object means all clusters.
	TargetCluster policyv1alpha1.ClusterAffinity `json:"targetCluster"`

	// The kinds to search. Secrets cannot be among them.
	// +listType=atomic
	ResourceSelectors []ResourceSelector `json:"resourceSelectors"`

	// Where objects are to be kept for searching. Absent means in the server's memory. Other places are accepted, but have
	// no effect: the server's memory is used.
	// +optional
	BackendStore *BackendStoreConfig `json:"backendStore,omitempty"`
}

// ResourceSelector names one kind of object.
type ResourceSelector struct {
	// Group and version, such as apps/v1, or v1 for the core group.
	APIVersion string `json:"apiVersion"`

	// Kind, such as Deployment.
	Kind string `json:"kind"`

	// The only namespace to search. Empty means all of them.
	// +optional
	Namespace string `json:"namespace,omitempty"`
}

// BackendStoreConfig says where objects are to be kept for searching.
type BackendStoreConfig struct {
	// An OpenSearch service.
	// +optional
	OpenSearch *OpenSearchConfig `json:"openSearch,omitempty"`
}

// OpenSearchConfig is how an OpenSearch service is reached.
type OpenSearchConfig struct {
	// URLs of the service's nodes, with the scheme http or https.
	// +listType=atomic
	Addresses []string `json:"addresses"`

	// The Secret on the hub with the name and the password of the service's user, under the keys username and password.
	SecretRef clusterv1alpha1.LocalSecretReference `json:"secretRef"`
}

// ResourceRegistryStatus is what is known of the search.
type ResourceRegistryStatus struct {
	// Conditions of the search.
	// +optional
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// Search is the kind of the resource search, whose paths below cache answer with the objects of all clusters. There are no
// objects of this kind.
type Search struct {
	metav1.TypeMeta `json:",inline"`
}

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// Proxying is the kind of the resource proxying, below which the subresource proxy serves the API of all clusters as if
// they were one. There are no objects of this kind.
type Proxying struct {
	metav1.TypeMeta `json:",inline"`
}
