/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package native

import (
	"context"
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/registry/generic"
	genericregistry "k8s.io/apiserver/pkg/registry/generic/registry"
	"k8s.io/apiserver/pkg/registry/rest"
	genericapiserver "k8s.io/apiserver/pkg/server"
	serverstorage "k8s.io/apiserver/pkg/server/storage"
	policyclient "k8s.io/client-go/kubernetes/typed/policy/v1"
	api "k8s.io/kubernetes/pkg/apis/core"
	"k8s.io/kubernetes/pkg/printers"
	printersinternal "k8s.io/kubernetes/pkg/printers/internalversion"
	printerstorage "k8s.io/kubernetes/pkg/printers/storage"
	endpoints "k8s.io/kubernetes/pkg/registry/core/endpoint/storage"
	limitranges "k8s.io/kubernetes/pkg/registry/core/limitrange/storage"
	volumes "k8s.io/kubernetes/pkg/registry/core/persistentvolume/storage"
	claims "k8s.io/kubernetes/pkg/registry/core/persistentvolumeclaim/storage"
	pods "k8s.io/kubernetes/pkg/registry/core/pod/storage"
	podtemplates "k8s.io/kubernetes/pkg/registry/core/podtemplate/storage"
	rcs "k8s.io/kubernetes/pkg/registry/core/replicationcontroller/storage"
	corerest "k8s.io/kubernetes/pkg/registry/core/rest"
	"k8s.io/kubernetes/pkg/registry/core/service"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
)

// coreGroup serves the core group as templates: Kubernetes' generic part of it, and the workload kinds without what a
// kubelet or a service network would be needed for.
type coreGroup struct {
	*corerest.GenericConfig
	pdbs policyclient.PodDisruptionBudgetsGetter
}

// NewRESTStorage implements the storage provider interface of the control plane.
func (g coreGroup) NewRESTStorage(enabled serverstorage.APIResourceConfigSource, getter generic.RESTOptionsGetter) (genericapiserver.APIGroupInfo, error) {
	info, err := g.GenericConfig.NewRESTStorage(enabled, getter)
	if err != nil {
		return info, err
	}
	storage := info.VersionedResourcesStorageMap["v1"]
	for _, add := range []func(map[string]rest.Storage, generic.RESTOptionsGetter) error{
		g.addPods, addServices, addVolumes, addSmallKinds,
	} {
		if err := add(storage, getter); err != nil {
			return info, fmt.Errorf("core group: %w", err)
		}
	}
	return info, nil
}

func (g coreGroup) addPods(storage map[string]rest.Storage, getter generic.RESTOptionsGetter) error {
	// No connection to kubelets, and no subresource that would need one.
	s, err := pods.NewStorage(getter, nil, nil, g.pdbs, nil)
	if err != nil {
		return err
	}
	storage["pods"] = s.Pod
	storage["pods/status"] = s.Status
	storage["pods/ephemeralcontainers"] = s.EphemeralContainers
	storage["pods/resize"] = s.Resize
	return nil
}

func addVolumes(storage map[string]rest.Storage, getter generic.RESTOptionsGetter) error {
	pv, pvStatus, err := volumes.NewREST(getter)
	if err != nil {
		return err
	}
	pvc, pvcStatus, err := claims.NewREST(getter)
	if err != nil {
		return err
	}
	storage["persistentvolumes"], storage["persistentvolumes/status"] = pv, pvStatus
	storage["persistentvolumeclaims"], storage["persistentvolumeclaims/status"] = pvc, pvcStatus
	return nil
}

func addSmallKinds(storage map[string]rest.Storage, getter generic.RESTOptionsGetter) error {
	eps, err := endpoints.NewREST(getter)
	if err != nil {
		return err
	}
	tmpls, err := podtemplates.NewREST(getter)
	if err != nil {
		return err
	}
	ranges, err := limitranges.NewREST(getter)
	if err != nil {
		return err
	}
	rc, err := rcs.NewStorage(getter)
	if err != nil {
		return err
	}
	storage["endpoints"] = eps
	storage["podtemplates"] = tmpls
	storage["limitranges"] = ranges
	storage["replicationcontrollers"] = rc.Controller
	storage["replicationcontrollers/status"] = rc.Status
	storage["replicationcontrollers/scale"] = rc.Scale
	return nil
}

// services is the Service registry without allocators: addresses and node ports belong to the members.
type services struct{ *genericregistry.Store }

