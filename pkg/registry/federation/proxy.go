/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package federation

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"

	authenticationv1 "k8s.io/api/authentication/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/proxy"
	"k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/rest"
	clientrest "k8s.io/client-go/rest"

	hubv1alpha1 "github.com/manifold-k8s/manifold/apis/hub/v1alpha1"
	"github.com/manifold-k8s/manifold/pkg/dryrun"
	"github.com/manifold-k8s/manifold/pkg/host"
)

// Proxy serves the hub's whole API again below a subresource, to users of the host cluster. Who they are has been found
// out by the host, and whether they may use the proxy has been asked there; what they may do on the hub decides the hub: a
// request goes to the server's own address with the user's name on the hub, and is authorized, audited and admitted there
// like any other.
type Proxy struct {
	hub atomic.Pointer[target]
}

// target is where requests go, and by what right.
type target struct {
	location  url.URL
	transport http.RoundTripper // adds no credentials
	token     string            // of an account that may impersonate
}

var (
	_ rest.Connecter            = &Proxy{}
	_ rest.Scoper               = &Proxy{}
	_ rest.SingularNameProvider = &Proxy{}
)

// Use says by which connection the server reaches itself, with a token of an account that may impersonate anybody.
func (r *Proxy) Use(loopback *clientrest.Config) error {
	if loopback.BearerToken == "" {
		return errors.New("the connection of the server to itself has no token")
	}
	location, _, err := clientrest.DefaultServerUrlFor(loopback)
	if err != nil {
		return err
	}
	transport, err := clientrest.TransportFor(clientrest.AnonymousClientConfig(loopback))
	if err != nil {
		return err
	}
	r.hub.Store(&target{location: *location, transport: transport, token: loopback.BearerToken})
	return nil
}

// New returns an empty Federation: the kind of which this is a subresource.
func (r *Proxy) New() runtime.Object { return &hubv1alpha1.Federation{} }

// Destroy has nothing to release.
func (r *Proxy) Destroy() {}

// NamespaceScoped says that a Federation is in no namespace.
func (r *Proxy) NamespaceScoped() bool { return false }

// GetSingularName returns the name for one.
func (r *Proxy) GetSingularName() string { return "federation" }

// ConnectMethods are all there are.
func (r *Proxy) ConnectMethods() []string {
	return []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions}
}

// NewConnectOptions says that a path may follow, which is read from the request.
func (r *Proxy) NewConnectOptions() (runtime.Object, bool, string) { return nil, true, "" }

// Connect returns what answers the request of the user in ctx.
func (r *Proxy) Connect(ctx context.Context, name string, _ runtime.Object, responder rest.Responder) (http.Handler, error) {
	if name != hubv1alpha1.FederationName {
		return nil, apierrors.NewNotFound(hubv1alpha1.Resource("federations"), name)
	}
	to := r.hub.Load()
	if to == nil {
		return nil, apierrors.NewServiceUnavailable("the server is starting")
	}
	info, _ := request.UserFrom(ctx)
	user := host.From(info)
	switch {
	case user == nil:
		return nil, forbidden("it is for users of a host cluster, who come through that cluster's API server; use the hub's own address")
	case user.Anonymous():
		return nil, forbidden("the host cluster does not know who you are")
	}
	return dryrun.Restored(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		location, err := to.locate(req.URL)
		if err != nil {
			responder.Error(err)
			return
		}
		defer ignoreGone(req.Context())
		req = req.Clone(req.Context())
		req.Header, req.URL.RawQuery = to.headers(req.Header, user), location.RawQuery
		proxy.NewUpgradeAwareHandler(location, to.transport, false, false, proxy.NewErrorResponder(responder)).ServeHTTP(w, req)
	})), nil
}

// ignoreGone ends the panic by which the proxy library breaks off an answer, if the client has gone and nobody is there to
// notice: that is how every watch ends, and no news for the error log.
func ignoreGone(ctx context.Context) {
	if ctx.Err() == nil {
		return
	}
	if why := recover(); why != nil && why != http.ErrAbortHandler {
		panic(why)
	}
}

func forbidden(reason string) error {
	return apierrors.NewForbidden(hubv1alpha1.Resource("federations/proxy"), hubv1alpha1.FederationName, errors.New(reason))
}

// locate returns where a request for that URL goes: to the path behind the proxy's own, spelt as the client spelt it.
func (t *target) locate(u *url.URL) (*url.URL, error) {
	path, ok := strings.CutPrefix(u.EscapedPath(), hubv1alpha1.ProxyPath)
	if !ok || path != "" && !strings.HasPrefix(path, "/") {
		return nil, apierrors.NewBadRequest(fmt.Sprintf("the path does not begin with %s", hubv1alpha1.ProxyPath))
	}
	decoded, err := url.PathUnescape(path)
	if err != nil {
		return nil, apierrors.NewBadRequest(fmt.Sprintf("path %q: %v", path, err))
	}
	location := t.location
	location.Path, location.RawPath, location.RawQuery = decoded, path, u.RawQuery
	return &location, nil
}

// headers returns those of the request on behalf of the user: the client's, without any that say who it is.
func (t *target) headers(from http.Header, user *host.User) http.Header {
	out := http.Header{}
	for key, values := range from {
		canonical := http.CanonicalHeaderKey(key)
		if canonical == "Authorization" || strings.HasPrefix(canonical, "Impersonate-") || strings.HasPrefix(canonical, "X-Remote-") {
			continue
		}
		out[canonical] = values
	}
	out.Set("Authorization", "Bearer "+t.token)
	out.Set(authenticationv1.ImpersonateUserHeader, user.GetName())
	for _, group := range user.GetGroups() {
		out.Add(authenticationv1.ImpersonateGroupHeader, group)
	}
	return out
}
