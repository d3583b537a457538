/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"

	clusterv1alpha1 "github.com/manifold-k8s/manifold/apis/cluster/v1alpha1"
	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
	"github.com/manifold-k8s/manifold/pkg/binding"
	"github.com/manifold-k8s/manifold/pkg/controllers/loop"
	"github.com/manifold-k8s/manifold/pkg/member"
)

// secrets is a client of an API that answers with the Secret, or with the code when there is none.
func secrets(t *testing.T, code int, data map[string][]byte) corev1client.SecretsGetter {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(code)
		var answer any = &corev1.Secret{
			TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"}, ObjectMeta: metav1.ObjectMeta{Namespace: "s", Name: "m1"}, Data: data,
		}
		if code != http.StatusOK {
			reason := map[int]metav1.StatusReason{http.StatusNotFound: metav1.StatusReasonNotFound}[code]
			answer = &metav1.Status{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Status"}, Status: metav1.StatusFailure, Code: int32(code), Reason: reason}
		}
		if err := json.NewEncoder(w).Encode(answer); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(server.Close)
	client, err := corev1client.NewForConfig(&rest.Config{Host: server.URL, ContentConfig: rest.ContentConfig{ContentType: "application/json"}})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// pushed is a Cluster as join makes it.
func pushed(change ...func(*clusterv1alpha1.ClusterSpec)) *clusterv1alpha1.Cluster {
	c := fresh()
	c.Spec = clusterv1alpha1.ClusterSpec{
		SyncMode: clusterv1alpha1.Push, APIEndpoint: "https://127.0.0.1:1",
		SecretRef: &clusterv1alpha1.LocalSecretReference{Namespace: "s", Name: "m1"},
	}
	for _, f := range change {
		f(&c.Spec)
	}
	return c
}

var credentials = map[string][]byte{"token": []byte("t"), "caBundle": []byte("c")}

func TestConfig(t *testing.T) {
	t.Parallel()
	c := &Controller{cfg: Config{Secrets: secrets(t, http.StatusOK, credentials), QPS: 5, Burst: 7}}
	cfg, _, err := c.config(t.Context(), pushed())
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Host != "https://127.0.0.1:1" || cfg.BearerToken != "t" || string(cfg.CAData) != "c" || cfg.Insecure || cfg.Proxy != nil ||
		cfg.QPS != 5 || cfg.Burst != 7 || cfg.Timeout != requestTimeout {
		t.Errorf("config = %+v", cfg)
	}
	cfg, _, err = c.config(t.Context(), pushed(func(s *clusterv1alpha1.ClusterSpec) {
		s.InsecureSkipTLSVerification, s.ProxyURL = true, "http://127.0.0.1:2"
	}))
	if err != nil {
		t.Fatal(err)
	}
	if cfg.CAData != nil || !cfg.Insecure {
		t.Error("without verification no authority may be given: the client refuses both together")
	}
	if proxy, err := cfg.Proxy(nil); err != nil || proxy.Host != "127.0.0.1:2" {
		t.Errorf("proxy %v: %v", proxy, err)
	}
}

// Each mistake is told in a way that says what to do.
func TestConfigErrors(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		code   int
		data   map[string][]byte
		change func(*clusterv1alpha1.ClusterSpec)
		want   string
		unread bool
	}{
		"no endpoint":    {code: 200, data: credentials, change: func(s *clusterv1alpha1.ClusterSpec) { s.APIEndpoint = "" }, want: "spec.apiEndpoint"},
		"no secretRef":   {code: 200, data: credentials, change: func(s *clusterv1alpha1.ClusterSpec) { s.SecretRef = nil }, want: "spec.secretRef"},
		"no Secret":      {code: 404, want: "read credentials"},
		"no answer":      {code: 500, want: "read credentials", unread: true},
		"not allowed":    {code: 403, want: "read credentials", unread: true},
		"no token":       {code: 200, data: map[string][]byte{"caBundle": []byte("c")}, want: `secret s/m1 has no key "token"`},
		"no authority":   {code: 200, data: map[string][]byte{"token": []byte("t")}, want: `no key "caBundle", and spec.insecureSkipTLSVerification is not set`},
		"no proxy's URL": {code: 200, data: credentials, change: func(s *clusterv1alpha1.ClusterSpec) { s.ProxyURL = "http://a b" }, want: "spec.proxyURL"},
		"pull":           {code: 200, data: credentials, change: func(s *clusterv1alpha1.ClusterSpec) { s.SyncMode = clusterv1alpha1.Pull }, want: "spec.syncMode"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cl := pushed()
			if tc.change != nil {
				tc.change(&cl.Spec)
			}
			c := &Controller{cfg: Config{Secrets: secrets(t, tc.code, tc.data), Fleet: member.NewFleet()}}
			m, err := c.connect(t.Context(), cl)
			if err == nil || m != nil || !strings.Contains(err.Error(), tc.want) {
				t.Fatalf("err = %v, want one with %q", err, tc.want)
			}
			if got := errors.Is(err, errUnread); got != tc.unread {
				t.Errorf("unread = %v, want %v: %v", got, tc.unread, err)
			}
		})
	}
}

