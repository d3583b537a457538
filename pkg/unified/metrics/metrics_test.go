/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package metrics

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apiresource "k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/apis/meta/internalversion"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/warning"
	"k8s.io/client-go/rest"
	"k8s.io/metrics/pkg/apis/metrics/v1beta1"
)

// fake are members with one pod each, named in the value, in the namespace default; members without a name serve no metrics.
type fake struct {
	pods map[string]string
	hang map[string]bool // do not answer
	dead map[string]bool // refuse connections
	url  string

	mu    sync.Mutex
	asked []string // cluster and what was asked for
}

func newFake(t *testing.T, pods map[string]string) *fake {
	t.Helper()
	f := &fake{pods: pods, hang: map[string]bool{}, dead: map[string]bool{}}
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	f.url = server.URL
	return f
}

func (f *fake) Names() []string { return slices.Sorted(maps.Keys(f.pods)) }

func (f *fake) Exists(cluster string) bool { _, ok := f.pods[cluster]; return ok }

func (f *fake) Config(_ context.Context, cluster string) (*rest.Config, error) {
	if f.dead[cluster] {
		return nil, apierrors.NewServiceUnavailable("no way to " + cluster)
	}
	return &rest.Config{Host: f.url + "/" + cluster}, nil
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	cluster, path, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	f.mu.Lock()
	f.asked = append(f.asked, cluster+" "+path+"?"+r.URL.RawQuery)
	f.mu.Unlock()
	if f.hang[cluster] {
		<-r.Context().Done()
		return
	}
	pod := podMetrics(f.pods[cluster])
	const list = "apis/metrics.k8s.io/v1beta1/namespaces/default/pods"
	switch {
	case f.pods[cluster] == "":
		http.NotFound(w, r)
	case path == list || path == "apis/metrics.k8s.io/v1beta1/pods":
		answerWith(w, http.StatusOK, &v1beta1.PodMetricsList{
			TypeMeta: metav1.TypeMeta{APIVersion: "metrics.k8s.io/v1beta1", Kind: "PodMetricsList"}, Items: []v1beta1.PodMetrics{*pod},
		})
	case path == list+"/"+pod.Name:
		answerWith(w, http.StatusOK, pod)
	default:
		answerWith(w, http.StatusNotFound, apierrors.NewNotFound(v1beta1.Resource("pods"), "other").Status())
	}
}

func answerWith(w http.ResponseWriter, code int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(body) // the test sees that something is missing
}

func podMetrics(name string) *v1beta1.PodMetrics {
	usage := func(cpu, memory string) corev1.ResourceList {
		return corev1.ResourceList{corev1.ResourceCPU: apiresource.MustParse(cpu), corev1.ResourceMemory: apiresource.MustParse(memory)}
	}
	return &v1beta1.PodMetrics{
		TypeMeta:   metav1.TypeMeta{APIVersion: "metrics.k8s.io/v1beta1", Kind: "PodMetrics"},
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name, Labels: map[string]string{"app": "web"}},
		Window:     metav1.Duration{Duration: 10 * time.Second},
		Containers: []v1beta1.ContainerMetrics{{Name: "a", Usage: usage("10m", "1Mi")}, {Name: "b", Usage: usage("5m", "2Mi")}},
	}
}

// warnings implements warning.Recorder.
type warnings []string

func (w *warnings) AddWarning(_, text string) { *w = append(*w, text) }

func podsOf(f *fake, patience time.Duration) (*resource, context.Context, *warnings) {
	s := NewStorage()
	s.Use(Config{Members: f, Patience: patience})
	told := &warnings{}
	return s.pods, request.WithNamespace(warning.WithWarningRecorder(context.Background(), told), "default"), told
}

func names(t *testing.T, obj runtime.Object) []string {
	t.Helper()
	list, ok := obj.(*v1beta1.PodMetricsList)
	if !ok {
		t.Fatalf("got a %T", obj)
	}
	var out []string
	for _, item := range list.Items {
		out = append(out, item.Name)
	}
	return out
}

