/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

// Package local is the API server's own storage as controllers of the same process use it: without HTTP, without
// serialisation, sharing the memory of the watch caches. Authorisation, admission, audit and field ownership belong to
// HTTP requests and are not consulted.
package local

import (
	"context"
	"fmt"
	"reflect"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	genericapirequest "k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/client-go/tools/cache"
)

// Resources are the resources that an API server serves from its own storage. Custom resources, which come and go, are
// not among them.
type Resources struct {
	scheme   *runtime.Scheme
	storages map[schema.GroupVersionResource]rest.Storage
}

// New returns an empty set for resources whose types scheme knows.
func New(scheme *runtime.Scheme) *Resources {
	return &Resources{scheme: scheme, storages: map[schema.GroupVersionResource]rest.Storage{}}
}

// Add records the storages of a version, by resource or resource/subresource. It must not be called concurrently with
// anything else.
func (r *Resources) Add(version schema.GroupVersion, storages map[string]rest.Storage) {
	for path, s := range storages {
		r.storages[version.WithResource(path)] = s
	}
}

// ListWatch returns the objects of a resource as the storage holds them: of the internal version of their kind, for
// Unstructured to convert. It is false for a resource that is not served from here.
func (r *Resources) ListWatch(resource schema.GroupVersionResource) (*Source, bool) {
	s, ok := r.storages[resource].(Storage)
	if !ok {
		return nil, false
	}
	return ListWatch(s, resource.GroupResource()), true
}

// Metadata returns the metadata of the objects of a resource, without who owns which field. What is yielded shares
// memory with the storage's watch cache and must not be changed.
func (r *Resources) Metadata(resource schema.GroupVersionResource) (*Source, bool) {
	lw, ok := r.ListWatch(resource)
	if !ok {
		return nil, false
	}
	reduce := func(obj runtime.Object) (*metav1.PartialObjectMetadata, error) {
		object, ok := obj.(metav1.ObjectMetaAccessor)
		if !ok {
			return nil, fmt.Errorf("a %T has no metadata", obj)
		}
		return metadataOf(object.GetObjectMeta()), nil
	}
	list := func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
		full, err := lw.ListWithContextFunc(ctx, options)
		if err != nil {
			return nil, err
		}
		return metadataList(full, reduce)
	}
	return &Source{ListWatch: &cache.ListWatch{
		ListWithContextFunc: list,
		WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			w, err := lw.WatchFuncWithContext(ctx, options)
			if err != nil {
				return nil, err
			}
			return watch.Filter(w, func(e watch.Event) (watch.Event, bool) {
				if m, err := reduce(e.Object); err == nil { // an error event carries a status, which passes as it is
					e.Object = m
				}
				return e, true
			}), nil
		},
	}}, true
}

func metadataOf(m metav1.Object) *metav1.PartialObjectMetadata {
	out := &metav1.PartialObjectMetadata{}
	if whole, ok := m.(*metav1.ObjectMeta); ok {
		out.ObjectMeta = *whole
		out.ManagedFields = nil
	}
	return out
}

func metadataList(full runtime.Object, reduce func(runtime.Object) (*metav1.PartialObjectMetadata, error)) (runtime.Object, error) {
	m, err := meta.ListAccessor(full)
	if err != nil {
		return nil, err
	}
	out := &metav1.PartialObjectMetadataList{ListMeta: metav1.ListMeta{
		ResourceVersion: m.GetResourceVersion(), Continue: m.GetContinue(), RemainingItemCount: m.GetRemainingItemCount(),
	}}
	err = meta.EachListItem(full, func(obj runtime.Object) error {
		item, err := reduce(obj)
		if err == nil {
			out.Items = append(out.Items, *item)
		}
		return err
	})
	return out, err
}

// Unstructured returns an object of a storage in the form that a client of that kind's version gets, but without
// metadata.managedFields, which would be half of the work and of the result. It may share memory with obj where both are
// plain values; neither must be changed.
func (r *Resources) Unstructured(obj runtime.Object, kind schema.GroupVersionKind) (*unstructured.Unstructured, error) {
	versioned, err := r.versioned(withoutManagers(obj), kind.GroupVersion())
	if err != nil {
		return nil, err
	}
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(versioned)
	if err != nil {
		return nil, err
	}
	out := &unstructured.Unstructured{Object: content}
	out.SetGroupVersionKind(kind)
	return out, nil
}