// A connection is made anew when something about it has changed, and only then.
func TestFingerprint(t *testing.T) {
	t.Parallel()
	print := func(data map[string][]byte, change ...func(*clusterv1alpha1.ClusterSpec)) string {
		c := &Controller{cfg: Config{Secrets: secrets(t, http.StatusOK, data)}}
		_, f, err := c.config(t.Context(), pushed(change...))
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	first := print(credentials)
	for name, tc := range map[string]struct {
		data   map[string][]byte
		change func(*clusterv1alpha1.ClusterSpec)
		same   bool
	}{
		"nothing":          {credentials, func(*clusterv1alpha1.ClusterSpec) {}, true},
		"taint":            {credentials, func(s *clusterv1alpha1.ClusterSpec) { s.Taints = []corev1.Taint{{Key: "a"}} }, true},
		"zones":            {credentials, func(s *clusterv1alpha1.ClusterSpec) { s.Zones = []string{"z"} }, true},
		"endpoint":         {credentials, func(s *clusterv1alpha1.ClusterSpec) { s.APIEndpoint = "https://127.0.0.1:9" }, false},
		"proxy":            {credentials, func(s *clusterv1alpha1.ClusterSpec) { s.ProxyURL = "http://127.0.0.1:2" }, false},
		"verification off": {credentials, func(s *clusterv1alpha1.ClusterSpec) { s.InsecureSkipTLSVerification = true }, false},
		"token":            {map[string][]byte{"token": []byte("u"), "caBundle": []byte("c")}, func(*clusterv1alpha1.ClusterSpec) {}, false},
		"authority":        {map[string][]byte{"token": []byte("t"), "caBundle": []byte("d")}, func(*clusterv1alpha1.ClusterSpec) {}, false},
		"a byte over":      {map[string][]byte{"token": []byte("tc"), "caBundle": []byte("c")}, func(*clusterv1alpha1.ClusterSpec) {}, false},
	} {
		if got := print(tc.data, tc.change) == first; got != tc.same {
			t.Errorf("%s: same = %v, want %v", name, got, tc.same)
		}
	}
}

func TestSince(t *testing.T) {
	t.Parallel()
	c := &Controller{differs: map[string]time.Time{}}
	cl := observed(up())
	at := func(seconds int) time.Time { return start.Add(time.Duration(seconds) * time.Second) }
	if got := c.since(cl, down(), at(0)); !got.IsZero() {
		t.Errorf("after a restart the first observation is taken as it is, not held since %v", got)
	}
	steps := []struct {
		state member.State
		now   int
		want  int
	}{
		{up(), 1, 1}, {down(), 2, 2}, {down(), 9, 2}, {up(), 10, 10}, {down(), 11, 11}, {down(), 50, 11},
	}
	for i, s := range steps {
		if got := c.since(cl, s.state, at(s.now)); !got.Equal(at(s.want)) {
			t.Errorf("step %d: since %v, want %v", i, got, at(s.want))
		}
	}
}

func TestShorter(t *testing.T) {
	t.Parallel()
	for _, tc := range [][3]time.Duration{{0, 0, 0}, {0, 2, 2}, {2, 0, 2}, {1, 2, 1}, {2, 1, 1}} {
		if got := shorter(tc[0], tc[1]); got != tc[2] {
			t.Errorf("shorter(%d, %d) = %d, want %d", tc[0], tc[1], got, tc[2])
		}
	}
}

// written keeps what was last stored.
type written struct{ last *clusterv1alpha1.Cluster }

func (w *written) Update(_ context.Context, c *clusterv1alpha1.Cluster) (*clusterv1alpha1.Cluster, error) {
	w.last = c
	return c, nil
}

// uses says whether a binding lists the cluster.
type uses bool

func (uses) HasSynced() bool           { return true }
func (u uses) UsesCluster(string) bool { return bool(u) }

func (uses) OnChange(func(old, now *binding.Binding)) error { return nil }

func TestLeave(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		away      bool
		used      bool
		finalizer bool
		released  bool
	}{
		"nothing in it":                    {finalizer: true, released: true},
		"something in it":                  {used: true, finalizer: true},
		"something in it, and away":        {away: true, used: true, finalizer: true, released: true},
		"released already, others hold it": {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := &written{}
			c := &Controller{cfg: Config{Bindings: uses(tc.used), Writer: w}}
			cl := pushed(func(*clusterv1alpha1.ClusterSpec) {})
			ready := metav1.ConditionTrue
			if tc.away {
				ready = metav1.ConditionFalse
			}
			cl.Status.Conditions = []metav1.Condition{{Type: clusterv1alpha1.ClusterConditionReady, Status: ready}}
			cl.Finalizers = []string{"example.com/f"}
			if tc.finalizer {
				cl.Finalizers = append(cl.Finalizers, clusterv1alpha1.ClusterFinalizer)
			}
			if _, err := c.leave(t.Context(), cl); err != nil {
				t.Fatal(err)
			}
			if released := w.last != nil; released != tc.released {
				t.Fatalf("released = %v, want %v", released, tc.released)
			}
			if tc.released && (len(w.last.Finalizers) != 1 || w.last.Finalizers[0] != "example.com/f") {
				t.Errorf("finalizers = %v", w.last.Finalizers)
			}
		})
	}
}

