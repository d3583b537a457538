/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package placement

import (
	"regexp"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	policyv1alpha1 "github.com/manifold-k8s/manifold/apis/policy/v1alpha1"
	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
	"github.com/manifold-k8s/manifold/pkg/binding"
	"github.com/manifold-k8s/manifold/pkg/match"
)

// Namespaces are templates of their own kind: they go to every member without a policy.
var Namespaces = corev1.SchemeGroupVersion.WithKind("Namespace")

// Governor is who decides about a template: a policy, or, for namespaces, we ourselves. The zero value is nobody.
type Governor struct {
	Policy    *match.Policy
	Namespace bool
	// Claimed says that the template is claimed by Policy, or by one that Policy takes it over from.
	Claimed bool
}

// Any reports whether anybody decides about the template.
func (g Governor) Any() bool { return g.Policy != nil || g.Namespace }

// Policies are the propagation policies that may govern a template: those of its namespace, and all cluster-wide ones.
type Policies struct {
	Namespaced  []*policyv1alpha1.PropagationPolicy
	ClusterWide []*policyv1alpha1.ClusterPropagationPolicy
}

// Govern returns who decides about a template of that kind which has no binding yet.
func Govern(gvk schema.GroupVersionKind, t metav1.Object, p Policies, skipped match.Namespaces) Governor {
	return GovernClaimed(gvk, t, Claim(t, nil), p, skipped)
}

// GovernClaimed returns who decides about a template of that kind on which a policy has that claim. Nobody does about one
// that is never propagated, or is in a skipped namespace.
func GovernClaimed(gvk schema.GroupVersionKind, t metav1.Object, claim match.Claim, p Policies, skipped match.Namespaces) Governor {
	if gvk == Namespaces {
		return Governor{Namespace: followsToMembers(t) && !skipped.Has(t.GetName())}
	}
	if ok, _ := match.Propagatable(gvk, t.GetNamespace(), t.GetName(), t.GetLabels()); !ok || skipped.Has(t.GetNamespace()) {
		return Governor{}
	}
	v := match.Best(Matchable(gvk, t), claim, p.Namespaced, p.ClusterWide)
	return Governor{Policy: v.Policy, Claimed: v.Kept || v.Taken}
}

// Claim returns which policy has claimed a template that has that binding, or nil. It is the binding that counts: it is
// written before the template's marks, and only over the state that was decided upon. So who comes before the marks are
// in the cache does not take the template for unclaimed, and gives it to nobody else.
func Claim(t metav1.Object, b *binding.Binding) match.Claim {
	if b != nil && b.Spec.Resource.UID == t.GetUID() {
		if claim := binding.ClaimOf(b.Labels, b.Annotations); claim.Name != "" {
			return claim
		}
	}
	return binding.ClaimOf(t.GetLabels(), t.GetAnnotations())
}

// Matchable returns what matching needs to know of a template.
func Matchable(gvk schema.GroupVersionKind, t metav1.Object) match.Template {
	version, kind := gvk.ToAPIVersionAndKind()
	return match.Template{APIVersion: version, Kind: kind, Namespace: t.GetNamespace(), Name: t.GetName(), Labels: t.GetLabels()}
}

// reserved are the namespaces that stay on the hub.
var reserved = regexp.MustCompile(`^(default|kube-.*|karmada-system|karmada-cluster|karmada-es-.*)$`)

// followsToMembers reports whether a namespace goes to the members: all but those that every cluster has of its own, ours,
// and those whose label says no.
func followsToMembers(ns metav1.Object) bool {
	return !reserved.MatchString(ns.GetName()) && !strings.EqualFold(ns.GetLabels()[workv1alpha2.SkipAutoPropagationLabel], "true")
}
