/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package template

import (
	"context"
	"encoding/json"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
)

// SetStatus replaces the status of tmpl, which must be as it was handed out. It is a conflict if another object has its
// name by now.
func (s *Store) SetStatus(ctx context.Context, tmpl *unstructured.Unstructured, status map[string]any) error {
	r := RefOf(tmpl)
	m := s.Mapping(r.Kind)
	if m == nil {
		return &meta.NoKindMatchError{GroupKind: r.Kind.GroupKind(), SearchedVersions: []string{r.Kind.Version}}
	}
	key := types.NamespacedName{Namespace: r.Namespace, Name: r.Name}
	if ok, err := s.local.SetStatus(ctx, m.Resource, key, tmpl.GetUID(), status); ok {
		return err
	}
	before, _ := tmpl.Object["status"].(map[string]any) // absent on a new object
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"uid": tmpl.GetUID()}, "status": replacement(before, status)})
	if err != nil {
		return err
	}
	return s.Patch(ctx, r, types.MergePatchType, patch, "status")
}

// Patch changes a template in the name of Manifold.
func (s *Store) Patch(ctx context.Context, r Ref, pt types.PatchType, patch []byte, subresources ...string) error {
	m := s.Mapping(r.Kind)
	if m == nil {
		return &meta.NoKindMatchError{GroupKind: r.Kind.GroupKind(), SearchedVersions: []string{r.Kind.Version}}
	}
	_, err := s.client.Resource(m.Resource).Namespace(r.Namespace).Patch(ctx, r.Name, pt, patch, metav1.PatchOptions{FieldManager: fieldManager}, subresources...)
	return err
}

// replacement is the merge patch that makes exactly to out of from. A merge patch goes into objects inside objects, so
// what has to go there is named too.
func replacement(from, to map[string]any) map[string]any {
	patch := make(map[string]any, len(from)+len(to))
	for k := range from {
		patch[k] = nil
	}
	for k, v := range to {
		inner, isObject := v.(map[string]any)
		if before, wasObject := from[k].(map[string]any); isObject && wasObject {
			patch[k] = replacement(before, inner)
			continue
		}
		patch[k] = v
	}
	return patch
}
