/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package dryrun

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"k8s.io/apiserver/pkg/endpoints/request"
)

// Between the two, the API machinery sees no dry run; behind them is what the client sent.
func TestPass(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		info           *request.RequestInfo
		query, between string
	}{
		"without":             {&request.RequestInfo{APIGroup: "ours", Subresource: "proxy"}, "limit=5", "limit=5"},
		"a dry run":           {&request.RequestInfo{APIGroup: "ours", Subresource: "proxy"}, "dryRun=All&fieldManager=a%20b", "fieldManager=a+b"},
		"twice":               {&request.RequestInfo{APIGroup: "ours", Subresource: "proxy"}, "dryRun=All&dryRun=None", ""},
		"not to be read":      {&request.RequestInfo{APIGroup: "ours", Subresource: "proxy"}, "x=%zz&dryRun=All", "x=%zz&dryRun=All"},
		"another subresource": {&request.RequestInfo{APIGroup: "ours", Subresource: "status"}, "dryRun=All", "dryRun=All"},
		"another group":       {&request.RequestInfo{Subresource: "proxy"}, "dryRun=All", "dryRun=All"},
		"of unknown kind":     {nil, "dryRun=All", "dryRun=All"},
	} {
		req := httptest.NewRequest(http.MethodPost, "/x?"+c.query, nil)
		if c.info != nil {
			req = req.WithContext(request.WithRequestInfo(req.Context(), c.info))
		}
		between, behind := "", ""
		last := Restored(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) { behind = req.URL.RawQuery }))
		Pass("ours")(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			between = req.URL.RawQuery
			last.ServeHTTP(w, req)
		})).ServeHTTP(httptest.NewRecorder(), req)
		if between != c.between || behind != c.query {
			t.Errorf("%s: %q in between, want %q; %q behind, want %q", name, between, c.between, behind, c.query)
		}
	}
}
