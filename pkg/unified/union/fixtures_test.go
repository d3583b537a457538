/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package union

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/internalversion"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer/protobuf"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/cache"
	"k8s.io/utils/clock"
)

const staleAnnotation = "stale-since"

// protobufCodec keeps pods as Kubernetes does.
type protobufCodec struct{ *protobuf.Serializer }

func (c protobufCodec) Encode(obj runtime.Object) ([]byte, error) {
	obj.GetObjectKind().SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Pod"))
	return runtime.Encode(c.Serializer, obj)
}

func (c protobufCodec) Decode(data []byte) (runtime.Object, error) {
	obj, _, err := c.Serializer.Decode(data, nil, nil)
	return obj, err
}

func podAttributes(obj runtime.Object) (labels.Set, fields.Set, error) {
	pod := obj.(*corev1.Pod)
	return pod.Labels, fields.Set{"metadata.name": pod.Name, "metadata.namespace": pod.Namespace, "status.phase": string(pod.Status.Phase)}, nil
}

// federation is a union over clusters, as tests see it.
type federation struct {
	*Union
	mu       sync.Mutex
	clusters map[string]*cluster // guarded by mu
	hub      *cluster
}

var testPace = pace{
	away: 160 * time.Millisecond, check: 50 * time.Millisecond, recheck: 20 * time.Millisecond, checkTimeout: 50 * time.Millisecond,
	absent: 30 * time.Millisecond, retry: 5 * time.Millisecond, retryMost: 20 * time.Millisecond, write: time.Second, unsure: 50 * time.Millisecond,
	bookmark: 20 * time.Millisecond, snapshot: time.Minute,
}

func config() Config {
	return Config{
		Resource: schema.GroupVersionResource{Version: "v1", Resource: "pods"},
		New:      func() runtime.Object { return &corev1.Pod{} },
		NewList:  func() runtime.Object { return &corev1.PodList{} },
		Codec:    protobufCodec{protobuf.NewSerializer(scheme.Scheme, scheme.Scheme)},
		Example:  &corev1.Pod{},
		Present: func(cluster string, obj runtime.Object) error {
			pod := obj.(*corev1.Pod)
			pod.Name += "." + cluster
			metav1.SetMetaDataLabel(&pod.ObjectMeta, "cluster", cluster)
			return nil
		},
		Stale: func(obj runtime.Object, since time.Time) {
			metav1.SetMetaDataAnnotation(&obj.(*corev1.Pod).ObjectMeta, staleAnnotation, since.Format(time.RFC3339))
		},
		Attributes: podAttributes,
		Patience:   150 * time.Millisecond,
		Idle:       time.Hour,
		Clock:      clock.RealClock{},
	}
}

// federate starts a union over clusters of these names.
func federate(t testing.TB, names ...string) *federation {
	t.Helper()
	return federateWith(t, func(*Config, *pace) {}, names...)
}

func federateWith(t testing.TB, change func(*Config, *pace), names ...string) *federation {
	t.Helper()
	f := &federation{clusters: map[string]*cluster{}, hub: newCluster()}
	cfg, pace := config(), testPace
	cfg.Stored = f.hub
	cfg.Member = func(name string) (cache.ListerWatcher, error) {
		f.mu.Lock()
		defer f.mu.Unlock()
		if c := f.clusters[name]; c != nil {
			return c, nil
		}
		return nil, apierrors.NewNotFound(schema.GroupResource{Resource: "clusters"}, name)
	}
	cfg.Clusters = f.names
	for _, n := range names {
		f.clusters[n] = newCluster()
	}
	change(&cfg, &pace)
	f.Union = New(cfg)
	f.pace = pace
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- f.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(30 * time.Second):
			t.Error("Run does not end")
		}
	})
	eventually(t, func() error {
		f.Union.mu.RLock()
		defer f.Union.mu.RUnlock()
		if f.state.spawn == nil {
			return fmt.Errorf("not running")
		}
		return nil
	})
	return f
}

func (f *federation) names() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []string
	for n := range f.clusters {
		out = append(out, n)
	}
	slices.Sort(out)
	return out
}

