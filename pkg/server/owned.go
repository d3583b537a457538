/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package server

import (
	"context"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/utils/clock"

	"github.com/manifold-k8s/manifold/pkg/local"
	"github.com/manifold-k8s/manifold/pkg/native"
	"github.com/manifold-k8s/manifold/pkg/unified"
	"github.com/manifold-k8s/manifold/pkg/unified/through"
)

// memberOwned returns the storage of the kinds that members own. It needs connections before it can answer, and so does
// what leads into their pods.
func (o *Options) memberOwned() (*unified.Unified, *through.Late) {
	into := &through.Late{}
	return unified.New(unified.Config{
		Pods: func(resolve unified.Resolve) (map[string]rest.Storage, error) {
			return through.Pods(through.PodsConfig{Members: into, Authorizer: into, Scheme: native.Scheme(), Resolve: resolve})
		},
		Scheme: native.Scheme(), Printer: native.Printer(),
		Attributes: func(kind schema.GroupKind) unified.Attributes { return unified.Attributes(native.AttributesOf(kind)) },
		Patience:   o.MemberListTimeout, Idle: o.MemberCacheIdle, Clock: clock.RealClock{},
	}), into
}

// serveOwned connects the storage of what members own to the members, and returns what keeps its caches.
func serveOwned(cfg hubConfig, p parts, resources *local.Resources) func(context.Context) error {
	owned := cfg.owned
	owned.Use(unified.Connections{Members: p.connections, Templates: templatesIn(resources)})
	cfg.into.Use(p.connections, cfg.authorizer)
	p.connections.OnChange(owned.Changed)
	return owned.Run
}

// templatesIn finds the UIDs of templates of native kinds.
func templatesIn(resources *local.Resources) func(apiVersion, kind, namespace, name string) (types.UID, bool) {
	return func(apiVersion, kind, namespace, name string) (types.UID, bool) {
		gv, err := schema.ParseGroupVersion(apiVersion)
		if err != nil {
			return "", false
		}
		resource, _ := meta.UnsafeGuessKindToResource(gv.WithKind(kind)) // right for all native kinds; others are not in resources
		return resources.UID(context.Background(), resource, types.NamespacedName{Namespace: namespace, Name: name})
	}
}
