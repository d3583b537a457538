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
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/client-go/rest"

	clusterv1alpha1 "github.com/manifold-k8s/manifold/apis/cluster/v1alpha1"
)

// apiServer answers the paths given with those codes, /version with a version and everything else with 404.
func apiServer(t *testing.T, codes map[string]int) *rest.Config {
	t.Helper()
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer token" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		code, listed := codes[r.URL.Path]
		switch {
		case code == hangs:
			<-r.Context().Done()
		case listed:
			w.WriteHeader(code)
			fmt.Fprintln(w, "said", code)
		case r.URL.Path == "/version":
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprintln(w, `{"gitVersion":"v1.2.3"}`)
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	t.Cleanup(server.Close)
	return &rest.Config{Host: server.URL, BearerToken: "token", TLSClientConfig: rest.TLSClientConfig{
		CAData: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}),
	}}
}

const hangs = -1

// closedPort is an address on which nothing listens.
func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return "https://" + l.Addr().String()
}

func TestProbe(t *testing.T) {
	t.Parallel()
	const (
		ready     = clusterv1alpha1.ReasonClusterReady
		unreached = clusterv1alpha1.ReasonClusterNotReachable
	)
	for name, tc := range map[string]struct {
		codes            map[string]int
		change           func(*rest.Config)
		reachable, ready bool
		reason, message  string
		version          string
	}{
		"ready":                   {codes: map[string]int{"/readyz": 200}, reachable: true, ready: true, reason: ready, message: "answers ok", version: "v1.2.3"},
		"an older server's path":  {codes: map[string]int{"/healthz": 200}, reachable: true, ready: true, reason: ready, message: "answers ok", version: "v1.2.3"},
		"neither path":            {reachable: true, reason: unreached, message: "answers 404", version: "v1.2.3"},
		"not ready":               {codes: map[string]int{"/readyz": 500}, reachable: true, reason: unreached, message: "answers 500", version: "v1.2.3"},
		"not ready by either":     {codes: map[string]int{"/readyz": 404, "/healthz": 503}, reachable: true, reason: unreached, message: "answers 503", version: "v1.2.3"},
		"credentials are refused": {codes: map[string]int{"/readyz": 200}, change: func(c *rest.Config) { c.BearerToken = "old" }, reason: unreached, message: "answers 401"},
		"closed":                  {change: func(c *rest.Config) { c.Host = closedPort(t) }, reason: unreached, message: "connection refused"},
		"hangs":                   {codes: map[string]int{"/readyz": hangs}, reason: unreached, message: "does not answer"},
		"of another authority":    {change: func(c *rest.Config) { c.CAData = nil }, reason: unreached, message: "certificate"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := apiServer(t, tc.codes)
			if tc.change != nil {
				tc.change(cfg)
			}
			m, err := newMember("m1", cfg, nil)
			if err != nil {
				t.Fatal(err)
			}
			if m.State().Probed {
				t.Error("probed before the first probe")
			}
			limit := 5 * time.Second
			if tc.codes["/readyz"] == hangs {
				limit = 200 * time.Millisecond // as probeTimeout does
			}
			ctx, cancel := context.WithTimeout(t.Context(), limit)
			defer cancel()
			m.probe(ctx)
			s := m.State()
			if !s.Probed || s.Reachable != tc.reachable || s.Ready != tc.ready || s.Reason != tc.reason || s.Version != tc.version || !strings.Contains(s.Message, tc.message) {
				t.Errorf("state = %+v", s)
			}
		})
	}
}

// A probe that was broken off says nothing about the member.
func TestProbeBrokenOff(t *testing.T) {
	t.Parallel()
	m, err := newMember("m1", apiServer(t, map[string]int{"/readyz": hangs}), nil)
	if err != nil {
		t.Fatal(err)
	}
	m.update(func(s *State) { s.Probed, s.Reachable, s.Ready = true, true, true })
	ctx, stop := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, stop)
	m.probe(ctx)
	if s := m.State(); !s.Reachable || !s.Ready {
		t.Errorf("state = %+v", s)
	}
}

