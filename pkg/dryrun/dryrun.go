/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

// Package dryrun lets dry runs pass through our proxying subresources. The API machinery refuses the parameter dryRun on every
// subresource that is connected to, as it cannot know what that would do. What is behind these does know.
package dryrun

import (
	"context"
	"net/http"
	"net/url"
	"slices"

	"k8s.io/apiserver/pkg/endpoints/request"
)

const (
	parameter = "dryRun"
	proxy     = "proxy" // the name of the subresources
)

// query is, in a context, that of a request as the client sent it.
type query struct{}

// Pass hides the parameter from the API machinery in requests to subresources called proxy of the API groups. It wraps the
// handler of an API server.
func Pass(groups ...string) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			info, ok := request.RequestInfoFrom(req.Context())
			if ok && info.Subresource == proxy && slices.Contains(groups, info.APIGroup) {
				req = hide(req)
			}
			next.ServeHTTP(w, req)
		})
	}
}

// hide returns the request, or one like it without dryRun.
func hide(req *http.Request) *http.Request {
	values, err := url.ParseQuery(req.URL.RawQuery)
	if err != nil || !values.Has(parameter) {
		return req // what cannot be read is for others to refuse
	}
	sent := req.URL.RawQuery
	req = req.Clone(context.WithValue(req.Context(), query{}, sent))
	delete(values, parameter)
	req.URL.RawQuery = values.Encode()
	return req
}

// Restored gives a handler requests as clients sent them.
func Restored(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if sent, ok := req.Context().Value(query{}).(string); ok {
			req = req.Clone(req.Context())
			req.URL.RawQuery = sent
		}
		h.ServeHTTP(w, req)
	})
}
