/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package host

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/apiserver/pkg/endpoints/request"

	hubv1alpha1 "github.com/manifold-k8s/manifold/apis/hub/v1alpha1"
)

var mapping = Mapping{UserPrefix: "host:", GroupPrefix: "hosts:"}

// No prefix lets a name come about that Kubernetes has set aside.
func TestValidateMapping(t *testing.T) {
	t.Parallel()
	for prefix, ok := range map[string]bool{
		"host:": true, "eu:west:": true, "a:": true,
		"": false, ":": false, "host": false, "host-": false, "host:x": false, "sys": false, "system:": false, "system:host:": false, ":x:": false,
	} {
		for _, m := range []Mapping{{prefix, "host:"}, {"host:", prefix}} {
			if err := m.Validate(); (err == nil) != ok {
				t.Errorf("%q: %v", prefix, err)
			}
		}
		if reserved := strings.HasPrefix(prefix+"tem:masters", "system:") || strings.HasPrefix(prefix+"system:masters", "system:"); ok && reserved {
			t.Errorf("%q makes a reserved name", prefix)
		}
	}
}

func TestUser(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		onHost user.DefaultInfo
		want   []string // name and groups on the hub
	}{
		"somebody":      {user.DefaultInfo{Name: "dev", UID: "7", Groups: []string{"devs", "", "system:authenticated"}, Extra: map[string][]string{"k": {"v"}}}, []string{"host:dev", "hosts:devs", "hosts:system:authenticated", "system:authenticated"}},
		"administrator": {user.DefaultInfo{Name: "admin", Groups: []string{"system:masters"}}, []string{"host:admin", "hosts:system:masters", "system:authenticated"}},
		"the host":      {user.DefaultInfo{Name: "system:apiserver"}, []string{"host:system:apiserver", "system:authenticated"}},
		"nobody":        {user.DefaultInfo{Name: "system:anonymous", Groups: []string{"system:unauthenticated"}}, []string{"host:system:anonymous", "hosts:system:unauthenticated", "system:unauthenticated"}},
	} {
		u := mapping.User(&tc.onHost)
		if diff := cmp.Diff(tc.want, append([]string{u.GetName()}, u.GetGroups()...)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if u.GetUID() != "" || len(u.GetExtra()) > 0 {
			t.Errorf("%s: UID %q and extra %v of the host count on the hub", name, u.GetUID(), u.GetExtra())
		}
		if u.OnHost() != user.Info(&tc.onHost) || From(u) != u {
			t.Errorf("%s: not the same any more", name)
		}
		if slices.Contains(u.GetGroups(), user.SystemPrivilegedGroup) {
			t.Errorf("%s is an administrator of the hub", name)
		}
	}
	if From(&user.DefaultInfo{Name: "host:dev", Groups: []string{"hosts:devs"}}) != nil {
		t.Error("a user of the hub with such a name passes for one of the host")
	}
}

func newAccess(ask authorizer.Authorizer) *Access {
	return &Access{mapping: mapping, groups: sets.New("policy.karmada.io", hubv1alpha1.GroupName), reviews: ask}
}

