/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package through

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/proxy"

	"github.com/manifold-k8s/manifold/pkg/member"
)

// wayTo leads to a server without asking for anything.
func wayTo(t *testing.T, cluster, server string) *member.Way {
	t.Helper()
	endpoint, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	pool := &http.Transport{}
	t.Cleanup(pool.CloseIdleConnections)
	return &member.Way{Cluster: cluster, Endpoint: endpoint, Transport: pool, Upgrade: proxy.NewUpgradeRequestRoundTripper(&http.Transport{}, proxy.MirrorRequest)}
}

// told answers with errors as the API server does, and keeps them.
type told struct {
	w   http.ResponseWriter
	err error
}

func (r *told) Error(err error) {
	r.err = err
	code := http.StatusInternalServerError
	var status apierrors.APIStatus
	if errors.As(err, &status) {
		code = int(status.Status().Code)
	}
	http.Error(r.w, err.Error(), code)
}

// hubBefore serves what passes on to a path of an upstream.
func hubBefore(t *testing.T, upstream, path string) *httptest.Server {
	t.Helper()
	way := wayTo(t, "m1", upstream)
	hub := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		Pass(way, path, &told{w: w}).ServeHTTP(w, req)
	}))
	t.Cleanup(hub.Close)
	return hub
}

func TestPass(t *testing.T) {
	t.Parallel()
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Audit-Id", "theirs")
		w.Header().Set("X-Other", "theirs")
		w.WriteHeader(http.StatusTeapot)
		fmt.Fprintf(w, "%s %v %s %s", r.Method, r.Host == r.Context().Value(http.LocalAddrContextKey).(net.Addr).String(), r.RequestURI, body)
	}))
	defer upstream.Close()
	for name, tc := range map[string]struct{ endpoint, path, query, want string }{
		"a path":             {"", "/api/v1/pods", "", "/api/v1/pods"},
		"a query, as it is":  {"", "/api/v1/pods", "?a=%2F&a=b&limit=1", "/api/v1/pods?a=%2F&a=b&limit=1"},
		"below a path":       {"/k8s/m1/", "/version", "", "/k8s/m1/version"},
		"a slash at the end": {"/k8s", "/apis/", "", "/k8s/apis/"},
		"the root":           {"", "/", "", "/"},
		"what needs escapes": {"", "/api/v1/a b", "", "/api/v1/a%20b"},
	} {
		hub := hubBefore(t, upstream.URL+tc.endpoint, tc.path)
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPatch, hub.URL+"/on/the/hub"+tc.query, strings.NewReader("body"))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if want := "PATCH true " + tc.want + " body"; err != nil || string(got) != want || resp.StatusCode != http.StatusTeapot {
			t.Errorf("%s: %d %q, want %q (%v)", name, resp.StatusCode, got, want, err)
		}
		if resp.Header.Get("Audit-Id") != "" || resp.Header.Get("X-Other") != "theirs" {
			t.Errorf("%s: headers %v", name, resp.Header)
		}
	}
}

// What an answer has so far arrives before it ends.
func TestPassStreams(t *testing.T) {
	t.Parallel()
	next := make(chan bool)
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for range next {
			fmt.Fprintln(w, "line")
			w.(http.Flusher).Flush()
		}
	}))
	defer upstream.Close()
	hub := hubBefore(t, upstream.URL, "/log")
	go func() { next <- true }()
	resp, err := http.Get(hub.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	r := bufio.NewReader(resp.Body)
	for i := range 3 {
		if line, err := r.ReadString('\n'); err != nil || line != "line\n" {
			t.Fatalf("%q: %v", line, err)
		}
		if i < 2 {
			next <- true
		}
	}
	close(next)
}

