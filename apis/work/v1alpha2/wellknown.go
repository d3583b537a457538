/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package v1alpha2

// Identity of bindings and the marks that lead back to them.
const (
	// ResourceBindingPermanentIDLabel holds the UUID that a ResourceBinding is given at creation and never loses; on the
	// copies in members, that of the binding they come from.
	ResourceBindingPermanentIDLabel = "resourcebinding.karmada.io/permanent-id"
	// ResourceBindingNamespaceAnnotation, on a copy, holds the namespace of the ResourceBinding it comes from.
	ResourceBindingNamespaceAnnotation = "resourcebinding.karmada.io/namespace"
	// ResourceBindingNameAnnotation, on a copy, holds the name of the ResourceBinding it comes from.
	ResourceBindingNameAnnotation = "resourcebinding.karmada.io/name"
	// ClusterResourceBindingPermanentIDLabel holds the UUID that a ClusterResourceBinding is given at creation and never
	// loses; on the copies in members, that of the binding they come from.
	ClusterResourceBindingPermanentIDLabel = "clusterresourcebinding.karmada.io/permanent-id"
	// ClusterResourceBindingNameAnnotation, on a copy, holds the name of the ClusterResourceBinding it comes from.
	ClusterResourceBindingNameAnnotation = "clusterresourcebinding.karmada.io/name"

	// BindingManagedByLabel, on a ResourceBinding, names the kind in charge of it when that is not a policy.
	BindingManagedByLabel = "binding.karmada.io/managed-by"
	// DependenciesAnnotation, on a ResourceBinding, holds a JSON list of the objects that its template refers to.
	DependenciesAnnotation = "resourcebinding.karmada.io/dependencies"
	// DependedByLabelPrefix begins the keys of the labels, on a binding, that hold the permanent ids of the bindings whose
	// templates refer to its own. What follows is a code of the other binding's namespace/name.
	DependedByLabelPrefix = "resourcebinding.karmada.io/depended-by-"

	// LazyTemplateAnnotation, on a binding that a policy with activationPreference Lazy governs, tells apart what the template
	// said when the binding last followed a policy. As long as it says the same, changes of the policy wait.
	LazyTemplateAnnotation = "manifold-k8s.io/lazy-template"
)

// Finalizers of bindings.
const (
	// ResourceBindingFinalizer keeps a ResourceBinding until its copies in the members are gone or released.
	ResourceBindingFinalizer = "karmada.io/binding-controller"
	// ClusterResourceBindingFinalizer keeps a ClusterResourceBinding until its copies in the members are gone or released.
	ClusterResourceBindingFinalizer = "karmada.io/cluster-resource-binding-controller"
	// DependenciesFinalizer keeps a ResourceBinding until the bindings of what its template refers to know that it is gone.
	DependenciesFinalizer = "karmada.io/binding-dependencies-distributor"
)

// Stamps on the copies in members.
const (
	// ManagedLabel, with ManagedLabelValue, says that an object in a member is managed from the hub. Without it, an object
	// there is never changed or deleted, unless the template says to take it over.
	ManagedLabel = "karmada.io/managed"
	// ManagedLabelValue is the value of ManagedLabel.
	ManagedLabelValue = "true"

	// WorkPermanentIDLabel holds the UUID of the Work that delivered an object, in a federation that delivers through Works.
	// Manifold does not, but meets the label on objects that it takes over from one that does.
	WorkPermanentIDLabel = "work.karmada.io/permanent-id"
	// WorkNamespaceAnnotation holds the namespace of the Work that delivered an object; see WorkPermanentIDLabel.
	WorkNamespaceAnnotation = "work.karmada.io/namespace"
	// WorkNameAnnotation holds the name of the Work that delivered an object; see WorkPermanentIDLabel.
	WorkNameAnnotation = "work.karmada.io/name"

	// TemplateUIDAnnotation holds the UID of the template that a copy comes from.
	TemplateUIDAnnotation = "resourcetemplate.karmada.io/uid"
	// TemplateGenerationAnnotation holds the generation of the template that a copy comes from. Absent when the template has
	// none.
	TemplateGenerationAnnotation = "resourcetemplate.karmada.io/generation"
	// ManagedLabelsAnnotation holds the keys of all labels that the hub sent, sorted and separated by commas.
	ManagedLabelsAnnotation = "resourcetemplate.karmada.io/managed-labels"
	// ManagedAnnotationsAnnotation holds the keys of all annotations that the hub sent, this one and ManagedLabelsAnnotation
	// included, sorted and separated by commas.
	ManagedAnnotationsAnnotation = "resourcetemplate.karmada.io/managed-annotations"

	// ContentHashAnnotation holds a hash of the manifest that was last applied. After a restart it is compared with that of
	// the manifest to apply, and what is equal is not sent again.
	ContentHashAnnotation = "manifold-k8s.io/content-hash"
)

// Marks that users set on templates and other objects of the hub.
const (
	// ConflictResolutionAnnotation, on a template, says what to do when a member already has an unmanaged object of that
	// name. It beats the policy; values other than the two below are ignored. Copies carry the outcome.
	ConflictResolutionAnnotation = "work.karmada.io/conflict-resolution"
	// ConflictResolutionOverwrite takes the member's object over.
	ConflictResolutionOverwrite = "overwrite"
	// ConflictResolutionAbort leaves the member's object alone.
	ConflictResolutionAbort = "abort"

	// RetainReplicasLabel, with RetainReplicasValue, on a template leaves the number of replicas to each member, for example to
	// an autoscaler there.
	RetainReplicasLabel = "resourcetemplate.karmada.io/retain-replicas"
	// RetainReplicasValue is the value of RetainReplicasLabel that has an effect.
	RetainReplicasValue = "true"

	// DeletionProtectionLabel, with DeletionProtectionAlways, makes the hub refuse to delete an object.
	DeletionProtectionLabel = "resourcetemplate.karmada.io/deletion-protected"
	// DeletionProtectionAlways is the value of DeletionProtectionLabel that has an effect.
	DeletionProtectionAlways = "Always"

	// SkipAutoPropagationLabel, with the value "true" in any case, keeps a namespace from following to the members.
	SkipAutoPropagationLabel = "namespace.karmada.io/skip-auto-propagation"

	// ClaimedByLabel, on a template, names the kind in charge of it when that is not a policy.
	ClaimedByLabel = "resourcetemplate.karmada.io/claimed-by"
)

// CachedFromClusterAnnotation, on an object that the hub shows on behalf of a member, names the member.
const CachedFromClusterAnnotation = "resource.karmada.io/cached-from-cluster"
