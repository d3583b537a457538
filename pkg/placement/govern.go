/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package placement

import (
	"fmt"
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
// that is barred.
func GovernClaimed(gvk schema.GroupVersionKind, t metav1.Object, claim match.Claim, p Policies, skipped match.Namespaces) Governor {
	if Barred(gvk, t, skipped) != "" {
		return Governor{}
	}
	if gvk == Namespaces {
		return Governor{Namespace: true}
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

// Barred returns why nobody may decide about a template of that kind, whatever policies say. It is empty for one that a
// policy may govern, and for a namespace that goes to the members: all do but those that every cluster has of its own, ours,
// skipped ones, and those whose label says no.
func Barred(gvk schema.GroupVersionKind, t metav1.Object, skipped match.Namespaces) string {
	const flag = "it is among --skipped-propagating-namespaces of the server"
	if gvk != Namespaces {
		if ok, why := match.Propagatable(gvk, t.GetNamespace(), t.GetName(), t.GetLabels()); !ok {
			return why
		}
		if skipped.Has(t.GetNamespace()) {
			return fmt.Sprintf("namespace %s stays on the hub with all that is in it: %s", t.GetNamespace(), flag)
		}
		return ""
	}
	switch {
	case reserved.MatchString(t.GetName()):
		return "every cluster has a namespace of this name for itself, or it is reserved for the federation"
	case strings.EqualFold(t.GetLabels()[workv1alpha2.SkipAutoPropagationLabel], "true"):
		return "its label " + workv1alpha2.SkipAutoPropagationLabel + " says so"
	case skipped.Has(t.GetName()):
		return flag
	}
	return ""
}
