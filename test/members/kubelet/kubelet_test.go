/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package kubelet

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"
)

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func played(name string) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name, UID: "1"},
		Spec:       corev1.PodSpec{NodeName: "node1", Containers: []corev1.Container{{Name: "web"}}},
		Status: corev1.PodStatus{
			Phase: corev1.PodRunning,
			ContainerStatuses: []corev1.ContainerStatus{
				{Name: "web", State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: metav1.NewTime(start)}}},
			},
		},
	}
}

func TestLines(t *testing.T) {
	t.Parallel()
	c := container{pod: played("pod"), name: "web", start: start}
	ended := c
	ended.end = start.Add(5 * time.Second)
	for name, tc := range map[string]struct {
		container   container
		after       time.Duration
		count       int
		first, last string
	}{
		"before it started": {c, -time.Hour, 0, "", ""},
		"when it started":   {c, 0, 1, "web in pod on node1: running for 0s\n", "web in pod on node1: running for 0s\n"},
		"after a moment":    {c, 5 * time.Second, 3, "web in pod on node1: running for 0s\n", "web in pod on node1: running for 4s\n"},
		"old ones are gone": {c, time.Hour, keptLines, "web in pod on node1: running for 59m22s\n", "web in pod on node1: running for 1h0m0s\n"},
		"after its end":     {ended, time.Hour, 3, "web in pod on node1: running for 0s\n", "web in pod on node1: running for 4s\n"},
		"the run before":    {c.previous(), time.Hour, keptLines, "web (previous run) in pod on node1: running for 0s\n", "web (previous run) in pod on node1: running for 38s\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			lines := tc.container.lines(start.Add(tc.after))
			if len(lines) != tc.count {
				t.Fatalf("%d lines, want %d", len(lines), tc.count)
			}
			if tc.count == 0 {
				return
			}
			if got := lines[0].text; got != tc.first {
				t.Errorf("first is %q, want %q", got, tc.first)
			}
			if got := lines[len(lines)-1].text; got != tc.last {
				t.Errorf("last is %q, want %q", got, tc.last)
			}
		})
	}
}

func TestSince(t *testing.T) {
	t.Parallel()
	now := start.Add(10 * time.Second)
	lines := container{pod: played("pod"), name: "web", start: start}.lines(now)
	seconds, at := int64(4), metav1.NewTime(start.Add(7*time.Second))
	for name, tc := range map[string]struct {
		opts corev1.PodLogOptions
		want int
	}{
		"all":           {corev1.PodLogOptions{}, 6},
		"since seconds": {corev1.PodLogOptions{SinceSeconds: &seconds}, 3},
		"since a time":  {corev1.PodLogOptions{SinceTime: &at}, 2},
	} {
		if got := len(since(lines, tc.opts, now)); got != tc.want {
			t.Errorf("%s: %d lines, want %d", name, got, tc.want)
		}
	}
}

func TestLogOptions(t *testing.T) {
	t.Parallel()
	seconds, lines, bytes := int64(1), int64(2), int64(3)
	at := metav1.NewTime(start)
	want := corev1.PodLogOptions{
		Follow: true, Previous: true, Timestamps: true, SinceSeconds: &seconds, TailLines: &lines, LimitBytes: &bytes, SinceTime: &at,
	}
	query, err := url.ParseQuery("follow=true&previous=1&timestamps=true&sinceSeconds=1&tailLines=2&limitBytes=3&sinceTime=2026-01-02T03:04:05Z")
	if err != nil {
		t.Fatal(err)
	}
	got, err := logOptions(query)
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v, (-want +got):\n%s", err, diff)
	}
	for _, bad := range []string{"follow=maybe", "tailLines=many", "sinceTime=yesterday"} {
		query, err := url.ParseQuery(bad)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := logOptions(query); err == nil {
			t.Errorf("%s is accepted", bad)
		}
	}
}

func TestLimitedWriter(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	w := &limitedWriter{w: &out, left: 5}
	if n, err := io.WriteString(w, "abc"); n != 3 || err != nil {
		t.Errorf("wrote %d, %v", n, err)
	}
	if n, err := io.WriteString(w, "defg"); n != 2 || !errors.Is(err, io.EOF) {
		t.Errorf("wrote %d, %v; want 2 and EOF", n, err)
	}
	if got := out.String(); got != "abcde" {
		t.Errorf("got %q", got)
	}
}

func TestUses(t *testing.T) {
	t.Parallel()
	pod := played("pod")
	cores, bytes := uses(pod, "web")
	if cores <= 0 || cores > 0.02 || bytes <= 0 || bytes > 64<<20 {
		t.Errorf("a container without requests uses %v cores, %v bytes", cores, bytes)
	}
	if again, _ := uses(pod, "web"); again != cores {
		t.Errorf("uses %v cores, then %v", cores, again)
	}
	pod.Spec.Containers[0].Resources.Requests = corev1.ResourceList{
		corev1.ResourceCPU:    resource.MustParse("500m"),
		corev1.ResourceMemory: resource.MustParse("100Mi"),
	}
	if cores, bytes := uses(pod, "web"); cores != 0.25 || bytes != 50<<20 {
		t.Errorf("a container with requests uses %v cores, %v bytes; want half of them", cores, bytes)
	}
}

// TestNodeCounterNeverFalls takes a pod away between two scrapes.
func TestNodeCounterNeverFalls(t *testing.T) {
	t.Parallel()
	u := newUsage()
	totals := []float64{u.spend("node1", 3, start), u.spend("node1", 3, start.Add(10*time.Second)), u.spend("node1", 1, start.Add(20*time.Second))}
	if diff := cmp.Diff([]float64{0, 30, 40}, totals); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	s := &Server{cfg: Config{Client: fake.NewClientset(played("pod"))}, usage: newUsage()}
	w := httptest.NewRecorder()
	s.routes().ServeHTTP(w, httptest.NewRequest(http.MethodGet, MetricsPath("node1"), nil))
	if w.Code != http.StatusOK {
		t.Fatalf("%d: %s", w.Code, w.Body)
	}
	for _, want := range []string{
		"node_cpu_usage_seconds_total 0 ",
		"node_memory_working_set_bytes ",
		`container_start_time_seconds{container="web",namespace="default",pod="pod"} 1.767323045e+09 `,
		`container_cpu_usage_seconds_total{container="web",namespace="default",pod="pod"} `,
		`container_memory_working_set_bytes{container="web",namespace="default",pod="pod"} `,
	} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("no %q in:\n%s", want, w.Body)
		}
	}
}
