/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package v1alpha2

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	policyv1alpha1 "github.com/manifold-k8s/manifold/apis/policy/v1alpha1"
)

// +genclient
// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// ResourceBinding records where a template of its namespace is placed, and what became of it in each member cluster.
// The system makes one for every propagated template, named after the template's name and kind.
type ResourceBinding struct {
	metav1.TypeMeta `json:",inline"`
	// Standard object metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// The template, what it asks for and where it is placed.
	Spec ResourceBindingSpec `json:"spec"`

	// What became of it. Written by the system.
	// +optional
	Status ResourceBindingStatus `json:"status,omitempty,omitzero"`
}

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// ResourceBindingList is a list of ResourceBindings.
type ResourceBindingList struct {
	metav1.TypeMeta `json:",inline"`
	// Standard list metadata.
	// +optional
	metav1.ListMeta `json:"metadata,omitempty"`

	// The bindings of the list.
	Items []ResourceBinding `json:"items"`
}

// +genclient
// +genclient:nonNamespaced
// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// ClusterResourceBinding records where a cluster-wide template is placed, and what became of it in each member cluster.
type ClusterResourceBinding struct {
	metav1.TypeMeta `json:",inline"`
	// Standard object metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// The template, what it asks for and where it is placed.
	Spec ResourceBindingSpec `json:"spec"`

	// What became of it. Written by the system.
	// +optional
	Status ResourceBindingStatus `json:"status,omitempty,omitzero"`
}

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// ClusterResourceBindingList is a list of ClusterResourceBindings.
type ClusterResourceBindingList struct {
	metav1.TypeMeta `json:",inline"`
	// Standard list metadata.
	// +optional
	metav1.ListMeta `json:"metadata,omitempty"`

	// The bindings of the list.
	Items []ClusterResourceBinding `json:"items"`
}

// ResourceBindingSpec is a template, what it asks for and where it is placed.
type ResourceBindingSpec struct {
	// The template.
	Resource ObjectReference `json:"resource"`

	// Whether the objects that the template refers to follow it to its clusters.
	// +optional
	PropagateDeps bool `json:"propagateDeps,omitempty"`

	// How many replicas the template asks for. Absent or 0 for templates without replicas.
	// +optional
	Replicas int32 `json:"replicas,omitempty"`

	// What one replica needs.
	// +optional
	ReplicaRequirements *ReplicaRequirements `json:"replicaRequirements,omitempty"`

	// The parts of a workload that consists of several kinds of pods.
	// +optional
	// +listType=atomic
	Components []Component `json:"components,omitempty"`

	// The clusters that the template is placed on, and the replicas of each: the result of scheduling.
	// +optional
	// +listType=atomic
	Clusters []TargetCluster `json:"clusters,omitempty"`

	// The placement of the policy that governs the template.
	// +optional
	Placement *policyv1alpha1.Placement `json:"placement,omitempty"`

	// Clusters that the template is leaving.
	// +optional
	// +listType=atomic
	GracefulEvictionTasks []GracefulEvictionTask `json:"gracefulEvictionTasks,omitempty"`

	// Bindings whose templates refer to this one, and their clusters, where this template has to be too.
	// +optional
	// +listType=atomic
	RequiredBy []BindingSnapshot `json:"requiredBy,omitempty"`

	// The scheduler that chooses the clusters.
	// +optional
	SchedulerName string `json:"schedulerName,omitempty"`

	// When and how the workload moves to another cluster.
	// +optional
	Failover *policyv1alpha1.FailoverBehavior `json:"failover,omitempty"`

	// What happens when a member cluster already has an object of that name which is not managed from here.
	// +optional
	// +default="Abort"
	ConflictResolution policyv1alpha1.ConflictResolution `json:"conflictResolution,omitempty"`

	// When a fresh scheduling was last asked for. One later than status.lastScheduledTime makes the scheduler choose anew,
	// without regard to the present clusters.
	// +optional
	RescheduleTriggeredAt *metav1.Time `json:"rescheduleTriggeredAt,omitempty"`

	// Holds back scheduling, or changes to member clusters.
	// +optional
	Suspension *Suspension `json:"suspension,omitempty"`

	// Whether the copies in member clusters stay there when the template is deleted.
	// +optional
	PreserveResourcesOnDeletion *bool `json:"preserveResourcesOnDeletion,omitempty"`

	// How urgently the template is scheduled compared with others that wait.
	// +optional
	SchedulePriority *SchedulePriority `json:"schedulePriority,omitempty"`

	// The groups that the template belongs to by the workload affinity of its placement.
	// +optional
	WorkloadAffinityGroups *WorkloadAffinityGroups `json:"workloadAffinityGroups,omitempty"`
}

