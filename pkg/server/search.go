/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package server

import (
	"context"

	"k8s.io/client-go/tools/cache"

	searchv1alpha1 "github.com/manifold-k8s/manifold/apis/search/v1alpha1"
	"github.com/manifold-k8s/manifold/pkg/native"
	"github.com/manifold-k8s/manifold/pkg/unified/search"
	"github.com/manifold-k8s/manifold/pkg/unified/through"
)

// serveSearch connects the resources search and proxying to the members, and returns what keeps their caches.
func serveSearch(ours *ourGroups, p parts, passing *through.Clusters, cfg hubConfig) ([]func(context.Context) error, error) {
	registries := cache.NewSharedIndexInformer(ours.search.Registries.ListWatch(), &searchv1alpha1.ResourceRegistry{}, 0, cache.Indexers{})
	s, err := search.New(search.Config{
		Registries: registries, Clusters: p.clusters, Members: p.connections, Passing: passing,
		Scheme: native.Scheme(), Printer: native.Printer(), Authorizer: cfg.authorizer,
		Patience: cfg.patience, Idle: cfg.idle, Clock: p.wall,
	})
	if err != nil {
		return nil, err
	}
	ours.search.Search.Use(s.Cache())
	ours.search.Proxying.Use(s.Proxying())
	return []func(context.Context) error{
		func(ctx context.Context) error { registries.RunWithContext(ctx); return nil },
		s.Run,
	}, nil
}
