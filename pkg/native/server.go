/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package native

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"time"

	"go.opentelemetry.io/otel/trace"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apiextensions "k8s.io/apiextensions-apiserver/pkg/apiserver"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/apis/apiserver"
	"k8s.io/apiserver/pkg/authentication/request/anonymous"
	"k8s.io/apiserver/pkg/authentication/request/union"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	genericfilters "k8s.io/apiserver/pkg/endpoints/filters"
	"k8s.io/apiserver/pkg/endpoints/request"
	genericapiserver "k8s.io/apiserver/pkg/server"
	serverstorage "k8s.io/apiserver/pkg/server/storage"
	"k8s.io/apiserver/pkg/util/notfoundhandler"
	"k8s.io/apiserver/pkg/util/webhook"
	"k8s.io/client-go/informers"
	rbacinformers "k8s.io/client-go/informers/rbac/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	aggregator "k8s.io/kube-aggregator/pkg/apiserver"
	aggregatorscheme "k8s.io/kube-aggregator/pkg/apiserver/scheme"
	openapi "k8s.io/kube-openapi/pkg/common"
	"k8s.io/kube-openapi/pkg/validation/spec"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	"k8s.io/kubernetes/pkg/controlplane"
	controlplaneserver "k8s.io/kubernetes/pkg/controlplane/apiserver"
	generatedopenapi "k8s.io/kubernetes/pkg/generated/openapi"
	apps "k8s.io/kubernetes/pkg/registry/apps/rest"
	autoscaling "k8s.io/kubernetes/pkg/registry/autoscaling/rest"
	batch "k8s.io/kubernetes/pkg/registry/batch/rest"
	discovery "k8s.io/kubernetes/pkg/registry/discovery/rest"
	networking "k8s.io/kubernetes/pkg/registry/networking/rest"
	node "k8s.io/kubernetes/pkg/registry/node/rest"
	policy "k8s.io/kubernetes/pkg/registry/policy/rest"
	rbac "k8s.io/kubernetes/pkg/registry/rbac/rest"
	resource "k8s.io/kubernetes/pkg/registry/resource/rest"
	scheduling "k8s.io/kubernetes/pkg/registry/scheduling/rest"
	storage "k8s.io/kubernetes/pkg/registry/storage/rest"

	_ "k8s.io/component-base/metrics/prometheus/workqueue" // registers the workqueue metrics

	"github.com/manifold-k8s/manifold/pkg/local"
)

// Config is what a Server is built from.
type Config struct {
	Options CompletedOptions
	// Groups are served beside the native ones.
	Groups []Group
	// OpenAPI are the definitions of the groups' types.
	OpenAPI openapi.GetOpenAPIDefinitions
	// Front lets further users in; nil lets in nobody but the server's own.
	Front Front
	// Wrap, if not nil, is called for each group-version.
	Wrap Wrap
	// Handle, if not nil, wraps what answers requests that have been authorized.
	Handle func(http.Handler) http.Handler
	// Resolve, if not nil, wraps what reads from a URL what a request is about.
	Resolve func(request.RequestInfoResolver) request.RequestInfoResolver
	// Uncollected are native resources that garbage collection and quotas pass over, as Group.Uncollected.
	Uncollected []schema.GroupResource
}

// Server is the chain of API servers: aggregator, native kinds and our groups, custom resources.
type Server struct {
	aggregator *aggregator.APIAggregator
	informers  informers.SharedInformerFactory
	// Loopback is the connection of the server's own controllers: all rights, no TLS verification beyond its own
	// certificate, no client-side rate limit.
	Loopback *rest.Config
	// Authorizer decides over requests.
	Authorizer authorizer.Authorizer
	// Local are the resources that are served from the server's own storage, without HTTP.
	Local *local.Resources
	// Kinds knows what the server serves at this moment.
	Kinds *Kinds
	// Spans makes the spans of API requests, and of what belongs to them. It makes none unless tracing is configured.
	Spans trace.TracerProvider

	uncollected map[schema.GroupResource]struct{}
}

// healthPaths are what a caller without credentials may ask.
var healthPaths = []apiserver.AnonymousAuthCondition{{Path: "/livez"}, {Path: "/readyz"}, {Path: "/healthz"}}

