/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package federation

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/internalversion"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/endpoints/request"
	clientrest "k8s.io/client-go/rest"

	hubv1alpha1 "github.com/manifold-k8s/manifold/apis/hub/v1alpha1"
	"github.com/manifold-k8s/manifold/pkg/host"
)

func TestFederation(t *testing.T) {
	t.Parallel()
	r := NewStorage().Federations
	if _, err := r.Get(t.Context(), "default", nil); !apierrors.IsServiceUnavailable(err) {
		t.Errorf("before the server has started: %v", err)
	}
	status, failure := hubv1alpha1.FederationStatus{KubernetesVersion: "v1", Clusters: 3, ReadyClusters: 2}, error(nil)
	r.Use(func() (hubv1alpha1.FederationStatus, error) { return status, failure })
	got, err := r.Get(t.Context(), "default", nil)
	want := &hubv1alpha1.Federation{ObjectMeta: metav1.ObjectMeta{Name: "default"}, Status: status}
	if diff := cmp.Diff(runtime.Object(want), got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if _, err := r.Get(t.Context(), "other", nil); !apierrors.IsNotFound(err) {
		t.Errorf("another one: %v", err)
	}
	for selector, want := range map[string]int{"": 1, "metadata.name=default": 1, "metadata.name=other": 0} {
		list, err := r.List(t.Context(), &internalversion.ListOptions{FieldSelector: fields.ParseSelectorOrDie(selector)})
		if err != nil || len(list.(*hubv1alpha1.FederationList).Items) != want {
			t.Errorf("%q: %v, %v", selector, list, err)
		}
	}
	table, err := r.ConvertToTable(t.Context(), got, nil)
	if err != nil || fmt.Sprint(table.Rows[0].Cells) != "[default v1 3 2]" {
		t.Errorf("printed as %v, %v", table, err)
	}
	failure = errors.New("broken")
	if _, err := r.List(t.Context(), nil); !errors.Is(err, failure) {
		t.Errorf("a status that cannot be computed: %v", err)
	}
}

// Nobody but users of a host come in, and of what the client sends nothing says who it is.
func TestProxyRefuses(t *testing.T) {
	t.Parallel()
	p := NewStorage().Proxy
	if _, err := p.Connect(t.Context(), "default", nil, nil); !apierrors.IsServiceUnavailable(err) {
		t.Errorf("before the server has started: %v", err)
	}
	if err := p.Use(&clientrest.Config{Host: "https://127.0.0.1:1"}); err == nil {
		t.Error("a connection without the right to impersonate was taken")
	}
	if err := p.Use(&clientrest.Config{Host: "https://127.0.0.1:1", BearerToken: "secret"}); err != nil {
		t.Fatal(err)
	}
	for name, ctx := range map[string]context.Context{
		"a user of the hub":           request.WithUser(t.Context(), &user.DefaultInfo{Name: "host:dev", Groups: []string{"system:masters"}}),
		"nobody":                      t.Context(),
		"whom the host does not know": request.WithUser(t.Context(), host.Mapping{UserPrefix: "host:", GroupPrefix: "host:"}.User(&user.DefaultInfo{Name: "system:anonymous"})),
	} {
		if _, err := p.Connect(ctx, "default", nil, nil); !apierrors.IsForbidden(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := p.Connect(t.Context(), "other", nil, nil); !apierrors.IsNotFound(err) {
		t.Errorf("another federation: %v", err)
	}
}

func TestProxyLocates(t *testing.T) {
	t.Parallel()
	to := target{location: url.URL{Scheme: "https", Host: "hub:6443"}}
	for in, want := range map[string]string{
		"":                        "https://hub:6443",
		"/":                       "https://hub:6443/",
		"/api/v1/pods?watch=true": "https://hub:6443/api/v1/pods?watch=true",
		"/a%2Fb/c%20d":            "https://hub:6443/a%2Fb/c%20d",
		"ies/x":                   "",
	} {
		u, err := url.Parse("https://here" + hubv1alpha1.ProxyPath + in)
		if err != nil {
			t.Fatal(err)
		}
		got, err := to.locate(u)
		if want == "" {
			if !apierrors.IsBadRequest(err) {
				t.Errorf("%q: %v, %v", in, got, err)
			}
			continue
		}
		if err != nil || got.String() != want {
			t.Errorf("%q: %v, %v, want %s", in, got, err, want)
		}
	}
}

type responder struct{ t *testing.T }

func (r responder) Object(int, runtime.Object) {}
func (r responder) Error(err error)            { r.t.Error(err) }

// Requests arrive as the user's, whatever else they claim, and connections that are upgraded pass both ways.
func TestProxyPasses(t *testing.T) {
	t.Parallel()
	hub := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if req.Header.Get("Upgrade") == "" {
			fmt.Fprintf(w, "%s %s %v", req.Method, req.URL, req.Header)
			return
		}
		w.Header().Set("Connection", "Upgrade")
		w.Header().Set("Upgrade", "SPDY/3.1")
		w.WriteHeader(http.StatusSwitchingProtocols)
		conn, buffered, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		line, err := buffered.ReadString('\n')
		if err != nil {
			t.Error(err)
		}
		fmt.Fprintf(conn, "%s says %s", req.Header.Get("Impersonate-User"), line)
	}))
	defer hub.Close()
	p := NewStorage().Proxy
	if err := p.Use(&clientrest.Config{Host: hub.URL, BearerToken: "secret"}); err != nil {
		t.Fatal(err)
	}
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		handler, err := p.Connect(request.WithUser(req.Context(), hostUser()), "default", nil, responder{t})
		if err != nil {
			t.Error(err)
			return
		}
		handler.ServeHTTP(w, req)
	}))
	defer front.Close()

	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, front.URL+hubv1alpha1.ProxyPath+"/api/v1/x?a=b", nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, forged := range []string{"Impersonate-User", "Impersonate-Uid", "Impersonate-Extra-X", "X-Remote-User", "X-Remote-Extra-Y", "Authorization"} {
		req.Header.Set(forged, "forged")
	}
	req.Header.Set("Impersonate-Group", "system:masters")
	req.Header.Set("Accept", "application/json")
	response, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(response.Body)
	response.Body.Close()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"PUT /api/v1/x?a=b ", "Accept:[application/json]", "Authorization:[Bearer secret]", "Impersonate-User:[host:dev]", "Impersonate-Group:[host:devs system:authenticated]"} {
		if !strings.Contains(string(body), want) {
			t.Errorf("no %s in %s", want, body)
		}
	}
	for _, never := range []string{"forged", "masters", "X-Remote"} {
		if strings.Contains(string(body), never) {
			t.Errorf("%s is in %s", never, body)
		}
	}
	upgraded(t, front)
}

func hostUser() user.Info {
	return host.Mapping{UserPrefix: "host:", GroupPrefix: "host:"}.User(&user.DefaultInfo{Name: "dev", Groups: []string{"devs"}})
}

func upgraded(t *testing.T, front *httptest.Server) {
	t.Helper()
	conn, err := front.Client().Transport.(*http.Transport).DialContext(t.Context(), "tcp", front.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST %s/exec HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\nImpersonate-User: forged\r\n\r\n", hubv1alpha1.ProxyPath)
	reader := bufio.NewReader(conn)
	response, err := http.ReadResponse(reader, nil)
	if err != nil || response.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("%v, %v", response, err)
	}
	fmt.Fprintln(conn, "hello")
	if line, err := reader.ReadString('\n'); err != nil || line != "host:dev says hello\n" {
		t.Errorf("%q, %v", line, err)
	}
}