// join adds a cluster, or replaces it by another one of that name.
func (f *federation) join(name string, c *cluster) {
	f.mu.Lock()
	f.clusters[name] = c
	f.mu.Unlock()
	f.Changed(name)
}

func (f *federation) unjoin(name string) {
	f.mu.Lock()
	delete(f.clusters, name)
	f.mu.Unlock()
	f.Changed(name)
}

func (f *federation) cluster(name string) *cluster {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.clusters[name]
}

// expected are the names of everything that there is, as it is to be listed.
func (f *federation) expected() []string {
	out := f.hub.names("")
	for _, n := range f.names() {
		out = append(out, f.cluster(n).names("."+n)...)
	}
	slices.SortFunc(out, compareNames)
	return out
}

func (f *federation) list(t testing.TB, namespace string, sel Selection, o internalversion.ListOptions) (*corev1.PodList, []Lag) {
	t.Helper()
	list, lags, err := f.List(t.Context(), namespace, sel, &o)
	if err != nil {
		t.Fatalf("list: %v", err)
	}
	return list.(*corev1.PodList), lags
}

// all lists everything, which must be up to date.
func (f *federation) all(t testing.TB) *corev1.PodList {
	t.Helper()
	list, lags := f.list(t, "", Selection{}, internalversion.ListOptions{})
	if len(lags) > 0 {
		t.Fatalf("the list is not up to date: %v", lags)
	}
	return list
}

func (f *federation) watch(t testing.TB, namespace string, sel Selection, o internalversion.ListOptions) watch.Interface {
	t.Helper()
	w, err := f.Watch(t.Context(), namespace, sel, &o)
	if err != nil {
		t.Fatalf("watch: %v", err)
	}
	t.Cleanup(w.Stop)
	return w
}

func compareNames(a, b string) int {
	return slices.Compare(splitName(a), splitName(b))
}

func splitName(s string) []string {
	for i := range s {
		if s[i] == '/' {
			return []string{s[:i], s[i+1:]}
		}
	}
	return []string{s}
}

func podNames(list *corev1.PodList) []string {
	var out []string
	for i := range list.Items {
		out = append(out, list.Items[i].Namespace+"/"+list.Items[i].Name)
	}
	return out
}

// told is an event in short: ADDED default/a.m1.
func told(e watch.Event) string {
	m, err := meta.Accessor(e.Object)
	if err != nil {
		return fmt.Sprintf("%s %v", e.Type, apierrors.FromObject(e.Object))
	}
	out := string(e.Type)
	if m.GetName() != "" {
		out += " " + m.GetNamespace() + "/" + m.GetName()
	}
	if m.GetAnnotations()[staleAnnotation] != "" {
		out += " stale"
	}
	return out
}

func numberOf(t testing.TB, obj runtime.Object) int64 {
	t.Helper()
	m, err := meta.CommonAccessor(obj)
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.ParseInt(m.GetResourceVersion(), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// expect reads events that must be these, without bookmarks, in any order within a call.
func expect(t testing.TB, w watch.Interface, want ...string) []watch.Event {
	t.Helper()
	var got []string
	var events []watch.Event
	for len(got) < len(want) {
		e := next(t, w, fmt.Sprintf("got %q, want %q", got, want))
		if e.Type == watch.Bookmark {
			continue
		}
		got, events = append(got, told(e)), append(events, e)
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Fatalf("got %q, want %q", got, want)
	}
	return events
}

func next(t testing.TB, w watch.Interface, waiting string) watch.Event {
	t.Helper()
	select {
	case e, ok := <-w.ResultChan():
		if !ok {
			t.Fatalf("the watch has ended: %s", waiting)
		}
		return e
	case <-time.After(10 * time.Second):
		t.Fatalf("no event: %s", waiting)
	}
	panic("not reached")
}

// expectBookmark reads until a bookmark, before which nothing else may come.
func expectBookmark(t testing.TB, w watch.Interface) watch.Event {
	t.Helper()
	e := next(t, w, "want a bookmark")
	if e.Type != watch.Bookmark {
		t.Fatalf("got %s, want a bookmark", told(e))
	}
	return e
}

func eventually(t testing.TB, f func() error) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for {
		err := f()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Millisecond)
	}
}
