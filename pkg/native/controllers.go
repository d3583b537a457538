/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package native

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apiserver/pkg/quota/v1/generic"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/metadata/metadatainformer"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"
	pkgcontroller "k8s.io/kubernetes/pkg/controller"
	"k8s.io/kubernetes/pkg/controller/clusterroleaggregation"
	"k8s.io/kubernetes/pkg/controller/garbagecollector"
	"k8s.io/kubernetes/pkg/controller/namespace"
	"k8s.io/kubernetes/pkg/controller/resourcequota"
	"k8s.io/kubernetes/pkg/controller/serviceaccount"
	quotainstall "k8s.io/kubernetes/pkg/quota/v1/install"

	"github.com/manifold-k8s/manifold/pkg/local"
)

// rediscovery is how often the garbage collector, the quota controller and the namespace controller look for new kinds.
const rediscovery = 30 * time.Second

// RunControllers runs the housekeeping of a Kubernetes API until ctx ends: namespace deletion, garbage collection,
// default service accounts, aggregated cluster roles and quota status. It returns after all of them have stopped.
// Workload controllers are not among them: what the hub stores are templates.
func (s *Server) RunControllers(ctx context.Context) error {
	h, err := newHousekeeping(s.Loopback, s.informers, s.Local, s.uncollected)
	if err != nil {
		return fmt.Errorf("build housekeeping controllers: %w", err)
	}
	loops, err := h.loops(ctx)
	if err != nil {
		return err
	}
	// Informers that the controllers asked for just now are started here; the others run since the server started.
	h.Start(ctx.Done())
	close(h.started)

	var wg sync.WaitGroup
	for _, run := range loops {
		wg.Go(func() { run(ctx) })
	}
	wg.Wait()
	return nil
}

// housekeeping is what the controllers share.
type housekeeping struct {
	config   *rest.Config
	client   *kubernetes.Clientset
	typed    informers.SharedInformerFactory
	metadata metadatainformer.SharedInformerFactory // of custom resources
	started  chan struct{}                          // closed when the informers run
	local    *local.Resources
	// uncollected are kinds that neither the garbage collector nor quotas watch.
	uncollected map[schema.GroupResource]struct{}

	mu      sync.Mutex
	stored  map[schema.GroupVersionResource]cache.SharedIndexInformer
	running map[schema.GroupVersionResource]bool
}

func newHousekeeping(config *rest.Config, typed informers.SharedInformerFactory, resources *local.Resources, uncollected map[schema.GroupResource]struct{}) (*housekeeping, error) {
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	meta, err := metadata.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	return &housekeeping{
		config: config, client: client, typed: typed, started: make(chan struct{}), local: resources, uncollected: uncollected,
		stored: map[schema.GroupVersionResource]cache.SharedIndexInformer{}, running: map[schema.GroupVersionResource]bool{},
		metadata: metadatainformer.NewSharedInformerFactoryWithOptions(meta, 0, metadatainformer.WithTransform(withoutManagedFields)),
	}, nil
}

// withoutManagedFields drops what no controller here reads and what is often the largest part of the metadata.
func withoutManagedFields(obj any) (any, error) {
	if m, ok := obj.(metav1.Object); ok {
		m.SetManagedFields(nil)
	}
	return obj, nil
}

// needWhole are the kinds of which quota evaluation reads more than the metadata.
var needWhole = sets.New(
	corev1.SchemeGroupVersion.WithResource("pods"),
	corev1.SchemeGroupVersion.WithResource("services"),
	corev1.SchemeGroupVersion.WithResource("persistentvolumeclaims"),
	resourcev1.SchemeGroupVersion.WithResource("resourceclaims"),
)