// New builds the server and starts nothing that serves requests.
func New(cfg Config) (*Server, error) {
	registerAll(cfg.Groups)
	generic, shared, factory, err := controlplaneserver.BuildGenericConfig(cfg.Options,
		[]*runtime.Scheme{legacyscheme.Scheme, apiextensions.Scheme, aggregatorscheme.Scheme},
		resources(cfg.Groups), definitions(cfg.OpenAPI))
	if err != nil {
		return nil, err
	}
	hideInternalVersion(generic)
	for _, g := range cfg.Groups {
		g.storeAsJSON(factory)
	}
	handle(cfg.Handle, generic)
	if cfg.Resolve != nil {
		generic.RequestInfoResolver = cfg.Resolve(genericapiserver.NewRequestInfoResolver(generic))
	}
	if err := admit(cfg.Front, generic); err != nil {
		return nil, fmt.Errorf("open to the users of another server: %w", err)
	}
	if !cfg.Options.Authentication.Anonymous.Allow {
		generic.Authentication.Authenticator = union.NewFailOnError(generic.Authentication.Authenticator, anonymous.NewAuthenticator(healthPaths))
	}
	// The server's own controllers are not throttled by the client library; the server protects itself.
	generic.LoopbackClientConfig.QPS, generic.LoopbackClientConfig.Burst = -1, 0
	return chain(cfg, generic, shared, factory)
}

// chain builds the delegation chain from back to front: custom resources, native kinds, aggregator.
func chain(cfg Config, generic *genericapiserver.Config, shared informers.SharedInformerFactory, factory *serverstorage.DefaultStorageFactory) (*Server, error) {
	resolver := webhook.NewDefaultServiceResolver()
	native, initializers, err := controlplaneserver.CreateConfig(cfg.Options, generic, shared, factory, resolver, nil)
	if err != nil {
		return nil, err
	}
	auth := webhook.NewDefaultAuthenticationInfoResolverWrapper(native.ProxyTransport, generic.EgressSelector, generic.LoopbackClientConfig, generic.TracerProvider)
	extensions, err := controlplaneserver.CreateAPIExtensionsConfig(*generic, shared, initializers, cfg.Options, 1, resolver, auth)
	if err != nil {
		return nil, fmt.Errorf("configure custom resources: %w", err)
	}
	front, err := controlplaneserver.CreateAggregatorConfig(*generic, cfg.Options, shared, resolver, native.ProxyTransport, native.PeerProxy, initializers)
	if err != nil {
		return nil, fmt.Errorf("configure aggregator: %w", err)
	}

	notFound := notfoundhandler.New(generic.Serializer, genericfilters.NoMuxAndDiscoveryIncompleteKey)
	crds, err := extensions.Complete().New(genericapiserver.NewEmptyDelegateWithCustomHandler(notFound))
	if err != nil {
		return nil, fmt.Errorf("build custom resource server: %w", err)
	}
	completed := native.Complete()
	core, err := completed.New("manifold", crds.GenericAPIServer)
	if err != nil {
		return nil, fmt.Errorf("build native server: %w", err)
	}
	providers, err := storageProviders(completed, generic, cfg.Groups)
	if err != nil {
		return nil, err
	}
	resources := local.New(legacyscheme.Scheme)
	for i, p := range providers {
		providers[i] = record(p, resources, cfg.Wrap)
	}
	if err := core.InstallAPIs(providers...); err != nil {
		return nil, fmt.Errorf("install APIs: %w", err)
	}
	crdsServed := extensions.GenericConfig.MergedResourceConfig.ResourceEnabled(apiextensionsv1.SchemeGroupVersion.WithResource("customresourcedefinitions"))
	agg, err := controlplaneserver.CreateAggregatorServer(front.Complete(), core.GenericAPIServer,
		crds.Informers.Apiextensions().V1().CustomResourceDefinitions(), crdsServed, priorities(cfg.Groups))
	if err != nil {
		return nil, fmt.Errorf("build aggregator: %w", err)
	}
	passedOver := uncollected(cfg.Groups)
	for _, r := range cfg.Uncollected {
		passedOver[r] = struct{}{}
	}
	return &Server{
		aggregator: agg, informers: shared, Authorizer: generic.Authorization.Authorizer, Loopback: generic.LoopbackClientConfig, Local: resources, Spans: generic.TracerProvider,
		Kinds:       newKinds(resources, crds.Informers.Apiextensions().V1().CustomResourceDefinitions(), agg.APIRegistrationInformers.Apiregistration().V1().APIServices()),
		uncollected: passedOver,
	}, nil
}

