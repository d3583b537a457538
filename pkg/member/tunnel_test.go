/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package member

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/util/proxy"

	clusterv1alpha1 "github.com/manifold-k8s/manifold/apis/cluster/v1alpha1"
)

// A connection for a request that changes the protocol goes through the proxy as others do, with its headers.
func TestUpgradeThroughProxy(t *testing.T) {
	t.Parallel()
	asked := make(chan *http.Request, 1)
	through := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r
		server, err := net.Dial("tcp", r.Host)
		if err != nil {
			t.Error(err)
			return
		}
		client, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		fmt.Fprint(client, "HTTP/1.1 200 Connection established\r\n\r\n")
		go func() { _, _ = io.Copy(server, client); server.Close() }()
		_, _ = io.Copy(client, server)
		client.Close()
	}))
	defer through.Close()
	f := newFederation(t, func(s *clusterv1alpha1.ClusterSpec) {
		s.ProxyURL, s.ProxyHeader = strings.Replace(through.URL, "://", "://u:p@", 1), map[string]string{"X-Site": "a, b"}
	})
	w, err := f.Own(t.Context(), "m1")
	if err != nil {
		t.Fatal(err)
	}
	conn, err := proxy.DialURL(t.Context(), w.Endpoint, w.Upgrade)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	r := <-asked
	if r.Method != http.MethodConnect || !slices.Equal(r.Header["X-Site"], []string{"a", "b"}) || r.Header.Get("Proxy-Authorization") != "Basic dTpw" {
		t.Errorf("%s %v", r.Method, r.Header)
	}
	if p := conn.(*tls.Conn).ConnectionState().NegotiatedProtocol; p == "h2" {
		t.Errorf("protocol %q", p)
	}
	req, err := w.Upgrade.WrapRequest(httptest.NewRequest(http.MethodGet, f.up.URL, nil))
	if err != nil {
		t.Fatal(err)
	}
	if err := req.Write(conn); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), req)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Errorf("%v: %v", resp, err)
	}
}

// A proxy that refuses is told of, without its password.
func TestProxyRefuses(t *testing.T) {
	t.Parallel()
	through := httptest.NewServer(http.NotFoundHandler())
	defer through.Close()
	via, err := url.Parse(strings.Replace(through.URL, "://", "://u:secret@", 1))
	if err != nil {
		t.Fatal(err)
	}
	v := viaProxy{proxy: http.ProxyURL(via), scheme: "https", dial: (&net.Dialer{}).DialContext}
	_, err = v.dialContext(t.Context(), "tcp", "127.0.0.1:1")
	if err == nil || !strings.Contains(err.Error(), "404") || strings.Contains(err.Error(), "secret") {
		t.Errorf("got %v", err)
	}
}
