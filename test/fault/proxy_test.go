/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package fault

import (
	"bufio"
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"k8s.io/client-go/rest"
)

// backend counts what reaches it, and sends a line to watches for everything in lines.
type backend struct {
	served atomic.Int64
	lines  chan string
}

func (b *backend) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.served.Add(1)
	if !IsWatch(r) {
		fmt.Fprint(w, r.Header.Get("Authorization"))
		return
	}
	w.WriteHeader(http.StatusOK)
	w.(http.Flusher).Flush()
	for {
		select {
		case <-r.Context().Done():
			return
		case line := <-b.lines:
			fmt.Fprintln(w, line)
			w.(http.Flusher).Flush()
		}
	}
}

// start returns a proxy, what it is in front of, and a client of it.
func start(t *testing.T) (*Proxy, *backend, *http.Client) {
	t.Helper()
	b := &backend{lines: make(chan string)}
	server := httptest.NewTLSServer(b)
	t.Cleanup(server.Close)
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	p, err := New(&rest.Config{Host: server.URL, TLSClientConfig: rest.TLSClientConfig{CAData: ca}}, 1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	client, err := rest.HTTPClientFor(&rest.Config{Host: p.URL, BearerToken: "secret", TLSClientConfig: rest.TLSClientConfig{CAData: p.CA}})
	if err != nil {
		t.Fatal(err)
	}
	return p, b, client
}

func do(t *testing.T, client *http.Client, method, url string, limit time.Duration) (int, string, http.Header, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := client.Do(r)
	if err != nil {
		return 0, "", nil, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	return answer.StatusCode, string(body), answer.Header, err
}

const ample = 30 * time.Second

func TestEffects(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		effect Effect
		code   int   // 0: no answer
		served int64 // what reaches the server
		header string
		limit  time.Duration
		is     error
	}{
		"429":              {effect: Answer(429, 0), code: 429, limit: ample},
		"429 with a delay": {effect: Answer(429, 1500*time.Millisecond), code: 429, header: "2", limit: ample},
		"500":              {effect: Answer(500, 0), code: 500, limit: ample},
		"hang":             {effect: Hang(), limit: 100 * time.Millisecond, is: context.DeadlineExceeded},
		"reset":            {effect: Reset(), limit: ample},
		"lost answer":      {effect: LoseAnswer(), limit: ample, served: 1},
		"slow":             {effect: Slow(10 * time.Millisecond), limit: ample, code: 200, served: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, b, client := start(t)
			rule := p.Add(Rule{Match: All(Under("/api"), Method(http.MethodPost)), Effect: c.effect})
			code, _, header, err := do(t, client, http.MethodPost, p.URL+"/api/x", c.limit)
			if code != c.code || (err == nil) != (c.code != 0) || (c.is != nil && !errors.Is(err, c.is)) {
				t.Errorf("got %d, %v, want %d, %v", code, err, c.code, c.is)
			}
			if got := header.Get("Retry-After"); got != c.header {
				t.Errorf("Retry-After is %q, want %q", got, c.header)
			}
			if b.served.Load() != c.served || rule.Hits() != 1 {
				t.Errorf("%d requests were passed on, %d hit, want %d, 1", b.served.Load(), rule.Hits(), c.served)
			}
			for _, other := range []struct{ method, path string }{{"GET", "/api/x"}, {"POST", "/other"}} {
				if code, body, _, err := do(t, client, other.method, p.URL+other.path, ample); code != 200 || body != "Bearer secret" {
					t.Errorf("%s %s: %d, %q, %v", other.method, other.path, code, body, err)
				}
			}
			rule.Remove()
			if code, _, _, err := do(t, client, http.MethodPost, p.URL+"/api/x", ample); code != 200 {
				t.Errorf("after the rule: %d, %v", code, err)
			}
		})
	}
}

func TestShareAndCount(t *testing.T) {
	t.Parallel()
	p, b, client := start(t)
	share := p.Add(Rule{Share: 0.3, Effect: Answer(500, 0)})
	count := p.Add(Rule{Count: 5, Effect: Answer(429, 0)})
	for range 200 {
		if _, _, _, err := do(t, client, http.MethodGet, p.URL, ample); err != nil {
			t.Fatal(err)
		}
	}
	if n := share.Hits(); n < 30 || n > 90 {
		t.Errorf("%d of 200 requests were hit, want about 60", n)
	}
	if count.Hits() != 5 || b.served.Load() != 195-share.Hits() {
		t.Errorf("%d hit by the count of 5, %d passed on", count.Hits(), b.served.Load())
	}
}

func TestConnections(t *testing.T) {
	t.Parallel()
	p, _, client := start(t)
	expect := func(word string) {
		t.Helper()
		const attempts = 20 // the first may find a connection that is broken, and not known to be
		var code int
		var err error
		for range attempts {
			code, _, _, err = do(t, client, http.MethodGet, p.URL, ample)
			if word == "" && code == 200 || word != "" && err != nil && strings.Contains(err.Error(), word) {
				return
			}
		}
		t.Errorf("got %d, %v, want an error with %q", code, err, word)
	}
	expect("")
	p.Expire()
	expect("certificate has expired")
	p.Renew()
	expect("")
	p.Refuse()
	expect("connection refused")
	if err := p.Accept(); err != nil {
		t.Fatal(err)
	}
	expect("")
}

func TestWatches(t *testing.T) {
	t.Parallel()
	p, b, client := start(t)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.URL+"/api?watch=true", nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	got := make(chan string)
	go func() {
		defer close(got)
		for lines := bufio.NewScanner(answer.Body); lines.Scan(); {
			got <- lines.Text()
		}
	}()
	expect := func(want string) {
		t.Helper()
		select {
		case line := <-got:
			if line != want {
				t.Errorf("the watch says %q, want %q", line, want)
			}
		case <-time.After(ample):
			t.Fatalf("the watch says nothing, want %q", want)
		}
	}
	b.lines <- "one"
	expect("one")
	p.Stall(nil)
	p.Stall(IsWatch)
	b.lines <- "two"
	select {
	case line, open := <-got:
		t.Errorf("the stalled watch says %q, open %v", line, open)
	case <-time.After(100 * time.Millisecond):
	}
	p.Resume()
	expect("two")
	p.Stall(IsWatch)
	b.lines <- "three"
	if n := p.Cut(IsWatch); n != 1 {
		t.Errorf("%d watches were cut", n)
	}
	select {
	case line, open := <-got:
		if open {
			t.Errorf("the watch that was cut says %q", line)
		}
	case <-time.After(ample):
		t.Error("the watch that was cut has no end")
	}
}
