/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package search

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/registry/rest"
)

// columns returns how the objects of a collection are printed: native kinds as Kubernetes does, others by name and age.
func (s *Search) columns(c *collection) rest.TableConvertor {
	plain := rest.NewDefaultTableConvertor(c.resource.GroupResource())
	if !s.cfg.Scheme.Recognizes(c.kind) {
		return plain
	}
	return native{scheme: s.cfg.Scheme, printer: s.cfg.Printer, kind: c.kind, otherwise: plain}
}

// native prints objects of a native kind.
type native struct {
	scheme    *runtime.Scheme
	printer   rest.TableConvertor
	kind      schema.GroupVersionKind
	otherwise rest.TableConvertor // for kinds without columns of their own
}

// ConvertToTable implements rest.TableConvertor.
func (n native) ConvertToTable(ctx context.Context, obj, options runtime.Object) (*metav1.Table, error) {
	if !meta.IsListType(obj) {
		return n.row(ctx, obj, options)
	}
	list, err := meta.ListAccessor(obj)
	if err != nil {
		return nil, err
	}
	// An empty object has the columns, if there is nothing else.
	out, err := n.row(ctx, nil, options)
	if err != nil {
		return nil, err
	}
	out.Rows = nil
	out.ListMeta = metav1.ListMeta{ResourceVersion: list.GetResourceVersion(), Continue: list.GetContinue(), RemainingItemCount: list.GetRemainingItemCount()}
	err = meta.EachListItem(obj, func(item runtime.Object) error {
		one, err := n.row(ctx, item, options)
		if err == nil {
			out.Rows = append(out.Rows, one.Rows...)
		}
		return err
	})
	return out, err
}

// row prints one object, nil for an empty one.
func (n native) row(ctx context.Context, obj, options runtime.Object) (*metav1.Table, error) {
	internal, err := n.internal(obj)
	if err != nil {
		return nil, err
	}
	table, err := n.printer.ConvertToTable(ctx, internal, options)
	if err != nil { // not printed in any way of its own
		return n.otherwise.ConvertToTable(ctx, orEmpty(obj), options)
	}
	for i := range table.Rows {
		if obj != nil {
			table.Rows[i].Object = runtime.RawExtension{Object: obj} // as it is shown, should the row come with it
		}
	}
	return table, nil
}

func orEmpty(obj runtime.Object) runtime.Object {
	if obj == nil {
		return &metav1.PartialObjectMetadata{}
	}
	return obj
}

// internal converts an object as clients see it into the form that printers take.
func (n native) internal(obj runtime.Object) (runtime.Object, error) {
	typed, err := n.scheme.New(n.kind)
	if err != nil {
		return nil, err
	}
	if obj != nil {
		u, ok := obj.(runtime.Unstructured)
		if !ok {
			return nil, fmt.Errorf("print a %T: not an object of a member", obj)
		}
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(u.UnstructuredContent(), typed); err != nil {
			return nil, fmt.Errorf("print a %s: %w", n.kind.Kind, err)
		}
	}
	return n.scheme.ConvertToVersion(typed, schema.GroupVersion{Group: n.kind.Group, Version: runtime.APIVersionInternal})
}
