/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package local

import (
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/registry/rest"
)

// Kind is a kind in one version of its group, as it is served.
type Kind struct {
	schema.GroupVersionKind
	Namespaced bool
	// Objects says that there are objects of the kind, which can be listed and watched. The others are questions, such as
	// TokenReviews.
	Objects bool
}

// Kinds returns the kinds of all resources in all versions, in no particular order. Subresources are not among them.
func (r *Resources) Kinds() []Kind {
	var out []Kind
	for resource, s := range r.storages {
		if strings.Contains(resource.Resource, "/") {
			continue
		}
		kinds, _, err := r.scheme.ObjectKinds(s.New())
		if err != nil || len(kinds) == 0 {
			continue // not a kind of its own
		}
		scope, scoped := s.(rest.Scoper)
		_, listed := s.(rest.Lister)
		_, watched := s.(rest.Watcher)
		out = append(out, Kind{
			GroupVersionKind: resource.GroupVersion().WithKind(kinds[0].Kind),
			Namespaced:       scoped && scope.NamespaceScoped(), Objects: listed && watched,
		})
	}
	return out
}
