/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package v1alpha1

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// +genclient
// +genclient:nonNamespaced
// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// Cluster is a member of the federation. Its name is a DNS label of at most 48 characters.
type Cluster struct {
	metav1.TypeMeta `json:",inline"`
	// Standard object metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// How the member is reached and what it is like.
	Spec ClusterSpec `json:"spec"`

	// What was last learnt of the member. Written by the system.
	// +optional
	Status ClusterStatus `json:"status,omitempty,omitzero"`
}

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// ClusterList is a list of Clusters.
type ClusterList struct {
	metav1.TypeMeta `json:",inline"`
	// Standard list metadata.
	// +optional
	metav1.ListMeta `json:"metadata,omitempty"`

	// The clusters of the list.
	Items []Cluster `json:"items"`
}

// ClusterSpec is how a member is reached and what it is like.
type ClusterSpec struct {
	// Unique identity of the member, by which one that is joined twice is recognised: the UID of its namespace
	// kube-system.
	// +optional
	ID string `json:"id,omitempty"`

	// Which side opens the connection.
	SyncMode SyncMode `json:"syncMode"`

	// URL of the member's API server, such as https://10.0.0.1:6443. Without user information, query and fragment.
	// +optional
	APIEndpoint string `json:"apiEndpoint,omitempty"`

	// The Secret with the credentials for the member: a bearer token under the key token, and under caBundle the
	// certificate authority of its API server.
	// +optional
	SecretRef *LocalSecretReference `json:"secretRef,omitempty"`

	// The Secret with a bearer token, under the key token, that may impersonate users in the member. Without it, users'
	// requests are not passed on to the member.
	// +optional
	ImpersonatorSecretRef *LocalSecretReference `json:"impersonatorSecretRef,omitempty"`

	// True accepts any certificate of the member's API server. This makes the connection open to interception.
	// +optional
	InsecureSkipTLSVerification bool `json:"insecureSkipTLSVerification,omitempty"`

	// URL of the proxy on the way to the member, with the scheme http, https or socks5.
	// +optional
	ProxyURL string `json:"proxyURL,omitempty"`

	// Headers for the CONNECT request to the proxy. Commas separate several values of one header.
	// +optional
	ProxyHeader map[string]string `json:"proxyHeader,omitempty"`

	// The provider of the member, as a label value.
	// +optional
	Provider string `json:"provider,omitempty"`

	// The region of the member, as a label value.
	// +optional
	Region string `json:"region,omitempty"`

	// Deprecated: use zones, with which it must not be combined and to which its value is moved.
	// +optional
	Zone string `json:"zone,omitempty"`

	// The zones that the member extends over, as label values.
	// +optional
	// +listType=atomic
	Zones []string `json:"zones,omitempty"`

	// Keep templates away that do not tolerate them. The effects are NoSchedule and NoExecute; key and effect together are
	// unique.
	// +optional
	// +listType=atomic
	Taints []corev1.Taint `json:"taints,omitempty"`

	// Classes of nodes by size, from small to large and without gaps, that free capacity is counted in. When none are given
	// at creation, nine default classes are filled in.
	// +optional
	// +listType=atomic
	ResourceModels []ResourceModel `json:"resourceModels,omitempty"`
}

// SyncMode says which side opens the connection between hub and member.
// +enum
type SyncMode string

const (
	// Push has the hub connect to the member's API server.
	Push SyncMode = "Push"
	// Pull has an agent in the member connect to the hub.
	Pull SyncMode = "Pull"
)

// LocalSecretReference names a Secret on the hub.
type LocalSecretReference struct {
	// Namespace of the Secret.
	Namespace string `json:"namespace"`

	// Name of the Secret.
	Name string `json:"name"`
}

// ResourceModel is a class of nodes of about the same size.
type ResourceModel struct {
	// Rank of the class; a higher grade means larger nodes.
	Grade uint `json:"grade"`

	// The bounds of the class, one entry for each resource. All classes name the same resources in the same order.
	// +listType=atomic
	Ranges []ResourceModelRange `json:"ranges"`
}

// ResourceModelRange bounds one resource of a class of nodes.
type ResourceModelRange struct {
	// Name of the resource, such as cpu.
	Name corev1.ResourceName `json:"name"`

	// The smallest amount that belongs to the class. In the first class it is always 0.
	Min resource.Quantity `json:"min"`

	// The amount at which the next class begins; larger than min. In the last class it is always the largest number.
	Max resource.Quantity `json:"max"`
}

// ClusterStatus is what was last learnt of a member.
type ClusterStatus struct {
	// Version of the member's API server, such as v1.36.3.
	// +optional
	KubernetesVersion string `json:"kubernetesVersion,omitempty"`

	// The APIs that the member serves, sorted by group and version.
	// +optional
	// +listType=atomic
	APIEnablements []APIEnablement `json:"apiEnablements,omitempty"`

	// The member's conditions, among them Ready and CompleteAPIEnablements.
	// +optional
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// How many nodes the member has.
	// +optional
	NodeSummary *NodeSummary `json:"nodeSummary,omitempty"`

	// What the nodes of the member have to give, and what of it is taken.
	// +optional
	ResourceSummary *ResourceSummary `json:"resourceSummary,omitempty"`

	// What is being done about conditions of the member, sorted.
	// +optional
	// +listType=atomic
	RemedyActions []string `json:"remedyActions,omitempty"`
}

// APIEnablement lists the resources of one group and version that a member serves.
type APIEnablement struct {
	// Group and version, such as apps/v1, or v1 for the core group.
	GroupVersion string `json:"groupVersion"`

	// The resources, sorted by name and without subresources.
	// +optional
	// +listType=atomic
	Resources []APIResource `json:"resources,omitempty"`
}

// APIResource is a resource that a member serves.
type APIResource struct {
	// Plural name of the resource, such as deployments.
	Name string `json:"name"`

	// Kind of its objects, such as Deployment.
	Kind string `json:"kind"`
}

// NodeSummary counts the nodes of a member.
type NodeSummary struct {
	// How many nodes there are.
	// +optional
	TotalNum int32 `json:"totalNum,omitempty"`

	// How many of them are ready.
	// +optional
	ReadyNum int32 `json:"readyNum,omitempty"`
}

// ResourceSummary adds up the resources of a member.
type ResourceSummary struct {
	// What all nodes together have for pods.
	// +optional
	Allocatable corev1.ResourceList `json:"allocatable,omitempty"`

	// What pods request that have no node yet.
	// +optional
	Allocating corev1.ResourceList `json:"allocating,omitempty"`

	// What pods request that have a node and have not ended.
	// +optional
	Allocated corev1.ResourceList `json:"allocated,omitempty"`

	// How many nodes of each class there are, by their free capacity.
	// +optional
	// +listType=atomic
	AllocatableModelings []AllocatableModeling `json:"allocatableModelings,omitempty"`
}

// AllocatableModeling counts the nodes of one class.
type AllocatableModeling struct {
	// Grade of the class in spec.resourceModels.
	Grade uint `json:"grade"`

	// How many nodes have that much free.
	Count int `json:"count"`
}
