/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package telemetry

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
	clocktesting "k8s.io/utils/clock/testing"
)

func TestVerbOf(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]verb{
		"GET /api/v1/namespaces/ns/configmaps/c":                    get,
		"GET /apis/apps/v1/namespaces/ns/deployments/d?timeout=32s": get,
		"GET /api/v1/namespaces/ns":                                 get,
		"GET /api/v1/nodes/n":                                       get,
		"GET /apis/rbac.authorization.k8s.io/v1/clusterroles/r":     get,
		"GET /api/v1/namespaces/ns/configmaps":                      list,
		"GET /api/v1/namespaces":                                    list,
		"GET /api/v1/nodes?limit=500&resourceVersion=0":             list,
		"GET /apis/apps/v1/deployments?labelSelector=a%3Db":         list,
		"GET /apis/apps/v1/deployments?labelSelector=a&watch=true":  watch,
		"GET /api/v1/namespaces/ns/pods/p/log":                      get,
		"GET /readyz":                                               probe,
		"GET /healthz":                                              probe,
		"GET /version":                                              otherVerb,
		"GET /api":                                                  otherVerb,
		"GET /apis":                                                 otherVerb,
		"GET /api/v1":                                               otherVerb,
		"GET /apis/apps/v1?timeout=32s":                             otherVerb,
		"POST /api/v1/namespaces/ns/pods/p/exec":                    otherVerb,
		"PUT /api/v1/namespaces/ns/configmaps/c":                    release,
		"PATCH /api/v1/namespaces/ns/configmaps/c":                  release,
		"APPLY /api/v1/namespaces/ns/configmaps/c?force=true":       apply,
		"DELETE /apis/apps/v1/namespaces/ns/deployments/d":          remove,
	} {
		method, path, _ := strings.Cut(line, " ")
		for _, prefix := range []string{"", "/k8s/clusters/api"} {
			req := httptest.NewRequest(strings.Replace(method, "APPLY", "PATCH", 1), "https://m1"+prefix+path, nil)
			if method == "APPLY" {
				req.Header.Set("Content-Type", "application/apply-patch+yaml")
			}
			if got := verbOf(req, prefix); got != want {
				t.Errorf("%s below %q: %s, want %s", line, prefix, verbNames[got], verbNames[want])
			}
		}
	}
}

func TestResultOf(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		verb verb
		code int
		want result
	}{
		{apply, 200, ok}, {apply, 201, ok}, {otherVerb, 101, ok}, {watch, 200, ok},
		{get, 404, ok}, {remove, 404, ok}, {apply, 404, refused}, {release, 404, refused}, {list, 404, refused},
		{apply, 400, refused}, {apply, 403, refused}, {apply, 422, refused}, {apply, 500, refused}, {watch, 410, refused},
		{apply, 409, conflict}, {remove, 409, conflict},
		{apply, 0, unavailable}, {apply, 401, unavailable}, {apply, 429, unavailable}, {get, 503, unavailable}, {get, 504, unavailable},
	} {
		if got := resultOf(tc.verb, tc.code); got != tc.want {
			t.Errorf("%s, %d: %s, want %s", verbNames[tc.verb], tc.code, resultNames[got], resultNames[tc.want])
		}
	}
}

// tripper answers requests, and notes their headers.
type tripper struct {
	code    int
	err     error
	headers []http.Header
}

func (f *tripper) RoundTrip(r *http.Request) (*http.Response, error) {
	f.headers = append(f.headers, r.Header.Clone())
	if f.err != nil {
		return nil, f.err
	}
	return &http.Response{StatusCode: f.code, Body: io.NopCloser(strings.NewReader("")), Request: r, Header: http.Header{}}, nil
}

