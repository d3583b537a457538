/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package unified

import (
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/manifold-k8s/manifold/pkg/unified/present"
	"github.com/manifold-k8s/manifold/pkg/unified/union"
)

// resource is what is shared by all that serve one kind.
type resource struct {
	*Unified
	kind     kind
	internal schema.GroupVersion
	union    *union.Union
}

func (r *resource) groupResource() schema.GroupResource { return r.kind.gvr().GroupResource() }

// made makes an object of a kind that the scheme is known to have.
func (r *resource) made(gvk schema.GroupVersionKind) runtime.Object {
	obj, err := r.cfg.Scheme.New(gvk)
	if err != nil {
		panic(err) // looked at when the resource was built
	}
	return obj
}

func (r *resource) newInternal() runtime.Object { return r.made(r.internal.WithKind(r.kind.kind)) }
func (r *resource) newInternalList() runtime.Object {
	return r.made(r.internal.WithKind(r.kind.kind + "List"))
}
func (r *resource) newExternal() runtime.Object { return r.made(r.kind.gvk()) }
func (r *resource) newExternalList() runtime.Object {
	return r.made(r.kind.version.WithKind(r.kind.kind + "List"))
}

// present makes a member's object look as it does on the hub.
func (r *resource) present(cluster string, obj runtime.Object) error {
	var templates present.Templates
	if c := r.connections.Load(); c != nil {
		templates = c.Templates
	}
	return present.Object(cluster, obj, templates)
}

// show is present for an object of its own, in the form in which storage gives out objects.
func (r *resource) show(cluster string, external runtime.Object) (runtime.Object, error) {
	if err := r.present(cluster, external); err != nil {
		return nil, err
	}
	return r.cfg.Scheme.UnsafeConvertToVersion(external, r.internal)
}

func markStale(obj runtime.Object, since time.Time) {
	if m, err := meta.Accessor(obj); err == nil {
		present.MarkStale(m, since.UTC().Format(time.RFC3339))
	}
}

// codec keeps objects in the binary form of their external version.
type codec struct{ resource *resource }

// binary is what generated API types can do.
type binary interface {
	Marshal() ([]byte, error)
	Unmarshal([]byte) error
}

// Encode implements union.Codec.
func (c codec) Encode(obj runtime.Object) ([]byte, error) {
	b, ok := obj.(binary)
	if !ok {
		return nil, fmt.Errorf("a %T has no binary form", obj)
	}
	return b.Marshal()
}

// Decode implements union.Codec.
func (c codec) Decode(data []byte) (runtime.Object, error) {
	obj := c.resource.newExternal()
	b, ok := obj.(binary)
	if !ok {
		return nil, fmt.Errorf("a %T has no binary form", obj)
	}
	if err := b.Unmarshal(data); err != nil {
		return nil, fmt.Errorf("decode %s: %w", c.resource.kind.kind, err)
	}
	return c.resource.cfg.Scheme.UnsafeConvertToVersion(obj, c.resource.internal)
}
