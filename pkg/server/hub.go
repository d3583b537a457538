/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package server

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	rbacinformers "k8s.io/client-go/informers/rbac/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/record"
	"k8s.io/utils/clock"

	clusterv1alpha1 "github.com/manifold-k8s/manifold/apis/cluster/v1alpha1"
	workv1alpha1 "github.com/manifold-k8s/manifold/apis/work/v1alpha1"
	"github.com/manifold-k8s/manifold/pkg/admission"
	"github.com/manifold-k8s/manifold/pkg/binding"
	"github.com/manifold-k8s/manifold/pkg/controllers/cluster"
	"github.com/manifold-k8s/manifold/pkg/controllers/impersonation"
	"github.com/manifold-k8s/manifold/pkg/controllers/placement"
	"github.com/manifold-k8s/manifold/pkg/controllers/status"
	"github.com/manifold-k8s/manifold/pkg/controllers/sync"
	"github.com/manifold-k8s/manifold/pkg/controllers/work"
	"github.com/manifold-k8s/manifold/pkg/explain/subresource"
	"github.com/manifold-k8s/manifold/pkg/local"
	"github.com/manifold-k8s/manifold/pkg/match"
	"github.com/manifold-k8s/manifold/pkg/member"
	"github.com/manifold-k8s/manifold/pkg/native"
	"github.com/manifold-k8s/manifold/pkg/policy"
	"github.com/manifold-k8s/manifold/pkg/telemetry"
	"github.com/manifold-k8s/manifold/pkg/template"
	"github.com/manifold-k8s/manifold/pkg/unified"
	"github.com/manifold-k8s/manifold/pkg/unified/metrics"
	"github.com/manifold-k8s/manifold/pkg/unified/through"
	"github.com/manifold-k8s/manifold/pkg/works"
)

// hubConfig are the settings of the federation's own controllers.
type hubConfig struct {
	qps   float32 // to one member
	burst int
	// patience is how long a request of a user waits for one member.
	patience time.Duration
	claim    *admission.Claim    // gets the policies
	forecast *admission.Forecast // gets the caches
	kinds    *native.Kinds
	rbac     rbacinformers.Interface
	// authorizer is the hub's.
	authorizer authorizer.Authorizer

	telemetry *telemetry.Recorder
	owned     *unified.Unified // gets the connections to the members
	into      *through.Late    // likewise
	explained *subresource.Subresource
	// idle is how long caches of members' objects are kept that nobody asks.
	idle time.Duration
	// skipped are namespaces that stay on the hub with all that is in them, besides those that always do.
	skipped match.Namespaces
}

// hub is everything that makes the API server a federation: the caches and the loops over them.
type hub struct {
	events  record.EventBroadcaster
	sink    record.EventSink
	caches  []func(context.Context) error
	filled  []cache.InformerSynced
	connect []func(context.Context) error
	run     []func(context.Context) error
}

// newHub builds the controllers and starts none of them.
func newHub(loopback *rest.Config, resources *local.Resources, ours *ourGroups, cfg hubConfig) (*hub, error) {
	p, err := newParts(loopback, resources, ours, cfg)
	if err != nil {
		return nil, err
	}
	h := &hub{events: record.NewBroadcaster(), sink: cfg.telemetry.Events(&corev1client.EventSinkImpl{Interface: p.client.CoreV1().Events("")})}
	h.caches = []func(context.Context) error{
		func(ctx context.Context) error { p.clusters.RunWithContext(ctx); return nil },
		p.policies.Run, p.bindings.Run, p.templates.Run, p.connections.Run,
	}
	h.filled = []cache.InformerSynced{p.clusters.HasSynced, p.policies.HasSynced, p.bindings.HasSynced, p.templates.Settled}
	s, err := eventScheme()
	if err != nil {
		return nil, err
	}
	if err := h.compute(p, loopback, resources, ours, cfg); err != nil {
		return nil, err
	}
	return h, h.control(p, ours, cfg, h.events.NewRecorder(s, corev1.EventSource{Component: "manifold"}))
}

