/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package integration_test

import (
	"context"
	"encoding/hex"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/manifold-k8s/manifold/test/apitest"
)

// spans are those that the shared hub has exported.
var spans spanCollector

// spanCollector takes spans in as an OpenTelemetry collector does.
type spanCollector struct {
	collector.UnimplementedTraceServiceServer

	mu    sync.Mutex
	spans []*tracepb.Span
}

// Export implements collector.TraceServiceServer.
func (c *spanCollector) Export(_ context.Context, req *collector.ExportTraceServiceRequest) (*collector.ExportTraceServiceResponse, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, r := range req.GetResourceSpans() {
		for _, s := range r.GetScopeSpans() {
			c.spans = append(c.spans, s.GetSpans()...)
		}
	}
	return &collector.ExportTraceServiceResponse{}, nil
}

// trace returns the spans of a trace.
func (c *spanCollector) trace(id string) []*tracepb.Span {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []*tracepb.Span
	for _, s := range c.spans {
		if hex.EncodeToString(s.GetTraceId()) == id {
			out = append(out, s)
		}
	}
	return out
}

// collectSpans starts the collector, and returns a flag for a hub by which it sends its spans there: those of requests of
// which the client says that they are sampled, and no others.
func collectSpans(dir string) (flag string, stop func(), err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	server := grpc.NewServer()
	collector.RegisterTraceServiceServer(server, &spans)
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := server.Serve(l); err != nil {
			fmt.Fprintln(os.Stderr, "collect spans:", err)
		}
	}()
	file := filepath.Join(dir, "tracing.yaml")
	text := fmt.Sprintf("apiVersion: apiserver.config.k8s.io/v1\nkind: TracingConfiguration\nendpoint: %s\nsamplingRatePerMillion: 0\n", l.Addr())
	stop = func() { server.Stop(); <-done }
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		stop()
		return "", nil, err
	}
	return "--tracing-config-file=" + file, stop, nil
}

// underTrace is a transport that says that every request is part of a trace, which is sampled.
type underTrace struct {
	http.RoundTripper
	id, parent string
}

func (u underTrace) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Traceparent", "00-"+u.id+"-"+u.parent+"-01")
	return u.RoundTripper.RoundTrip(r)
}

// One trace goes from a user's request through placement to the requests to the members, and back to the status.
func TestTrace(t *testing.T) {
	t.Parallel()
	ns := namespace(t)
	hub.Create(t, ns, policy("p", all("ConfigMap"), on("member1", "member2")))
	const id, parent = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
	cfg := rest.CopyConfig(hub.Config)
	cfg.Wrap(func(rt http.RoundTripper) http.RoundTripper { return underTrace{rt, id, parent} })
	traced, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		t.Fatal(err)
	}
	cm := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "traced"}}
	if _, err := traced.CoreV1().ConfigMaps(ns).Create(t.Context(), cm, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	expectOn(t, "configmaps", ns, "traced", "member1", "member2")
	apitest.Eventually(t, func() error { return completeTrace(spans.trace(id), parent) })
}

// completeTrace returns an error unless the spans are all that a propagation to two members is made of.
func completeTrace(all []*tracepb.Span, parent string) error {
	byID := map[string]*tracepb.Span{}
	for _, s := range all {
		byID[hex.EncodeToString(s.GetSpanId())] = s
	}
	var ways []string // each span with those above it
	for _, s := range all {
		way := ""
		for above := s; above != nil; above = byID[hex.EncodeToString(above.GetParentSpanId())] {
			way = "/" + above.GetName() + memberOf(above) + way
			if hex.EncodeToString(above.GetParentSpanId()) == parent {
				way = "client" + way
			}
		}
		ways = append(ways, way)
	}
	slices.Sort(ways)
	const request = "client/POST /api/v1/namespaces/{:namespace}/configmaps/" // with spans of the API server below it
	for _, end := range []string{
		"/place", "/status", "/sync member1", "/sync member1/HTTP PATCH", "/sync member2", "/sync member2/HTTP PATCH",
	} {
		belongs := func(way string) bool { return strings.HasPrefix(way, request) && strings.HasSuffix(way, end) }
		if !slices.ContainsFunc(ways, belongs) {
			return fmt.Errorf("the request led to no span %s, only to\n%s", end, strings.Join(ways, "\n"))
		}
	}
	return nil
}

