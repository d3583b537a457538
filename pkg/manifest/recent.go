/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package manifest

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/lru"

	"github.com/manifold-k8s/manifold/pkg/render"
)

// Recent makes manifests as Of does, and keeps the last ones: where no override applies, clusters with the same share get the
// same manifest, and they get it one after the other. It may be used concurrently.
type Recent struct{ made *lru.Cache }

// NewRecent returns a Recent that keeps so many manifests, some 10 KB each.
func NewRecent(size int) *Recent { return &Recent{lru.New(size)} }

// kept tells manifests without overrides apart. A template is as a cache holds it: another state is another object. Of a
// binding that is not so, as cluster-wide ones are made into the form of the others each time.
type kept struct {
	template              *unstructured.Unstructured
	binding               types.UID
	version               string // of the binding
	replicas, completions int32  // -1 for none
	retain, autoscaled    bool
}

// Of is the function of that name. What it returns is shared and must not be changed.
func (r *Recent) Of(s Source) (*unstructured.Unstructured, error) {
	overrides, t := s.overrides(), s.target()
	if len(overrides) > 0 {
		return render.Render(withClaim(s.Template, s.Binding), t, overrides)
	}
	key := kept{s.Template, s.Binding.UID, s.Binding.ResourceVersion, orNone(t.Replicas), orNone(t.Completions), t.RetainReplicas, t.Autoscaled}
	if m, ok := r.made.Get(key); ok {
		return m.(*unstructured.Unstructured), nil
	}
	m, err := render.Render(withClaim(s.Template, s.Binding), t, nil)
	if err == nil {
		r.made.Add(key, m)
	}
	return m, err
}

func orNone(n *int32) int32 {
	if n == nil {
		return -1
	}
	return *n
}
