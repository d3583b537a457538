/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package member

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/rest"
)

// serve starts a server over HTTP/2 and returns the configuration to reach it.
func serve(t *testing.T, h http.HandlerFunc) *rest.Config {
	t.Helper()
	server := httptest.NewUnstartedServer(h)
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	return &rest.Config{Host: server.URL, TLSClientConfig: rest.TLSClientConfig{
		CAData: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}),
	}}
}

// say writes at once.
func say(w http.ResponseWriter, text string) {
	fmt.Fprint(w, text)
	w.(http.Flusher).Flush()
}

func connected(t *testing.T, cfg *rest.Config) *Member {
	t.Helper()
	m, err := newMember("m1", cfg, nil)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// A request is given up when its time is over, before the answer or in the middle of it.
func TestRequestsAreBounded(t *testing.T) {
	t.Parallel()
	for name, begin := range map[string]string{"no answer": "", "half an answer": `{"kind":`} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if begin != "" {
					w.Header().Set("Content-Type", "application/json")
					say(w, begin)
				}
				<-r.Context().Done()
			})
			cfg.Timeout = 50 * time.Millisecond
			m := connected(t, cfg)
			_, err := m.Dynamic.Resource(configMapResource).Namespace("ns").Get(t.Context(), "a", metav1.GetOptions{})
			if err == nil || !Away(err) {
				t.Errorf("error %v", err)
			}
			if _, _, err = m.open(t.Context(), configMapResource, metav1.ListOptions{}); begin == "" && !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("a watch that does not begin: %v", err)
			}
		})
	}
}

// A watch lasts longer than a request may.
func TestWatchesLast(t *testing.T) {
	t.Parallel()
	const limit = 100 * time.Millisecond
	more := make(chan struct{})
	cfg := serve(t, func(w http.ResponseWriter, r *http.Request) {
		say(w, `{"type":"ADDED","object":{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"a"}}}`+"\n")
		<-more
		say(w, `{"type":"DELETED","object":{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"a"}}}`+"\n")
	})
	cfg.Timeout = limit
	m := connected(t, cfg)
	s, run, err := m.open(t.Context(), configMapResource, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	go run()
	if e := <-s.ResultChan(); e.Type != watch.Added {
		t.Errorf("first event %v", e)
	}
	time.AfterFunc(3*limit, func() { close(more) })
	if e := <-s.ResultChan(); e.Type != watch.Deleted {
		t.Errorf("second event %v", e)
	}
	if _, more := <-s.ResultChan(); more {
		t.Error("there is no third one")
	}
}

// A member that is too busy is told to the caller at once, whose way to wait it is.
func TestTooManyRequests(t *testing.T) {
	t.Parallel()
	for _, code := range []int{http.StatusTooManyRequests, http.StatusServiceUnavailable} {
		asked := make(chan struct{}, 100)
		m := connected(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
			asked <- struct{}{}
			w.Header().Set("Retry-After", "30")
			w.WriteHeader(code)
		}))
		client := m.Dynamic.Resource(configMapResource)
		_, getErr := client.Get(t.Context(), "a", metav1.GetOptions{})
		_, listErr := client.List(t.Context(), metav1.ListOptions{})
		_, _, watchErr := m.open(t.Context(), configMapResource, metav1.ListOptions{})
		for _, err := range []error{getErr, listErr, watchErr} {
			var status apierrors.APIStatus
			if !errors.As(err, &status) || int(status.Status().Code) != code {
				t.Errorf("%d: error %v", code, err)
			}
		}
		if len(asked) != 3 {
			t.Errorf("%d: asked %d times", code, len(asked))
		}
	}
}

// Over HTTP/2 the client sends pings; nothing else finds out that a connection with nothing but watches has gone silent.
func TestConnectionsAreHTTP2(t *testing.T) {
	t.Parallel()
	seen := make(chan int, 1)
	m := connected(t, serve(t, func(_ http.ResponseWriter, r *http.Request) { seen <- r.ProtoMajor }))
	if _, err := m.get(t.Context(), "/readyz"); err != nil {
		t.Fatal(err)
	}
	if v := <-seen; v != 2 {
		t.Errorf("HTTP/%d", v)
	}
}

// tripped answers with a body.
type tripped struct{ body io.ReadCloser }

func (t tripped) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Body: t.body, Header: http.Header{}, Request: r}, nil
}

// closable is a body that can also be written to, as after a change of the protocol.
type closable struct {
	io.Reader
	io.Writer
	closed bool
}

func (c *closable) Close() error {
	c.closed = true
	return nil
}

func TestBoundLeavesOtherProtocolsAlone(t *testing.T) {
	t.Parallel()
	body := &closable{}
	for header, bare := range map[string]bool{"": false, "SPDY/3.1": true} {
		req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "https://m1/exec", nil)
		req.Header.Set("Upgrade", header)
		resp, err := bounded(time.Hour)(tripped{body}).RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		if _, writer := resp.Body.(io.Writer); writer != bare {
			t.Errorf("%q: the body is a %T", header, resp.Body)
		}
		if err := resp.Body.Close(); err != nil || !body.closed {
			t.Errorf("%q: closed %v, error %v", header, body.closed, err)
		}
	}
}
