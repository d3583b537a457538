/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package integration_test

import (
	"io"
	"net/http"
	"testing"
	"time"

	"k8s.io/client-go/rest"

	hubv1alpha1 "github.com/manifold-k8s/manifold/apis/hub/v1alpha1"
	"github.com/manifold-k8s/manifold/test/apitest"
	"github.com/manifold-k8s/manifold/test/members"
)

func checkFrontProxy(t *testing.T, h *apitest.Hub, host *apitest.Member) {
	proxy := frontProxies(t, host.Server)
	const ours, native = "/apis/cluster.karmada.io/v1alpha1/clusters", "/api/v1/namespaces"
	const inside = hubv1alpha1.ProxyPath
	root := []string{"X-Remote-User", "admin", "X-Remote-Group", "system:masters"}
	for name, tc := range map[string]struct {
		as      *rest.TLSClientConfig
		path    string
		headers []string
		want    int
	}{
		"no certificate":                      {path: ours, headers: root, want: http.StatusUnauthorized},
		"no certificate, proxy":               {path: inside + native, headers: root, want: http.StatusUnauthorized},
		"of another authority":                {as: proxy.foreign, path: ours, headers: root, want: http.StatusUnauthorized},
		"expired":                             {as: proxy.expired, path: ours, headers: root, want: http.StatusUnauthorized},
		"of another name":                     {as: proxy.otherName, path: ours, headers: root, want: http.StatusUnauthorized},
		"right, nobody named":                 {as: proxy.right, path: ours, want: http.StatusUnauthorized},
		"right":                               {as: proxy.right, path: ours, headers: root, want: http.StatusOK},
		"right, no rights at the host":        {as: proxy.right, path: ours, headers: []string{"X-Remote-User", "nobody"}, want: http.StatusForbidden},
		"right, native kinds":                 {as: proxy.right, path: native, headers: root, want: http.StatusForbidden},
		"right, metrics":                      {as: proxy.right, path: "/metrics", headers: root, want: http.StatusForbidden},
		"right, impersonates":                 {as: proxy.right, path: ours, headers: append([]string{"Impersonate-User", "system:admin", "Impersonate-Group", "system:masters"}, root...), want: http.StatusForbidden},
		"right, impersonates through proxy":   {as: proxy.right, path: inside + native, headers: append([]string{"Impersonate-User", "system:admin"}, root...), want: http.StatusForbidden},
		"right, root of the host, proxy":      {as: proxy.right, path: inside + native, headers: root, want: http.StatusForbidden},
		"right, loopback of the host, proxy":  {as: proxy.right, path: inside + native, headers: []string{"X-Remote-User", "system:apiserver", "X-Remote-Group", "system:masters"}, want: http.StatusForbidden},
		"right, proxy in the proxy":           {as: proxy.right, path: inside + inside + native, headers: root, want: http.StatusForbidden},
		"right, unknown to the host, proxy":   {as: proxy.right, path: inside + native, headers: []string{"X-Remote-User", "system:anonymous", "X-Remote-Group", "system:masters"}, want: http.StatusForbidden},
		"right, proxy, open to the hub's own": {as: proxy.right, path: inside + "/version", headers: root, want: http.StatusOK},
		"a user of the hub, forged":           {as: &h.Config.TLSClientConfig, path: native, headers: []string{"X-Remote-User", "nobody"}, want: http.StatusOK},
	} {
		if got, body := request(t, h, tc.as, tc.path, tc.headers); got != tc.want {
			t.Errorf("%s: got %d, want %d: %s", name, got, tc.want, body)
		}
	}
}

// proxies are certificates that a front proxy might show.
type proxies struct{ right, expired, otherName, foreign *rest.TLSClientConfig }

func frontProxies(t *testing.T, host *members.Member) proxies {
	t.Helper()
	ca, other := apitest.LoadAuthority(t, host.AuthorityDir()), apitest.NewAuthority(t)
	hour := time.Hour
	return proxies{
		right:     ca.Issue(t, members.FrontProxyName, hour),
		expired:   ca.Issue(t, members.FrontProxyName, -hour),
		otherName: ca.Issue(t, "somebody", hour),
		foreign:   other.Issue(t, members.FrontProxyName, hour),
	}
}

// request asks the hub directly, and returns status and body of the answer. headers are names and values in turn.
func request(t *testing.T, h *apitest.Hub, cert *rest.TLSClientConfig, path string, headers []string) (int, string) {
	t.Helper()
	cfg := &rest.Config{TLSClientConfig: rest.TLSClientConfig{CAData: h.Config.CAData}}
	if cert != nil {
		cfg.CertData, cfg.KeyData = cert.CertData, cert.KeyData
	}
	client, err := rest.HTTPClientFor(cfg)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, h.Config.Host+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Add(headers[i], headers[i+1])
	}
	response, err := client.Do(req)
	if err != nil {
		return 0, err.Error() // the connection broke: nobody has answered
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, err.Error()
	}
	return response.StatusCode, string(body)
}