func TestUnreadableCredentialsSayNothing(t *testing.T) {
	t.Parallel()
	c := &Controller{cfg: Config{Secrets: secrets(t, 500, credentials), Fleet: member.NewFleet()}}
	if _, err := c.connect(t.Context(), pushed(func(*clusterv1alpha1.ClusterSpec) {})); !errors.Is(err, errUnread) {
		t.Errorf("got %v, want errUnread", err)
	}
}

func TestBindingThatLetsGoBringsTheClusterBack(t *testing.T) {
	t.Parallel()
	of := func(clusters ...string) *binding.Binding {
		b := &binding.Binding{}
		for _, c := range clusters {
			b.Spec.Clusters = append(b.Spec.Clusters, workv1alpha2.TargetCluster{Name: c})
		}
		return b
	}
	for name, tc := range map[string]struct {
		old, now *binding.Binding
		want     int
	}{
		"new binding":         {nil, of("a"), 0},
		"nothing let go":      {of("a"), of("a", "b"), 0},
		"one cluster let go":  {of("a", "b"), of("a"), 1},
		"the binding is gone": {of("a", "b"), nil, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := &Controller{}
			c.loop = loop.New(loop.Config{Name: "test"}, c.step)
			c.bindingChanged(tc.old, tc.now)
			if n := c.loop.Len(); n != tc.want {
				t.Errorf("%d clusters are looked at again, want %d", n, tc.want)
			}
		})
	}
}
