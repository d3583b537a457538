/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package member

import (
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

func TestApply(t *testing.T) {
	t.Parallel()
	deployments := schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "deployments"}
	roles := schema.GroupVersionResource{Group: "rbac.authorization.k8s.io", Version: "v1", Resource: "clusterroles"}
	sent := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "X", "metadata": map[string]any{"name": "web"}}}
	options := metav1.ApplyOptions{FieldManager: "manifold", Force: true}
	for name, tc := range map[string]struct {
		resource  schema.GroupVersionResource
		namespace string
		path      string
	}{
		"core":         {configMapResource, "ns", "/api/v1/namespaces/ns/configmaps/web"},
		"group":        {deployments, "ns", "/apis/apps/v1/namespaces/ns/deployments/web"},
		"cluster-wide": {roles, "", "/apis/rbac.authorization.k8s.io/v1/clusterroles/web"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := connected(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
				body, err := io.ReadAll(r.Body)
				if err != nil {
					t.Error(err)
				}
				got := fmt.Sprint(r.Method, " ", r.URL.Path, " ", r.URL.Query().Encode(), " ", r.Header.Get("Content-Type"), " ", string(body))
				want := "PATCH " + tc.path + " fieldManager=manifold&force=true application/apply-patch+yaml " + `{"apiVersion":"v1","kind":"X","metadata":{"name":"web"}}` + "\n"
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("asked (-want +got):\n%s", diff)
				}
				w.Header().Set("Content-Type", "application/json")
				_, _ = io.WriteString(w, configMapJSON("web", "1"))
			}))
			got, err := m.Objects(tc.resource, tc.namespace).Apply(t.Context(), "web", sent, options)
			if err != nil {
				t.Fatal(err)
			}
			if got.GetName() != "web" || got.GetLabels()["v"] != "1" || got.GetManagedFields() != nil {
				t.Errorf("got %v", got.Object)
			}
		})
	}
}

// What the member says when it refuses is told as the API machinery tells it.
func TestApplyIsRefused(t *testing.T) {
	t.Parallel()
	m := connected(t, serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusUnprocessableEntity)
		_, _ = io.WriteString(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","message":"no","reason":"Invalid","code":422,`+
			`"details":{"causes":[{"reason":"FieldValueInvalid","message":"field is immutable","field":"spec.selector"}]}}`)
	}))
	sent := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "web"}}}
	_, err := m.Objects(configMapResource, "ns").Apply(t.Context(), "web", sent, metav1.ApplyOptions{FieldManager: "manifold"})
	if !apierrors.IsInvalid(err) || err.Error() != "no" {
		t.Fatalf("error %v", err)
	}
	if cause, ok := apierrors.StatusCause(err, metav1.CauseTypeFieldValueInvalid); !ok || cause.Field != "spec.selector" {
		t.Errorf("cause %v", cause)
	}
}
