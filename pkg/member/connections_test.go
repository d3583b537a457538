/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package member

import (
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	clocktesting "k8s.io/utils/clock/testing"

	clusterv1alpha1 "github.com/manifold-k8s/manifold/apis/cluster/v1alpha1"
)

// upstream is a member that lets in who has the right token, and remembers what it was sent.
type upstream struct {
	*httptest.Server
	mu       sync.Mutex
	token    string
	received []http.Header
	opened   int // connections
}

func newUpstream(t *testing.T) *upstream {
	t.Helper()
	u := &upstream{token: "t"}
	u.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		u.mu.Lock()
		defer u.mu.Unlock()
		u.received = append(u.received, r.Header.Clone())
		if r.Header.Get("Authorization") != "Bearer "+u.token {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_, _ = io.Copy(w, r.Body)
	}))
	u.EnableHTTP2 = true
	u.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			u.mu.Lock()
			u.opened++
			u.mu.Unlock()
		}
	}
	u.StartTLS()
	t.Cleanup(u.Close)
	return u
}

func (u *upstream) requires(token string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.token = token
}

func (u *upstream) last() http.Header {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.received[len(u.received)-1]
}

func (u *upstream) secret(token string) map[string][]byte {
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: u.Certificate().Raw})
	return map[string][]byte{"token": []byte(token), "caBundle": ca}
}

// federation is one Cluster, its Secrets and its member.
type federation struct {
	*Connections
	up      *upstream
	secrets *secretServer
	clock   *clocktesting.FakePassiveClock
	store   cache.Store
	cluster *clusterv1alpha1.Cluster
}

func newFederation(t *testing.T, change ...func(*clusterv1alpha1.ClusterSpec)) *federation {
	t.Helper()
	f := &federation{up: newUpstream(t), clock: clocktesting.NewFakePassiveClock(time.Unix(1000, 0))}
	f.secrets = newSecretServer(t, http.StatusOK, map[string]map[string][]byte{
		"m1": f.up.secret("t"), "m1-impersonator": {"token": []byte("i")},
	})
	informer := cache.NewSharedIndexInformer(&cache.ListWatch{}, &clusterv1alpha1.Cluster{}, 0, cache.Indexers{})
	f.store = informer.GetStore()
	f.cluster = pushed(append(change, func(s *clusterv1alpha1.ClusterSpec) { s.APIEndpoint = f.up.URL })...)
	f.put(t, f.cluster)
	var err error
	f.Connections, err = NewConnections(ConnectionsConfig{Clusters: informer, Secrets: f.secrets, Clock: f.clock})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func (f *federation) put(t *testing.T, cl *clusterv1alpha1.Cluster) {
	t.Helper()
	if err := f.store.Update(cl); err != nil {
		t.Fatal(err)
	}
	f.cluster = cl
}

// send sends a request with Manifold's own rights and returns its HTTP status.
func send(t *testing.T, cfg *rest.Config, body io.Reader) (int, error) {
	t.Helper()
	client, err := rest.HTTPClientFor(cfg)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.Post(cfg.Host+"/x", "text/plain", body)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		t.Error(err)
	}
	return resp.StatusCode, nil
}

func TestNoSuchCluster(t *testing.T) {
	t.Parallel()
	f := newFederation(t)
	if _, err := f.Config(t.Context(), "m2"); !apierrors.IsNotFound(err) {
		t.Errorf("got %v", err)
	}
	if got := f.Names(); !slices.Equal(got, []string{"m1"}) || !f.Exists("m1") || f.Exists("m2") {
		t.Errorf("names = %v", got)
	}
}

// Clients of one member share a connection, whoever makes them, and credentials are read once.
func TestConnectionsAreShared(t *testing.T) {
	t.Parallel()
	f := newFederation(t)
	for range 5 {
		cfg, err := f.Config(t.Context(), "m1")
		if err != nil {
			t.Fatal(err)
		}
		if code, err := send(t, cfg, nil); err != nil || code != http.StatusOK {
			t.Fatalf("%d: %v", code, err)
		}
	}
	if f.up.opened != 1 || f.secrets.count() != 1 {
		t.Errorf("%d connections, %d reads of the Secret; want one of each", f.up.opened, f.secrets.count())
	}
}

// A client that was made before goes on with a new token once the old one is refused, and the request itself succeeds.
func TestNewTokenAfterRefusal(t *testing.T) {
	t.Parallel()
	f := newFederation(t)
	cfg, err := f.Config(t.Context(), "m1")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := send(t, cfg, nil); err != nil {
		t.Fatal(err)
	}
	f.up.requires("u")
	f.secrets.set(http.StatusOK, "m1", f.up.secret("u"))
	f.clock.SetTime(f.clock.Now().Add(2 * refusedAge))
	if code, err := send(t, cfg, strings.NewReader("once more")); err != nil || code != http.StatusOK {
		t.Errorf("%d: %v", code, err)
	}

	f.up.requires("v") // and the Secret has no such token: it is not read for each request
	before := f.secrets.count()
	for range 10 {
		if code, err := send(t, cfg, nil); err != nil || code != http.StatusUnauthorized {
			t.Errorf("%d: %v", code, err)
		}
	}
	if n := f.secrets.count() - before; n > 1 {
		t.Errorf("%d reads of the Secret within a second", n)
	}
}

