/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package unified

import (
	"context"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/cache"

	"github.com/manifold-k8s/manifold/pkg/local"
)

// source lists and watches the objects of a member.
func (r *resource) source(cluster string) cache.ListerWatcher {
	return &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
			client, err := r.client(ctx, cluster, r.kind.version)
			if err != nil {
				return nil, err
			}
			list := r.newExternalList()
			return list, client.Get().Resource(r.kind.resource).MaxRetries(0).VersionedParams(&options, scheme.ParameterCodec).Do(ctx).Into(list)
		},
		WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			client, err := r.client(ctx, cluster, r.kind.version)
			if err != nil {
				return nil, err
			}
			options.Watch = true
			return client.Get().Resource(r.kind.resource).MaxRetries(0).VersionedParams(&options, scheme.ParameterCodec).Watch(ctx)
		},
	}
}

// storedSource lists and watches what the hub stores, in the external version. What the storage gives out is not changed.
func (r *resource) storedSource(inner *local.Source) cache.ListerWatcher {
	return &local.Source{ListWatch: &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
			list, err := inner.ListWithContextFunc(ctx, options)
			if err != nil {
				return nil, err
			}
			return r.externalList(list)
		},
		WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			w, err := inner.WatchFuncWithContext(ctx, options)
			if err != nil {
				return nil, err
			}
			return watch.Filter(w, func(e watch.Event) (watch.Event, bool) {
				if obj, err := r.external(e.Object); err == nil { // an error event carries a status, which passes as it is
					e.Object = obj
				}
				return e, true
			}), nil
		},
	}}
}

// external converts a copy of an object.
func (r *resource) external(obj runtime.Object) (runtime.Object, error) {
	return r.cfg.Scheme.ConvertToVersion(obj, r.kind.version)
}

func (r *resource) externalList(list runtime.Object) (runtime.Object, error) {
	from, err := meta.ListAccessor(list)
	if err != nil {
		return nil, err
	}
	var items []runtime.Object
	err = meta.EachListItem(list, func(obj runtime.Object) error {
		item, err := r.external(obj)
		items = append(items, item)
		return err
	})
	if err != nil {
		return nil, err
	}
	out := r.newExternalList()
	to, err := meta.ListAccessor(out)
	if err != nil {
		return nil, err
	}
	to.SetResourceVersion(from.GetResourceVersion())
	to.SetContinue(from.GetContinue())
	to.SetRemainingItemCount(from.GetRemainingItemCount())
	return out, meta.SetList(out, items)
}