// ShortNames implements rest.ShortNamesProvider.
func (services) ShortNames() []string { return []string{"svc"} }

// Categories implements rest.CategoriesProvider.
func (services) Categories() []string { return []string{"all"} }

// serviceStatus serves services/status.
type serviceStatus struct{ store *genericregistry.Store }

func (s serviceStatus) New() runtime.Object { return &api.Service{} }
func (serviceStatus) Destroy()              {} // the store is destroyed by the main resource

func (s serviceStatus) Get(ctx context.Context, name string, o *metav1.GetOptions) (runtime.Object, error) {
	return s.store.Get(ctx, name, o)
}

func (s serviceStatus) Update(ctx context.Context, name string, obj rest.UpdatedObjectInfo, create rest.ValidateObjectFunc,
	update rest.ValidateObjectUpdateFunc, _ bool, o *metav1.UpdateOptions) (runtime.Object, bool, error) {
	return s.store.Update(ctx, name, obj, create, update, false, o)
}

func (s serviceStatus) GetResetFields() map[fieldpath.APIVersion]*fieldpath.Set {
	return s.store.GetResetFields()
}

func (s serviceStatus) ConvertToTable(ctx context.Context, o, t runtime.Object) (*metav1.Table, error) {
	return s.store.ConvertToTable(ctx, o, t)
}

func addServices(storage map[string]rest.Storage, getter generic.RESTOptionsGetter) error {
	store := &genericregistry.Store{
		NewFunc:                   func() runtime.Object { return &api.Service{} },
		NewListFunc:               func() runtime.Object { return &api.ServiceList{} },
		PredicateFunc:             service.Matcher,
		DefaultQualifiedResource:  api.Resource("services"),
		SingularQualifiedResource: api.Resource("service"),
		ReturnDeletedObject:       true,
		CreateStrategy:            serviceStrategy{service.Strategy},
		UpdateStrategy:            serviceStrategy{service.Strategy},
		DeleteStrategy:            service.Strategy,
		ResetFieldsStrategy:       service.Strategy,
		BeginCreate: func(_ context.Context, obj runtime.Object, _ *metav1.CreateOptions) (genericregistry.FinishFunc, error) {
			mirrorHeadless(obj.(*api.Service))
			return func(context.Context, bool) {}, nil
		},
		BeginUpdate: func(_ context.Context, obj, _ runtime.Object, _ *metav1.UpdateOptions) (genericregistry.FinishFunc, error) {
			mirrorHeadless(obj.(*api.Service))
			return func(context.Context, bool) {}, nil
		},
		TableConvertor: printerstorage.TableConvertor{TableGenerator: printers.NewTableGenerator().With(printersinternal.AddHandlers)},
	}
	if err := store.CompleteWithOptions(&generic.StoreOptions{RESTOptions: getter, AttrFunc: service.GetAttrs}); err != nil {
		return err
	}
	status := *store
	status.UpdateStrategy = service.StatusStrategy
	status.ResetFieldsStrategy = service.StatusStrategy
	storage["services"] = services{store}
	storage["services/status"] = serviceStatus{&status}
	return nil
}

// serviceStrategy is Kubernetes' own, without asking for the port of health checks that the allocator, absent here, gives
// to load balancers of the external traffic policy Local. Each member allocates its own.
type serviceStrategy struct{ rest.RESTCreateUpdateStrategy }

func (s serviceStrategy) Validate(ctx context.Context, obj runtime.Object) field.ErrorList {
	return unallocated(s.RESTCreateUpdateStrategy.Validate(ctx, obj))
}

func (s serviceStrategy) ValidateUpdate(ctx context.Context, obj, old runtime.Object) field.ErrorList {
	return unallocated(s.RESTCreateUpdateStrategy.ValidateUpdate(ctx, obj, old))
}

func unallocated(errs field.ErrorList) field.ErrorList {
	return slices.DeleteFunc(errs, func(e *field.Error) bool {
		return e.Type == field.ErrorTypeRequired && e.Field == "spec.healthCheckNodePort"
	})
}

// mirrorHeadless keeps clusterIPs in step with a clusterIP of None, which validation demands and the allocator, absent
// here, would do.
func mirrorHeadless(s *api.Service) {
	if s.Spec.ClusterIP == api.ClusterIPNone && len(s.Spec.ClusterIPs) == 0 {
		s.Spec.ClusterIPs = []string{api.ClusterIPNone}
	}
}