// ample is patience that does not run out in a test.
const ample = time.Minute

func TestList(t *testing.T) {
	t.Parallel()
	f := newFake(t, map[string]string{"a": "web-2", "b": "web-1", "none": "", "slow": "web-3", "dead": "web-4"})
	f.hang["slow"], f.dead["dead"] = true, true
	pods, ctx, told := podsOf(f, 200*time.Millisecond)
	begin := time.Now()
	got, err := pods.List(ctx, &internalversion.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("a member that hangs blocked the list for %v", took)
	}
	if diff := cmp.Diff([]string{"web-1.b", "web-2.a"}, names(t, got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	want := warnings{
		"dead does not answer: no way to dead; its pods are missing from this list",
		"none does not serve metrics.k8s.io/v1beta1, for which it needs metrics-server or the like; its pods are missing from this list",
		"slow does not answer; its pods are missing from this list",
	}
	if diff := cmp.Diff(want, *told); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
}

func TestListSelects(t *testing.T) {
	t.Parallel()
	f := newFake(t, map[string]string{"a": "web-2", "b": "web-1"})
	pods, ctx, told := podsOf(f, ample)
	selector, err := labels.Parse("app=web,cluster=b")
	if err != nil {
		t.Fatal(err)
	}
	got, err := pods.List(ctx, &internalversion.ListOptions{LabelSelector: selector})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"web-1.b"}, names(t, got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"b apis/metrics.k8s.io/v1beta1/namespaces/default/pods?labelSelector=app%3Dweb"}, f.asked); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
	item := got.(*v1beta1.PodMetricsList).Items[0]
	if diff := cmp.Diff(map[string]string{"app": "web", "manifold-k8s.io/cluster": "b"}, item.Labels); diff != "" {
		t.Errorf("labels (-want +got):\n%s", diff)
	}
	want := map[string]string{"resource.karmada.io/cached-from-cluster": "b", "resource.karmada.io/query-from-cluster": "b"}
	if diff := cmp.Diff(want, item.Annotations); diff != "" {
		t.Errorf("annotations (-want +got):\n%s", diff)
	}
	if len(*told) > 0 {
		t.Errorf("warnings: %q", *told)
	}
	if _, err := pods.List(request.WithNamespace(ctx, metav1.NamespaceAll), nil); err != nil {
		t.Errorf("list of all namespaces: %v", err)
	}
}

func TestListWithoutAnswers(t *testing.T) {
	t.Parallel()
	f := newFake(t, map[string]string{"a": "web-1", "b": ""})
	f.dead["a"] = true
	pods, ctx, told := podsOf(f, ample)
	_, err := pods.List(ctx, &internalversion.ListOptions{})
	if !apierrors.IsServiceUnavailable(err) || !strings.Contains(err.Error(), "no way to a") || !strings.Contains(err.Error(), "b does not serve") {
		t.Errorf("got %v, want that it is unavailable, and why", err)
	}
	if len(*told) > 0 {
		t.Errorf("warnings beside the error: %q", *told)
	}
	pods, ctx, _ = podsOf(newFake(t, nil), ample)
	if got, err := pods.List(ctx, &internalversion.ListOptions{}); err != nil || len(names(t, got)) > 0 {
		t.Errorf("without members: %v, %v; want an empty list", got, err)
	}
	if _, err := NewStorage().nodes.List(ctx, nil); !apierrors.IsServiceUnavailable(err) {
		t.Errorf("before the members are known: %v, want that it is unavailable", err)
	}
}

