/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package unified

import (
	"context"
	"fmt"
	"net/http"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/internalversion"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/apiserver/pkg/authentication/user"
	genericapirequest "k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/apiserver/pkg/warning"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	"github.com/manifold-k8s/manifold/pkg/unified/union"
)

// stored is the storage of a kind on the hub.
type stored interface {
	rest.StandardStorage
	rest.Scoper
	rest.SingularNameProvider
	rest.StorageVersionProvider
	rest.ResetFieldsStrategy
	rest.MayReturnFullObjectDeleter
}

// objects serves one resource: what members have of it, and what the hub stores.
type objects struct {
	*resource
	served schema.GroupVersion
	stored stored // nil if the hub stores none
}

var (
	_ rest.Getter                     = &objects{}
	_ rest.Lister                     = &objects{}
	_ rest.Watcher                    = &objects{}
	_ rest.Patcher                    = &objects{}
	_ rest.GracefulDeleter            = &objects{}
	_ rest.CollectionDeleter          = &objects{}
	_ rest.MayReturnFullObjectDeleter = &objects{}
	_ rest.ResetFieldsStrategy        = &objects{}
	_ rest.Scoper                     = &objects{}
	_ rest.SingularNameProvider       = &objects{}
	_ rest.ShortNamesProvider         = &objects{}
	_ rest.CategoriesProvider         = &objects{}
)

// New implements rest.Storage.
func (o *objects) New() runtime.Object { return o.newInternal() }

// NewList implements rest.Lister.
func (o *objects) NewList() runtime.Object { return o.newInternalList() }

// Destroy implements rest.Storage.
func (o *objects) Destroy() {
	if o.stored != nil {
		o.stored.Destroy()
	}
}

// NamespaceScoped implements rest.Scoper.
func (o *objects) NamespaceScoped() bool { return o.kind.namespaced }

// GetSingularName implements rest.SingularNameProvider.
func (o *objects) GetSingularName() string { return o.kind.singular }

// ShortNames implements rest.ShortNamesProvider.
func (o *objects) ShortNames() []string { return o.kind.shortNames }

// Categories implements rest.CategoriesProvider.
func (o *objects) Categories() []string {
	if c, ok := o.stored.(rest.CategoriesProvider); ok {
		return c.Categories()
	}
	return nil
}

// DeleteReturnsDeletedObject implements rest.MayReturnFullObjectDeleter.
func (o *objects) DeleteReturnsDeletedObject() bool {
	return o.stored != nil && o.stored.DeleteReturnsDeletedObject()
}

// GetResetFields implements rest.ResetFieldsStrategy.
func (o *objects) GetResetFields() map[fieldpath.APIVersion]*fieldpath.Set {
	if o.stored == nil {
		return nil
	}
	return o.stored.GetResetFields()
}

// housekeeping reports whether a request is from the hub's own controllers, which see only what is stored.
func housekeeping(ctx context.Context) bool {
	u, ok := genericapirequest.UserFrom(ctx)
	return ok && u.GetName() == user.APIServerUser
}

// storable serves a kind of which users may store objects.
type storable struct{ *objects }

var (
	_ rest.StandardStorage        = &storable{}
	_ rest.StorageVersionProvider = &storable{}
)

// StorageVersion implements rest.StorageVersionProvider.
func (s *storable) StorageVersion() runtime.GroupVersioner { return s.stored.StorageVersion() }

// Create stores an object, unless its name is that of a member's.
func (s *storable) Create(ctx context.Context, obj runtime.Object, validate rest.ValidateObjectFunc, options *metav1.CreateOptions) (runtime.Object, error) {
	if name, cluster, ok := s.elsewhere(nameOf(obj)); ok && !housekeeping(ctx) {
		return nil, apierrors.NewForbidden(s.groupResource(), nameOf(obj), fmt.Errorf(
			"names that end in .%[1]s are those of objects in cluster %[1]s; create %[2]s on the hub and let a policy bring it there, or create it in the cluster itself", cluster, name))
	}
	return s.stored.Create(ctx, obj, validate, options)
}

