/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package work

import (
	"context"
	"fmt"
	"sync/atomic"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/internalversion"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	genericapirequest "k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/generic"
	"k8s.io/apiserver/pkg/registry/rest"

	workv1alpha1 "github.com/manifold-k8s/manifold/apis/work/v1alpha1"
	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
	"github.com/manifold-k8s/manifold/pkg/registry/kind"
	"github.com/manifold-k8s/manifold/pkg/works"
)

// Works serves Works: those that users make, which are stored, and those of bindings, which are computed and can only be
// read.
type Works struct {
	*kind.REST[*workv1alpha1.Work]
	source atomic.Pointer[works.Source]
}

var (
	_ rest.StandardStorage    = &Works{}
	_ rest.ShortNamesProvider = &Works{}
	_ rest.CategoriesProvider = &Works{}
)

// NewWorks connects the storage to the backend that getter names. scheme must know the group's types.
func NewWorks(scheme *runtime.Scheme, getter generic.RESTOptionsGetter) (*Works, error) {
	stored, err := kind.NewREST(storedWork(), scheme, getter)
	if err != nil {
		return nil, err
	}
	return &Works{REST: stored}, nil
}

// Use says where computed Works come from. Until it is called, reading fails with 503.
func (r *Works) Use(s *works.Source) { r.source.Store(s) }

// Resources maps resource paths to storage, for the installer of API groups.
func (r *Works) Resources() map[string]rest.Storage {
	return map[string]rest.Storage{"works": r, "works/status": &worksStatus{StatusREST: r.Status(), works: r}}
}

func (r *Works) computed() (*works.Source, error) {
	if s := r.source.Load(); s != nil {
		return s, nil
	}
	return nil, apierrors.NewServiceUnavailable("the server is starting")
}

// Get returns the stored Work of that name, or the computed one.
func (r *Works) Get(ctx context.Context, name string, options *metav1.GetOptions) (runtime.Object, error) {
	obj, err := r.REST.Get(ctx, name, options)
	if !apierrors.IsNotFound(err) {
		return obj, err
	}
	s, failed := r.computed()
	if failed != nil {
		return nil, failed
	}
	w, failed := s.Get(ctx, genericapirequest.NamespaceValue(ctx), name)
	if failed != nil {
		return nil, failed
	}
	if w == nil {
		return nil, err
	}
	return w, nil
}

// List returns stored and computed Works, all at once whatever the limit.
func (r *Works) List(ctx context.Context, options *internalversion.ListOptions) (runtime.Object, error) {
	s, err := r.computed()
	if err != nil {
		return nil, err
	}
	atLeast := ""
	stored := internalversion.ListOptions{}
	if options != nil {
		if options.Continue != "" || options.ResourceVersionMatch == metav1.ResourceVersionMatchExact {
			return nil, apierrors.NewResourceExpired("works are listed as they are now, and all at once")
		}
		atLeast, stored = options.ResourceVersion, *options
		stored.Limit, stored.ResourceVersion, stored.ResourceVersionMatch = 0, "", ""
	}
	obj, err := r.REST.List(ctx, &stored)
	if err != nil {
		return nil, err
	}
	list, ok := obj.(*workv1alpha1.WorkList)
	if !ok {
		return nil, fmt.Errorf("storage returned a %T where a list of works was expected", obj)
	}
	return s.List(ctx, selection(ctx, options), list, atLeast)
}

// Watch reports changes of stored and computed Works.
func (r *Works) Watch(ctx context.Context, options *internalversion.ListOptions) (watch.Interface, error) {
	s, err := r.computed()
	if err != nil {
		return nil, err
	}
	var o works.WatchOptions
	if options != nil {
		o.ResourceVersion, o.Bookmarks = options.ResourceVersion, options.AllowWatchBookmarks
		o.InitialEvents = options.SendInitialEvents != nil && *options.SendInitialEvents
	}
	return s.Watch(ctx, selection(ctx, options), o)
}

