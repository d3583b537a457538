/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package member

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"

	clusterv1alpha1 "github.com/manifold-k8s/manifold/apis/cluster/v1alpha1"
)

// secretServer answers for every Secret by name, with the code if that is not 200.
type secretServer struct {
	corev1client.SecretsGetter

	mu    sync.Mutex
	code  int
	data  map[string]map[string][]byte // by name
	reads int
}

func newSecretServer(t *testing.T, code int, data map[string]map[string][]byte) *secretServer {
	t.Helper()
	s := &secretServer{code: code, data: data}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.reads++
		name := r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]
		code, content := s.code, s.data[name]
		if code == http.StatusOK && content == nil {
			code = http.StatusNotFound
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(code)
		var answer any = &corev1.Secret{
			TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"}, ObjectMeta: metav1.ObjectMeta{Namespace: "s", Name: name}, Data: content,
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
	s.SecretsGetter = client
	return s
}

// set replaces the content of a Secret.
func (s *secretServer) set(code int, name string, data map[string][]byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.code = code
	s.data[name] = data
}

func (s *secretServer) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reads
}

// pushed is a Cluster as join makes it.
func pushed(change ...func(*clusterv1alpha1.ClusterSpec)) *clusterv1alpha1.Cluster {
	c := &clusterv1alpha1.Cluster{ObjectMeta: metav1.ObjectMeta{Name: "m1", UID: "u1", Generation: 1}}
	c.Spec = clusterv1alpha1.ClusterSpec{
		SyncMode: clusterv1alpha1.Push, APIEndpoint: "https://127.0.0.1:1",
		SecretRef:             &clusterv1alpha1.LocalSecretReference{Namespace: "s", Name: "m1"},
		ImpersonatorSecretRef: &clusterv1alpha1.LocalSecretReference{Namespace: "s", Name: "m1-impersonator"},
	}
	for _, f := range change {
		f(&c.Spec)
	}
	return c
}

func ofM1(data map[string][]byte) map[string]map[string][]byte {
	return map[string]map[string][]byte{"m1": data}
}

var credentials = map[string][]byte{"token": []byte("t"), "caBundle": []byte("c")}

func TestAccess(t *testing.T) {
	t.Parallel()
	secrets := newSecretServer(t, http.StatusOK, ofM1(credentials))
	cfg, _, err := AccessTo(t.Context(), secrets, pushed())
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Host != "https://127.0.0.1:1" || cfg.BearerToken != "t" || string(cfg.CAData) != "c" || cfg.Insecure || cfg.Proxy != nil || cfg.Timeout != requestTimeout {
		t.Errorf("config = %+v", cfg)
	}
	cfg, _, err = AccessTo(t.Context(), secrets, pushed(func(s *clusterv1alpha1.ClusterSpec) {
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
func TestAccessErrors(t *testing.T) {
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
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cl := pushed()
			if tc.change != nil {
				tc.change(&cl.Spec)
			}
			_, _, err := AccessTo(t.Context(), newSecretServer(t, tc.code, ofM1(tc.data)), cl)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Fatalf("err = %v, want one with %q", err, tc.want)
			}
			if got := errors.Is(err, ErrUnread); got != tc.unread {
				t.Errorf("unread = %v, want %v: %v", got, tc.unread, err)
			}
		})
	}
}

// A connection is made anew when something about it has changed, and only then.
func TestFingerprint(t *testing.T) {
	t.Parallel()
	print := func(data map[string][]byte, change ...func(*clusterv1alpha1.ClusterSpec)) string {
		_, f, err := AccessTo(t.Context(), newSecretServer(t, http.StatusOK, ofM1(data)), pushed(change...))
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
