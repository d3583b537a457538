/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// +genclient
// +genclient:noStatus
// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// PropagationPolicy says which templates of its own namespace are sent to member clusters, to which of them, and how
// their replicas are divided.
type PropagationPolicy struct {
	metav1.TypeMeta `json:",inline"`
	// Standard object metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// What is selected and where it goes.
	Spec PropagationSpec `json:"spec"`
}

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// PropagationPolicyList is a list of PropagationPolicies.
type PropagationPolicyList struct {
	metav1.TypeMeta `json:",inline"`
	// Standard list metadata.
	// +optional
	metav1.ListMeta `json:"metadata,omitempty"`

	// The policies of the list.
	Items []PropagationPolicy `json:"items"`
}

// +genclient
// +genclient:nonNamespaced
// +genclient:noStatus
// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// ClusterPropagationPolicy is a propagation policy for templates of any namespace and for cluster-wide templates. It
// gives way to a PropagationPolicy that selects the same template.
type ClusterPropagationPolicy struct {
	metav1.TypeMeta `json:",inline"`
	// Standard object metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// What is selected and where it goes.
	Spec PropagationSpec `json:"spec"`
}

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// ClusterPropagationPolicyList is a list of ClusterPropagationPolicies.
type ClusterPropagationPolicyList struct {
	metav1.TypeMeta `json:",inline"`
	// Standard list metadata.
	// +optional
	metav1.ListMeta `json:"metadata,omitempty"`

	// The policies of the list.
	Items []ClusterPropagationPolicy `json:"items"`
}

// PropagationSpec is the content of a propagation policy of either scope.
type PropagationSpec struct {
	// The templates this policy may claim. At least one is needed; a template is selected when any of them matches.
	// +listType=atomic
	ResourceSelectors []ResourceSelector `json:"resourceSelectors"`

	// Deprecated: has no effect. Use propagateDeps.
	// +optional
	Association bool `json:"association,omitempty"`

	// Whether the objects that a template refers to (ConfigMaps, Secrets, volume claims, service accounts and so on) are
	// sent to the same clusters, without needing a policy of their own. Must be true when failover.application is set.
	// +optional
	PropagateDeps bool `json:"propagateDeps,omitempty"`

	// The clusters to choose from and the way replicas are divided over them. When absent, every cluster is chosen and
	// each gets the full number of replicas.
	// +optional
	Placement Placement `json:"placement,omitempty,omitzero"`

	// Rank among the policies of the same scope that select a template: the higher number wins. Policies of equal rank
	// compare by how precisely they select, then by name.
	// +optional
	// +default=0
	Priority *int32 `json:"priority,omitempty"`

	// Whether this policy may take a template that a policy of lower priority has already claimed. Always needs a name in
	// every resource selector.
	// +optional
	// +default="Never"
	Preemption PreemptionBehavior `json:"preemption,omitempty"`

	// Names of override policies that must exist before a selected template is placed: OverridePolicies of the same
	// namespace for a PropagationPolicy, ClusterOverridePolicies for a ClusterPropagationPolicy. It prevents a first
	// roll-out without its overrides.
	// +optional
	// +listType=atomic
	DependentOverrides []string `json:"dependentOverrides,omitempty"`

	// The scheduler that chooses the clusters. It cannot be changed after creation.
	// +optional
	// +default="default-scheduler"
	SchedulerName string `json:"schedulerName,omitempty"`

	// When and how a workload leaves a cluster that it cannot run in any more. When absent, an unhealthy workload is never
	// moved.
	// +optional
	Failover *FailoverBehavior `json:"failover,omitempty"`

	// What happens when a member cluster already has an object of that name which is not managed from here. A template's
	// own annotation work.karmada.io/conflict-resolution takes precedence.
	// +optional
	// +default="Abort"
	ConflictResolution ConflictResolution `json:"conflictResolution,omitempty"`

	// When a change of this policy reaches the templates that it has already claimed. When empty, at once.
	// +optional
	ActivationPreference ActivationPreference `json:"activationPreference,omitempty"`

	// Holds back changes to member clusters. When absent, nothing is held back.
	// +optional
	Suspension *Suspension `json:"suspension,omitempty"`

	// Whether the copies in member clusters stay there when the template is deleted. Absent means that they are deleted.
	// +optional
	PreserveResourcesOnDeletion *bool `json:"preserveResourcesOnDeletion,omitempty"`

	// How urgently the selected templates are scheduled compared with others that wait. Absent means priority 0.
	// +optional
	SchedulePriority *SchedulePriority `json:"schedulePriority,omitempty"`
}

// ResourceSelector names templates by type, and by name or labels.
type ResourceSelector struct {
	// API version of the template, compared literally, such as apps/v1.
	APIVersion string `json:"apiVersion"`

	// Kind of the template, compared literally, such as Deployment.
	Kind string `json:"kind"`

	// Namespace of the template. In a namespaced policy it is always the policy's own; in a cluster-wide one, empty means
	// any namespace.
	// +optional
	Namespace string `json:"namespace,omitempty"`

	// Name of the template. Empty means any name. When set, labelSelector is not looked at.
	// +optional
	Name string `json:"name,omitempty"`

	// Labels that the template must have. Used only while name is empty.
	// +optional
	LabelSelector *metav1.LabelSelector `json:"labelSelector,omitempty"`
}

// PreemptionBehavior says whether a policy may take a template from a weaker one.
// +enum
type PreemptionBehavior string

const (
	// PreemptAlways takes claimed templates from policies of lower priority.
	PreemptAlways PreemptionBehavior = "Always"
	// PreemptNever leaves claimed templates with the policy that has them.
	PreemptNever PreemptionBehavior = "Never"
)

// ConflictResolution says what to do about an unmanaged object that is in the way in a member cluster.
// +enum
type ConflictResolution string

const (
	// ConflictAbort leaves the member's object alone and reports the conflict.
	ConflictAbort ConflictResolution = "Abort"
	// ConflictOverwrite takes the member's object over.
	ConflictOverwrite ConflictResolution = "Overwrite"
)

// ActivationPreference says when a changed policy takes effect on templates that it has claimed.
// +enum
type ActivationPreference string

const (
	// LazyActivation waits for the next change of the template itself.
	LazyActivation ActivationPreference = "Lazy"
)

// Suspension holds back what would be sent to member clusters. What is there already stays and is still reported on.
type Suspension struct {
	// True holds back every member cluster. Must not be true while dispatchingOnClusters names clusters.
	// +optional
	Dispatching *bool `json:"dispatching,omitempty"`

	// Holds back only the clusters named here.
	// +optional
	DispatchingOnClusters *SuspendClusters `json:"dispatchingOnClusters,omitempty"`
}

// SuspendClusters names the clusters that are held back.
type SuspendClusters struct {
	// Names of the clusters.
	// +optional
	// +listType=atomic
	ClusterNames []string `json:"clusterNames,omitempty"`
}

// SchedulePriority says where the scheduling priority of a template comes from.
type SchedulePriority struct {
	// The kind of priority class that priorityClassName refers to.
	PriorityClassSource PriorityClassSource `json:"priorityClassSource"`

	// Name of the priority class. Its value at the time of placement is used; a class that does not exist delays the
	// placement until it does.
	PriorityClassName string `json:"priorityClassName"`
}

// PriorityClassSource is a kind of priority class.
// +enum
type PriorityClassSource string

const (
	// KubePriorityClass is the PriorityClass of scheduling.k8s.io/v1, as found on the hub.
	KubePriorityClass PriorityClassSource = "KubePriorityClass"
)