// A token that still serves is kept while the Secret cannot be read, and replaced some minutes after it has changed.
func TestCredentialsAge(t *testing.T) {
	t.Parallel()
	f := newFederation(t)
	var changes []string
	f.OnChange(func(cluster string) { changes = append(changes, cluster) })
	token := func() string {
		w, err := f.Own(t.Context(), "m1")
		if err != nil {
			t.Fatal(err)
		}
		req, err := w.Upgrade.WrapRequest(httptest.NewRequest(http.MethodGet, "/", nil))
		if err != nil {
			t.Fatal(err)
		}
		return req.Header.Get("Authorization")
	}
	if got := token(); got != "Bearer t" {
		t.Fatal(got)
	}
	f.secrets.set(http.StatusOK, "m1", f.up.secret("u"))
	if got := token(); got != "Bearer t" {
		t.Errorf("read for each request: %s", got)
	}
	f.secrets.set(http.StatusInternalServerError, "m1", f.up.secret("u"))
	f.clock.SetTime(f.clock.Now().Add(credentialsAge))
	if got := token(); got != "Bearer t" {
		t.Errorf("given up because the Secret could not be read: %s", got)
	}
	f.secrets.set(http.StatusOK, "m1", f.up.secret("u"))
	if got := token(); got != "Bearer u" {
		t.Errorf("not read anew: %s", got)
	}
	if !slices.Equal(changes, []string{"m1"}) {
		t.Errorf("told of %v, want m1 once", changes)
	}
}

// Credentials are not sent where they were not meant to go.
func TestClientOfAMemberThatMoved(t *testing.T) {
	t.Parallel()
	f := newFederation(t)
	cfg, err := f.Config(t.Context(), "m1")
	if err != nil {
		t.Fatal(err)
	}
	moved := f.cluster.DeepCopy()
	moved.Spec.APIEndpoint = "https://127.0.0.1:9"
	f.put(t, moved)
	if _, err := send(t, cfg, nil); err == nil || !strings.Contains(err.Error(), "reached in another way now") {
		t.Errorf("got %v", err)
	}
	if len(f.up.received) != 0 {
		t.Error("the request has been sent to where the member was")
	}
}

// Who sends a request is what we say, whatever it says itself.
func TestImpersonator(t *testing.T) {
	t.Parallel()
	f := newFederation(t)
	f.up.requires("i")
	w, err := f.Impersonator(t.Context(), "m1", &user.DefaultInfo{Name: "alice", UID: "7", Groups: []string{"devs", user.AllAuthenticated, "ops"}, Extra: map[string][]string{"k": {"v"}}})
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.Endpoint.String()+"/api", nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"Authorization", "Impersonate-User", "Impersonate-Group", "Impersonate-Uid", "Impersonate-Extra-Scopes", "X-Remote-User", "X-Remote-Group", "X-Remote-Extra-A"} {
		req.Header.Set(name, "forged")
	}
	req.Header.Set("Accept", "application/json")
	resp, err := w.Transport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	upgrade, err := w.Upgrade.WrapRequest(req)
	if err != nil {
		t.Fatal(err)
	}
	for way, got := range map[string]http.Header{"request": f.up.last(), "upgrade": upgrade.Header} {
		for name, want := range map[string][]string{
			"Authorization": {"Bearer i"}, "Impersonate-User": {"alice"}, "Impersonate-Group": {"devs", "ops"}, "Impersonate-Uid": nil,
			"Impersonate-Extra-Scopes": nil, "X-Remote-User": nil, "X-Remote-Group": nil, "X-Remote-Extra-A": nil, "Accept": {"application/json"},
		} {
			if !slices.Equal(got[name], want) {
				t.Errorf("%s: %s is %q, want %q", way, name, got[name], want)
			}
		}
	}
	if req.Header.Get("Authorization") != "forged" {
		t.Error("the caller's request has been changed")
	}
}

func TestImpersonatorErrors(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change func(*clusterv1alpha1.ClusterSpec)
		secret map[string][]byte
		want   string
	}{
		"no reference": {func(s *clusterv1alpha1.ClusterSpec) { s.ImpersonatorSecretRef = nil }, nil, "spec.impersonatorSecretRef is missing"},
		"no Secret":    {func(*clusterv1alpha1.ClusterSpec) {}, nil, "read credentials"},
		"no token":     {func(*clusterv1alpha1.ClusterSpec) {}, map[string][]byte{"a": nil}, `secret s/m1-impersonator has no key "token"`},
	} {
		f := newFederation(t, tc.change)
		f.secrets.set(http.StatusOK, "m1-impersonator", tc.secret)
		_, err := f.Impersonator(t.Context(), "m1", &user.DefaultInfo{Name: "alice"})
		if !apierrors.IsServiceUnavailable(err) || !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), "cluster m1") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// That the member refuses our token is not for the user to mend.
func TestRefusedTokenIsNoAnswer(t *testing.T) {
	t.Parallel()
	f := newFederation(t)
	f.up.requires("other")
	w, err := f.Own(t.Context(), "m1")
	if err != nil {
		t.Fatal(err)
	}
	resp, err := w.Transport.RoundTrip(httptest.NewRequest(http.MethodGet, f.up.URL, nil))
	if err == nil {
		resp.Body.Close()
	}
	if !apierrors.IsServiceUnavailable(err) {
		t.Errorf("got %v", err)
	}
}
