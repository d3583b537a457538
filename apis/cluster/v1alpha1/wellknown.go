/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package v1alpha1

const (
	// ClusterConditionReady is the condition type that says whether the member answers and is healthy.
	ClusterConditionReady = "Ready"
	// ClusterConditionCompleteAPIEnablements is the condition type that says whether status.apiEnablements is complete, so
	// that an API missing there is known to be missing in the member.
	ClusterConditionCompleteAPIEnablements = "CompleteAPIEnablements"
)

// Reasons of the condition Ready.
const (
	// ReasonClusterReady goes with True: the health endpoint answered 200.
	ReasonClusterReady = "ClusterReady"
	// ReasonClusterNotReady goes with False: the health endpoint answered, but not with 200.
	ReasonClusterNotReady = "ClusterNotReady"
	// ReasonClusterNotReachable goes with False: the health endpoint could not be called.
	ReasonClusterNotReachable = "ClusterNotReachable"
	// ReasonStatusCollectionFailed goes with False: there are no usable credentials for the member.
	ReasonStatusCollectionFailed = "StatusCollectionFailed"
	// ReasonClusterStatusUnknown goes with Unknown: the member's agent has stopped reporting.
	ReasonClusterStatusUnknown = "ClusterStatusUnknown"
	// ReasonClusterStatusNeverUpdated goes with Unknown: the member's agent has never reported.
	ReasonClusterStatusNeverUpdated = "ClusterStatusNeverUpdated"
)

// Reasons of the condition CompleteAPIEnablements.
const (
	// ReasonAPIEnablementsComplete goes with True: discovery succeeded.
	ReasonAPIEnablementsComplete = "Complete"
	// ReasonAPIEnablementsPartial goes with False: discovery failed for some groups.
	ReasonAPIEnablementsPartial = "Partial"
	// ReasonAPIEnablementsEmpty goes with False: discovery found nothing.
	ReasonAPIEnablementsEmpty = "Empty"
)

// Taints that the system and the CLI put on Clusters, all with the effect NoSchedule.
const (
	// TaintClusterNotReady is the key of the taint on a Cluster whose condition Ready is False or absent.
	TaintClusterNotReady = "cluster.karmada.io/not-ready"
	// TaintClusterUnreachable is the key of the taint on a Cluster whose condition Ready is Unknown.
	TaintClusterUnreachable = "cluster.karmada.io/unreachable"
	// TaintClusterUnschedulable is the key of the taint on a cordoned Cluster.
	TaintClusterUnschedulable = "cluster.karmada.io/unschedulable"
)

const (
	// ClusterFinalizer keeps a Cluster until nothing is placed on it any more.
	ClusterFinalizer = "karmada.io/cluster-controller"

	// SystemLabel marks, with the value "true", the objects that joining and the system itself make on the hub and in
	// members.
	SystemLabel = "karmada.io/system"
	// SystemLabelValue is the value of SystemLabel.
	SystemLabelValue = "true"
)

const (
	// MaxClusterNameLength is the longest name a Cluster may have, in characters.
	MaxClusterNameLength = 48

	// SecretTokenKey is the key of the bearer token in the Secrets that a Cluster refers to.
	SecretTokenKey = "token"
	// SecretCABundleKey is the key of the member's certificate authority in the Secret of spec.secretRef.
	SecretCABundleKey = "caBundle"

	// ClusterNamespace is the default namespace of the members' Secrets and heartbeat Leases on the hub, and of the service
	// accounts that joining makes in a member. It is never propagated.
	ClusterNamespace = "karmada-cluster"
	// SystemNamespace is the namespace of the system's own objects. It is never propagated.
	SystemNamespace = "karmada-system"
	// ExecutionNamespacePrefix begins the names of the namespaces set aside for one member each. They are never propagated.
	ExecutionNamespacePrefix = "karmada-es-"
)