// storageProviders lists all groups; the order is that of discovery.
func storageProviders(c controlplaneserver.CompletedConfig, generic *genericapiserver.Config, groups []Group) ([]controlplaneserver.RESTStorageProvider, error) {
	client, err := kubernetes.NewForConfig(generic.LoopbackClientConfig)
	if err != nil {
		return nil, err
	}
	providers, err := c.GenericStorageProviders(client.Discovery())
	if err != nil {
		return nil, err
	}
	providers[0] = coreGroup{GenericConfig: c.NewCoreGenericConfig(), pdbs: client.PolicyV1()}
	authz := generic.Authorization.Authorizer
	providers = append(providers,
		apps.StorageProvider{},
		autoscaling.RESTStorageProvider{},
		batch.RESTStorageProvider{},
		discovery.StorageProvider{},
		networking.RESTStorageProvider{},
		node.RESTStorageProvider{},
		policy.RESTStorageProvider{},
		scheduling.RESTStorageProvider{},
		storage.RESTStorageProvider{},
		// Quota admission waits for the informers of this group, so it cannot be left out.
		resource.RESTStorageProvider{NamespaceClient: client.CoreV1().Namespaces(), Authorizer: authz},
	)
	for _, versions := range byName(groups) {
		providers = append(providers, provider{versions})
	}
	return providers, nil
}

var _ controlplaneserver.RESTStorageProvider = rbac.RESTStorageProvider{} // its post-start hook ships the default roles

// resources says which group-versions are on.
func resources(groups []Group) *serverstorage.ResourceConfig {
	rc := controlplane.DefaultAPIResourceConfigSource()
	for _, g := range groups {
		rc.EnableVersions(g.Version)
	}
	return rc
}

// definitions merges the groups' OpenAPI definitions into Kubernetes' own.
func definitions(ours openapi.GetOpenAPIDefinitions) openapi.GetOpenAPIDefinitions {
	return func(ref openapi.ReferenceCallback) map[string]openapi.OpenAPIDefinition {
		all := generatedopenapi.GetOpenAPIDefinitions(ref)
		if ours != nil {
			maps.Copy(all, ours(ref))
		}
		return all
	}
}

// hideInternalVersion removes the internal group-version, which our types share with the external one, from the
// published schemas.
func hideInternalVersion(c *genericapiserver.Config) {
	wrap := func(name func(string) (string, spec.Extensions)) func(string) (string, spec.Extensions) {
		return func(typeName string) (string, spec.Extensions) {
			n, ext := name(typeName)
			gvks, ok := ext["x-kubernetes-group-version-kind"].([]any)
			if !ok {
				return n, ext
			}
			public := make([]any, 0, len(gvks))
			for _, g := range gvks {
				if m, ok := g.(map[string]any); ok && m["version"] == runtime.APIVersionInternal {
					continue
				}
				public = append(public, g)
			}
			ext["x-kubernetes-group-version-kind"] = public
			return n, ext
		}
	}
	c.OpenAPIConfig.GetDefinitionName = wrap(c.OpenAPIConfig.GetDefinitionName)
	c.OpenAPIV3Config.GetDefinitionName = wrap(c.OpenAPIV3Config.GetDefinitionName)
}

// RBAC are the informers of roles and bindings, which authorization reads as well. Those that are asked for before Run start
// with the server.
func (s *Server) RBAC() rbacinformers.Interface { return s.informers.Rbac().V1() }

// AddHook runs start once the server serves. Readiness waits for start to return; its context ends when the server
// begins to stop.
func (s *Server) AddHook(name string, start func(ctx context.Context) error) error {
	return s.aggregator.GenericAPIServer.AddPostStartHook(name, func(h genericapiserver.PostStartHookContext) error {
		return start(h.Context)
	})
}

// Run serves until ctx ends, then stops taking requests, lets those in flight finish, and returns.
func (s *Server) Run(ctx context.Context) error {
	prepared, err := s.aggregator.PrepareRun()
	if err != nil {
		return fmt.Errorf("prepare API server: %w", err)
	}
	return prepared.Run(ctx)
}

// WaitReady returns when /readyz has answered ok, or ctx ends.
func (s *Server) WaitReady(ctx context.Context) error {
	client, err := kubernetes.NewForConfig(s.Loopback)
	if err != nil {
		return err
	}
	const probe = 25 * time.Millisecond // start-up only
	for {
		_, err := client.Discovery().RESTClient().Get().AbsPath("/readyz").DoRaw(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("server did not become ready: %w", err)
		case <-time.After(probe):
		}
	}
}
