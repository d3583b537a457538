/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package unified

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/internalversion"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"
	genericapirequest "k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/rest"

	"github.com/manifold-k8s/manifold/pkg/unified/present"
	"github.com/manifold-k8s/manifold/pkg/unified/union"
)

// Delete deletes a stored object, or has the member delete one of its own.
func (o *objects) Delete(ctx context.Context, name string, validate rest.ValidateObjectFunc, options *metav1.DeleteOptions) (runtime.Object, bool, error) {
	cluster, own, err := o.toDelete(ctx, name)
	if err != nil {
		return nil, false, err
	}
	if cluster == "" {
		return o.stored.Delete(ctx, name, validate, options)
	}
	return o.deleteIn(ctx, cluster, own, name, validate, options)
}

// toDelete finds out what a deletion of name is about, as toChange does. A plain name may stand for what the only member
// has that has it.
func (o *objects) toDelete(ctx context.Context, name string) (cluster, own string, err error) {
	_, err = o.getStored(ctx, name, nil)
	if !apierrors.IsNotFound(err) || housekeeping(ctx) {
		return "", name, err
	}
	if own, cluster, ok := o.elsewhere(name); ok {
		return cluster, own, nil
	}
	cluster, err = o.holder(ctx, genericapirequest.NamespaceValue(ctx), name, writing)
	return cluster, name, err
}

// deleteIn deletes the very object that is validated, which in its cluster is called own.
func (o *objects) deleteIn(ctx context.Context, cluster, own, name string, validate rest.ValidateObjectFunc, options *metav1.DeleteOptions) (runtime.Object, bool, error) {
	namespace := genericapirequest.NamespaceValue(ctx)
	live, err := o.live(ctx, namespace, name, cluster, own, "")
	if err != nil {
		return nil, false, err
	}
	m, err := meta.Accessor(live)
	if err != nil {
		return nil, false, err
	}
	uid := m.GetUID()
	shown, err := o.show(cluster, live)
	if err != nil {
		return nil, false, err
	}
	if validate != nil {
		if err := validate(ctx, shown.DeepCopyObject()); err != nil {
			return nil, false, err
		}
	}
	options, err = o.deleteOptions(namespace, own, cluster, uid, options)
	if err != nil {
		return nil, false, err
	}
	result, err := o.send(ctx, call{cluster: cluster, namespace: namespace, name: own, body: options}, http.MethodDelete, name)
	if err != nil {
		return nil, false, err
	}
	if len(options.DryRun) == 0 {
		o.wrote(cluster, namespace, own, result)
	}
	if _, ok := result.(*metav1.Status); ok {
		return shown, true, nil
	}
	obj, err := o.show(cluster, result)
	return obj, false, err
}

// deleteOptions are those for the member: about this very object, with the resource version that the member gave it.
func (o *objects) deleteOptions(namespace, own, cluster string, uid types.UID, options *metav1.DeleteOptions) (*metav1.DeleteOptions, error) {
	out := options.DeepCopy()
	if out == nil {
		out = &metav1.DeleteOptions{}
	}
	out.TypeMeta = metav1.TypeMeta{}
	if out.Preconditions == nil {
		out.Preconditions = &metav1.Preconditions{}
	}
	if out.Preconditions.UID == nil {
		out.Preconditions.UID = &uid
	}
	if v := out.Preconditions.ResourceVersion; v != nil {
		name := nameIn(own, cluster)
		version, err := o.ownVersion(namespace, name, name, *v)
		if err != nil {
			return nil, err
		}
		out.Preconditions.ResourceVersion = &version
	}
	return out, nil
}

// deletionsAtOnce bounds how many objects of a collection are deleted at the same time.
const deletionsAtOnce = 8

// DeleteCollection deletes what is stored, and one by one what members have: each the very object that was listed. It
// returns what was to be deleted. What fails does not keep the rest.
func (o *objects) DeleteCollection(ctx context.Context, validate rest.ValidateObjectFunc, options *metav1.DeleteOptions, list *internalversion.ListOptions) (runtime.Object, error) {
	if housekeeping(ctx) {
		return o.deleteStored(ctx, validate, options, list)
	}
	namespace := genericapirequest.NamespaceValue(ctx)
	all, lags, err := o.union.List(ctx, namespace, o.selection(ctx, namespace, list), list)
	if err != nil {
		return nil, err
	}
	errs := []error{o.unreached(lags)}
	var mu sync.Mutex
	var wg sync.WaitGroup
	slots := make(chan struct{}, deletionsAtOnce)
	err = meta.EachListItem(all, func(obj runtime.Object) error {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			err := o.deleteListed(ctx, obj, validate, options)
			mu.Lock()
			defer mu.Unlock()
			if err != nil && !apierrors.IsNotFound(err) {
				errs = append(errs, err)
			}
		})
		return nil
	})
	wg.Wait()
	return all, together(append(errs, err))
}

func (o *objects) deleteStored(ctx context.Context, validate rest.ValidateObjectFunc, options *metav1.DeleteOptions, list *internalversion.ListOptions) (runtime.Object, error) {
	if o.stored == nil {
		return o.NewList(), nil
	}
	return o.stored.DeleteCollection(ctx, validate, options, list)
}

// deleteListed deletes an object of a list, and no other that has got its name since.
func (o *objects) deleteListed(ctx context.Context, obj runtime.Object, validate rest.ValidateObjectFunc, options *metav1.DeleteOptions) error {
	m, err := meta.Accessor(obj)
	if err != nil {
		return err
	}
	this := options.DeepCopy()
	if this == nil {
		this = &metav1.DeleteOptions{}
	}
	uid := m.GetUID()
	if this.Preconditions == nil {
		this.Preconditions = &metav1.Preconditions{}
	}
	this.Preconditions.UID = &uid
	ctx = genericapirequest.WithNamespace(ctx, m.GetNamespace())
	cluster := present.ClusterOf(m)
	if cluster == "" {
		_, _, err = o.stored.Delete(ctx, m.GetName(), validate, this)
		return err
	}
	own, _, _ := present.Split(m.GetName())
	_, _, err = o.deleteIn(ctx, cluster, own, m.GetName(), validate, this)
	return err
}

// unreached is an error if there are members of which nothing could be deleted for nothing is known.
func (o *objects) unreached(lags []union.Lag) error {
	var errs []error
	for _, l := range lags {
		if l.Missing {
			errs = append(errs, apierrors.NewServiceUnavailable(fmt.Sprintf("cluster %s does not answer: none of its %s was deleted", l.Cluster, o.kind.resource)))
		}
	}
	return utilerrors.NewAggregate(errs)
}

// together makes one answer of several errors: that of the only one, else that something was not available.
func together(errs []error) error {
	all := utilerrors.NewAggregate(errs)
	if all == nil {
		return nil
	}
	flat := utilerrors.Flatten(all).Errors()
	var status *apierrors.StatusError
	if len(flat) == 1 && errors.As(flat[0], &status) {
		return status
	}
	return apierrors.NewServiceUnavailable(fmt.Sprintf("%d objects or clusters: %v", len(flat), all))
}
