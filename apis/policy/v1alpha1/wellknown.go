/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package v1alpha1

// Identity of policies, and the marks on what they have claimed. A claim on a template counts only when both its label and
// its annotations are present. The same marks are on the template's binding, and travel with the template to its copies.
const (
	// PropagationPolicyPermanentIDLabel holds the UUID that a PropagationPolicy is given at creation and never loses; on a
	// template or binding, that of the policy it is claimed by.
	PropagationPolicyPermanentIDLabel = "propagationpolicy.karmada.io/permanent-id"
	// PropagationPolicyNamespaceAnnotation holds the namespace of the PropagationPolicy that has claimed the object.
	PropagationPolicyNamespaceAnnotation = "propagationpolicy.karmada.io/namespace"
	// PropagationPolicyNameAnnotation holds the name of the PropagationPolicy that has claimed the object.
	PropagationPolicyNameAnnotation = "propagationpolicy.karmada.io/name"

	// ClusterPropagationPolicyPermanentIDLabel holds the UUID that a ClusterPropagationPolicy is given at creation and never
	// loses; on a template or binding, that of the policy it is claimed by.
	ClusterPropagationPolicyPermanentIDLabel = "clusterpropagationpolicy.karmada.io/permanent-id"
	// ClusterPropagationPolicyAnnotation holds the name of the ClusterPropagationPolicy that has claimed the object.
	ClusterPropagationPolicyAnnotation = "clusterpropagationpolicy.karmada.io/name"
)

// What was applied.
const (
	// AppliedPlacementAnnotation, on a binding, holds the JSON of the placement that it was last scheduled with.
	AppliedPlacementAnnotation = "policy.karmada.io/applied-placement"
	// AppliedOverridesAnnotation holds a JSON list of the OverridePolicies that shaped a copy, with their overriders, sorted
	// by policy name.
	AppliedOverridesAnnotation = "policy.karmada.io/applied-overrides"
	// AppliedClusterOverridesAnnotation holds the same list for ClusterOverridePolicies.
	AppliedClusterOverridesAnnotation = "policy.karmada.io/applied-cluster-overrides"
)

const (
	// PropagationPolicyFinalizer keeps a PropagationPolicy until its claims are removed.
	PropagationPolicyFinalizer = "karmada.io/propagation-policy-controller"
	// ClusterPropagationPolicyFinalizer keeps a ClusterPropagationPolicy until its claims are removed.
	ClusterPropagationPolicyFinalizer = "karmada.io/cluster-propagation-policy-controller"

	// DefaultSchedulerName is the value of spec.schedulerName when a policy gives none.
	DefaultSchedulerName = "default-scheduler"
)