// withoutManagers returns obj without metadata.managedFields. The rest is shared with obj, which is not changed.
func withoutManagers(obj runtime.Object) runtime.Object {
	m, ok := obj.(metav1.ObjectMetaAccessor)
	if !ok || len(m.GetObjectMeta().GetManagedFields()) == 0 {
		return obj
	}
	out := reflect.New(reflect.TypeOf(obj).Elem())
	out.Elem().Set(reflect.ValueOf(obj).Elem())
	light := out.Interface().(runtime.Object)
	light.(metav1.ObjectMetaAccessor).GetObjectMeta().SetManagedFields(nil)
	return light
}

// versioned converts without copying what can be shared. Of a kind whose type is internal and external at once, that is
// everything.
func (r *Resources) versioned(obj runtime.Object, version schema.GroupVersion) (runtime.Object, error) {
	kinds, _, err := r.scheme.ObjectKinds(obj)
	if err != nil {
		return nil, err
	}
	for _, k := range kinds {
		if k.GroupVersion() == version {
			return obj, nil
		}
	}
	return r.scheme.UnsafeConvertToVersion(obj, version)
}

// Get reads an object from the store itself, past the watch cache. It is false for a resource that is not served from
// here.
func (r *Resources) Get(ctx context.Context, resource schema.GroupVersionResource, kind schema.GroupVersionKind, key types.NamespacedName) (*unstructured.Unstructured, bool, error) {
	s, ok := r.storages[resource].(rest.Getter)
	if !ok {
		return nil, false, nil
	}
	obj, err := s.Get(genericapirequest.WithNamespace(ctx, key.Namespace), key.Name, &metav1.GetOptions{})
	if err != nil {
		return nil, true, err
	}
	u, err := r.Unstructured(obj, kind)
	return u, true, err
}

// UID returns the UID of an object as the watch cache has it, which costs no request to the store. It is false if there is
// none, or the resource is not served from here.
func (r *Resources) UID(ctx context.Context, resource schema.GroupVersionResource, key types.NamespacedName) (types.UID, bool) {
	s, ok := r.storages[resource].(rest.Getter)
	if !ok {
		return "", false
	}
	obj, err := s.Get(genericapirequest.WithNamespace(ctx, key.Namespace), key.Name, &metav1.GetOptions{ResourceVersion: "0"})
	if err != nil {
		return "", false
	}
	m, err := meta.Accessor(obj)
	if err != nil {
		return "", false
	}
	return m.GetUID(), true
}

// SetStatus replaces the status of an object through its status subresource, with the validation of the API. Another
// object of that name, with a UID that differs, is a conflict. It is false for a resource whose status is not served from
// here.
func (r *Resources) SetStatus(ctx context.Context, resource schema.GroupVersionResource, key types.NamespacedName, uid types.UID, status map[string]any) (bool, error) {
	s, ok := r.storages[resource.GroupVersion().WithResource(resource.Resource+"/status")].(rest.Updater)
	if !ok {
		return false, nil
	}
	replace := func(_ context.Context, _, stored runtime.Object) (runtime.Object, error) {
		m, err := meta.Accessor(stored)
		if err != nil {
			return nil, err
		}
		if m.GetUID() != uid {
			return nil, apierrors.NewConflict(resource.GroupResource(), key.Name, fmt.Errorf("its UID is %q, not %q", m.GetUID(), uid))
		}
		return r.withStatus(stored, resource.GroupVersion(), status)
	}
	_, _, err := s.Update(genericapirequest.WithNamespace(ctx, key.Namespace), key.Name, rest.DefaultUpdatedObjectInfo(nil, replace),
		rest.ValidateAllObjectFunc, rest.ValidateAllObjectUpdateFunc, false, &metav1.UpdateOptions{})
	return true, err
}

// withStatus returns a copy of a stored object with that status.
func (r *Resources) withStatus(stored runtime.Object, version schema.GroupVersion, status map[string]any) (runtime.Object, error) {
	versioned, err := r.scheme.ConvertToVersion(stored, version)
	if err != nil {
		return nil, err
	}
	fresh := reflect.New(reflect.TypeOf(versioned).Elem())
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(map[string]any{"status": status}, fresh.Interface()); err != nil {
		return nil, apierrors.NewBadRequest(fmt.Sprintf("status: %v", err))
	}
	field := reflect.ValueOf(versioned).Elem().FieldByName("Status")
	if !field.IsValid() {
		return nil, fmt.Errorf("a %T has no status", versioned)
	}
	field.Set(fresh.Elem().FieldByName("Status"))
	return r.scheme.ConvertToVersion(versioned, schema.GroupVersion{Group: version.Group, Version: runtime.APIVersionInternal})
}
