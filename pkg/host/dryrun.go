/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package host

import (
	"net/http"
	"net/url"
	"strings"

	hubv1alpha1 "github.com/manifold-k8s/manifold/apis/hub/v1alpha1"
)

// The API machinery refuses dryRun on every subresource that is connected to, as it cannot know what that would do. Behind
// the proxy the hub does know. So the parameter passes under another name.
const (
	dryRun = "dryRun"
	parked = hubv1alpha1.GroupName + "/dryRun"
)

// parkDryRun returns the request, or one like it without dryRun, which RestoreDryRun brings back.
func parkDryRun(req *http.Request) *http.Request {
	if !strings.HasPrefix(req.URL.Path, hubv1alpha1.ProxyPath+"/") || !req.URL.Query().Has(dryRun) {
		return req
	}
	req = req.Clone(req.Context())
	req.URL.RawQuery = renamed(req.URL.RawQuery, dryRun, parked)
	return req
}

// RestoreDryRun returns the query of a request through the proxy as the client sent it.
func RestoreDryRun(query string) string { return renamed(query, parked, dryRun) }

// renamed returns the query with one parameter under another name, and as it is if it has none of that name.
func renamed(query, from, to string) string {
	values, err := url.ParseQuery(query)
	if err != nil || !values.Has(from) {
		return query // what cannot be read is for the hub to refuse
	}
	values[to] = values[from]
	delete(values, from)
	return values.Encode()
}
