/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package host

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/endpoints/request"
)

// What the host's garbage collector and namespace controller go by does not invite them.
func TestDiscoveryTellsNothingToDelete(t *testing.T) {
	t.Parallel()
	const (
		old  = `{"kind":"APIResourceList","resources":[{"name":"propagationpolicies","verbs":["create","delete","deletecollection","get","watch"]},{"name":"x","verbs":["delete"]}]}`
		all  = `{"items":[{"versions":[{"resources":[{"resource":"clusters","subresources":[{"subresource":"proxy","verbs":["delete","get"]}],"verbs":["delete","list"]}]}]}]}`
		json = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
	)
	for name, tc := range map[string]struct{ path, body, want string }{
		"of a version": {"/apis/policy.karmada.io/v1alpha1", old, `{"kind":"APIResourceList","resources":[{"name":"propagationpolicies","verbs":["create","get","watch"]},{"name":"x","verbs":[]}]}`},
		"of all":       {"/apis", all, `{"items":[{"versions":[{"resources":[{"resource":"clusters","subresources":[{"subresource":"proxy","verbs":["get"]}],"verbs":["list"]}]}]}]}`},
		"objects":      {"/apis/policy.karmada.io/v1alpha1/propagationpolicies", old, old},
	} {
		accepted := ""
		handler := newAccess(nil).Handle(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			accepted = req.Header.Get("Accept")
			w.Header().Set("Etag", "1")
			_, _ = w.Write([]byte(tc.body))
		}))
		ask := func(u user.Info) *httptest.ResponseRecorder {
			req := httptest.NewRequest(http.MethodGet, tc.path, nil)
			req.Header.Set("Accept", "application/vnd.kubernetes.protobuf, "+json)
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, req.WithContext(request.WithUser(req.Context(), u)))
			return w
		}
		got := ask(mapping.User(&user.DefaultInfo{Name: "system:kube-aggregator"}))
		if diff := cmp.Diff(tc.want, got.Body.String()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if changed := tc.want != tc.body; changed && (accepted != json+",application/json" || got.Header().Get("Etag") != "") {
			t.Errorf("%s: accepted %q, and the tag is %q", name, accepted, got.Header().Get("Etag"))
		}
		if diff := cmp.Diff(tc.body, ask(&user.DefaultInfo{Name: "admin"}).Body.String()); diff != "" {
			t.Errorf("%s, to a user of the hub (-want +got):\n%s", name, diff)
		}
	}
}
