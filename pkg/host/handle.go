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

// Handle narrows what users of the host are told of the hub's API: the list of schemas has our groups only, since the host's
// kube-apiserver adds what stands there to its own list, and would answer questions about, say, apps/v1 from either; and
// discovery says that nothing can be deleted (see [withoutDelete]).
func (a *Access) Handle(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		u, _ := request.UserFrom(req.Context())
		path := strings.Trim(req.URL.Path, "/")
		switch {
		case From(u) == nil:
			next.ServeHTTP(w, req)
		case path == "openapi/v3":
			revise(w, req, next, a.narrow)
		case path == "apis" || strings.HasPrefix(path, "apis/") && strings.Count(path, "/") == 2:
			req = req.Clone(req.Context())
			req.Header["Accept"] = inJSON(req.Header["Accept"])
			revise(w, req, next, withoutDelete)
		default:
			next.ServeHTTP(w, req)
		}
	})
}

// revise answers with what change makes of the body of the handler's answer, if that is a good one.
func revise(w http.ResponseWriter, req *http.Request, handler http.Handler, change func([]byte) ([]byte, error)) {
	req = req.Clone(req.Context())
	for _, header := range []string{"Accept-Encoding", "If-None-Match", "If-Modified-Since", "Range"} {
		req.Header.Del(header) // the answer is needed as a whole
	}
	full := &answer{header: http.Header{}}
	handler.ServeHTTP(full, req)
	body := full.body.Bytes()
	if full.status() == http.StatusOK {
		var err error
		if body, err = change(body); err != nil {
			http.Error(w, fmt.Sprintf("what the hub says of its API: %v", err), http.StatusInternalServerError)
			return
		}
	}
	for _, header := range []string{"Etag", "Last-Modified", "Content-Length"} {
		full.header.Del(header) // they are about the unchanged answer
	}
	maps.Copy(w.Header(), full.header)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(full.status())
	_, _ = w.Write(body) // if that fails, the client has gone
}

// narrow returns a list of schemas with those of our groups only.
func (a *Access) narrow(body []byte) ([]byte, error) {
	var list handler3.OpenAPIV3Discovery
	if err := json.Unmarshal(body, &list); err != nil {
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
