/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package host

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"strings"

	"k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/kube-openapi/pkg/handler3"
)

// Handle prepares requests of users of the host, for which there are two exceptions: dry runs pass through the proxy, and the
// list of schemas has our groups only. The host's kube-apiserver adds what stands there to its own list, and would answer
// questions about, say, apps/v1 from either.
func (a *Access) Handle(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		u, _ := request.UserFrom(req.Context())
		switch {
		case From(u) == nil:
			next.ServeHTTP(w, req)
		case strings.Trim(req.URL.Path, "/") == "openapi/v3":
			a.listSchemas(w, req, next)
		default:
			next.ServeHTTP(w, parkDryRun(req))
		}
	})
}

// listSchemas answers with the part of the handler's list that is about our groups.
func (a *Access) listSchemas(w http.ResponseWriter, req *http.Request, all http.Handler) {
	req = req.Clone(req.Context())
	for _, header := range []string{"Accept-Encoding", "If-None-Match", "If-Modified-Since", "Range"} {
		req.Header.Del(header) // the answer is needed as a whole
	}
	full := &answer{header: http.Header{}}
	all.ServeHTTP(full, req)
	body, err := a.narrow(full)
	if err != nil {
		http.Error(w, fmt.Sprintf("list of schemas: %v", err), http.StatusInternalServerError)
		return
	}
	for _, header := range []string{"Etag", "Last-Modified", "Content-Length"} {
		full.header.Del(header) // they are about the whole
	}
	maps.Copy(w.Header(), full.header)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(full.status())
	_, _ = w.Write(body) // if that fails, the client has gone
}

// narrow returns the body of an answer with the schemas of our groups only.
func (a *Access) narrow(full *answer) ([]byte, error) {
	if full.status() != http.StatusOK {
		return full.body.Bytes(), nil
	}
	var list handler3.OpenAPIV3Discovery
	if err := json.Unmarshal(full.body.Bytes(), &list); err != nil {
		return nil, err
	}
	maps.DeleteFunc(list.Paths, func(path string, _ handler3.OpenAPIV3DiscoveryGroupVersion) bool {
		inGroup, ok := strings.CutPrefix(path, "apis/")
		group, _, _ := strings.Cut(inGroup, "/")
		return !ok || !a.groups.Has(group)
	})
	return json.Marshal(list)
}

// answer keeps what a handler answers.
type answer struct {
	header http.Header
	code   int
	body   bytes.Buffer
}

func (a *answer) Header() http.Header { return a.header }

func (a *answer) WriteHeader(code int) {
	if a.code == 0 {
		a.code = code
	}
}

func (a *answer) Write(p []byte) (int, error) { return a.body.Write(p) }

func (a *answer) status() int {
	if a.code == 0 {
		return http.StatusOK
	}
	return a.code
}