// ForResource implements informerfactory.InformerFactory: metadata only, wherever that is enough, since the collectors
// look at every kind there is.
func (h *housekeeping) ForResource(gvr schema.GroupVersionResource) (informers.GenericInformer, error) {
	if needWhole.Has(gvr) {
		return h.typed.ForResource(gvr)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	i := h.stored[gvr]
	if i == nil {
		lw, ok := h.local.Metadata(gvr)
		if !ok {
			return h.metadata.ForResource(gvr), nil
		}
		i = cache.NewSharedIndexInformer(lw, &metav1.PartialObjectMetadata{}, 0, cache.Indexers{cache.NamespaceIndex: cache.MetaNamespaceIndexFunc})
		h.stored[gvr] = i
	}
	return storedInformer{i, gvr.GroupResource()}, nil
}

// storedInformer is over metadata that come straight from storage.
type storedInformer struct {
	informer cache.SharedIndexInformer
	resource schema.GroupResource
}

// Informer implements informers.GenericInformer.
func (i storedInformer) Informer() cache.SharedIndexInformer { return i.informer }

// Lister implements informers.GenericInformer.
func (i storedInformer) Lister() cache.GenericLister {
	return cache.NewGenericLister(i.informer.GetIndexer(), i.resource)
}

// Start implements informerfactory.InformerFactory.
func (h *housekeeping) Start(stop <-chan struct{}) {
	h.typed.Start(stop)
	h.metadata.Start(stop)
	h.mu.Lock()
	defer h.mu.Unlock()
	for resource, i := range h.stored {
		if !h.running[resource] {
			h.running[resource] = true
			go i.Run(stop)
		}
	}
}

// loops builds the controllers and returns their run functions, each of which returns when its context has ended.
func (h *housekeeping) loops(ctx context.Context) ([]func(context.Context), error) {
	meta, err := metadata.NewForConfig(h.config)
	if err != nil {
		return nil, err
	}
	namespaces := namespace.NewNamespaceController(ctx, h.client, meta, h.client.Discovery().ServerPreferredNamespacedResources,
		h.typed.Core().V1().Namespaces(), 5*time.Minute, corev1.FinalizerKubernetes)
	accounts, err := serviceaccount.NewServiceAccountsController(klog.FromContext(ctx), h.typed.Core().V1().ServiceAccounts(),
		h.typed.Core().V1().Namespaces(), h.client, serviceaccount.DefaultServiceAccountsControllerOptions())
	if err != nil {
		return nil, fmt.Errorf("service account controller: %w", err)
	}
	roles := clusterroleaggregation.NewClusterRoleAggregation(h.typed.Rbac().V1().ClusterRoles(), h.client.RbacV1())
	collector, err := h.garbageCollector(ctx, meta)
	if err != nil {
		return nil, err
	}
	quota, err := h.quota(ctx)
	if err != nil {
		return nil, err
	}
	return append([]func(context.Context){
		func(ctx context.Context) { namespaces.Run(ctx, 5) },
		func(ctx context.Context) { accounts.Run(ctx, 1) },
		func(ctx context.Context) { roles.Run(ctx, 2) },
	}, append(collector, quota...)...), nil
}

func (h *housekeeping) garbageCollector(ctx context.Context, meta metadata.Interface) ([]func(context.Context), error) {
	mapper := restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(h.client.Discovery()))
	ignored := maps.Clone(garbagecollector.DefaultIgnoredResources())
	maps.Copy(ignored, h.uncollected)
	gc, err := garbagecollector.NewGarbageCollector(ctx, h.client, meta, mapper, ignored, h, h.started)
	if err != nil {
		return nil, fmt.Errorf("garbage collector: %w", err)
	}
	return []func(context.Context){
		func(ctx context.Context) { gc.Run(ctx, 10, rediscovery) },
		func(ctx context.Context) { gc.Sync(ctx, h.client.Discovery(), rediscovery) },
	}, nil
}

func (h *housekeeping) quota(ctx context.Context) ([]func(context.Context), error) {
	discover := h.client.Discovery().ServerPreferredNamespacedResources
	config, err := quotainstall.NewQuotaConfigurationForControllers(generic.ListerFuncForResourceFunc(h.ForResource), h.typed)
	if err != nil {
		return nil, fmt.Errorf("quota evaluators: %w", err)
	}
	quota, err := resourcequota.NewController(ctx, &resourcequota.ControllerOptions{
		QuotaClient:               h.client.CoreV1(),
		ResourceQuotaInformer:     h.typed.Core().V1().ResourceQuotas(),
		ResyncPeriod:              pkgcontroller.StaticResyncPeriodFunc(5 * time.Minute),
		InformerFactory:           h,
		ReplenishmentResyncPeriod: pkgcontroller.StaticResyncPeriodFunc(12 * time.Hour),
		DiscoveryFunc:             discover,
		IgnoredResourcesFunc: func() map[schema.GroupResource]struct{} {
			ignored := maps.Clone(config.IgnoredResources())
			maps.Copy(ignored, h.uncollected)
			return ignored
		},
		InformersStarted: h.started,
		Registry:         generic.NewRegistry(config.Evaluators()),
		UpdateFilter:     quotainstall.DefaultUpdateFilter(),
	})
	if err != nil {
		return nil, fmt.Errorf("quota controller: %w", err)
	}
	return []func(context.Context){
		func(ctx context.Context) { quota.Run(ctx, 2) },
		func(ctx context.Context) { quota.Sync(ctx, discover, rediscovery) },
	}, nil
}
