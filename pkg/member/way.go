/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package member

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/apimachinery/pkg/util/proxy"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/transport"
)

// Way is how requests of a user are passed on to a member. What they carry about who sends them is replaced by
// credentials of ours, whichever way they go.
type Way struct {
	Cluster string
	// Endpoint is the URL of the API server. Its path, if it has one, begins every path there.
	Endpoint *url.URL
	// Transport sends requests. An answer that says that our credentials are not accepted becomes an error: it is not the
	// user who has to log in.
	Transport http.RoundTripper
	// Upgrade opens connections for requests that change the protocol, which its WrapRequest prepares.
	Upgrade proxy.UpgradeRequestRoundTripper
}

// Own is the way to a member with Manifold's own rights: whoever is passed on by it must have been authorized here. The
// error is a Status: NotFound for no such Cluster.
func (c *Connections) Own(ctx context.Context, cluster string) (*Way, error) {
	return c.way(ctx, cluster, manifold, nil)
}

// Impersonator is the way to a member as a user: what the user may do there is decided there. The error is a Status:
// NotFound for no such Cluster.
func (c *Connections) Impersonator(ctx context.Context, cluster string, as user.Info) (*Way, error) {
	header := http.Header{transport.ImpersonateUserHeader: {as.GetName()}}
	for _, g := range as.GetGroups() {
		// The member adds these by itself, and lets nobody but its administrators ask for them.
		if g != user.AllAuthenticated && g != user.AllUnauthenticated {
			header.Add(transport.ImpersonateGroupHeader, g)
		}
	}
	return c.way(ctx, cluster, impersonator, header)
}

func (c *Connections) way(ctx context.Context, cluster string, as identity, header http.Header) (*Way, error) {
	l, err := c.login(ctx, cluster, as)
	if err != nil {
		return nil, err
	}
	sender := func(l *login, base http.RoundTripper) http.RoundTripper {
		return &sentBy{base: base, token: l.path.token, header: header}
	}
	return &Way{
		Cluster:  cluster,
		Endpoint: l.path.endpoint,
		Transport: &accepted{cluster, &renewing{connections: c, cluster: cluster, spec: l.spec, as: as, via: func(l *login) http.RoundTripper {
			return sender(l, l.path.passed)
		}}},
		Upgrade: proxy.NewUpgradeRequestRoundTripper(l.path.lines, sender(l, proxy.MirrorRequest)),
	}, nil
}

// Config returns the configuration of clients that go this way. Their rate is not limited.
func (w *Way) Config() *rest.Config {
	return &rest.Config{Host: w.Endpoint.String(), QPS: -1, Transport: w.Transport}
}

// sentBy puts the sender into requests, in place of whatever they say about it.
type sentBy struct {
	base   http.RoundTripper
	token  string
	header http.Header // whom to act as
}

// WrappedRoundTripper lets the API machinery look for the transport below.
func (s *sentBy) WrappedRoundTripper() http.RoundTripper { return s.base }

// RoundTrip implements http.RoundTripper.
func (s *sentBy) RoundTrip(req *http.Request) (*http.Response, error) {
	req = utilnet.CloneRequest(req)
	RemoveSender(req.Header)
	for name, values := range s.header {
		req.Header[name] = values
	}
	req.Header.Set("Authorization", "Bearer "+s.token)
	return s.base.RoundTrip(req)
}

// RemoveSender takes out of the header of a request who sends it, or claims to.
func RemoveSender(header http.Header) {
	for name := range header {
		known := http.CanonicalHeaderKey(name)
		if known == "Authorization" || strings.HasPrefix(known, "Impersonate-") || strings.HasPrefix(known, "X-Remote-") {
			delete(header, name)
		}
	}
}

// renewing sends each request with credentials as they are then, and once more if they have been replaced meanwhile.
type renewing struct {
	connections *Connections
	cluster     string
	spec        string // how the member was reached when this was made
	as          identity
	via         func(*login) http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (r *renewing) RoundTrip(req *http.Request) (*http.Response, error) {
	l, err := r.login(req.Context())
	if err != nil {
		return nil, err
	}
	resp, err := r.via(l).RoundTrip(req)
	if err != nil || resp.StatusCode != http.StatusUnauthorized {
		return resp, err
	}
	r.connections.refused(r.cluster, l)
	next, err := r.login(req.Context())
	if err != nil || next == l {
		return resp, nil // as the member answered
	}
	again := req.Clone(req.Context())
	if req.Body != nil && req.Body != http.NoBody {
		if req.GetBody == nil {
			return resp, nil // it has been read
		}
		if again.Body, err = req.GetBody(); err != nil {
			return resp, nil
		}
	}
	_ = resp.Body.Close()
	return r.via(next).RoundTrip(again)
}

func (r *renewing) login(ctx context.Context) (*login, error) {
	l, err := r.connections.login(ctx, r.cluster, r.as)
	if err == nil && l.spec != r.spec {
		err = apierrors.NewServiceUnavailable(fmt.Sprintf("cluster %s is reached in another way now", r.cluster))
	}
	return l, err
}

// accepted makes an error of the answer that our credentials are not accepted.
type accepted struct {
	cluster string
	base    http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (a *accepted) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := a.base.RoundTrip(req)
	if err != nil || resp.StatusCode != http.StatusUnauthorized {
		return resp, err
	}
	text, _ := io.ReadAll(io.LimitReader(resp.Body, 512)) // for the message only
	_ = resp.Body.Close()
	return nil, apierrors.NewServiceUnavailable(fmt.Sprintf("cluster %s does not accept the token in its Secret: %s", a.cluster, strings.TrimSpace(string(text))))
}
