/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package binding

import (
	"slices"
	"strings"

	policyv1alpha1 "github.com/manifold-k8s/manifold/apis/policy/v1alpha1"
	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
	"github.com/manifold-k8s/manifold/pkg/match"
)

// claimLabels and claimAnnotations are the marks of a claim, on templates and bindings alike.
var (
	claimLabels = []string{
		policyv1alpha1.PropagationPolicyPermanentIDLabel, policyv1alpha1.ClusterPropagationPolicyPermanentIDLabel,
	}
	claimAnnotations = []string{
		policyv1alpha1.PropagationPolicyNamespaceAnnotation, policyv1alpha1.PropagationPolicyNameAnnotation,
		policyv1alpha1.ClusterPropagationPolicyAnnotation,
	}
)

// ManagedByNamespace is the value of the label binding.karmada.io/managed-by on the binding of a Namespace, which goes
// to all clusters without any policy.
const ManagedByNamespace = "Namespace"

// ClaimOf reads a claim from the labels and annotations of a template or a binding. It counts only when label and
// annotations are both there; a claim of a PropagationPolicy goes before one of a ClusterPropagationPolicy.
func ClaimOf(labels, annotations map[string]string) match.Claim {
	if id := labels[policyv1alpha1.PropagationPolicyPermanentIDLabel]; id != "" {
		namespace, name := annotations[policyv1alpha1.PropagationPolicyNamespaceAnnotation], annotations[policyv1alpha1.PropagationPolicyNameAnnotation]
		if namespace != "" && name != "" {
			return match.Claim{Kind: match.KindPropagationPolicy, Namespace: namespace, Name: name, PermanentID: id}
		}
	}
	if id := labels[policyv1alpha1.ClusterPropagationPolicyPermanentIDLabel]; id != "" {
		if name := annotations[policyv1alpha1.ClusterPropagationPolicyAnnotation]; name != "" {
			return match.Claim{Kind: match.KindClusterPropagationPolicy, Name: name, PermanentID: id}
		}
	}
	return match.Claim{}
}

// SetClaim makes labels and annotations say that p has claimed the object, or that nobody has when p is nil. Neither map
// may be nil. It reports whether anything changed.
func SetClaim(labels, annotations map[string]string, p *match.Policy) bool {
	wantLabels, wantAnnotations := map[string]string{}, map[string]string{}
	switch {
	case p == nil:
	case p.Kind == match.KindPropagationPolicy:
		wantLabels[policyv1alpha1.PropagationPolicyPermanentIDLabel] = p.PermanentID
		wantAnnotations[policyv1alpha1.PropagationPolicyNamespaceAnnotation] = p.Namespace
		wantAnnotations[policyv1alpha1.PropagationPolicyNameAnnotation] = p.Name
	default:
		wantLabels[policyv1alpha1.ClusterPropagationPolicyPermanentIDLabel] = p.PermanentID
		wantAnnotations[policyv1alpha1.ClusterPropagationPolicyAnnotation] = p.Name
	}
	changed := put(labels, wantLabels, claimLabels)
	return put(annotations, wantAnnotations, claimAnnotations) || changed
}

// CopyClaim makes labels and annotations carry the claim, or the lack of one, of another object.
func CopyClaim(labels, annotations, fromLabels, fromAnnotations map[string]string) {
	put(labels, fromLabels, claimLabels)
	put(annotations, fromAnnotations, claimAnnotations)
}

func put(to, from map[string]string, keys []string) (changed bool) {
	for _, k := range keys {
		v, want := from[k]
		old, have := to[k]
		switch {
		case want && (!have || old != v):
			to[k], changed = v, true
		case !want && have:
			delete(to, k)
			changed = true
		}
	}
	return changed
}

// Claimed reports whether somebody governs b: a policy, or one of our own controllers.
func Claimed(b *Binding) bool {
	return b.Labels[workv1alpha2.BindingManagedByLabel] != "" || ClaimOf(b.Labels, b.Annotations).Name != ""
}

// Governed reports whether somebody decides about the template of b: who claims it, or the bindings that need it.
func Governed(b *Binding) bool { return Claimed(b) || len(b.Spec.RequiredBy) > 0 }

// Enforced reports whether the copy in a target cluster is kept as the template says. Where a policy placed it that does
// not govern the template any more, and nobody needs it, it stays as it is.
func Enforced(b *Binding, cluster string) bool { return Claimed(b) || Required(b, cluster) }

// Suspended reports whether nothing may be sent to that cluster for now.
func Suspended(b *Binding, cluster string) bool {
	s := b.Spec.Suspension
	if s == nil {
		return false
	}
	if s.Dispatching != nil && *s.Dispatching {
		return true
	}
	return s.DispatchingOnClusters != nil && slices.Contains(s.DispatchingOnClusters.ClusterNames, cluster)
}

// Mark reports whether a label or annotation key is one that Manifold puts on copies.
func Mark(key string) bool {
	if slices.Contains(claimLabels, key) || slices.Contains(claimAnnotations, key) {
		return true
	}
	switch key {
	case workv1alpha2.ManagedLabel, workv1alpha2.ResourceBindingPermanentIDLabel, workv1alpha2.ClusterResourceBindingPermanentIDLabel,
		workv1alpha2.ResourceBindingNamespaceAnnotation, workv1alpha2.ResourceBindingNameAnnotation,
		workv1alpha2.ClusterResourceBindingNameAnnotation, workv1alpha2.TemplateUIDAnnotation,
		workv1alpha2.TemplateGenerationAnnotation, workv1alpha2.ConflictResolutionAnnotation, workv1alpha2.ContentHashAnnotation,
		workv1alpha2.ManagedLabelsAnnotation, workv1alpha2.ManagedAnnotationsAnnotation:
		return true
	}
	return strings.HasPrefix(key, "work.karmada.io/")
}
