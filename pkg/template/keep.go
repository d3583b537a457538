/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package template

import (
	"context"
	"maps"
	"reflect"
	"slices"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"
)

// stored is a template as it is kept: the object of the API server's watch cache, which it shares.
type stored struct {
	metav1.Object
	storage runtime.Object
}

func (s *Store) informer(m *meta.RESTMapping) cache.SharedIndexInformer {
	if lw, ok := s.local.ListWatch(m.Resource); ok {
		return withTransform(cache.NewSharedIndexInformer(lw, nil, 0, cache.Indexers{}), func(obj any) (any, error) {
			if o, ok := obj.(runtime.Object); ok {
				if m, err := meta.Accessor(o); err == nil {
					return &stored{m, o}, nil
				}
			}
			return obj, nil // seen before, or the last known state of what is gone
		})
	}
	r := s.client.Resource(m.Resource)
	lw := &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) { return r.List(ctx, o) },
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			return r.Watch(ctx, o)
		},
	}
	// Nobody here reads who owns which field; it is often half of the object.
	return withTransform(cache.NewSharedIndexInformer(lw, &unstructured.Unstructured{}, 0, cache.Indexers{}), func(obj any) (any, error) {
		if u, ok := obj.(*unstructured.Unstructured); ok {
			u.SetManagedFields(nil)
		}
		return obj, nil
	})
}

func withTransform(i cache.SharedIndexInformer, f cache.TransformFunc) cache.SharedIndexInformer {
	if err := i.SetTransform(f); err != nil {
		panic(err) // only once it has started
	}
	return i
}

// whole returns what the informer of a kind holds in the form in which it is handed out. It is nil for what cannot be
// converted, which means that the kind's types are not registered.
func (s *Store) whole(gvk schema.GroupVersionKind, obj any) *unstructured.Unstructured {
	o, ok := obj.(*stored)
	if !ok {
		u, _ := obj.(*unstructured.Unstructured) // the only other type
		return u
	}
	if u, ok := s.recent.Get(o); ok {
		return u.(*unstructured.Unstructured)
	}
	u, err := s.local.Unstructured(o.storage, gvk)
	if err != nil {
		klog.Background().Error(err, "A template cannot be read", "kind", gvk, "namespace", o.GetNamespace(), "name", o.GetName())
		return nil
	}
	s.recent.Add(o, u)
	return u
}

// statusOnly reports whether nothing but the status has changed, for kinds that count generations.
func statusOnly(old, now any) bool {
	a, okA := object(old)
	b, okB := object(now)
	return okA && okB && a.GetGeneration() > 0 && a.GetGeneration() == b.GetGeneration() && a.GetUID() == b.GetUID() &&
		maps.Equal(a.GetLabels(), b.GetLabels()) && maps.Equal(a.GetAnnotations(), b.GetAnnotations()) &&
		slices.Equal(a.GetFinalizers(), b.GetFinalizers()) && (a.GetDeletionTimestamp() == nil) == (b.GetDeletionTimestamp() == nil) &&
		sameContent(a, b)
}

// sameContent compares all but metadata and status. A generation that is the same does not say that: a PriorityClass has
// one that is never raised.
func sameContent(a, b any) bool {
	switch a := a.(type) {
	case *stored:
		b, ok := b.(*stored)
		return ok && sameFields(reflect.ValueOf(a.storage), reflect.ValueOf(b.storage))
	case *unstructured.Unstructured:
		b, ok := b.(*unstructured.Unstructured)
		return ok && sameEntries(a.Object, b.Object) && sameEntries(b.Object, a.Object)
	}
	return false
}

func sameFields(a, b reflect.Value) bool {
	if a.Type() != b.Type() {
		return false
	}
	for i := range a.Elem().NumField() {
		switch a.Elem().Type().Field(i).Name {
		case "TypeMeta", "ObjectMeta", "Status":
		default:
			if !equality.Semantic.DeepEqual(a.Elem().Field(i).Interface(), b.Elem().Field(i).Interface()) {
				return false
			}
		}
	}
	return true
}

func sameEntries(a, b map[string]any) bool {
	for key, v := range a {
		if key != "metadata" && key != "status" && !reflect.DeepEqual(v, b[key]) {
			return false
		}
	}
	return true
}

// sameVersion reports whether nothing has changed: a list was read anew.
func sameVersion(old, now any) bool {
	a, okA := object(old)
	b, okB := object(now)
	return okA && okB && a.GetResourceVersion() == b.GetResourceVersion()
}

func object(obj any) (metav1.Object, bool) {
	if d, ok := obj.(cache.DeletedFinalStateUnknown); ok {
		obj = d.Obj
	}
	o, ok := obj.(metav1.Object)
	return o, ok
}
