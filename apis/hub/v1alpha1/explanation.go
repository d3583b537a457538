/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
)

const (
	// ExplainSubresource is the name of the subresource, of every kind that the hub serves, that answers with an Explanation.
	ExplainSubresource = "explain"

	// ExplainClusterParameter is the query parameter by which that names a cluster, of which the manifest is included.
	ExplainClusterParameter = "cluster"
)

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// Explanation says why a template is where it is: which policy governs it and why the others do not, which clusters have
// it and why, and what overrides change there. It is computed when it is read, at the subresource explain of the template.
type Explanation struct {
	metav1.TypeMeta `json:",inline"`
	// Name and namespace of the template.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// The template.
	Template ExplainedTemplate `json:"template"`

	// What has become of the template, in one word.
	State ExplanationState `json:"state"`

	// What has become of the template, and why, for people.
	Message string `json:"message"`

	// The policy that governs the template. Absent if none does.
	// +optional
	Policy *ExplainedPolicy `json:"policy,omitempty"`

	// The policies that could govern the template and do not, those that select it first.
	// +optional
	// +listType=atomic
	OtherPolicies []ExplainedPolicy `json:"otherPolicies,omitempty"`

	// How many further policies, which do not select the template, are left out.
	// +optional
	OmittedPolicies int32 `json:"omittedPolicies,omitempty"`

	// What needs the template beside it, and so has it in its own clusters, sorted by name.
	// +optional
	// +listType=atomic
	RequiredBy []ExplainedRequirer `json:"requiredBy,omitempty"`

	// How the template is placed. Absent if nobody governs it and it was never placed.
	// +optional
	Placement *ExplainedPlacement `json:"placement,omitempty"`

	// The override policies that select the template, in the order in which they apply.
	// +optional
	// +listType=atomic
	Overrides []ExplainedOverride `json:"overrides,omitempty"`

	// Every cluster, sorted by name: those that have the template and those that do not.
	// +optional
	// +listType=atomic
	Clusters []ExplainedCluster `json:"clusters,omitempty"`

	// What else there is to know, in sentences.
	// +optional
	// +listType=atomic
	Notes []string `json:"notes,omitempty"`
}

// ExplanationState is what has become of a template.
// +enum
type ExplanationState string

const (
	// ExplanationNotPropagated means that such an object stays on the hub, whatever policies say.
	ExplanationNotPropagated ExplanationState = "NotPropagated"
	// ExplanationUnselected means that no policy selects the template, and that it is in no cluster.
	ExplanationUnselected ExplanationState = "Unselected"
	// ExplanationReleased means that no policy selects the template any more; copies stay as they were.
	ExplanationReleased ExplanationState = "Released"
	// ExplanationWaiting means that the template has a policy and is not placed yet.
	ExplanationWaiting ExplanationState = "Waiting"
	// ExplanationUnscheduled means that the placement cannot be satisfied.
	ExplanationUnscheduled ExplanationState = "Unscheduled"
	// ExplanationIncomplete means that some cluster has not what it should have.
	ExplanationIncomplete ExplanationState = "Incomplete"
	// ExplanationPlaced means that all clusters have what they should have.
	ExplanationPlaced ExplanationState = "Placed"
	// ExplanationDeleting means that the template is being deleted, and its copies with it.
	ExplanationDeleting ExplanationState = "Deleting"
)

// ExplainedTemplate names a template.
type ExplainedTemplate struct {
	// API version of the template, which policies name.
	APIVersion string `json:"apiVersion"`

	// Kind of the template.
	Kind string `json:"kind"`

	// UID of the template.
	// +optional
	UID types.UID `json:"uid,omitempty"`

	// How many replicas the template asks for. Absent for kinds without replicas.
	// +optional
	Replicas *int32 `json:"replicas,omitempty"`
}

// ExplainedPolicy is a propagation policy and what it has to do with the template.
type ExplainedPolicy struct {
	// PropagationPolicy or ClusterPropagationPolicy.
	Kind string `json:"kind"`

	// Namespace of a PropagationPolicy.
	// +optional
	Namespace string `json:"namespace,omitempty"`

	// Name of the policy.
	Name string `json:"name"`

	// Why it governs the template, or why it does not.
	Why string `json:"why"`
}