func TestAuthorize(t *testing.T) {
	t.Parallel()
	var asked []user.Info
	answer, failure := authorizer.DecisionAllow, error(nil)
	access := newAccess(authorizer.AuthorizerFunc(func(_ context.Context, a authorizer.Attributes) (authorizer.Decision, string, error) {
		asked = append(asked, a.GetUser())
		return answer, "", failure
	}))
	own := access.Authorize(authorizer.AuthorizerFunc(func(_ context.Context, a authorizer.Attributes) (authorizer.Decision, string, error) {
		if From(a.GetUser()) != nil {
			t.Errorf("the hub was asked about a user of the host")
		}
		return authorizer.DecisionAllow, "own", nil
	}))
	onHost := &user.DefaultInfo{Name: "dev", UID: "7", Groups: []string{"devs"}, Extra: map[string][]string{"k": {"v"}}}
	decide := func(u user.Info, group, path, verb string) (authorizer.Decision, error) {
		d, _, err := own.Authorize(t.Context(), authorizer.AttributesRecord{User: u, Verb: verb, APIGroup: group, Path: path, ResourceRequest: path == ""})
		return d, err
	}
	u := mapping.User(onHost)
	for name, tc := range map[string]struct {
		group, path, verb string
		want              authorizer.Decision
		asks              bool
	}{
		"our group":            {group: "policy.karmada.io", verb: "list", want: authorizer.DecisionAllow, asks: true},
		"the core group":       {group: "", verb: "list", want: authorizer.DecisionDeny},
		"another group":        {group: "apps", verb: "list", want: authorizer.DecisionDeny},
		"discovery":            {path: "/apis", verb: "get", want: authorizer.DecisionAllow},
		"discovery of ours":    {path: "/apis/policy.karmada.io/v1alpha1", verb: "get", want: authorizer.DecisionAllow},
		"discovery of others":  {path: "/apis/apps/v1", verb: "get", want: authorizer.DecisionDeny},
		"core discovery":       {path: "/api/v1", verb: "get", want: authorizer.DecisionDeny},
		"schemas":              {path: "/openapi/v3", verb: "get", want: authorizer.DecisionAllow},
		"schemas of ours":      {path: "/openapi/v3/apis/policy.karmada.io/v1alpha1", verb: "get", want: authorizer.DecisionAllow},
		"schemas of others":    {path: "/openapi/v3/apis/apps/v1", verb: "get", want: authorizer.DecisionDeny},
		"health":               {path: "/readyz", verb: "get", want: authorizer.DecisionAllow},
		"a post to health":     {path: "/readyz", verb: "post", want: authorizer.DecisionDeny},
		"metrics":              {path: "/metrics", verb: "get", want: authorizer.DecisionDeny},
		"a group that is like": {path: "/apis/policy.karmada.io.example.com/v1", verb: "get", want: authorizer.DecisionDeny},
	} {
		asked = nil
		got, err := decide(u, tc.group, tc.path, tc.verb)
		if err != nil || got != tc.want || (len(asked) > 0) != tc.asks {
			t.Errorf("%s: %v, %v, the host was asked: %v", name, got, err, asked)
		}
		if len(asked) > 0 && asked[0] != user.Info(onHost) {
			t.Errorf("%s: the host was asked about %v", name, asked[0])
		}
		if got, err := decide(&user.DefaultInfo{Name: "host:dev"}, tc.group, tc.path, tc.verb); err != nil || got != authorizer.DecisionAllow {
			t.Errorf("%s: a user of the hub: %v, %v", name, got, err)
		}
	}
	for verb, want := range map[string]authorizer.Decision{"list": authorizer.DecisionAllow, "delete": authorizer.DecisionDeny, "patch": authorizer.DecisionDeny} {
		collector := mapping.User(&user.DefaultInfo{Name: "system:serviceaccount:kube-system:generic-garbage-collector"})
		if got, err := decide(collector, "policy.karmada.io", "", verb); err != nil || got != want {
			t.Errorf("%s by the host's garbage collector: %v, %v", verb, got, err)
		}
	}
	answer, failure = authorizer.DecisionNoOpinion, errors.New("connection refused")
	if got, err := decide(u, "policy.karmada.io", "", "get"); got == authorizer.DecisionAllow || err == nil || !strings.Contains(err.Error(), "host cluster") {
		t.Errorf("a host that does not answer: %v, %v", got, err)
	}
}

func TestSchemasAreNarrowed(t *testing.T) {
	t.Parallel()
	const list = `{"paths":{"apis/apps/v1":{"serverRelativeURL":"/a"},"api/v1":{"serverRelativeURL":"/b"},"apis/policy.karmada.io/v1alpha1":{"serverRelativeURL":"/c"},"version":{"serverRelativeURL":"/d"}}}`
	handler := newAccess(nil).Handle(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if req.Header.Get("X-Fail") != "" {
			http.Error(w, "broken", http.StatusTeapot)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(list))
	}))
	ask := func(u user.Info, header string) (int, string) {
		req := httptest.NewRequest(http.MethodGet, "/openapi/v3", nil)
		req = req.WithContext(request.WithUser(req.Context(), u))
		if header != "" {
			req.Header.Set(header, "1")
		}
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, req)
		body, err := io.ReadAll(w.Result().Body)
		if err != nil {
			t.Fatal(err)
		}
		return w.Code, string(body)
	}
	host := mapping.User(&user.DefaultInfo{Name: "system:aggregator"})
	if code, body := ask(host, ""); code != http.StatusOK || body != `{"paths":{"apis/policy.karmada.io/v1alpha1":{"serverRelativeURL":"/c"}}}` {
		t.Errorf("the host gets %d %s", code, body)
	}
	if code, body := ask(host, "X-Fail"); code != http.StatusTeapot || !strings.Contains(body, "broken") {
		t.Errorf("of a failure the host gets %d %s", code, body)
	}
	if _, body := ask(&user.DefaultInfo{Name: "admin"}, ""); body != list {
		t.Errorf("a user of the hub gets %s", body)
	}
}
