/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package access

import (
	"context"
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
)

// contentLimit bounds how many objects of each kind are listed: enough to tell that a namespace is not empty, and to give
// examples.
const contentLimit = 10

// Content returns what the namespace holds, as resource/name and sorted, but for what every namespace is given and for
// events. It fails rather than return less than there is.
func (s *Server) Content(ctx context.Context, namespace string) ([]string, error) {
	lists, err := s.Kube.Discovery().ServerPreferredNamespacedResources()
	if err != nil {
		return nil, fmt.Errorf("discover what a namespace can hold: %w", err)
	}
	var out []string
	for _, list := range discovery.FilteredBy(discovery.SupportsAllVerbs{Verbs: []string{"list", "create"}}, lists) {
		gv, err := schema.ParseGroupVersion(list.GroupVersion)
		if err != nil {
			return nil, fmt.Errorf("discover what a namespace can hold: %w", err)
		}
		for _, r := range list.APIResources {
			found, err := s.names(ctx, namespace, gv.WithResource(r.Name))
			if err != nil {
				return nil, err
			}
			out = append(out, found...)
		}
	}
	slices.Sort(out)
	return slices.Compact(out), nil // kinds that two groups serve are seen twice
}

func (s *Server) names(ctx context.Context, namespace string, resource schema.GroupVersionResource) ([]string, error) {
	if resource.Resource == "events" {
		return nil, nil
	}
	list, err := s.Metadata.Resource(resource).Namespace(namespace).List(ctx, metav1.ListOptions{Limit: contentLimit})
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", resource.GroupResource(), err)
	}
	var out []string
	for i := range list.Items {
		if name := resource.Resource + "/" + list.Items[i].Name; !inEveryNamespace(name) {
			out = append(out, name)
		}
	}
	return out, nil
}

// inEveryNamespace says whether Kubernetes itself puts an object into each namespace.
func inEveryNamespace(name string) bool {
	return name == "serviceaccounts/default" || name == "configmaps/kube-root-ca.crt"
}
