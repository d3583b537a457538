/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package subresource

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apiserver/pkg/endpoints/request"

	hubv1alpha1 "github.com/manifold-k8s/manifold/apis/hub/v1alpha1"
)

func resolve(t *testing.T, method, path string) *request.RequestInfo {
	t.Helper()
	inner := &request.RequestInfoFactory{APIPrefixes: sets.NewString("api", "apis"), GrouplessAPIPrefixes: sets.NewString("api")}
	info, err := Resolve(inner).NewRequestInfo(httptest.NewRequestWithContext(t.Context(), method, path, nil))
	if err != nil {
		t.Fatal(err)
	}
	return info
}

func TestAsked(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]bool{
		"/apis/apps/v1/namespaces/ns/deployments/web/explain":                       true,
		"/apis/apps/v1/namespaces/ns/deployments/web/explain?cluster=m":             true,
		"/api/v1/namespaces/ns/configmaps/explain/explain":                          true,
		"/apis/rbac.authorization.k8s.io/v1/clusterroles/system:x/explain":          true,
		"/api/v1/namespaces/ns/explain":                                             true,
		"/apis/apps/v1/namespaces/ns/deployments/explain":                           false,
		"/apis/apps/v1/namespaces/ns/deployments/web/status":                        false,
		"/apis/apps/v1/namespaces/ns/deployments/web/explain/more":                  false,
		"/api/v1/namespaces/ns/explain/x":                                           false,
		"/api/v1/watch/namespaces/ns/explain":                                       false,
		"/api/v1/explain":                                                           false,
		"/apis/apps/v1/namespaces/ns/explain":                                       false,
		"/apis/cluster.karmada.io/v1alpha1/clusters/m/proxy/api/v1/nodes/n/explain": false,
	} {
		if got := asked(resolve(t, http.MethodGet, path)); got != want {
			t.Errorf("%s: %v, want %v", path, got, want)
		}
	}
	for _, method := range []string{http.MethodPut, http.MethodPost, http.MethodPatch, http.MethodDelete} {
		for _, path := range []string{"/apis/apps/v1/namespaces/ns/deployments/web/explain", "/api/v1/namespaces/ns/explain"} {
			if asked(resolve(t, method, path)) {
				t.Errorf("%s %s is answered like a get", method, path)
			}
		}
	}
}

// Rights are asked for by what is read from the path: for a namespace, those to the namespace.
func TestNamespaceIsTheResource(t *testing.T) {
	t.Parallel()
	got := resolve(t, http.MethodGet, "/api/v1/namespaces/ns/explain?fieldSelector=metadata.name%3Dx")
	if got.Verb != "get" || got.Resource != "namespaces" || got.Name != "ns" || got.Namespace != "ns" || got.Subresource != "explain" || got.FieldSelector != "" {
		t.Errorf("%+v", got)
	}
	if got := resolve(t, http.MethodPost, "/api/v1/namespaces/ns/explain"); got.Resource != "explain" || got.Verb != "create" {
		t.Errorf("a post is resolved as %+v, not as Kubernetes does", got)
	}
}

// Before the server knows what answers rest on, it says so, and when to ask again. What is not for it passes.
func TestBeforeUse(t *testing.T) {
	t.Parallel()
	scheme := runtime.NewScheme()
	if err := hubv1alpha1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	passed := false
	h := New(serializer.NewCodecFactory(scheme)).Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { passed = true }))
	ask := func(path string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		req := httptest.NewRequestWithContext(context.Background(), http.MethodGet, path, nil)
		h.ServeHTTP(w, req.WithContext(request.WithRequestInfo(req.Context(), resolve(t, http.MethodGet, path))))
		return w
	}
	w := ask("/apis/apps/v1/namespaces/ns/deployments/web/explain")
	var status metav1.Status
	if err := json.Unmarshal(w.Body.Bytes(), &status); err != nil {
		t.Fatal(err)
	}
	if passed || w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") != "1" || status.Reason != metav1.StatusReasonServiceUnavailable {
		t.Errorf("%d, Retry-After %q: %s", w.Code, w.Header().Get("Retry-After"), w.Body)
	}
	if ask("/apis/apps/v1/namespaces/ns/deployments/web"); !passed {
		t.Error("a request for the object itself was kept")
	}
}
