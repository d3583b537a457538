/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package v1alpha1

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Placement says which clusters receive a template, and how many replicas each of them.
type Placement struct {
	// The clusters to choose from. Absent, like an empty object, means all clusters. Must not be combined with
	// clusterAffinities.
	// +optional
	ClusterAffinity *ClusterAffinity `json:"clusterAffinity,omitempty"`

	// Groups of clusters to choose from, in order of preference. The first group that can take the template is used; the
	// binding's status names it. Must not be combined with clusterAffinity.
	// +optional
	// +listType=atomic
	ClusterAffinities []ClusterAffinityTerm `json:"clusterAffinities,omitempty"`

	// Cluster taints that do not keep the template away. The operators Lt and Gt are not supported.
	// +optional
	// +listType=atomic
	ClusterTolerations []corev1.Toleration `json:"clusterTolerations,omitempty"`

	// Limits on the number of clusters, regions and so on to choose. When any field is constrained, one of the entries
	// must constrain cluster.
	// +optional
	// +listType=atomic
	SpreadConstraints []SpreadConstraint `json:"spreadConstraints,omitempty"`

	// How replicas are divided over the chosen clusters. Absent means that each gets the full number.
	// +optional
	ReplicaScheduling *ReplicaSchedulingStrategy `json:"replicaScheduling,omitempty"`

	// Keeps workloads of a group together on the same clusters, or apart on different ones.
	// +optional
	WorkloadAffinity *WorkloadAffinity `json:"workloadAffinity,omitempty"`
}

// ClusterAffinity is a filter on clusters. A cluster must pass every part that is set; an empty filter passes all.
type ClusterAffinity struct {
	// Labels that the Cluster object must have.
	// +optional
	LabelSelector *metav1.LabelSelector `json:"labelSelector,omitempty"`

	// Fields of the Cluster's spec that must have certain values.
	// +optional
	FieldSelector *FieldSelector `json:"fieldSelector,omitempty"`

	// Names of the only clusters that pass. Empty means that the name does not matter.
	// +optional
	// +listType=atomic
	ClusterNames []string `json:"clusterNames,omitempty"`

	// Names of clusters that never pass, whatever else matches.
	// +optional
	// +listType=atomic
	ExcludeClusters []string `json:"exclude,omitempty"`
}

// FieldSelector is a filter on the provider, region and zones of a cluster.
type FieldSelector struct {
	// Requirements, all of which must hold. The keys are provider, region and zone, the operators In and NotIn. For zone,
	// In holds when any zone of the cluster is listed and NotIn when none is.
	// +optional
	// +listType=atomic
	MatchExpressions []corev1.NodeSelectorRequirement `json:"matchExpressions,omitempty"`
}

// ClusterAffinityTerm is a named filter on clusters, one of several in order of preference.
type ClusterAffinityTerm struct {
	// Identifies the term in the binding's status. It has the form of a label key, at most 32 characters, and is unique
	// among the terms of a placement.
	AffinityName string `json:"affinityName"`

	ClusterAffinity `json:",inline"`

	// Further groups of clusters for the same term, in order, that receive what the groups before have no room for. Only
	// for divided replicas whose division looks at capacity (Aggregated, or Weighted with a dynamic weight), and only
	// when the term's own filter is not empty.
	// +optional
	// +listType=atomic
	OverflowAffinities []OverflowAffinity `json:"overflowAffinities,omitempty"`
}

// OverflowAffinity is a named filter on clusters that serve when those before them are full.
type OverflowAffinity struct {
	// Identifies the group. It has the form of a label key, at most 32 characters, differs from the name of the term it
	// belongs to, and is unique within that term.
	AffinityName string `json:"affinityName"`

	ClusterAffinity `json:",inline"`
}

// SpreadConstraint limits how many groups of clusters are chosen.
type SpreadConstraint struct {
	// The property that forms the groups; cluster makes each cluster a group of its own. Defaults to cluster when
	// spreadByLabel is empty too. Must not be combined with spreadByLabel.
	// +optional
	SpreadByField SpreadFieldValue `json:"spreadByField,omitempty"`

	// The key of the cluster label that forms the groups. Must not be combined with spreadByField.
	// +optional
	SpreadByLabel string `json:"spreadByLabel,omitempty"`

	// The largest number of groups to choose. When set, it must not be smaller than minGroups.
	// +optional
	MaxGroups int `json:"maxGroups,omitempty"`

	// The smallest number of groups to choose; with fewer the template is not placed. 0 becomes 1.
	// +optional
	MinGroups int `json:"minGroups,omitempty"`
}

