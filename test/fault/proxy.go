/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

// Package fault puts a proxy in front of a member's API server that fails on demand: it answers with errors, hangs,
// loses answers, resets connections, stalls watches, shows an expired certificate or refuses to be connected to.
//
// A hub joins the member by the proxy's address and certificate authority. What is not told to fail passes unchanged,
// credentials included.
package fault

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strconv"
	"sync"
	"time"

	"k8s.io/client-go/rest"
)

// Proxy is a running proxy. Its methods may be called at any time by any goroutine.
type Proxy struct {
	// URL is where it listens, CA the PEM bundle that signs its certificate.
	URL string
	CA  []byte

	addr    string
	server  *http.Server
	forward *httputil.ReverseProxy
	wg      sync.WaitGroup // of the listener's loop
	good    tls.Certificate
	expired tls.Certificate

	mu       sync.Mutex
	listener net.Listener // nil while connections are refused
	failing  bool         // the expired certificate is shown
	conns    map[net.Conn]bool
	rules    []*Active
	random   *rand.Rand
	watches  map[*stream]bool
	stalled  func(*http.Request) bool // which watches say nothing
	changed  chan struct{}            // closed, and made anew, when stalled changes
}

// New starts a proxy in front of the API server that backend names; of its credentials only the certificate authority
// is used. seed is for rules that apply to a share of the requests. The caller has to Close it.
func New(backend *rest.Config, seed uint64) (*Proxy, error) {
	target, err := url.Parse(backend.Host)
	if err != nil {
		return nil, fmt.Errorf("proxy to %s: %w", backend.Host, err)
	}
	transport, err := rest.TransportFor(&rest.Config{Host: backend.Host, TLSClientConfig: rest.TLSClientConfig{CAData: backend.CAData}})
	if err != nil {
		return nil, fmt.Errorf("proxy to %s: %w", backend.Host, err)
	}
	p := &Proxy{
		conns: map[net.Conn]bool{}, watches: map[*stream]bool{}, changed: make(chan struct{}),
		random: rand.New(rand.NewPCG(seed, 0)),
	}
	if p.CA, p.good, p.expired, err = certificates(); err != nil {
		return nil, fmt.Errorf("proxy to %s: %w", backend.Host, err)
	}
	quiet := log.New(io.Discard, "", 0) // its errors are what it is for
	p.forward = &httputil.ReverseProxy{
		Rewrite:        func(r *httputil.ProxyRequest) { r.SetURL(target) },
		Transport:      transport,
		FlushInterval:  -1, // watches
		ErrorLog:       quiet,
		ErrorHandler:   func(_ http.ResponseWriter, r *http.Request, _ error) { reset(r) }, // as if nobody were between
		ModifyResponse: p.watchBody,
	}
	p.server = &http.Server{
		Handler: p, ErrorLog: quiet, ConnState: p.track,
		TLSConfig:   &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return p.certificate(), nil }},
		ConnContext: func(ctx context.Context, c net.Conn) context.Context { return context.WithValue(ctx, connKey{}, c) },
	}
	l, err := listen()
	if err != nil {
		return nil, err
	}
	p.addr = l.Addr().String()
	p.URL = "https://" + p.addr
	p.serve(l)
	return p, nil
}

// listen picks a port below those of outgoing connections, so that it is free still when connections are taken again.
func listen() (net.Listener, error) {
	const lowest, highest, attempts = 10000, 14999, 100 // hubs and members take theirs from 15000 on
	for range attempts {
		l, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(lowest+rand.IntN(highest-lowest)))
		if err == nil {
			return l, nil
		}
	}
	return nil, fmt.Errorf("no free port after %d attempts between %d and %d", attempts, lowest, highest)
}

// serve takes connections from l until it is closed.
func (p *Proxy) serve(l net.Listener) {
	p.mu.Lock()
	p.listener = l
	p.mu.Unlock()
	p.wg.Go(func() { _ = p.server.ServeTLS(l, "", "") }) // it ends with the listener, on purpose
}

// Close ends all connections and the proxy.
func (p *Proxy) Close() {
	p.Refuse()
	_ = p.server.Close() // the listener is closed already, and that is what it complains of
	p.wg.Wait()
}

// Refuse closes all connections and refuses new ones until Accept.
func (p *Proxy) Refuse() {
	p.mu.Lock()
	l := p.listener
	p.listener = nil
	p.mu.Unlock()
	if l != nil {
		_ = l.Close() // closed once only
	}
	p.Disconnect()
}

// Accept ends what Refuse began.
func (p *Proxy) Accept() error {
	l, err := net.Listen("tcp", p.addr)
	if err != nil {
		return fmt.Errorf("take connections again: %w", err)
	}
	p.serve(l)
	return nil
}

// Expire shows a certificate that has expired, to all connections from now on; those there are are closed.
func (p *Proxy) Expire() { p.show(true) }

// Renew ends what Expire began.
func (p *Proxy) Renew() { p.show(false) }

func (p *Proxy) show(expired bool) {
	p.mu.Lock()
	p.failing = expired
	p.mu.Unlock()
	p.Disconnect()
}

func (p *Proxy) certificate() *tls.Certificate {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.failing {
		return &p.expired
	}
	return &p.good
}

// Disconnect resets all connections. New ones are taken.
func (p *Proxy) Disconnect() {
	p.mu.Lock()
	var all []net.Conn
	for c := range p.conns {
		all = append(all, c)
	}
	p.mu.Unlock()
	for _, c := range all {
		sever(c)
	}
}

func (p *Proxy) track(c net.Conn, s http.ConnState) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch s {
	case http.StateNew:
		p.conns[c] = true
	case http.StateClosed, http.StateHijacked:
		delete(p.conns, c)
	}
}

// connKey is under what a request's context holds its connection.
type connKey struct{}

// reset breaks the connection of a request, and with it whatever else it carries.
func reset(r *http.Request) {
	if c, ok := r.Context().Value(connKey{}).(net.Conn); ok {
		sever(c)
	}
	panic(http.ErrAbortHandler) // no answer
}

// sever closes a connection as a crash does: what is not sent is lost, and the other side gets a reset.
func sever(c net.Conn) {
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn() // without TLS's farewell
	}
	if t, ok := c.(*net.TCPConn); ok {
		_ = t.SetLinger(0) // an error means that it is closed already
	}
	if err := c.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		log.Printf("fault: close a connection: %v", err)
	}
}

// ServeHTTP treats a request as the first rule says that applies to it; without one it is passed on.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if effect := p.take(r); effect != nil {
		effect(p, w, r)
		return
	}
	p.forward.ServeHTTP(w, r)
}

// pause waits for d, or until the client gives up.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