// memberOf returns the attribute member of a span, after a space.
func memberOf(s *tracepb.Span) string {
	for _, a := range s.GetAttributes() {
		if a.GetKey() == "member" {
			return " " + a.GetValue().GetStringValue()
		}
	}
	return ""
}

// series reads the federation's metrics from the shared hub, by name and labels.
func series(ctx context.Context) (map[string]float64, error) {
	text, err := hub.Kube.Discovery().RESTClient().Get().AbsPath("/metrics").DoRaw(ctx)
	if err != nil {
		return nil, err
	}
	out := map[string]float64{}
	for line := range strings.SplitSeq(string(text), "\n") {
		name, value, _ := strings.Cut(line, " ")
		if strings.HasPrefix(name, "manifold_") {
			if out[name], err = strconv.ParseFloat(value, 64); err != nil {
				return nil, fmt.Errorf("%s: %w", line, err)
			}
		}
	}
	return out, nil
}

// What the members and loops do can be seen at /metrics.
func TestMetrics(t *testing.T) {
	t.Parallel()
	ns := namespace(t)
	before, err := series(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	hub.Create(t, ns, docs(policy("p", all("ConfigMap"), on("member1")), configMap("measured", "a")))
	expectData(t, fleet[0].API, ns, "measured", "a")
	fleet[0].Patch(t, "configmaps", ns, "measured", `data: {key: drifted}`)
	expectData(t, fleet[0].API, ns, "measured", "a")
	hub.Delete(t, "configmaps", ns, "measured")
	expectOn(t, "configmaps", ns, "measured")
	grown := []string{
		`manifold_sync_latency_seconds_count{member="member1"}`,
		`manifold_drift_reverted_total{member="member1"}`,
		`manifold_member_requests_total{member="member1",result="ok",verb="apply"}`,
		`manifold_member_requests_total{member="member1",result="ok",verb="delete"}`,
		`manifold_hub_writes_total{loop="placement",resource="binding"}`,
		`manifold_hub_writes_total{loop="status",resource="binding"}`,
	}
	there := []string{
		`manifold_cluster_up{member="member2"}`, `manifold_cluster_probe_seconds{member="member2"}`,
		`manifold_copies{member="member1"}`, `manifold_bindings`, `manifold_sync_queue_depth{member="member1"}`,
		`manifold_queue_depth{loop="placement"}`, `manifold_queue_depth{loop="status"}`, `manifold_queue_depth{loop="cluster"}`,
		`manifold_sync_noops_total{member="member3"}`, `manifold_fights_total{member="member3"}`,
		`manifold_hub_writes_total{loop="cluster",resource="cluster"}`,
	}
	apitest.Eventually(t, func() error {
		now, err := series(t.Context())
		if err != nil {
			return err
		}
		for _, s := range grown {
			if now[s] <= before[s] {
				return fmt.Errorf("%s was %v and is %v", s, before[s], now[s])
			}
		}
		for _, s := range there {
			if _, found := now[s]; !found {
				return fmt.Errorf("there is no %s", s)
			}
		}
		if now[`manifold_cluster_up{member="member2"}`] != 1 || now["manifold_bindings"] < 1 || now[`manifold_copies{member="member1"}`] < 1 {
			return fmt.Errorf("member2 up %v, %v bindings, %v copies in member1", now[`manifold_cluster_up{member="member2"}`],
				now["manifold_bindings"], now[`manifold_copies{member="member1"}`])
		}
		sum, count := now[`manifold_sync_latency_seconds_sum{member="member1"}`], now[`manifold_sync_latency_seconds_count{member="member1"}`]
		t.Logf("from write to confirmation by member1: %.3f s on average, of %v", sum/count, count)
		return nil
	})
}
