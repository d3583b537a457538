/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package telemetry

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"go.opentelemetry.io/otel/trace"
	"k8s.io/component-base/tracing"
)

// verb is what a request to a member is for.
type verb int

const (
	apply   verb = iota
	release      // takes our marks off an object
	remove
	get
	list
	watch
	probe
	otherVerb // discovery, and what is passed on for users
	verbs
)

var verbNames = [verbs]string{"apply", "release", "delete", "get", "list", "watch", "probe", "other"}

// result is how a request to a member ended.
type result int

const (
	ok result = iota
	refused
	conflict
	unavailable
	results
)

var resultNames = [results]string{"ok", "refused", "conflict", "unavailable"}

// transport counts the requests to a member and continues the traces that they belong to.
type transport struct {
	base, traced http.RoundTripper
	purpose      func(*http.Request) verb
	recorder     *Recorder
	member       func() *Member // nil: counts for nobody
}

// Transport returns a wrapper for the transport of a member's clients, which counts requests by purpose and result. A
// request under a span that is sampled gets a span of its own and tells the member about it; others pay nothing for
// that. host is the URL of the member's API server.
func (m *Member) Transport(host string) func(http.RoundTripper) http.RoundTripper {
	if m == nil {
		return func(rt http.RoundTripper) http.RoundTripper { return rt }
	}
	return m.recorder.transport(func() *Member { return m }, purposeAt(host))
}

// Transport returns a wrapper like that of a Member, for who does not see when members come and go: a request counts for
// the member of that name if there is one at that time.
func (r *Recorder) Transport(member, host string) func(http.RoundTripper) http.RoundTripper {
	return r.transport(func() *Member { return r.Of(member) }, purposeAt(host))
}

// PassedOn is Transport for requests that are passed on for users, whatever they are for.
func (r *Recorder) PassedOn(member string) func(http.RoundTripper) http.RoundTripper {
	return r.transport(func() *Member { return r.Of(member) }, func(*http.Request) verb { return otherVerb })
}

func (r *Recorder) transport(member func() *Member, purpose func(*http.Request) verb) func(http.RoundTripper) http.RoundTripper {
	if r == nil {
		return func(rt http.RoundTripper) http.RoundTripper { return rt }
	}
	return func(rt http.RoundTripper) http.RoundTripper {
		t := &transport{base: rt, traced: rt, purpose: purpose, recorder: r, member: member}
		if r.cfg.Spans != nil {
			t.traced = tracing.WrapperFor(r.cfg.Spans)(rt)
		}
		return t
	}
}

// purposeAt tells what requests to the API server at a URL are for.
func purposeAt(host string) func(*http.Request) verb {
	prefix := ""
	if u, err := url.Parse(host); err == nil { // a URL that is none gives no client either
		prefix = strings.TrimSuffix(u.Path, "/")
	}
	return func(req *http.Request) verb { return verbOf(req, prefix) }
}

// WrappedRoundTripper lets the API machinery look for the transport below.
func (t *transport) WrappedRoundTripper() http.RoundTripper { return t.base }

// RoundTrip implements http.RoundTripper.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	rt := t.base
	if trace.SpanContextFromContext(req.Context()).IsSampled() {
		rt = t.traced
	}
	v := t.purpose(req)
	began := t.recorder.cfg.Clock.Now()
	resp, err := rt.RoundTrip(req)
	member := t.member()
	if member == nil || errors.Is(err, context.Canceled) {
		return resp, err // we gave up: says nothing about the member
	}
	if v == probe && err == nil {
		member.probe.Store(int64(t.recorder.cfg.Clock.Since(began)))
	}
	code := 0
	if err == nil {
		code = resp.StatusCode
	}
	member.requests[v][resultOf(v, code)].Add(1)
	return resp, err
}

// resultOf classifies an answer by its HTTP status, 0 for none. That an object is not there is an answer like any other
// to who looks for it or deletes it.
func resultOf(v verb, code int) result {
	switch code {
	case http.StatusConflict:
		return conflict
	case 0, http.StatusUnauthorized, http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return unavailable
	case http.StatusNotFound:
		if v == get || v == remove {
			return ok
		}
	}
	if code >= http.StatusBadRequest {
		return refused
	}
	return ok
}

// verbOf tells what a request is for, from its method and path.
func verbOf(req *http.Request, prefix string) verb {
	path := strings.TrimPrefix(strings.TrimPrefix(req.URL.Path, prefix), "/")
	depth, named := object(path)
	switch req.Method {
	case http.MethodPatch:
		if strings.HasPrefix(req.Header.Get("Content-Type"), "application/apply-patch") {
			return apply
		}
		return release
	case http.MethodPut:
		return release
	case http.MethodDelete:
		return remove
	case http.MethodGet:
		switch {
		case path == "readyz" || path == "healthz":
			return probe
		case depth == 0:
			return otherVerb
		case strings.Contains(req.URL.RawQuery, "watch=true"):
			return watch
		case named:
			return get
		}
		return list
	}
	return otherVerb
}

// object looks at the path of a request: depth is how many parts follow the group and version, 0 also for what is no
// path of objects. named is false for the collection of a kind.
func object(path string) (depth int, named bool) {
	root, rest, _ := strings.Cut(path, "/")
	skip := 1 // the version
	switch root {
	case "api":
	case "apis":
		skip = 2 // group and version
	default:
		return 0, false
	}
	for range skip {
		_, rest, _ = strings.Cut(rest, "/")
	}
	if rest == "" {
		return 0, false
	}
	depth = 1 + strings.Count(rest, "/")
	if strings.HasPrefix(rest, "namespaces/") && depth > 2 {
		return depth, depth > 3
	}
	return depth, depth > 1
}
