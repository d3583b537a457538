/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package search

import (
	"slices"

	"k8s.io/apimachinery/pkg/runtime/schema"

	clusterv1alpha1 "github.com/manifold-k8s/manifold/apis/cluster/v1alpha1"
	searchv1alpha1 "github.com/manifold-k8s/manifold/apis/search/v1alpha1"
	"github.com/manifold-k8s/manifold/pkg/match"
)

// extent is what registries say about one resource: its kind, and by cluster the namespaces that may be searched.
type extent struct {
	kind     schema.GroupVersionKind
	clusters map[string]namespaces
}

// namespaces are sorted; nil means all of them.
type namespaces []string

func (n namespaces) has(namespace string) bool {
	return n == nil || slices.Contains(n, namespace)
}

// and returns the namespaces of both. "" stands for all.
func (n namespaces) and(namespace string) namespaces {
	if namespace == "" || n == nil {
		return nil
	}
	if !slices.Contains(n, namespace) {
		n = append(slices.Clone(n), namespace)
		slices.Sort(n)
	}
	return n
}

// extentsOf adds up what registries select in clusters, by resource. How the resource of a kind is called, clusters say that
// serve it; what none of them serves is left out. A cluster that is selected is searched whether it says so or not: it may
// be away.
func extentsOf(registries []*searchv1alpha1.ResourceRegistry, clusters []*clusterv1alpha1.Cluster) map[schema.GroupVersionResource]extent {
	out := map[schema.GroupVersionResource]extent{}
	for _, registry := range registries {
		affinity := match.NewAffinity(&registry.Spec.TargetCluster)
		for _, selector := range registry.Spec.ResourceSelectors {
			gv, err := schema.ParseGroupVersion(selector.APIVersion)
			kind := gv.WithKind(selector.Kind)
			if err != nil || kind.Group == "" && kind.Kind == "Secret" { // neither is stored
				continue
			}
			name := resourceOf(kind, selector.APIVersion, clusters)
			if name == "" {
				continue
			}
			e, ok := out[gv.WithResource(name)]
			if !ok {
				e = extent{kind: kind, clusters: map[string]namespaces{}}
				out[gv.WithResource(name)] = e
			}
			for _, c := range clusters {
				if selected, _ := affinity.Selects(c); !selected {
					continue
				}
				before, ok := e.clusters[c.Name]
				if !ok {
					before = namespaces{} // none
				}
				e.clusters[c.Name] = before.and(selector.Namespace)
			}
		}
	}
	return out
}

// resourceOf returns the plural name under which a kind is served by the first cluster that serves it, "" if none does.
func resourceOf(kind schema.GroupVersionKind, apiVersion string, clusters []*clusterv1alpha1.Cluster) string {
	for _, c := range clusters {
		for i := range c.Status.APIEnablements {
			if c.Status.APIEnablements[i].GroupVersion != apiVersion {
				continue
			}
			for _, r := range c.Status.APIEnablements[i].Resources {
				if r.Kind == kind.Kind {
					return r.Name
				}
			}
		}
	}
	return ""
}
