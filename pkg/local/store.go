/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package local

import "k8s.io/client-go/tools/cache"

// All returns the objects in the store of an informer for T, in no particular order. They must not be changed.
func All[T any](store cache.Store) []T { return As[T](store.List()) }

// As returns objects of an informer for T, as its store or an index has listed them, with their type. It panics on one of
// another type: who would leave it out would take something that is there for absent.
func As[T any](objs []any) []T {
	out := make([]T, 0, len(objs))
	for _, o := range objs {
		out = append(out, o.(T))
	}
	return out
}
