/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package through

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/warning"
	"k8s.io/client-go/rest"

	"github.com/manifold-k8s/manifold/pkg/member"
)

// several are members by name.
type several map[string]*member.Way

func (s several) Names() []string { return slices.Sorted(maps.Keys(s)) }

func (s several) Impersonator(_ context.Context, cluster string, as user.Info) (*member.Way, error) {
	if as.GetName() != "alice" {
		return nil, apierrors.NewInternalError(errors.New("not as " + as.GetName()))
	}
	if w := s[cluster]; w != nil {
		return w, nil
	}
	return nil, apierrors.NewNotFound(clusters, cluster)
}

// warnings are those that a request led to.
type warnings []string

func (w *warnings) AddWarning(_, text string) { *w = append(*w, text) }

// answered sends a request below a cluster's name, as alice.
func answered(t *testing.T, c *Clusters, method, cluster, path string) (string, warnings, error) {
	t.Helper()
	var said warnings
	w := httptest.NewRecorder()
	r := &told{w: w}
	ctx := warning.WithWarningRecorder(request.WithUser(t.Context(), &user.DefaultInfo{Name: "alice"}), &said)
	path, query, _ := strings.Cut(path, "?")
	h, err := c.Proxy(ctx, cluster, path, r)
	if err != nil {
		return "", nil, err
	}
	h.ServeHTTP(w, httptest.NewRequest(method, "/on/the/hub?"+query, nil).WithContext(ctx))
	return w.Body.String(), said, r.err
}

// serving is a member that answers a path with a body, all others with 404.
func serving(t *testing.T, cluster string, answers map[string]string) *member.Way {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, ok := answers[r.RequestURI]
		if !ok {
			http.NotFound(w, r)
			return
		}
		fmt.Fprint(w, body)
	}))
	t.Cleanup(s.Close)
	return wayTo(t, cluster, s.URL)
}

// A member that does not answer is missing, and named.
func TestListOfAllButOne(t *testing.T) {
	t.Parallel()
	dead := httptest.NewServer(http.NotFoundHandler())
	dead.Close()
	list := func(name string) map[string]string {
		return map[string]string{"/api/v1/pods?labelSelector=a": `{"kind":"PodList","apiVersion":"v1","items":[{"metadata":{"name":"` + name + `"}}]}`}
	}
	c := NewClusters(several{
		"m3": serving(t, "m3", list("x")), "m1": serving(t, "m1", list("y")), "m2": wayTo(t, "m2", dead.URL), "m4": serving(t, "m4", nil),
	}, nil)
	got, told, err := answered(t, c, http.MethodGet, "*", "/api/v1/pods?labelSelector=a&limit=1")
	if err != nil || strings.Index(got, `"y"`) > strings.Index(got, `"x"`) || strings.Count(got, "cached-from-cluster") != 2 {
		t.Errorf("%s: %v", got, err)
	}
	if len(told) != 1 || !strings.Contains(told[0], "cluster m2 has is missing from this list: cluster m2 does not answer") {
		t.Errorf("warnings %q", told)
	}
	if _, _, err := answered(t, c, http.MethodGet, "*", "/api/v1/nodes"); !apierrors.IsServiceUnavailable(err) {
		t.Errorf("what nobody serves who answers: %v", err)
	}
	for _, method := range []string{http.MethodPost, http.MethodDelete, http.MethodPut} {
		if _, _, err := answered(t, c, method, "*", "/api/v1/namespaces/n/pods"); !apierrors.IsMethodNotSupported(err) {
			t.Errorf("%s: %v", method, err)
		}
	}
	if _, _, err := answered(t, c, http.MethodGet, "*", "/api/v1/pods?watch=1"); !apierrors.IsMethodNotSupported(err) {
		t.Errorf("watch: %v", err)
	}
}

// What is about no resource is answered by the hub, for the user.
func TestAllAsTheHub(t *testing.T) {
	t.Parallel()
	hub := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.URL.Path, " ", r.Header["Impersonate-User"], r.Header["Authorization"])
	}))
	defer hub.Close()
	c := NewClusters(several{}, &rest.Config{Host: hub.URL, BearerToken: "t"})
	for _, path := range []string{"/version", "/apis/apps/v1", "/api"} {
		if got, _, err := answered(t, c, http.MethodGet, "*", path); err != nil || got != path+" [alice] [Bearer t]" {
			t.Errorf("%s: %q: %v", path, got, err)
		}
	}
}

// One cluster is that one, and the user is needed.
func TestOneCluster(t *testing.T) {
	t.Parallel()
	c := NewClusters(several{"m1": serving(t, "m1", map[string]string{"/": "root", "/api?a=b": "api"})}, nil)
	for path, want := range map[string]string{"": "root", "/": "root", "/api?a=b": "api"} {
		if got, _, err := answered(t, c, http.MethodGet, "m1", path); err != nil || !strings.HasPrefix(got, want) {
			t.Errorf("%q: %q: %v", path, got, err)
		}
	}
	if _, _, err := answered(t, c, http.MethodGet, "m2", "/"); !apierrors.IsNotFound(err) {
		t.Errorf("a cluster that is not there: %v", err)
	}
	if _, err := c.Proxy(t.Context(), "m1", "/", &told{}); err == nil {
		t.Error("without a user")
	}
}

// Storage that is asked before the server has been put together refuses.
func TestLate(t *testing.T) {
	t.Parallel()
	l := &Late{}
	if _, err := l.Own(t.Context(), "m1"); !apierrors.IsServiceUnavailable(err) {
		t.Errorf("%v", err)
	}
	if d, _, err := l.Authorize(t.Context(), nil); d != authorizer.DecisionDeny || err == nil {
		t.Errorf("%v: %v", d, err)
	}
	l.Use(one{wayTo(t, "m1", "https://m1")}, authorizer.AuthorizerFunc(func(context.Context, authorizer.Attributes) (authorizer.Decision, string, error) {
		return authorizer.DecisionAllow, "", nil
	}))
	if w, err := l.Own(t.Context(), "m1"); err != nil || w.Cluster != "m1" {
		t.Errorf("%v: %v", w, err)
	}
	if d, _, err := l.Authorize(t.Context(), nil); d != authorizer.DecisionAllow || err != nil {
		t.Errorf("%v: %v", d, err)
	}
}
