/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package policy

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/validation/field"

	policyv1alpha1 "github.com/manifold-k8s/manifold/apis/policy/v1alpha1"
	"github.com/manifold-k8s/manifold/pkg/local"
	"github.com/manifold-k8s/manifold/pkg/match"
)

// Surroundings are what the hub knows beside a policy that is being written. By them the user is told what the policy says in
// vain, for now or for ever. Their functions answer from memory, and say when they do not know.
type Surroundings struct {
	// Kinds returns what is served under the name of a kind, in any group and version, whatever letters of it are capitals.
	// known is false when that cannot be said for the given version.
	Kinds func(version schema.GroupVersion, kind string) (served []local.Kind, known bool)
	// Joined reports whether there is a Cluster of that name.
	Joined func(cluster string) (joined, known bool)
	// Skipped are namespaces that stay on the hub with all that is in them, besides those that always do.
	Skipped match.Namespaces
}

// species is one of the four kinds of policies.
type species struct {
	namespaced bool
	overrides  bool
	wide       string // the cluster-wide kind of the same purpose
}

var (
	namespacedPropagation = species{namespaced: true, wide: match.KindClusterPropagationPolicy}
	clusterPropagation    = species{wide: match.KindClusterPropagationPolicy}
	namespacedOverride    = species{namespaced: true, overrides: true, wide: match.KindClusterOverridePolicy}
	clusterOverride       = species{overrides: true, wide: match.KindClusterOverridePolicy}
)

// ofPropagation returns the warnings about a propagation policy that rest on the surroundings.
func (s *Surroundings) ofPropagation(spec *policyv1alpha1.PropagationSpec, of species) []string {
	if s == nil {
		return nil
	}
	warnings := s.ofSelectors(spec.ResourceSelectors, of)
	said := sets.New[string]()
	for path, affinity := range propagationAffinities(spec) {
		warnings = append(warnings, s.ofClusters(affinity.ClusterNames, path.Child("clusterNames"), said)...)
	}
	if spec.Suspension != nil && spec.Suspension.DispatchingOnClusters != nil {
		warnings = append(warnings, s.ofClusters(spec.Suspension.DispatchingOnClusters.ClusterNames,
			field.NewPath("spec", "suspension", "dispatchingOnClusters", "clusterNames"), said)...)
	}
	return warnings
}

// ofOverrides returns those about an override policy.
func (s *Surroundings) ofOverrides(spec *policyv1alpha1.OverrideSpec, of species) []string {
	if s == nil {
		return nil
	}
	warnings := s.ofSelectors(spec.ResourceSelectors, of)
	said := sets.New[string]()
	for path, affinity := range overrideAffinities(spec) {
		warnings = append(warnings, s.ofClusters(affinity.ClusterNames, path.Child("clusterNames"), said)...)
	}
	return warnings
}

// ofClusters names the clusters that have not joined, the first few of them, and each only where a policy mentions it first:
// said are those that have been looked up, and gets these.
func (s *Surroundings) ofClusters(names []string, path *field.Path, said sets.Set[string]) []string {
	var missing []string
	for _, name := range names {
		if said.Has(name) {
			continue
		}
		said.Insert(name)
		if joined, known := s.Joined(name); known && !joined {
			missing = append(missing, name)
		}
	}
	switch len(missing) {
	case 0:
		return nil
	case 1:
		return []string{fmt.Sprintf("%s: no cluster %s has joined yet", path, missing[0])}
	}
	return []string{fmt.Sprintf("%s: no clusters %s have joined yet", path, listed(missing))}
}

// maxSelectors is how many selectors are told of one by one. What comes back of an answer is bounded, 4 KiB for all warnings.
const maxSelectors = 10

