/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package v1alpha1

import (
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// +genclient
// +genclient:noStatus
// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// OverridePolicy says how the copies of templates of its own namespace differ from cluster to cluster. It applies after
// all matching ClusterOverridePolicies.
type OverridePolicy struct {
	metav1.TypeMeta `json:",inline"`
	// Standard object metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// What is changed, and for which clusters.
	Spec OverrideSpec `json:"spec"`
}

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// OverridePolicyList is a list of OverridePolicies.
type OverridePolicyList struct {
	metav1.TypeMeta `json:",inline"`
	// Standard list metadata.
	// +optional
	metav1.ListMeta `json:"metadata,omitempty"`

	// The policies of the list.
	Items []OverridePolicy `json:"items"`
}

// +genclient
// +genclient:nonNamespaced
// +genclient:noStatus
// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// ClusterOverridePolicy says how the copies of templates of any namespace, and of cluster-wide templates, differ from
// cluster to cluster. It applies before any OverridePolicy, which therefore has the last word.
type ClusterOverridePolicy struct {
	metav1.TypeMeta `json:",inline"`
	// Standard object metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// What is changed, and for which clusters.
	Spec OverrideSpec `json:"spec"`
}

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// ClusterOverridePolicyList is a list of ClusterOverridePolicies.
type ClusterOverridePolicyList struct {
	metav1.TypeMeta `json:",inline"`
	// Standard list metadata.
	// +optional
	metav1.ListMeta `json:"metadata,omitempty"`

	// The policies of the list.
	Items []ClusterOverridePolicy `json:"items"`
}

// OverrideSpec is the content of an override policy of either scope.
type OverrideSpec struct {
	// The templates whose copies are changed. Empty means all that the policy can reach: those of its namespace, or for a
	// cluster-wide policy every one.
	// +optional
	// +listType=atomic
	ResourceSelectors []ResourceSelector `json:"resourceSelectors,omitempty"`

	// The changes, applied in this order.
	// +optional
	// +listType=atomic
	OverrideRules []RuleWithCluster `json:"overrideRules,omitempty"`

	// Deprecated: use overrideRules, with which it must not be combined. The clusters that overriders applies to; absent
	// means all.
	// +optional
	TargetCluster *ClusterAffinity `json:"targetCluster,omitempty"`

	// Deprecated: use overrideRules, with which it must not be combined. The changes of a policy with a single rule.
	// +optional
	Overriders Overriders `json:"overriders,omitempty,omitzero"`
}

// RuleWithCluster is a set of changes for certain clusters.
type RuleWithCluster struct {
	// The clusters whose copies are changed. Absent means all.
	// +optional
	TargetCluster *ClusterAffinity `json:"targetCluster,omitempty"`

	// The changes.
	Overriders Overriders `json:"overriders"`
}

// Overriders are changes to a copy. They are applied by sort in this order: images, commands, arguments, labels,
// annotations, embedded documents, plain text. If one fails, the cluster gets no new copy.
type Overriders struct {
	// Changes at arbitrary places of the object. Together they form one JSON Patch: all apply or none.
	// +optional
	// +listType=atomic
	Plaintext []PlaintextOverrider `json:"plaintext,omitempty"`

	// Changes of container images.
	// +optional
	// +listType=atomic
	ImageOverrider []ImageOverrider `json:"imageOverrider,omitempty"`

	// Changes of container commands.
	// +optional
	// +listType=atomic
	CommandOverrider []CommandArgsOverrider `json:"commandOverrider,omitempty"`

	// Changes of container arguments.
	// +optional
	// +listType=atomic
	ArgsOverrider []CommandArgsOverrider `json:"argsOverrider,omitempty"`

	// Changes of the object's labels.
	// +optional
	// +listType=atomic
	LabelsOverrider []LabelAnnotationOverrider `json:"labelsOverrider,omitempty"`

	// Changes of the object's annotations.
	// +optional
	// +listType=atomic
	AnnotationsOverrider []LabelAnnotationOverrider `json:"annotationsOverrider,omitempty"`

	// Changes inside JSON or YAML documents that are stored in string fields, such as the values of a ConfigMap.
	// +optional
	// +listType=atomic
	FieldOverrider []FieldOverrider `json:"fieldOverrider,omitempty"`
}

// PlaintextOverrider is one operation of a JSON Patch.
type PlaintextOverrider struct {
	// Where the change is made, as a JSON pointer.
	Path string `json:"path"`

	// What is done there.
	Operator OverriderOperator `json:"operator"`

	// The value to add or to replace with; any JSON. For add and replace, absent is the same as null.
	// +optional
	Value apiextensionsv1.JSON `json:"value,omitempty,omitzero"`
}

// OverriderOperator is what a change does.
// +enum
type OverriderOperator string

const (
	// OverriderOpAdd adds a value.
	OverriderOpAdd OverriderOperator = "add"
	// OverriderOpRemove removes a value.
	OverriderOpRemove OverriderOperator = "remove"
	// OverriderOpReplace replaces a value that exists.
	OverriderOpReplace OverriderOperator = "replace"
)

// ImageOverrider changes one part of container images.
type ImageOverrider struct {
	// Where the image is. Absent means the containers of the kinds that have a pod template, and of Pod; init containers
	// are not among them.
	// +optional
	Predicate *ImagePredicate `json:"predicate,omitempty"`

	// The part of the image reference to change.
	Component ImageComponent `json:"component"`

	// What is done to that part: add appends the value to it, replace sets it, remove drops it.
	Operator OverriderOperator `json:"operator"`

	// The text to append or to set. Not needed for remove.
	// +optional
	Value string `json:"value,omitempty"`
}

// ImagePredicate says where an image is.
type ImagePredicate struct {
	// JSON pointer to the string field that holds the image reference.
	Path string `json:"path"`
}

// ImageComponent is a part of an image reference.
// +enum
type ImageComponent string

const (
	// ImageComponentRegistry is the host, with its port if it has one.
	ImageComponentRegistry ImageComponent = "Registry"
	// ImageComponentRepository is the path after the host.
	ImageComponentRepository ImageComponent = "Repository"
	// ImageComponentTag is the tag or the digest.
	ImageComponentTag ImageComponent = "Tag"
)

// CommandArgsOverrider changes the command or the arguments of a container.
type CommandArgsOverrider struct {
	// Name of the container. Without a container of that name nothing is changed.
	ContainerName string `json:"containerName"`

	// What is done: add appends the items of value, remove drops all items equal to one of them.
	Operator OverriderOperator `json:"operator"`

	// The items to append or to drop.
	// +optional
	// +listType=atomic
	Value []string `json:"value,omitempty"`
}

// LabelAnnotationOverrider changes labels or annotations.
type LabelAnnotationOverrider struct {
	// What is done: add sets the keys of value, replace sets those of them that exist, remove drops them.
	Operator OverriderOperator `json:"operator"`

	// Keys and values. For remove the values do not matter.
	Value map[string]string `json:"value"`
}

// FieldOverrider changes a document that is stored in a string field. Exactly one of json and yaml must have entries.
type FieldOverrider struct {
	// JSON pointer to the string field that holds the document.
	FieldPath string `json:"fieldPath"`

	// Changes of a JSON document.
	// +optional
	// +listType=atomic
	JSON []JSONPatchOperation `json:"json,omitempty"`

	// Changes of a YAML document. The document is written anew, which loses its comments and the order of its keys.
	// +optional
	// +listType=atomic
	YAML []YAMLPatchOperation `json:"yaml,omitempty"`
}

// JSONPatchOperation is one change inside a JSON document.
type JSONPatchOperation struct {
	// Where the change is made within the document, as a JSON pointer.
	SubPath string `json:"subPath"`

	// What is done there.
	Operator OverriderOperator `json:"operator"`

	// The value to add or to replace with; any JSON. Must be absent for remove.
	// +optional
	Value apiextensionsv1.JSON `json:"value,omitempty,omitzero"`
}

// YAMLPatchOperation is one change inside a YAML document.
type YAMLPatchOperation struct {
	// Where the change is made within the document, as a JSON pointer.
	SubPath string `json:"subPath"`

	// What is done there.
	Operator OverriderOperator `json:"operator"`

	// The value to add or to replace with; any JSON. Must be absent for remove.
	// +optional
	Value apiextensionsv1.JSON `json:"value,omitempty,omitzero"`
}