// eventScheme knows the kinds that events may be about.
func eventScheme() (*runtime.Scheme, error) {
	s := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{scheme.AddToScheme, addOurTypes} {
		if err := add(s); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// parts are what the controllers, and the answers to users' requests, rest on.
type parts struct {
	client      kubernetes.Interface
	clusters    cache.SharedIndexInformer
	policies    *policy.Store
	bindings    *binding.Store
	templates   *template.Store
	fleet       *member.Fleet       // the leader's
	connections *member.Connections // every replica's
	wall        clock.RealClock
	objects     dynamic.Interface
	mapper      meta.ResettableRESTMapper
}

func newParts(loopback *rest.Config, resources *local.Resources, ours *ourGroups, cfg hubConfig) (p parts, err error) {
	config := rest.CopyConfig(loopback)
	config.ContentType = runtime.ContentTypeJSON
	client, err := kubernetes.NewForConfig(loopback)
	if err != nil {
		return p, err
	}
	p.objects, err = dynamic.NewForConfig(config)
	if err != nil {
		return p, err
	}
	p.client = client
	p.clusters = cache.NewSharedIndexInformer(ours.cluster.Clusters.ListWatch(), &clusterv1alpha1.Cluster{}, 0, cache.Indexers{})
	p.policies = policy.NewStore(policy.ListWatches{
		Propagation:        ours.policy.PropagationPolicies.ListWatch(),
		ClusterPropagation: ours.policy.ClusterPropagationPolicies.ListWatch(),
		Override:           ours.policy.OverridePolicies.ListWatch(),
		ClusterOverride:    ours.policy.ClusterOverridePolicies.ListWatch(),
	}, p.wall)
	cfg.claim.Use(p.policies, cfg.skipped)
	ours.policy.Use(surroundings(cfg, p.clusters))
	p.bindings = binding.NewStore(ours.work.ResourceBindings.ListWatch(), ours.work.ClusterResourceBindings.ListWatch(),
		ours.work.ResourceBindings.Writer(), ours.work.ClusterResourceBindings.Writer())
	p.mapper = restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(client.Discovery()))
	p.templates = template.NewStore(p.objects, resources, p.mapper)
	p.fleet = member.NewFleet()
	p.connections, err = member.NewConnections(member.ConnectionsConfig{
		Clusters: p.clusters, Secrets: client.CoreV1(), Clock: p.wall, Telemetry: cfg.telemetry,
	})
	return p, err
}

// compute builds what answers requests from the caches, on every replica.
func (h *hub) compute(p parts, loopback *rest.Config, resources *local.Resources, ours *ourGroups, cfg hubConfig) error {
	cfg.forecast.Use(admission.ForecastConfig{
		Policies: p.policies, Bindings: p.bindings, Templates: p.templates, Clusters: p.clusters, Objects: p.objects, Mapper: p.mapper,
		Authorizer: cfg.authorizer, Skipped: cfg.skipped, Clock: p.wall,
	})
	computed, err := works.NewSource(works.Config{
		Bindings: p.bindings, Templates: p.templates, Policies: p.policies, Clusters: p.clusters, Stored: ours.works.ListWatch(), Clock: p.wall,
	})
	if err != nil {
		return err
	}
	ours.works.Use(computed)
	ours.metrics.Use(metrics.Config{Members: p.connections, Patience: cfg.patience})
	h.caches = append(h.caches, computed.Run, serveOwned(cfg, p, resources))
	passing := through.NewClusters(p.connections, loopback)
	ours.cluster.Proxy.Use(passing)
	find, err := serveSearch(ours, p, passing, cfg)
	if err != nil {
		return err
	}
	h.caches = append(h.caches, find...)
	cfg.explained.Use(subresource.Config{
		Hub: p.objects, Policies: p.policies, Bindings: p.bindings, Clusters: p.clusters, Authorizer: cfg.authorizer, Skipped: cfg.skipped, Clock: p.wall,
	})
	ours.hub.Federations.Use(statusOf(p.clusters))
	return ours.hub.Proxy.Use(loopback)
}

// control builds the controllers, which run in the replica that leads.
func (h *hub) control(p parts, ours *ourGroups, cfg hubConfig, events record.EventRecorder) error {
	place, err := placement.New(placement.Config{
		Bindings: p.bindings, Templates: p.templates, Policies: p.policies, Clusters: p.clusters, Events: events, Clock: p.wall,
		Telemetry: cfg.telemetry,
		Skipped:   cfg.skipped,
	})
	if err != nil {
		return err
	}
	push, err := sync.New(sync.Config{
		Bindings: p.bindings, Templates: p.templates, Policies: p.policies, Clusters: p.clusters, Fleet: p.fleet, Events: events, Clock: p.wall,
		Telemetry: cfg.telemetry,
	})
	if err != nil {
		return err
	}
	members, err := cluster.New(cluster.Config{
		Clusters: p.clusters, Writer: ours.cluster.Clusters.Writer(), Secrets: p.client.CoreV1(), Namespaces: p.client.CoreV1(),
		Fleet: p.fleet, Bindings: p.bindings, Events: events, Clock: p.wall, Telemetry: cfg.telemetry, QPS: cfg.qps, Burst: cfg.burst,
	})
	if err != nil {
		return err
	}
	report, err := status.New(status.Config{
		Bindings: p.bindings, Templates: p.templates, Clusters: p.clusters, Fleet: p.fleet, Outcomes: push, Clock: p.wall,
		Telemetry: cfg.telemetry,
	})
	if err != nil {
		return err
	}
	push.OnChange(report.Enqueue)
	err = showMetrics(cfg.telemetry, telemetry.Sizes{
		Queues:    map[string]func() int{"placement": place.Waiting, "status": report.Waiting, "cluster": members.Waiting},
		SyncQueue: push.Waiting, Copies: copiesIn(p.fleet), Bindings: p.bindings.Len,
	})
	if err != nil {
		return err
	}
	made := cache.NewSharedIndexInformer(ours.works.ListWatch(), &workv1alpha1.Work{}, 0, work.Indexers())
	execute, err := work.New(work.Config{
		Works: made, Writer: ours.works.Writer(), Clusters: p.clusters, Fleet: p.fleet, Events: events, Clock: p.wall,
	})
	if err != nil {
		return err
	}
	impersonate, err := impersonation.New(impersonation.Config{
		Clusters: p.clusters, Roles: cfg.rbac.ClusterRoles(), Bindings: cfg.rbac.ClusterRoleBindings(), Fleet: p.fleet, Events: events,
	})
	if err != nil {
		return err
	}
	h.connect = []func(context.Context) error{p.fleet.Run, members.Run}
	h.run = []func(context.Context) error{
		place.Run, push.Run, report.Run, execute.Run, impersonate.Run,
		func(ctx context.Context) error { made.RunWithContext(ctx); return nil },
	}
	return nil
}

// Cache keeps the caches up to date until ctx ends. Every replica does, whether it leads or not: reads are answered from
// them.
func (h *hub) Cache(ctx context.Context) error { return all(ctx, h.caches) }

// Filled returns when the caches hold what is stored, or ctx ends. A change made before that would wait for it.
func (h *hub) Filled(ctx context.Context) { cache.WaitForCacheSync(ctx.Done(), h.filled...) }

// Lead connects to the members, and runs the controllers when ready has returned without an error, until ctx ends; it
// returns when all of them have stopped. They need the caches.
func (h *hub) Lead(ctx context.Context, ready func(context.Context) error) error {
	h.events.StartRecordingToSink(h.sink)
	defer h.events.Shutdown()
	return all(ctx, append(h.connect, func(ctx context.Context) error {
		if err := ready(ctx); err != nil {
			return ignoreCancel(ctx, err)
		}
		return all(ctx, h.run)
	}))
}

// all runs functions at once. The first to fail stops the others.
func all(ctx context.Context, run []func(context.Context) error) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, f := range run {
		g.Go(func() error { return f(ctx) })
	}
	return g.Wait()
}
