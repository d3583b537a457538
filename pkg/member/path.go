/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package member

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/transport"

	clusterv1alpha1 "github.com/manifold-k8s/manifold/apis/cluster/v1alpha1"
	"github.com/manifold-k8s/manifold/pkg/telemetry"
)

const (
	// dialTimeout bounds how long a TCP connection to a member may take to be made, and as long again its TLS handshake.
	dialTimeout = 10 * time.Second
	// keepIdle is for how long a connection that nobody uses stays open.
	keepIdle = 90 * time.Second
)

// path leads to the API server of a member.
type path struct {
	endpoint *url.URL
	token    string
	// counted is for requests that Manifold makes itself, with the token; passed for those of users, without.
	counted, passed http.RoundTripper
	// lines opens connections for who changes the protocol on them; it carries no requests.
	lines *http.Transport

	pool *http.Transport // which counted and passed share
}

// newPath makes the transports; no connection is opened before there is a request.
func newPath(cl *clusterv1alpha1.Cluster, cfg *rest.Config, measured *telemetry.Recorder) (path, error) {
	endpoint, err := url.Parse(cfg.Host)
	if err != nil || endpoint.Host == "" || endpoint.Scheme != "https" && endpoint.Scheme != "http" {
		return path{}, fmt.Errorf("spec.apiEndpoint is not the URL of a server: %q", cfg.Host)
	}
	trust, err := rest.TLSConfigFor(cfg)
	if err != nil {
		return path{}, fmt.Errorf("certificate authority: %w", err)
	}
	if trust == nil {
		trust = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	dialer := &net.Dialer{Timeout: dialTimeout, KeepAlive: 30 * time.Second}
	pool := utilnet.SetTransportDefaults(&http.Transport{
		Proxy: cfg.Proxy, ProxyConnectHeader: proxyHeader(cl.Spec.ProxyHeader), DialContext: dialer.DialContext,
		TLSClientConfig: trust.Clone(), TLSHandshakeTimeout: dialTimeout, IdleConnTimeout: keepIdle, MaxIdleConnsPerHost: 25,
	})
	lines := &http.Transport{
		TLSClientConfig: trust, TLSHandshakeTimeout: dialTimeout,
		DialContext: viaProxy{proxy: pool.Proxy, header: pool.ProxyConnectHeader, scheme: endpoint.Scheme, dial: dialer.DialContext}.dialContext,
	}
	return path{
		endpoint: endpoint, pool: pool, lines: lines, token: cfg.BearerToken,
		counted: transport.NewBearerAuthRoundTripper(cfg.BearerToken, measured.Transport(cl.Name, cfg.Host)(pool)),
		passed:  measured.PassedOn(cl.Name)(pool),
	}, nil
}

// close lets go of connections that are not in use. Requests that are under way end by themselves.
func (p path) close() { p.pool.CloseIdleConnections() }