// Listeners hear of every change of the state, once, and of every return.
func TestStateEvents(t *testing.T) {
	t.Parallel()
	states, returns := 0, 0
	m := &Member{events: []Events{{}, {State: func(*Member) { states++ }, Reachable: func(*Member) { returns++ }}}}
	for i, step := range []struct {
		change          func(*State)
		states, returns int
	}{
		{func(s *State) {}, 0, 0},
		{func(s *State) { s.Probed, s.Reachable = true, true }, 1, 1},
		{func(s *State) { s.Probed, s.Reachable = true, true }, 1, 1},
		{func(s *State) { s.Message = "x" }, 2, 1},
		{func(s *State) { s.Reachable = false }, 3, 1},
		{func(s *State) { s.Nodes = &NodeSummary{} }, 4, 1},
		{func(s *State) { s.Nodes = &NodeSummary{} }, 4, 1},
		{func(s *State) { s.APIs = []clusterv1alpha1.APIEnablement{{GroupVersion: "v1"}} }, 5, 1},
		{func(s *State) { s.APIs = []clusterv1alpha1.APIEnablement{{GroupVersion: "v1"}} }, 5, 1},
		{func(s *State) { s.Reachable = true }, 6, 2},
	} {
		m.update(step.change)
		if states != step.states || returns != step.returns {
			t.Errorf("step %d: %d states, %d returns, want %d, %d", i, states, returns, step.states, step.returns)
		}
	}
}

// However much fails, a member that is away is probed at its own pace, and one that is not, once more.
func TestSuspect(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		state State
		want  int
	}{
		"not probed yet": {State{}, 1}, "reachable": {State{Probed: true, Reachable: true}, 1}, "away": {State{Probed: true}, 0},
	} {
		m := &Member{kick: make(chan struct{}, 1), state: tc.state}
		for range 3 {
			m.Suspect()
		}
		if got := len(m.kick); got != tc.want {
			t.Errorf("%s: %d probes asked for, want %d", name, got, tc.want)
		}
	}
}

// What a condition says about a broken connection is the same for each attempt.
func TestLasting(t *testing.T) {
	t.Parallel()
	remote := &net.TCPAddr{IP: net.IPv4(10, 0, 0, 1), Port: 6443}
	text := func(port int) string {
		return lasting(fmt.Errorf("get: %w", &net.OpError{
			Op: "read", Net: "tcp", Source: &net.TCPAddr{IP: net.IPv4(10, 0, 0, 2), Port: port}, Addr: remote, Err: errors.New("connection reset"),
		})).Error()
	}
	if a, b := text(50001), text(50002); a != b || !strings.Contains(a, "10.0.0.1:6443") || !strings.Contains(a, "connection reset") {
		t.Errorf("%q, then %q", a, b)
	}
	other := errors.New("x")
	if !errors.Is(lasting(other), other) {
		t.Error("another error is not left as it is")
	}
}

func TestFleet(t *testing.T) {
	t.Parallel()
	f := NewFleet()
	var mu sync.Mutex
	returned := map[string]bool{}
	reachable := make(chan struct{}, 10)
	f.Listen(Events{Reachable: func(m *Member) {
		mu.Lock()
		defer mu.Unlock()
		returned[m.Name] = true
		reachable <- struct{}{}
	}})
	connect := func(name, fingerprint string) *Member {
		m, err := f.Connect(name, fingerprint, apiServer(t, map[string]int{"/readyz": 200}))
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	b := connect("b", "1")
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- f.Run(ctx) }()
	a := connect("a", "1") // before or after Run, both come up
	for range 2 {
		select {
		case <-reachable:
		case <-time.After(10 * time.Second):
			t.Fatalf("reachable: %v", returned)
		}
	}
	if connect("a", "1") != a {
		t.Error("a connection was made anew for nothing")
	}
	if connect("a", "2") == a {
		t.Error("a connection was kept though its configuration has changed")
	}
	if _, err := f.Connect("c", "1", &rest.Config{Host: "https://x", TLSClientConfig: rest.TLSClientConfig{CAData: []byte("no PEM")}}); err == nil {
		t.Error("a configuration that cannot work is no error")
	}
	var names []string
	for _, m := range f.All() {
		names = append(names, m.Name)
	}
	if got := strings.Join(names, " "); got != "a b" || f.Get("b") != b || f.Get("c") != nil {
		t.Errorf("members %q", got)
	}
	f.Disconnect("b")
	f.Disconnect("b")
	if f.Get("b") != nil {
		t.Error("a member is there after it was disconnected")
	}
	stop()
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("Run does not end")
	}
}
