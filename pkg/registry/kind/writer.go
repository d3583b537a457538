/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package kind

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	genericapirequest "k8s.io/apiserver/pkg/endpoints/request"
	genericregistry "k8s.io/apiserver/pkg/registry/generic/registry"
	"k8s.io/apiserver/pkg/registry/rest"
)

// Writer stores objects with spec and status in one write to etcd, for controllers of this process. Defaulting,
// validation, generation and uniqueness are those of the API; authorisation, admission webhooks, audit and
// field ownership, which belong to HTTP requests, are not consulted. All methods return API errors
// (k8s.io/apimachinery/pkg/api/errors) and may be called concurrently. Arguments are not changed.
type Writer[T Object] struct {
	store *genericregistry.Store
}

// Create stores obj under its namespace and name and returns it as stored, with generation 1.
func (w *Writer[T]) Create(ctx context.Context, obj T) (T, error) {
	var none T
	created, err := w.store.Create(inNamespaceOf(ctx, obj), obj.DeepCopyObject(), rest.ValidateAllObjectFunc, &metav1.CreateOptions{})
	if err != nil {
		return none, err
	}
	return stored[T](created)
}

// Update replaces the stored object, provided that it still has obj's resourceVersion; else the error is a conflict.
// obj without a resourceVersion is refused. An update that changes nothing writes nothing. The generation becomes one
// more than the stored object's if the spec differs from it.
func (w *Writer[T]) Update(ctx context.Context, obj T) (T, error) {
	var none T
	if obj.GetResourceVersion() == "" {
		return none, fmt.Errorf("update %s %q: no resourceVersion to lock on", w.store.DefaultQualifiedResource, obj.GetName())
	}
	updated, _, err := w.store.Update(inNamespaceOf(ctx, obj), obj.GetName(), rest.DefaultUpdatedObjectInfo(obj),
		rest.ValidateAllObjectFunc, rest.ValidateAllObjectUpdateFunc, false, &metav1.UpdateOptions{})
	if err != nil {
		return none, err
	}
	return stored[T](updated)
}

// Delete removes the object that obj is a reading of: if another one has its name by now (a different UID), the error
// is a conflict. Finalizers are respected.
func (w *Writer[T]) Delete(ctx context.Context, obj T) error {
	uid := obj.GetUID()
	options := &metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &uid}}
	_, _, err := w.store.Delete(inNamespaceOf(ctx, obj), obj.GetName(), rest.ValidateAllObjectFunc, options)
	return err
}

func inNamespaceOf(ctx context.Context, obj metav1.Object) context.Context {
	return genericapirequest.WithNamespace(ctx, obj.GetNamespace())
}

func stored[T Object](o any) (T, error) {
	obj, ok := o.(T)
	if !ok {
		var none T
		return none, fmt.Errorf("storage returned a %T where a %T was expected", o, none)
	}
	return obj, nil
}

// Get reads the object as it is stored, past the watch cache. It must not be changed.
func (w *Writer[T]) Get(ctx context.Context, namespace, name string) (T, error) {
	obj, err := w.store.Get(genericapirequest.WithNamespace(ctx, namespace), name, &metav1.GetOptions{})
	if err != nil {
		var none T
		return none, err
	}
	return stored[T](obj)
}
