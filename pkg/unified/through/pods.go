/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package through

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/apiserver/pkg/endpoints/filters"
	"k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/rest"

	"github.com/manifold-k8s/manifold/pkg/member"
)

// Members lead to the members with Manifold's own rights.
type Members interface {
	Own(ctx context.Context, cluster string) (*member.Way, error)
}

// PodsConfig is what the subresources of pods need.
type PodsConfig struct {
	Members Members
	// Resolve says which pod of which cluster a name on the hub means. write: what is sent there may change something. The
	// error is a Status.
	Resolve func(ctx context.Context, namespace, name string, write bool) (cluster, own string, err error)
	// Authorizer is asked whether who opens a WebSocket, by GET, might as well do so by POST.
	Authorizer authorizer.Authorizer
	// Scheme knows the options of the subresources, in the internal version of the core group.
	Scheme *runtime.Scheme
}

// Pods are the subresources of pods that lead to what runs there, by path as the installer of API groups wants it. Whoever
// gets as far as these has been authorized by the hub, in the namespace of the pod, for exactly that subresource.
func Pods(cfg PodsConfig) (map[string]rest.Storage, error) {
	upgrades := []string{http.MethodGet, http.MethodPost} // browsers open WebSockets by GET
	all := map[string]rest.Storage{}
	for _, s := range []podSubresource{
		{name: "log", kind: "Pod", options: "PodLogOptions", methods: []string{http.MethodGet}},
		{name: "exec", kind: "PodExecOptions", options: "PodExecOptions", methods: upgrades, creates: true},
		{name: "attach", kind: "PodAttachOptions", options: "PodAttachOptions", methods: upgrades, creates: true},
		{name: "portforward", kind: "PodPortForwardOptions", options: "PodPortForwardOptions", methods: upgrades, creates: true},
		{name: "proxy", kind: "PodProxyOptions", options: "PodProxyOptions", methods: Methods, below: true},
	} {
		s.cfg = cfg
		for _, kind := range []string{s.kind, s.options} { // so that New cannot fail
			if _, err := cfg.Scheme.New(internal(kind)); err != nil {
				return nil, fmt.Errorf("subresource %s of pods: %w", s.name, err)
			}
		}
		all["pods/"+s.name] = &s
	}
	return all, nil
}

// Methods are those of HTTP that are passed on.
var Methods = []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodHead, http.MethodOptions}

// podSubresource is one way into a pod.
type podSubresource struct {
	cfg           PodsConfig
	name          string
	kind, options string // of what discovery says, and of the query
	methods       []string
	creates       bool // needs the verb create, whatever the method
	below         bool // there are paths below it
}

var (
	_ rest.Connecter       = &podSubresource{}
	_ rest.StorageMetadata = &podSubresource{}
)

func internal(kind string) schema.GroupVersionKind {
	return schema.GroupVersionKind{Version: runtime.APIVersionInternal, Kind: kind}
}

func (s *podSubresource) make(kind string) runtime.Object {
	obj, err := s.cfg.Scheme.New(internal(kind))
	if err != nil {
		panic(err) // Pods has tried
	}
	return obj
}

// New implements rest.Storage.
func (s *podSubresource) New() runtime.Object { return s.make(s.kind) }

// Destroy implements rest.Storage.
func (s *podSubresource) Destroy() {}

// ConnectMethods implements rest.Connecter.
func (s *podSubresource) ConnectMethods() []string { return s.methods }

// NewConnectOptions implements rest.Connecter. Options are decoded so that a request with wrong ones is refused here, and
// for admission; what is sent to the member is the request's own query.
func (s *podSubresource) NewConnectOptions() (runtime.Object, bool, string) {
	if s.below {
		return s.make(s.options), true, "path"
	}
	return s.make(s.options), false, ""
}

// ProducesMIMETypes implements rest.StorageMetadata.
func (s *podSubresource) ProducesMIMETypes(string) []string {
	if s.name == "log" {
		return []string{"text/plain"}
	}
	return nil
}

// ProducesObject implements rest.StorageMetadata.
func (s *podSubresource) ProducesObject(string) any { return "" }

// Connect implements rest.Connecter.
func (s *podSubresource) Connect(ctx context.Context, name string, _ runtime.Object, responder rest.Responder) (http.Handler, error) {
	if s.creates {
		if err := s.authorizeCreate(ctx); err != nil {
			return nil, err
		}
	}
	var scheme, port string
	if s.below { // the pod may be named with scheme and port of what answers there
		var valid bool
		if scheme, name, port, valid = utilnet.SplitSchemeNamePort(name); !valid {
			return nil, apierrors.NewBadRequest("the pod must be given as its name, or as [scheme:]name:[port]")
		}
	}
	namespace := request.NamespaceValue(ctx)
	cluster, own, err := s.cfg.Resolve(ctx, namespace, name, s.name != "log")
	if err != nil {
		return nil, err
	}
	if scheme != "" || port != "" {
		own = utilnet.JoinSchemeNamePort(scheme, own, port)
	}
	way, err := s.cfg.Members.Own(ctx, cluster)
	if err != nil {
		return nil, err
	}
	path := "/api/v1/namespaces/" + namespace + "/pods/" + own + "/" + s.name
	if s.below {
		path += below(ctx)
	}
	return Pass(way, path, responder), nil
}

// below is what follows a subresource in the path of a request: nothing, or something that begins with a slash.
func below(ctx context.Context) string {
	info, ok := request.RequestInfoFrom(ctx)
	if !ok || len(info.Parts) < 3 { // resource, name, subresource
		return ""
	}
	path := ""
	if len(info.Parts) > 3 {
		path = "/" + strings.Join(info.Parts[3:], "/")
	}
	if strings.HasSuffix(info.Path, "/") && !strings.HasSuffix(path, "/") {
		path += "/"
	}
	return path
}

// authorizeCreate refuses, like a cluster's own API server, who has the verb get alone to open by GET what one may only
// open with the verb create by POST.
func (s *podSubresource) authorizeCreate(ctx context.Context) error {
	info, ok := request.RequestInfoFrom(ctx)
	if !ok {
		return apierrors.NewInternalError(errors.New("no request info in context"))
	}
	if info.Verb == "create" {
		return nil // has been authorized
	}
	attributes, err := filters.GetAuthorizerAttributes(ctx)
	if err != nil {
		return apierrors.NewInternalError(err)
	}
	decision, reason, err := s.cfg.Authorizer.Authorize(ctx, creating{attributes})
	if err != nil {
		return apierrors.NewInternalError(err)
	}
	if decision != authorizer.DecisionAllow {
		return apierrors.NewForbidden(corev1.Resource("pods/"+s.name), info.Name, fmt.Errorf("it takes the verb create, too: %s", reason))
	}
	return nil
}

// creating asks for the verb create in place of the request's own.
type creating struct{ authorizer.Attributes }

// GetVerb implements authorizer.Attributes.
func (creating) GetVerb() string { return "create" }