// ObjectReference names a template on the hub.
type ObjectReference struct {
	// API version of the template, such as apps/v1.
	APIVersion string `json:"apiVersion"`

	// Kind of the template.
	Kind string `json:"kind"`

	// Namespace of the template; empty for a cluster-wide one.
	// +optional
	Namespace string `json:"namespace,omitempty"`

	// Name of the template.
	Name string `json:"name"`

	// UID of the template. It also decides between clusters that are otherwise equal, so that equal templates spread.
	// +optional
	UID types.UID `json:"uid,omitempty"`

	// Resource version of the template as last looked at.
	// +optional
	ResourceVersion string `json:"resourceVersion,omitempty"`
}

// ReplicaRequirements is what one replica needs.
type ReplicaRequirements struct {
	// What the node must be like.
	// +optional
	NodeClaim *NodeClaim `json:"nodeClaim,omitempty"`

	// The resources that the replica requests.
	// +optional
	ResourceRequest corev1.ResourceList `json:"resourceRequest,omitempty"`

	// Namespace of the replica, for looking at quotas.
	// +optional
	Namespace string `json:"namespace,omitempty"`

	// Priority class of the replica, for looking at quotas.
	// +optional
	PriorityClassName string `json:"priorityClassName,omitempty"`
}

// NodeClaim is what a node must be like to take a replica.
type NodeClaim struct {
	// Required node affinity. Preferences are not considered.
	// +optional
	HardNodeAffinity *corev1.NodeSelector `json:"hardNodeAffinity,omitempty"`

	// Labels that the node must have.
	// +optional
	NodeSelector map[string]string `json:"nodeSelector,omitempty"`

	// Node taints that the replica tolerates.
	// +optional
	// +listType=atomic
	Tolerations []corev1.Toleration `json:"tolerations,omitempty"`
}

// Component is one part of a workload that consists of several kinds of pods.
type Component struct {
	// Name of the part, at most 32 characters and unique in the workload.
	Name string `json:"name"`

	// How many replicas the part asks for.
	Replicas int32 `json:"replicas"`

	// What one replica of the part needs.
	// +optional
	ReplicaRequirements *ComponentReplicaRequirements `json:"replicaRequirements,omitempty"`
}

// ComponentReplicaRequirements is what one replica of a part needs.
type ComponentReplicaRequirements struct {
	// What the node must be like.
	// +optional
	NodeClaim *NodeClaim `json:"nodeClaim,omitempty"`

	// The resources that the replica requests.
	// +optional
	ResourceRequest corev1.ResourceList `json:"resourceRequest,omitempty"`

	// Priority class of the replica, for looking at quotas.
	// +optional
	PriorityClassName string `json:"priorityClassName,omitempty"`
}

// TargetCluster is a cluster that a template is placed on.
type TargetCluster struct {
	// Name of the cluster.
	Name string `json:"name"`

	// How many replicas it gets. Absent or 0 for templates without replicas.
	// +optional
	Replicas int32 `json:"replicas,omitempty"`

	// How many replicas of each part it gets.
	// +optional
	// +listType=atomic
	Components []ComponentReplicas `json:"components,omitempty"`
}

// ComponentReplicas is how many replicas of one part a cluster gets.
type ComponentReplicas struct {
	// Name of the part.
	Name string `json:"name"`

	// How many replicas of it.
	Replicas int32 `json:"replicas"`
}

// BindingSnapshot is a binding whose template refers to another, and where it is placed.
type BindingSnapshot struct {
	// Namespace of the binding; empty for a cluster-wide one.
	// +optional
	Namespace string `json:"namespace,omitempty"`

	// Name of the binding.
	Name string `json:"name"`

	// The clusters that it is placed on.
	// +optional
	// +listType=atomic
	Clusters []TargetCluster `json:"clusters,omitempty"`
}

// Suspension holds back scheduling, or changes to member clusters.
type Suspension struct {
	policyv1alpha1.Suspension `json:",inline"`

	// True holds back scheduling: the clusters stay as they are, and a new template waits for its first. It is set by
	// external queue managers and not touched by policies.
	// +optional
	Scheduling *bool `json:"scheduling,omitempty"`
}

// SchedulePriority is how urgently a template is scheduled.
type SchedulePriority struct {
	// The higher number goes first.
	// +optional
	// +default=0
	Priority int32 `json:"priority,omitempty"`
}

// WorkloadAffinityGroups names the groups that a template belongs to.
type WorkloadAffinityGroups struct {
	// The group that is kept together, as key=value of the template's label.
	// +optional
	AffinityGroup string `json:"affinityGroup,omitempty"`

	// The group that is kept apart, as key=value of the template's label.
	// +optional
	AntiAffinityGroup string `json:"antiAffinityGroup,omitempty"`
}