func TestGet(t *testing.T) {
	t.Parallel()
	f := newFake(t, map[string]string{"a": "web", "b": "db", "c": "web", "none": ""})
	pods, ctx, told := podsOf(f, ample)
	for name, tc := range map[string]struct {
		ask, want string
		is        func(error) bool
		says      string
	}{
		"of a cluster":          {ask: "web.a", want: "web.a"},
		"the only one":          {ask: "db", want: "db.b"},
		"several":               {ask: "web", is: apierrors.IsNotFound, says: "choose one of web.a, web.c"},
		"none":                  {ask: "cache", is: apierrors.IsNotFound, says: `"cache" not found`},
		"none in the cluster":   {ask: "cache.a", is: apierrors.IsNotFound, says: `"cache.a" not found`},
		"cluster without them":  {ask: "web.none", is: apierrors.IsNotFound, says: `"web.none" not found`},
		"no such cluster":       {ask: "web.x", is: apierrors.IsNotFound, says: `"web.x" not found`},
		"not even a name there": {ask: ".a", is: apierrors.IsNotFound, says: `".a" not found`},
	} {
		obj, err := pods.Get(ctx, tc.ask, &metav1.GetOptions{})
		if tc.is != nil {
			if !tc.is(err) || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("%s: got %v, want an error that says %q", name, err, tc.says)
			}
			continue
		}
		if err != nil || obj.(*v1beta1.PodMetrics).Name != tc.want {
			t.Errorf("%s: got %v, %v; want %s", name, obj, err, tc.want)
		}
	}
	if len(*told) > 0 {
		t.Errorf("warnings: %q", *told)
	}
}

func TestGetWithoutAnswers(t *testing.T) {
	t.Parallel()
	f := newFake(t, map[string]string{"a": "web", "b": "db"})
	f.dead["b"] = true
	pods, ctx, told := podsOf(f, ample)
	if _, err := pods.Get(ctx, "db.b", nil); !apierrors.IsServiceUnavailable(err) || !strings.Contains(err.Error(), "cluster b") {
		t.Errorf("got %v, want that cluster b is unavailable", err)
	}
	if _, err := pods.Get(ctx, "db", nil); !apierrors.IsNotFound(err) || !strings.Contains(err.Error(), "no answer from b") {
		t.Errorf("got %v, want that b did not answer", err)
	}
	if obj, err := pods.Get(ctx, "web", nil); err != nil || obj.(*v1beta1.PodMetrics).Name != "web.a" {
		t.Errorf("got %v, %v; want web.a", obj, err)
	}
	if want := (warnings{"web.a was found; there was no answer from b"}); !slices.Equal(*told, want) {
		t.Errorf("warnings %q, want %q", *told, want)
	}
}

func TestTable(t *testing.T) {
	t.Parallel()
	pod := podMetrics("web")
	if err := show("a", pod); err != nil {
		t.Fatal(err)
	}
	list := &v1beta1.PodMetricsList{Items: []v1beta1.PodMetrics{*pod}}
	table, err := NewStorage().pods.ConvertToTable(context.Background(), list, nil)
	if err != nil {
		t.Fatal(err)
	}
	var columns []string
	for _, c := range table.ColumnDefinitions {
		columns = append(columns, c.Name)
	}
	if diff := cmp.Diff([]string{"Name", "Cluster", "cpu", "memory", "Window"}, columns); diff != "" {
		t.Errorf("columns (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]any{"web.a", "a", "15m", "3Mi", "10s"}, table.Rows[0].Cells); diff != "" {
		t.Errorf("cells (-want +got):\n%s", diff)
	}
	node := &v1beta1.NodeMetrics{ObjectMeta: metav1.ObjectMeta{Name: "node"}, Usage: pod.Containers[0].Usage}
	table, err = NewStorage().nodes.ConvertToTable(context.Background(), node, &metav1.TableOptions{NoHeaders: true})
	if err != nil || len(table.ColumnDefinitions) > 0 || len(table.Rows) != 1 || table.Rows[0].Cells[2] != "10m" {
		t.Errorf("table of a node: %+v, %v", table, err)
	}
}