// selection is what the options of a request select.
func selection(ctx context.Context, options *internalversion.ListOptions) works.Selection {
	byLabel, byField := labels.Everything(), fields.Everything()
	if options != nil && options.LabelSelector != nil {
		byLabel = options.LabelSelector
	}
	if options != nil && options.FieldSelector != nil {
		byField = options.FieldSelector
	}
	return works.Selection{Namespace: genericapirequest.NamespaceValue(ctx), Matches: func(w *workv1alpha1.Work) bool {
		return byLabel.Matches(labels.Set(w.Labels)) &&
			byField.Matches(fields.Set{"metadata.name": w.Name, "metadata.namespace": w.Namespace})
	}}
}

// Create stores a Work, unless a binding has one of that name.
func (r *Works) Create(ctx context.Context, obj runtime.Object, validate rest.ValidateObjectFunc, options *metav1.CreateOptions) (runtime.Object, error) {
	if w, ok := obj.(*workv1alpha1.Work); ok && w.Name != "" {
		if err := r.refuse(ctx, "create", w.Name); err != nil {
			return nil, err
		}
	}
	return r.REST.Create(ctx, obj, validate, options)
}

// Update changes a stored Work.
func (r *Works) Update(ctx context.Context, name string, info rest.UpdatedObjectInfo, create rest.ValidateObjectFunc,
	update rest.ValidateObjectUpdateFunc, force bool, options *metav1.UpdateOptions) (runtime.Object, bool, error) {
	if err := r.refuse(ctx, "change", name); err != nil {
		return nil, false, err
	}
	return r.REST.Update(ctx, name, info, create, update, force, options)
}

// Delete deletes a stored Work, which goes when its objects in the cluster have.
func (r *Works) Delete(ctx context.Context, name string, validate rest.ValidateObjectFunc, options *metav1.DeleteOptions) (runtime.Object, bool, error) {
	if err := r.refuse(ctx, "delete", name); err != nil {
		return nil, false, err
	}
	return r.REST.Delete(ctx, name, validate, options)
}

// DeleteCollection deletes stored Works. Computed ones are passed over: they follow their bindings.
func (r *Works) DeleteCollection(ctx context.Context, validate rest.ValidateObjectFunc, options *metav1.DeleteOptions, list *internalversion.ListOptions) (runtime.Object, error) {
	return r.REST.DeleteCollection(ctx, validate, options, list)
}

// refuse returns why a Work of that name cannot be written, if it is a computed one.
func (r *Works) refuse(ctx context.Context, verb, name string) error {
	_, err := r.REST.Get(ctx, name, &metav1.GetOptions{})
	if !apierrors.IsNotFound(err) {
		return nil // it is stored, or what reading it runs into, writing will too
	}
	s, err := r.computed()
	if err != nil {
		return err
	}
	w, err := s.Get(ctx, genericapirequest.NamespaceValue(ctx), name)
	if err != nil || w == nil {
		return err
	}
	return apierrors.NewForbidden(workv1alpha1.Resource("works"), name,
		fmt.Errorf("cannot %s it: it is computed from %s; change the template, its policy or its override policies instead", verb, origin(w)))
}

// origin names the binding that a computed Work is made from.
func origin(w *workv1alpha1.Work) string {
	if name := w.Annotations[workv1alpha2.ClusterResourceBindingNameAnnotation]; name != "" {
		return "ClusterResourceBinding " + name
	}
	return "ResourceBinding " + w.Annotations[workv1alpha2.ResourceBindingNamespaceAnnotation] + "/" + w.Annotations[workv1alpha2.ResourceBindingNameAnnotation]
}

// worksStatus serves the status subresource.
type worksStatus struct {
	*kind.StatusREST
	works *Works
}

var _ rest.Patcher = &worksStatus{}

// Get returns the whole Work.
func (r *worksStatus) Get(ctx context.Context, name string, options *metav1.GetOptions) (runtime.Object, error) {
	return r.works.Get(ctx, name, options)
}

// Update changes the status of a stored Work.
func (r *worksStatus) Update(ctx context.Context, name string, info rest.UpdatedObjectInfo, create rest.ValidateObjectFunc,
	update rest.ValidateObjectUpdateFunc, force bool, options *metav1.UpdateOptions) (runtime.Object, bool, error) {
	if err := r.works.refuse(ctx, "change the status of", name); err != nil {
		return nil, false, err
	}
	return r.StatusREST.Update(ctx, name, info, create, update, force, options)
}