// A protocol that is agreed upon is spoken from end to end, whichever it is, and a refusal of it arrives as well.
func TestPassUpgrades(t *testing.T) {
	t.Parallel()
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.RawQuery != "command=ls&stdin=true" {
			http.Error(w, r.URL.RawQuery, http.StatusForbidden)
			return
		}
		conn, rw, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		fmt.Fprintf(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: %s\r\n\r\n", r.Header.Get("Upgrade"))
		line, _ := rw.ReadString('\n')
		fmt.Fprintf(conn, "%s %s", r.URL.Path, line)
	}))
	defer upstream.Close()
	hub := hubBefore(t, upstream.URL, "/api/v1/namespaces/n/pods/p/exec")
	for _, protocol := range []string{"SPDY/3.1", "websocket"} {
		for query, want := range map[string]string{"command=ls&stdin=true": "/api/v1/namespaces/n/pods/p/exec hello\n", "other": ""} {
			conn, err := net.Dial("tcp", hub.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(conn, "POST /x?%s HTTP/1.1\r\nHost: hub\r\nConnection: Upgrade\r\nUpgrade: %s\r\n\r\n", query, protocol)
			r := bufio.NewReader(conn)
			resp, err := http.ReadResponse(r, nil)
			if err != nil {
				t.Fatal(err)
			}
			if want == "" {
				if resp.StatusCode != http.StatusForbidden {
					t.Errorf("%s: %s for a refusal", protocol, resp.Status)
				}
				conn.Close()
				continue
			}
			fmt.Fprintln(conn, "hello")
			if got, err := r.ReadString('\n'); err != nil || got != want || resp.StatusCode != http.StatusSwitchingProtocols || resp.Header.Get("Upgrade") != protocol {
				t.Errorf("%s: %s %q: %v", protocol, resp.Status, got, err)
			}
			conn.Close()
		}
	}
}

// What might be taken for another path on the way is refused.
func TestPassClimbs(t *testing.T) {
	t.Parallel()
	upstream := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("asked") }))
	defer upstream.Close()
	for _, path := range []string{"/..", "/a/../b", "/./a", "/a/.", "../a"} {
		r := &told{w: httptest.NewRecorder()}
		Pass(wayTo(t, "m1", upstream.URL), path, r).ServeHTTP(r.w, httptest.NewRequest(http.MethodGet, "/", nil))
		if !apierrors.IsBadRequest(r.err) {
			t.Errorf("%s: %v", path, r.err)
		}
	}
	for _, path := range []string{"/..a", "/a..b", "/a./b", "/..."} {
		if climbs(path) {
			t.Errorf("%s is refused", path)
		}
	}
}

// An API server does not send a user's client elsewhere. An application behind it may.
func TestPassRedirects(t *testing.T) {
	t.Parallel()
	upstream := httptest.NewServer(http.RedirectHandler("https://elsewhere.example", http.StatusFound))
	defer upstream.Close()
	for path, want := range map[string]int{
		"/api/v1/pods": http.StatusBadGateway, "/api/v1/namespaces/n/pods/p/proxy/app": http.StatusFound, "/api/v1/namespaces/n/services/s/proxy": http.StatusFound,
	} {
		w := httptest.NewRecorder()
		Pass(wayTo(t, "m1", upstream.URL), path, &told{w: w}).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
		if w.Code != want {
			t.Errorf("%s: %d, want %d", path, w.Code, want)
		}
	}
}

// That there is no answer is told with the name of the cluster.
func TestPassWithoutAnswer(t *testing.T) {
	t.Parallel()
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	for _, upgrade := range []string{"", "websocket"} {
		r := &told{w: httptest.NewRecorder()}
		req := httptest.NewRequest(http.MethodGet, "/", nil)
		if upgrade != "" {
			req.Header.Set("Connection", "Upgrade")
			req.Header.Set("Upgrade", upgrade)
		}
		Pass(wayTo(t, "m1", closed.URL), "/api", r).ServeHTTP(r.w, req)
		if !apierrors.IsServiceUnavailable(r.err) || !strings.Contains(r.err.Error(), "cluster m1 does not answer") {
			t.Errorf("upgrade %q: %v", upgrade, r.err)
		}
	}
	for name, tc := range map[string]struct {
		err  error
		want func(error) bool
	}{
		"time was up": {fmt.Errorf("dial: %w", context.DeadlineExceeded), apierrors.IsTimeout},
		"a Status":    {&url.Error{Err: apierrors.NewNotFound(clusters, "m1")}, apierrors.IsNotFound},
		"another":     {io.ErrUnexpectedEOF, apierrors.IsServiceUnavailable},
	} {
		if err := unanswered("m1", tc.err); !tc.want(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