func send(t *testing.T, ctx context.Context, rt http.RoundTripper, method, path string) {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, method, "https://m1"+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if resp, err := rt.RoundTrip(req); err == nil {
		if err := resp.Body.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestRequestsAreCounted(t *testing.T) {
	t.Parallel()
	b := newBench(t, Sizes{})
	const path = "/api/v1/namespaces/ns/configmaps/c"
	for _, answer := range []*tripper{
		{code: 200}, {code: 200}, {code: 409}, {code: 404}, {err: errors.New("connection refused")}, {err: context.Canceled},
	} {
		rt := b.Add("m1").Transport("https://m1/")(answer)
		send(t, t.Context(), rt, http.MethodDelete, path)
	}
	got := b.shows(t)
	expect(t, got, map[string]float64{
		"manifold_member_requests_total{member=m1,result=ok,verb=delete}":          3,
		"manifold_member_requests_total{member=m1,result=conflict,verb=delete}":    1,
		"manifold_member_requests_total{member=m1,result=unavailable,verb=delete}": 1,
	})
	if _, shown := got["manifold_cluster_probe_seconds{member=m1}"]; shown {
		t.Error("there was no probe")
	}
	send(t, t.Context(), b.Add("m1").Transport("https://m1")(probed{b}), http.MethodGet, "/readyz")
	expect(t, b.shows(t), map[string]float64{"manifold_cluster_probe_seconds{member=m1}": 2})
}

// Who does not see members come and go counts for those there are at the time, and what is passed on for users as just that.
func TestRequestsByName(t *testing.T) {
	t.Parallel()
	b := newBench(t, Sizes{})
	const path = "/api/v1/namespaces/ns/configmaps/c"
	own, passed := b.Transport("m1", "https://m1")(&tripper{code: 200}), b.PassedOn("m1")(&tripper{code: 200})
	for _, rt := range []http.RoundTripper{own, passed} {
		send(t, t.Context(), rt, http.MethodGet, path) // there is no such member yet
	}
	b.Add("m1")
	for _, rt := range []http.RoundTripper{own, passed, passed} {
		send(t, t.Context(), rt, http.MethodGet, path)
	}
	expect(t, b.shows(t), map[string]float64{
		"manifold_member_requests_total{member=m1,result=ok,verb=get}":   1,
		"manifold_member_requests_total{member=m1,result=ok,verb=other}": 2,
	})
	var none *Recorder
	send(t, t.Context(), none.PassedOn("m1")(&tripper{code: 200}), http.MethodGet, path)
}

// probed takes two seconds to answer.
type probed struct{ *bench }

func (p probed) RoundTrip(r *http.Request) (*http.Response, error) {
	p.clock.SetTime(p.clock.Now().Add(2e9))
	return (&tripper{code: 200}).RoundTrip(r)
}

// A member hears of a trace if it is sampled, and only then.
func TestTracesGoOn(t *testing.T) {
	t.Parallel()
	clock := clocktesting.NewFakePassiveClock(start)
	exporter := tracetest.NewInMemoryExporter()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSyncer(exporter), sdktrace.WithSampler(sdktrace.ParentBased(sdktrace.NeverSample())))
	r := New(Config{Origins: NewOrigins(clock), Clock: clock, Spans: provider})
	answer := &tripper{code: 200}
	rt := r.Add("m1").Transport("https://m1")(answer)
	const path = "/api/v1/namespaces/ns/configmaps/c"

	request := trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}, TraceFlags: trace.FlagsSampled})
	o := configMap("c")
	r.cfg.Origins.Note(o, "", request)
	ctx, place := r.Place(t.Context(), o, "ConfigMap")
	if trace.SpanContextFromContext(ctx).TraceID() != request.TraceID() {
		t.Error("the step is no part of the trace")
	}
	place.End(errors.New("conflict"))
	_, place = r.Place(t.Context(), o, "ConfigMap") // again, as it has failed
	place.End(nil)
	_, place = r.Place(t.Context(), o, "ConfigMap") // not again
	place.End(nil)
	ctx, sync := r.Sync(t.Context(), r.Origin(o), o, "ConfigMap", "m1")
	send(t, ctx, rt, http.MethodPatch, path)
	sync.End(nil)
	_, status := r.Status(t.Context(), o, "ConfigMap")
	status.End(nil)

	spans := exporter.GetSpans()
	var names []string
	for _, s := range spans {
		names = append(names, s.Name)
		if s.SpanContext.TraceID() != request.TraceID() {
			t.Errorf("%s is part of another trace", s.Name)
		}
	}
	if got, want := strings.Join(names, ", "), "place, place, HTTP PATCH, sync, status"; got != want {
		t.Fatalf("spans: %s, want %s", got, want)
	}
	if spans[2].Parent.SpanID() != spans[3].SpanContext.SpanID() || spans[3].Parent.SpanID() != request.SpanID() {
		t.Error("the request to the member does not descend from the user's")
	}
	if got := answer.headers[0].Get("Traceparent"); !strings.Contains(got, spans[2].SpanContext.SpanID().String()) {
		t.Errorf("the member hears of %q", got)
	}
	attributes := map[string]string{}
	for _, a := range spans[3].Attributes {
		attributes[string(a.Key)] = a.Value.AsString()
	}
	for k, v := range map[string]string{"member": "m1", "kind": "ConfigMap", "namespace": "ns", "name": "c"} {
		if attributes[k] != v {
			t.Errorf("attribute %s is %q, want %q", k, attributes[k], v)
		}
	}

	exporter.Reset()
	r.cfg.Origins.Note(o, "", request.WithTraceFlags(0))
	ctx, place = r.Place(t.Context(), o, "ConfigMap")
	place.End(nil)
	ctx, sync = r.Sync(ctx, r.Origin(o), o, "ConfigMap", "m1")
	ctx, status = r.Status(ctx, o, "ConfigMap")
	status.End(nil)
	send(t, ctx, rt, http.MethodPatch, path)
	sync.End(nil)
	if spans := exporter.GetSpans(); len(spans) > 0 || ctx != t.Context() || answer.headers[1].Get("Traceparent") != "" {
		t.Errorf("not sampled: %d spans, the member hears of %q", len(spans), answer.headers[1].Get("Traceparent"))
	}
}

func TestTransportWithoutRecorder(t *testing.T) {
	t.Parallel()
	base := &tripper{code: 200}
	if rt := (*Member)(nil).Transport("https://m1")(base); rt != http.RoundTripper(base) {
		t.Error("the transport is wrapped for nothing")
	}
	wrapped, ok := newBench(t, Sizes{}).Add("m1").Transport("https://m1")(base).(interface{ WrappedRoundTripper() http.RoundTripper })
	if !ok || wrapped.WrappedRoundTripper() != http.RoundTripper(base) {
		t.Error("the transport below cannot be found")
	}
}

func BenchmarkRequest(b *testing.B) {
	clock := clocktesting.NewFakePassiveClock(start)
	r := New(Config{Origins: NewOrigins(clock), Clock: clock})
	resp := &http.Response{StatusCode: 200}
	rt := r.Add("m1").Transport("https://m1")(fixed{resp})
	req := httptest.NewRequest(http.MethodGet, "https://m1/apis/apps/v1/namespaces/ns/deployments/d", nil)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := rt.RoundTrip(req); err != nil {
			b.Fatal(err)
		}
	}
}

type fixed struct{ resp *http.Response }

func (f fixed) RoundTrip(*http.Request) (*http.Response, error) { return f.resp, nil }
