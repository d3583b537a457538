/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	// FederationName is the name of the one Federation that there is.
	FederationName = "default"

	// ProxyPath is the path under which the API of the hub is served again, for users of a host cluster: what follows it is
	// a path of the hub.
	ProxyPath = "/apis/" + GroupName + "/v1alpha1/federations/" + FederationName + "/proxy"
)

// +genclient
// +genclient:nonNamespaced
// +genclient:onlyVerbs=get,list
// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// Federation is the federation that this server is. It is computed when it is read, and cannot be changed.
type Federation struct {
	metav1.TypeMeta `json:",inline"`
	// Standard object metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// How the federation is.
	// +optional
	Status FederationStatus `json:"status,omitempty,omitzero"`
}

// FederationStatus is how the federation is.
type FederationStatus struct {
	// Version of Kubernetes that the hub speaks, such as v1.36.3.
	// +optional
	KubernetesVersion string `json:"kubernetesVersion,omitempty"`

	// Number of Clusters that have joined.
	Clusters int32 `json:"clusters"`

	// Number of Clusters among them that are ready.
	ReadyClusters int32 `json:"readyClusters"`
}

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// FederationList is a list of Federations.
type FederationList struct {
	metav1.TypeMeta `json:",inline"`
	// Standard list metadata.
	// +optional
	metav1.ListMeta `json:"metadata,omitempty"`

	// The Federations of the list.
	Items []Federation `json:"items"`
}