// ExplainedPlacement is how a template is placed.
type ExplainedPlacement struct {
	// Name of the ResourceBinding, in the template's namespace, or of the ClusterResourceBinding of a template in none. Absent
	// while there is none.
	// +optional
	Binding string `json:"binding,omitempty"`

	// Reason of the condition Scheduled.
	// +optional
	Reason string `json:"reason,omitempty"`

	// Message of the condition Scheduled.
	// +optional
	Message string `json:"message,omitempty"`

	// Which of the placement's cluster affinities is in use.
	// +optional
	Affinity string `json:"affinity,omitempty"`

	// When the template was last scheduled.
	// +optional
	LastScheduledTime *metav1.Time `json:"lastScheduledTime,omitempty"`

	// Whether the placement is held as it is, as scheduling is suspended.
	// +optional
	SchedulingSuspended bool `json:"schedulingSuspended,omitempty"`

	// Whether nothing is sent to any cluster for now.
	// +optional
	DispatchingSuspended bool `json:"dispatchingSuspended,omitempty"`
}

// ExplainedRequirer is a template that refers to another, which follows it.
type ExplainedRequirer struct {
	// Kind of the template that refers. Absent if its binding is not known any more.
	// +optional
	Kind string `json:"kind,omitempty"`

	// Name of the template that refers. Absent if its binding is not known any more.
	// +optional
	Name string `json:"name,omitempty"`

	// Name of its ResourceBinding, in the same namespace.
	Binding string `json:"binding"`

	// The clusters in which it is.
	// +optional
	// +listType=atomic
	Clusters []string `json:"clusters,omitempty"`
}

// ExplainedOverride is an override policy that selects the template.
type ExplainedOverride struct {
	// OverridePolicy or ClusterOverridePolicy.
	Kind string `json:"kind"`

	// Namespace of an OverridePolicy.
	// +optional
	Namespace string `json:"namespace,omitempty"`

	// Name of the policy.
	Name string `json:"name"`

	// The clusters, among those that are to have the template, that some rule of the policy is for.
	// +optional
	// +listType=atomic
	Clusters []string `json:"clusters,omitempty"`
}

// ExplainedCluster is a cluster and what it has of the template.
type ExplainedCluster struct {
	// Name of the cluster.
	Name string `json:"name"`

	// Whether the cluster is to have the template.
	// +optional
	Target bool `json:"target,omitempty"`

	// How many replicas it is to have. Absent for kinds without replicas.
	// +optional
	Replicas *int32 `json:"replicas,omitempty"`

	// Why the cluster is to have the template, with this share, or why it is not.
	// +optional
	Why string `json:"why,omitempty"`

	// Whether nothing is sent to the cluster for now.
	// +optional
	Suspended bool `json:"suspended,omitempty"`

	// Whether the copy in the cluster is what it should be.
	// +optional
	Applied bool `json:"applied,omitempty"`

	// Whether the copy is in good health: Healthy, Unhealthy or Unknown.
	// +optional
	Health string `json:"health,omitempty"`

	// What is wrong with the copy, as the binding has it.
	// +optional
	Message string `json:"message,omitempty"`

	// The override that cannot be applied, and why. Nothing is sent to the cluster until it can.
	// +optional
	OverrideError string `json:"overrideError,omitempty"`

	// What overrides change in the template for this cluster, in the order in which they do.
	// +optional
	// +listType=atomic
	Changes []FieldChange `json:"changes,omitempty"`

	// The template without what is true of it on the hub only, from which the manifest is made. Given for the cluster that is
	// asked for by the parameter cluster.
	// +optional
	Template *runtime.RawExtension `json:"template,omitempty"`

	// The manifest that the cluster is to have. Given for the cluster that is asked for by the parameter cluster, if it is to
	// have the template.
	// +optional
	Manifest *runtime.RawExtension `json:"manifest,omitempty"`
}

// FieldChange is what an overrider does to one field.
type FieldChange struct {
	// The override policy: its kind, namespace and name, such as OverridePolicy default/registry.
	Policy string `json:"policy"`

	// Index of the rule in the policy's overrideRules.
	Rule int32 `json:"rule"`

	// The overrider inside the rule, such as overriders.imageOverrider[0].
	Overrider string `json:"overrider"`

	// JSON pointer to the field. After items were added to a list or removed, it is the place that they have, or had.
	Path string `json:"path"`

	// The value before, strings as they are and others as JSON, shortened if it is long. Absent if the field was not there.
	// +optional
	From *string `json:"from,omitempty"`

	// The value after. Absent if the field is removed.
	// +optional
	To *string `json:"to,omitempty"`
}