// SpreadFieldValue is a property of clusters that forms groups of them.
// +enum
type SpreadFieldValue string

const (
	// SpreadByFieldCluster puts each cluster in a group of its own.
	SpreadByFieldCluster SpreadFieldValue = "cluster"
	// SpreadByFieldRegion groups clusters by region.
	SpreadByFieldRegion SpreadFieldValue = "region"
	// SpreadByFieldZone groups clusters by zone.
	SpreadByFieldZone SpreadFieldValue = "zone"
	// SpreadByFieldProvider groups clusters by provider.
	SpreadByFieldProvider SpreadFieldValue = "provider"
)

// ReplicaSchedulingStrategy says how many replicas each chosen cluster gets.
type ReplicaSchedulingStrategy struct {
	// Whether every cluster gets the full number of replicas or the number is divided among them.
	// +optional
	// +default="Divided"
	ReplicaSchedulingType ReplicaSchedulingType `json:"replicaSchedulingType,omitempty"`

	// Whether divided replicas go to as few clusters as possible or to all by weight. Defaults to Weighted when replicas
	// are divided; otherwise it has no effect.
	// +optional
	ReplicaDivisionPreference ReplicaDivisionPreference `json:"replicaDivisionPreference,omitempty"`

	// The weights for the Weighted division. Absent means equal weights.
	// +optional
	WeightPreference *ClusterPreferences `json:"weightPreference,omitempty"`
}

// ReplicaSchedulingType says whether replicas are copied or divided.
// +enum
type ReplicaSchedulingType string

const (
	// ReplicaSchedulingTypeDuplicated gives each cluster the template's full number of replicas.
	ReplicaSchedulingTypeDuplicated ReplicaSchedulingType = "Duplicated"
	// ReplicaSchedulingTypeDivided divides the template's number of replicas among the clusters.
	ReplicaSchedulingTypeDivided ReplicaSchedulingType = "Divided"
)

// ReplicaDivisionPreference says how divided replicas are shared out.
// +enum
type ReplicaDivisionPreference string

const (
	// ReplicaDivisionPreferenceAggregated fills as few clusters as their capacity allows.
	ReplicaDivisionPreferenceAggregated ReplicaDivisionPreference = "Aggregated"
	// ReplicaDivisionPreferenceWeighted divides in proportion to weights.
	ReplicaDivisionPreferenceWeighted ReplicaDivisionPreference = "Weighted"
)

// ClusterPreferences are the weights by which replicas are divided.
type ClusterPreferences struct {
	// Fixed weights. A cluster to which several entries apply has the largest of their weights; one to which none applies
	// gets no replicas. Ignored when dynamicWeight is set.
	// +optional
	// +listType=atomic
	StaticWeightList []StaticClusterWeight `json:"staticWeightList,omitempty"`

	// The measure that weights are computed from instead.
	// +optional
	DynamicWeight DynamicWeightFactor `json:"dynamicWeight,omitempty"`
}

// StaticClusterWeight gives clusters a fixed weight.
type StaticClusterWeight struct {
	// The clusters that have the weight.
	TargetCluster ClusterAffinity `json:"targetCluster"`

	// The weight, relative to those of the other clusters; at least 1.
	Weight int64 `json:"weight"`
}

// DynamicWeightFactor is a measure that weights are computed from.
// +enum
type DynamicWeightFactor string

const (
	// DynamicWeightByAvailableReplicas weighs a cluster by the number of replicas it has room for.
	DynamicWeightByAvailableReplicas DynamicWeightFactor = "AvailableReplicas"
)

// WorkloadAffinity relates the placement of a workload to that of others in the same group.
type WorkloadAffinity struct {
	// Workloads of one group go to the same clusters.
	// +optional
	Affinity *WorkloadAffinityTerm `json:"affinity,omitempty"`

	// Workloads of one group avoid each other's clusters.
	// +optional
	AntiAffinity *WorkloadAffinityTerm `json:"antiAffinity,omitempty"`
}

// WorkloadAffinityTerm forms groups of workloads by a label.
type WorkloadAffinityTerm struct {
	// The label key whose value, on the template, names the group. A template without it belongs to none. The keys for
	// affinity and antiAffinity must differ.
	GroupByLabelKey string `json:"groupByLabelKey"`
}
