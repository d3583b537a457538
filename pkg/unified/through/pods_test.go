/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package through

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/rest"

	"github.com/manifold-k8s/manifold/pkg/member"
)

// one leads to one member.
type one struct{ way *member.Way }

func (o one) Own(_ context.Context, cluster string) (*member.Way, error) {
	if cluster != o.way.Cluster {
		return nil, apierrors.NewNotFound(clusters, cluster)
	}
	return o.way, nil
}

// Object implements rest.Responder.
func (r *told) Object(int, runtime.Object) {}

// podsOf are the subresources, with a resolver that knows the pod p of m1, and an authorizer that lets only users in whose
// name is their verb.
func podsOf(t *testing.T, way *member.Way) map[string]rest.Storage {
	t.Helper()
	scheme := runtime.NewScheme()
	scheme.AddKnownTypes(schema.GroupVersion{Version: runtime.APIVersionInternal}, &corev1.Pod{}, &corev1.PodLogOptions{}, &corev1.PodExecOptions{},
		&corev1.PodAttachOptions{}, &corev1.PodPortForwardOptions{}, &corev1.PodProxyOptions{})
	all, err := Pods(PodsConfig{
		Members: one{way}, Scheme: scheme,
		Resolve: func(_ context.Context, namespace, name string, write bool) (string, string, error) {
			if own, ok := strings.CutSuffix(name, ".m1"); ok {
				return "m1", own, nil
			}
			return "", "", apierrors.NewNotFound(pods, fmt.Sprintf("%s/%s, write %v", namespace, name, write))
		},
		Authorizer: authorizer.AuthorizerFunc(func(_ context.Context, a authorizer.Attributes) (authorizer.Decision, string, error) {
			if a.GetUser().GetName() == a.GetVerb() && a.GetNamespace() == "ns" && a.GetResource() == "pods" {
				return authorizer.DecisionAllow, "", nil
			}
			return authorizer.DecisionNoOpinion, "", nil
		}),
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// connect sends a request to a subresource and returns what the pod, or the hub, answers.
func connect(t *testing.T, all map[string]rest.Storage, method, subresource, path, as string) (string, error) {
	t.Helper()
	req := httptest.NewRequest(method, path, nil)
	info, err := paths.NewRequestInfo(req)
	if err != nil {
		t.Fatal(err)
	}
	ctx := request.WithNamespace(request.WithRequestInfo(request.WithUser(req.Context(), &user.DefaultInfo{Name: as}), info), info.Namespace)
	w := httptest.NewRecorder()
	r := &told{w: w}
	c := all["pods/"+subresource].(rest.Connecter)
	options, _, _ := c.NewConnectOptions()
	h, err := c.Connect(ctx, info.Name, options, r)
	if err != nil {
		return "", err
	}
	h.ServeHTTP(w, req.WithContext(ctx))
	return w.Body.String(), r.err
}

func TestPods(t *testing.T) {
	t.Parallel()
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Method, " ", r.RequestURI) }))
	defer upstream.Close()
	all := podsOf(t, wayTo(t, "m1", upstream.URL))
	for name, tc := range map[string]struct{ method, subresource, path, want string }{
		"log":                {"GET", "log", "/api/v1/namespaces/ns/pods/p.m1/log?follow=true&container=c", "GET /api/v1/namespaces/ns/pods/p/log?follow=true&container=c"},
		"exec":               {"POST", "exec", "/api/v1/namespaces/ns/pods/p.m1/exec?command=a&command=b", "POST /api/v1/namespaces/ns/pods/p/exec?command=a&command=b"},
		"attach":             {"POST", "attach", "/api/v1/namespaces/ns/pods/p.m1/attach?stdin=true", "POST /api/v1/namespaces/ns/pods/p/attach?stdin=true"},
		"portforward":        {"POST", "portforward", "/api/v1/namespaces/ns/pods/p.m1/portforward?ports=80", "POST /api/v1/namespaces/ns/pods/p/portforward?ports=80"},
		"proxy":              {"PUT", "proxy", "/api/v1/namespaces/ns/pods/p.m1/proxy", "PUT /api/v1/namespaces/ns/pods/p/proxy"},
		"proxy, root":        {"GET", "proxy", "/api/v1/namespaces/ns/pods/p.m1/proxy/", "GET /api/v1/namespaces/ns/pods/p/proxy/"},
		"proxy, port":        {"GET", "proxy", "/api/v1/namespaces/ns/pods/p.m1:80/proxy/a/b?c", "GET /api/v1/namespaces/ns/pods/p:80/proxy/a/b?c"},
		"proxy, scheme":      {"GET", "proxy", "/api/v1/namespaces/ns/pods/https:p.m1:443/proxy/a/", "GET /api/v1/namespaces/ns/pods/https:p:443/proxy/a/"},
		"proxy, empty parts": {"GET", "proxy", "/api/v1/namespaces/ns/pods/p.m1/proxy/a//b", "GET /api/v1/namespaces/ns/pods/p/proxy/a//b"},
	} {
		if got, err := connect(t, all, tc.method, tc.subresource, tc.path, "create"); err != nil || got != tc.want {
			// a request that does not change the protocol is good enough to see where it goes
			t.Errorf("%s: %q, want %q: %v", name, got, tc.want, err)
		}
	}
	for name, tc := range map[string]struct{ method, subresource, path, want string }{
		"logs only look":   {"GET", "log", "/api/v1/namespaces/ns/pods/p/log", `"ns/p, write false" not found`},
		"exec may change":  {"POST", "exec", "/api/v1/namespaces/ns/pods/p/exec", `"ns/p, write true" not found`},
		"proxy may change": {"GET", "proxy", "/api/v1/namespaces/ns/pods/p:80/proxy", `"ns/p, write true" not found`},
		"no name":          {"GET", "proxy", "/api/v1/namespaces/ns/pods/a:b:c:d/proxy", "[scheme:]name:[port]"},
		"another place":    {"GET", "proxy", "/api/v1/namespaces/ns/pods/p.m1/proxy/../../q/log", "part that is . or .."},
		"a hidden place":   {"GET", "log", "/api/v1/namespaces/ns/pods/..m1/log", "part that is . or .."},
	} {
		if _, err := connect(t, all, tc.method, tc.subresource, tc.path, "create"); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Who may only read opens nothing by GET either.
func TestPodsNeedCreate(t *testing.T) {
	t.Parallel()
	upstream := httptest.NewServer(http.NotFoundHandler())
	defer upstream.Close()
	all := podsOf(t, wayTo(t, "m1", upstream.URL))
	for subresource, needs := range map[string]bool{"log": false, "exec": true, "attach": true, "portforward": true, "proxy": false} {
		path := "/api/v1/namespaces/ns/pods/p.m1/" + subresource
		if _, err := connect(t, all, http.MethodGet, subresource, path, "get"); apierrors.IsForbidden(err) != needs {
			t.Errorf("%s with get alone: %v", subresource, err)
		}
		if _, err := connect(t, all, http.MethodGet, subresource, path, "create"); err != nil {
			t.Errorf("%s with create: %v", subresource, err)
		}
	}
}

// A scheme without the options is found out when the server is built.
func TestPodsWithoutTypes(t *testing.T) {
	t.Parallel()
	if _, err := Pods(PodsConfig{Scheme: runtime.NewScheme()}); err == nil {
		t.Error("taken")
	}
}