// List implements rest.Lister.
func (o *objects) List(ctx context.Context, options *internalversion.ListOptions) (runtime.Object, error) {
	if housekeeping(ctx) {
		return o.listStored(ctx, options)
	}
	namespace := genericapirequest.NamespaceValue(ctx)
	list := o.union.List
	if o.encodable(ctx) {
		list = o.listEncoded
	}
	answer, lags, err := list(ctx, namespace, o.selection(ctx, namespace, options), options)
	if err != nil {
		return nil, err
	}
	for _, l := range lags {
		warning.AddWarning(ctx, "", o.lagging(l))
	}
	return answer, nil
}

// Watch implements rest.Watcher.
func (o *objects) Watch(ctx context.Context, options *internalversion.ListOptions) (watch.Interface, error) {
	if housekeeping(ctx) {
		return o.watchStored(ctx, options)
	}
	namespace := genericapirequest.NamespaceValue(ctx)
	return o.union.Watch(ctx, namespace, o.selection(ctx, namespace, options), options)
}

func (o *objects) listStored(ctx context.Context, options *internalversion.ListOptions) (runtime.Object, error) {
	if o.stored != nil {
		return o.stored.List(ctx, options)
	}
	list, _, err := o.union.List(ctx, genericapirequest.NamespaceValue(ctx), union.Selection{Clusters: []string{union.Hub}}, options)
	return list, err
}

func (o *objects) watchStored(ctx context.Context, options *internalversion.ListOptions) (watch.Interface, error) {
	if o.stored != nil {
		return o.stored.Watch(ctx, options)
	}
	return o.union.Watch(ctx, genericapirequest.NamespaceValue(ctx), union.Selection{Clusters: []string{union.Hub}}, options)
}

// lagging says in a warning what a list lacks.
func (r *resource) lagging(l union.Lag) string {
	if l.Missing || l.Since.IsZero() {
		return fmt.Sprintf("%s does not answer; its %s are missing from this list", l.Cluster, r.kind.resource)
	}
	return fmt.Sprintf("%s does not answer; its %s are as of %s ago", l.Cluster, r.kind.resource, r.ago(l.Since))
}

func (r *resource) ago(t time.Time) time.Duration {
	return r.cfg.Clock.Since(t).Truncate(time.Second)
}

// Get returns what is stored under a name, else what the member has that the name says, else what the only member has that
// has it.
func (o *objects) Get(ctx context.Context, name string, options *metav1.GetOptions) (runtime.Object, error) {
	obj, err := o.getStored(ctx, name, options)
	if !apierrors.IsNotFound(err) || housekeeping(ctx) {
		return obj, err
	}
	namespace := genericapirequest.NamespaceValue(ctx)
	own, cluster, ok := o.elsewhere(name)
	if !ok {
		own = name
		if cluster, err = o.holder(ctx, namespace, name, reading); err != nil {
			return nil, err
		}
	}
	live, err := o.live(ctx, namespace, name, cluster, own, "")
	if apierrors.IsServiceUnavailable(err) {
		if last, ok := o.lastKnown(ctx, namespace, own, cluster); ok {
			return last, nil
		}
	}
	if err != nil {
		return nil, err
	}
	return o.show(cluster, live)
}

func (o *objects) getStored(ctx context.Context, name string, options *metav1.GetOptions) (runtime.Object, error) {
	if o.stored == nil {
		return nil, apierrors.NewNotFound(o.groupResource(), name)
	}
	if options == nil || own(options.ResourceVersion) == "" { // not the store's: it answers with the newest
		options = &metav1.GetOptions{}
	}
	return o.stored.Get(ctx, name, options)
}

// lastKnown is what the cache knows of an object whose member does not answer, and warns that it may be old.
func (o *objects) lastKnown(ctx context.Context, namespace, own, cluster string) (runtime.Object, bool) {
	obj, lag, ok := o.union.Find(namespace, nameIn(own, cluster))
	if !ok {
		return nil, false
	}
	age := ""
	if lag != nil && !lag.Since.IsZero() {
		age = fmt.Sprintf("; this is as of %s ago", o.ago(lag.Since))
	}
	warning.AddWarning(ctx, "", fmt.Sprintf("%s does not answer%s", cluster, age))
	return obj.DeepCopyObject(), true
}

// live reads an object from its member, in the external version. shown is its name for messages.
func (r *resource) live(ctx context.Context, namespace, shown, cluster, name, subresource string) (runtime.Object, error) {
	return r.send(ctx, call{cluster: cluster, namespace: namespace, name: name, subresource: subresource}, http.MethodGet, shown)
}
