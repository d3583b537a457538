/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package member

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"golang.org/x/net/proxy"
)

// viaProxy opens connections through the proxy that an http.Transport would use. That does so only for requests it sends
// itself, and one that changes the protocol is sent by somebody else.
type viaProxy struct {
	proxy  func(*http.Request) (*url.URL, error)
	header http.Header // for the proxy
	scheme string      // of the server's URL
	dial   func(ctx context.Context, network, addr string) (net.Conn, error)
}

func (v viaProxy) dialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	via, err := v.proxy(&http.Request{URL: &url.URL{Scheme: v.scheme, Host: addr}})
	switch {
	case err != nil:
		return nil, err
	case via == nil:
		return v.dial(ctx, network, addr)
	case via.Scheme == "http" || via.Scheme == "https":
		return v.connect(ctx, via, addr)
	}
	d, err := proxy.FromURL(via, dialer(v.dial))
	if err != nil {
		return nil, fmt.Errorf("proxy %s: %w", via.Redacted(), err)
	}
	return d.(proxy.ContextDialer).DialContext(ctx, network, addr) // as all of that package do
}

// connect asks an HTTP proxy for a connection to addr.
func (v viaProxy) connect(ctx context.Context, via *url.URL, addr string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*dialTimeout)
	defer cancel()
	conn, err := v.open(ctx, via)
	if err != nil {
		return nil, fmt.Errorf("proxy %s: %w", via.Redacted(), err)
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) }) // ends what waits for the proxy
	err = ask(conn, &http.Request{Method: http.MethodConnect, URL: &url.URL{Opaque: addr}, Host: addr, Header: v.headerFor(via)})
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("proxy %s: %w", via.Redacted(), err)
	}
	return conn, nil
}

// open connects to the proxy itself.
func (v viaProxy) open(ctx context.Context, via *url.URL) (net.Conn, error) {
	host := via.Host
	if via.Port() == "" {
		host = net.JoinHostPort(via.Hostname(), map[string]string{"http": "80", "https": "443"}[via.Scheme])
	}
	conn, err := v.dial(ctx, "tcp", host)
	if err != nil || via.Scheme == "http" {
		return conn, err
	}
	secure := tls.Client(conn, &tls.Config{ServerName: via.Hostname(), MinVersion: tls.VersionTLS12})
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return secure, nil
}

func (v viaProxy) headerFor(via *url.URL) http.Header {
	header := v.header.Clone()
	if header == nil {
		header = http.Header{}
	}
	if u := via.User; u != nil {
		password, _ := u.Password()
		header.Set("Proxy-Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(u.Username()+":"+password)))
	}
	return header
}

// ask sends the request to connect and reads the answer, but nothing that follows it: that is the server's, who speaks
// after the client.
func ask(conn net.Conn, req *http.Request) error {
	if err := req.Write(conn); err != nil {
		return err
	}
	r := bufio.NewReader(conn)
	resp, err := http.ReadResponse(r, req)
	if err != nil {
		return err
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("asked for a connection to %s it answers %s", req.Host, resp.Status)
	}
	if n := r.Buffered(); n > 0 {
		return fmt.Errorf("it sent %d bytes before it was asked for anything", n)
	}
	return nil
}

// dialer makes a function fit for the proxy package.
type dialer func(ctx context.Context, network, addr string) (net.Conn, error)

// Dial implements proxy.Dialer.
func (d dialer) Dial(network, addr string) (net.Conn, error) {
	return d(context.Background(), network, addr)
}

// DialContext implements proxy.ContextDialer.
func (d dialer) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	return d(ctx, network, addr)
}
