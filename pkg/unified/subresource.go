/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package unified

import (
	"context"
	"fmt"
	"net/http"

	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	genericapirequest "k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/rest"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
)

// subresource serves a part of the objects that is read and changed as they are, such as their status.
type subresource struct {
	parent *objects
	name   string
	stored rest.Patcher // of what the hub stores; nil if it stores none
}

var (
	_ rest.Patcher             = &subresource{}
	_ rest.TableConvertor      = &subresource{}
	_ rest.ResetFieldsStrategy = &resetting{}
)

// newSubresource returns the storage of a part in front of inner, which may be nil. It offers to the installer of the API
// what inner does.
func newSubresource(parent *objects, name string, inner rest.Storage) (rest.Storage, error) {
	s := &subresource{parent: parent, name: name}
	if inner == nil {
		return s, nil
	}
	var ok bool
	if s.stored, ok = inner.(rest.Patcher); !ok {
		return nil, fmt.Errorf("the storage, a %T, lacks a verb", inner)
	}
	if k, ok := inner.(rest.GroupVersionKindProvider); ok {
		return &ofKind{s, k}, nil
	}
	if r, ok := inner.(rest.ResetFieldsStrategy); ok {
		return &resetting{s, r}, nil
	}
	return s, nil
}

// resetting is a subresource that leaves some fields as they are.
type resetting struct {
	*subresource
	inner rest.ResetFieldsStrategy
}

// GetResetFields implements rest.ResetFieldsStrategy.
func (r *resetting) GetResetFields() map[fieldpath.APIVersion]*fieldpath.Set {
	return r.inner.GetResetFields()
}

// ofKind is a subresource of a kind of its own, such as Scale.
type ofKind struct {
	*subresource
	inner rest.GroupVersionKindProvider
}

// GroupVersionKind implements rest.GroupVersionKindProvider.
func (k *ofKind) GroupVersionKind(containing schema.GroupVersion) schema.GroupVersionKind {
	return k.inner.GroupVersionKind(containing)
}

// New implements rest.Storage.
func (s *subresource) New() runtime.Object {
	if s.stored != nil {
		return s.stored.New()
	}
	return s.parent.New()
}

// Destroy implements rest.Storage. What is beneath shares the storage of the objects.
func (s *subresource) Destroy() {}

// ConvertToTable implements rest.TableConvertor.
func (s *subresource) ConvertToTable(ctx context.Context, obj, options runtime.Object) (*metav1.Table, error) {
	if t, ok := s.stored.(rest.TableConvertor); ok {
		return t.ConvertToTable(ctx, obj, options)
	}
	return s.parent.ConvertToTable(ctx, obj, options)
}

// Get implements rest.Getter.
func (s *subresource) Get(ctx context.Context, name string, options *metav1.GetOptions) (runtime.Object, error) {
	o := s.parent
	_, err := o.getStored(ctx, name, nil)
	if s.stored != nil && (!apierrors.IsNotFound(err) || housekeeping(ctx)) {
		return s.stored.Get(ctx, name, options)
	}
	namespace := genericapirequest.NamespaceValue(ctx)
	own, cluster, ok := o.elsewhere(name)
	if !ok {
		own = name
		if cluster, err = o.holder(ctx, namespace, name, reading); err != nil {
			return nil, err
		}
	}
	live, err := o.live(ctx, namespace, name, cluster, own, s.name)
	if err != nil {
		return nil, err
	}
	if err := o.present(cluster, live); err != nil {
		return nil, err
	}
	return o.toInternal(live)
}

// Update implements rest.Updater.
func (s *subresource) Update(ctx context.Context, name string, info rest.UpdatedObjectInfo, create rest.ValidateObjectFunc,
	update rest.ValidateObjectUpdateFunc, _ bool, options *metav1.UpdateOptions) (runtime.Object, bool, error) {
	o := s.parent
	cluster, own, err := o.toChange(ctx, name, false)
	if err != nil {
		return nil, false, err
	}
	if cluster == "" {
		return s.stored.Update(ctx, name, info, create, update, false, options)
	}
	obj, err := o.change(ctx, change{
		namespace: genericapirequest.NamespaceValue(ctx), name: name, cluster: cluster, own: own, subresource: s.name,
		info: info, validate: update, options: options,
	})
	return obj, false, err
}

// evictions serves pods/eviction: the member's disruption budgets decide.
type evictions struct{ pods *objects }

var (
	_ rest.NamedCreater             = &evictions{}
	_ rest.GroupVersionKindProvider = &evictions{}
)

// New implements rest.Storage.
func (e *evictions) New() runtime.Object {
	return e.pods.made(schema.GroupVersionKind{Group: policyv1.GroupName, Version: runtime.APIVersionInternal, Kind: "Eviction"})
}

// Destroy implements rest.Storage.
func (e *evictions) Destroy() {}

// GroupVersionKind implements rest.GroupVersionKindProvider.
func (e *evictions) GroupVersionKind(schema.GroupVersion) schema.GroupVersionKind {
	return policyv1.SchemeGroupVersion.WithKind("Eviction")
}

// Create implements rest.NamedCreater.
func (e *evictions) Create(ctx context.Context, name string, obj runtime.Object, validate rest.ValidateObjectFunc, options *metav1.CreateOptions) (runtime.Object, error) {
	if nameOf(obj) != name {
		return nil, apierrors.NewBadRequest(fmt.Sprintf("the Eviction is of %q, the URL names %q", nameOf(obj), name))
	}
	if validate != nil {
		if err := validate(ctx, obj.DeepCopyObject()); err != nil {
			return nil, err
		}
	}
	cluster, own, err := e.pods.toDelete(ctx, name)
	if err != nil {
		return nil, err
	}
	if cluster == "" {
		return nil, apierrors.NewBadRequest(fmt.Sprintf("pod %s is stored on the hub, where nothing runs: evict its copies, %s.<cluster>", name, name))
	}
	external, err := e.pods.cfg.Scheme.ConvertToVersion(obj, policyv1.SchemeGroupVersion)
	if err != nil {
		return nil, err
	}
	eviction, ok := external.(*policyv1.Eviction)
	if !ok {
		return nil, apierrors.NewBadRequest(fmt.Sprintf("a %T is no Eviction", external))
	}
	namespace := genericapirequest.NamespaceValue(ctx)
	eviction.Name, eviction.Namespace = own, namespace
	if p := eviction.DeleteOptions; p != nil && p.Preconditions != nil && p.Preconditions.ResourceVersion != nil {
		shown := nameIn(own, cluster)
		version, err := e.pods.ownVersion(namespace, shown, shown, *p.Preconditions.ResourceVersion)
		if err != nil {
			return nil, err
		}
		p.Preconditions.ResourceVersion = &version
	}
	to := call{cluster: cluster, namespace: namespace, name: own, subresource: "eviction", body: eviction}
	if options != nil {
		to.options = &metav1.CreateOptions{DryRun: options.DryRun}
	}
	result, err := e.pods.send(ctx, to, http.MethodPost, name)
	if err != nil {
		return nil, err
	}
	if options == nil || len(options.DryRun) == 0 {
		e.pods.union.Wrote(cluster, namespace, nameIn(own, cluster), "")
	}
	if _, err := meta.Accessor(result); err == nil {
		return &metav1.Status{Status: metav1.StatusSuccess}, nil // older servers answer with the eviction
	}
	return result, nil
}