// ofSelectors names the selectors that can select nothing now, each with the first reason.
func (s *Surroundings) ofSelectors(selectors []policyv1alpha1.ResourceSelector, of species) []string {
	var warnings []string
	path := field.NewPath("spec", "resourceSelectors")
	more := 0
	for i := range selectors {
		switch why := s.ofSelector(&selectors[i], of, path.Index(i)); {
		case why == "":
		case len(warnings) < maxSelectors:
			warnings = append(warnings, why)
		default:
			more++
		}
	}
	if more > 0 {
		warnings = append(warnings, fmt.Sprintf("%s: %d more can select nothing now", path, more))
	}
	return warnings
}

func (s *Surroundings) ofSelector(selector *policyv1alpha1.ResourceSelector, of species, path *field.Path) string {
	version, err := schema.ParseGroupVersion(selector.APIVersion)
	if err != nil {
		return fmt.Sprintf("%s: %q is not the version of any API, so nothing is selected; it would be group/version, or v1", path.Child("apiVersion"), selector.APIVersion)
	}
	gvk := version.WithKind(selector.Kind)
	served, known := s.Kinds(version, selector.Kind)
	if !known {
		served = nil
	}
	kind := exactly(gvk, served)
	// Namespaces follow without a policy, but may be overridden on their way.
	follows := of.overrides && !of.namespaced && gvk == corev1.SchemeGroupVersion.WithKind("Namespace")
	if ok, why := match.Propagatable(gvk, selector.Namespace, selector.Name, required(selector)); !ok && !follows {
		return fmt.Sprintf("%s: never propagated: %s", path, why)
	}
	switch {
	case s.Skipped.Has(selector.Namespace):
		return fmt.Sprintf("%s: the server was told to leave namespace %s on the hub with all that is in it", path.Child("namespace"), selector.Namespace)
	case !known:
		return ""
	case kind == nil:
		return unserved(gvk, served, path)
	case !kind.Objects:
		return fmt.Sprintf("%s: of kind %s there are no objects that could be listed, so there is nothing to select", path.Child("kind"), gvk.Kind)
	case of.namespaced && !kind.Namespaced:
		return fmt.Sprintf("%s: %s is cluster-wide, and a policy in a namespace selects only there; use a %s", path, gvk.Kind, of.wide)
	case selector.Namespace != "" && !kind.Namespaced:
		return fmt.Sprintf("%s: %s is cluster-wide, so none is in a namespace; leave it out", path.Child("namespace"), gvk.Kind)
	}
	return ""
}

// required are labels that everything has which the selector selects.
func required(selector *policyv1alpha1.ResourceSelector) map[string]string {
	if selector.Name != "" || selector.LabelSelector == nil {
		return nil
	}
	return selector.LabelSelector.MatchLabels
}

func exactly(gvk schema.GroupVersionKind, served []local.Kind) *local.Kind {
	for i := range served {
		if served[i].GroupVersionKind == gvk {
			return &served[i]
		}
	}
	return nil
}

// unserved says what is served instead: the kind in other versions, or what may have been meant.
func unserved(gvk schema.GroupVersionKind, served []local.Kind, path *field.Path) string {
	var versions, others []string
	misspelt := false
	for _, k := range served {
		if k.GroupKind() == gvk.GroupKind() {
			versions = append(versions, k.GroupVersion().String())
		} else {
			others = append(others, fmt.Sprintf("%s in %s", k.Kind, k.GroupVersion()))
			misspelt = misspelt || k.Group == gvk.Group
		}
	}
	if len(versions) > 0 {
		return fmt.Sprintf("%s: %s is served in %s, not in %s; apiVersion is compared exactly", path.Child("apiVersion"), gvk.Kind, listed(versions), gvk.GroupVersion())
	}
	text := fmt.Sprintf("%s: no kind %s is served in %s", path, gvk.Kind, gvk.GroupVersion())
	if len(others) > 0 {
		text += "; there is " + listed(others)
	}
	if !misspelt && strings.Contains(gvk.Group, ".") {
		text += "; it is selected as soon as its CustomResourceDefinition exists"
	}
	return text
}
