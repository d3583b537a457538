/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package search

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/internalversion"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/warning"
	clientrest "k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/utils/clock"

	clusterv1alpha1 "github.com/manifold-k8s/manifold/apis/cluster/v1alpha1"
	searchv1alpha1 "github.com/manifold-k8s/manifold/apis/search/v1alpha1"
)

var widgets = schema.GroupVersionResource{Group: "example.com", Version: "v1", Resource: "widgets"}

// member is an API server with widgets, which can be told not to answer.
type member struct {
	server *httptest.Server
	names  []string

	mu   sync.Mutex
	away bool // guarded by mu
}

func newMember(t *testing.T, names ...string) *member {
	m := &member{names: names}
	m.server = httptest.NewServer(m)
	t.Cleanup(func() { m.server.CloseClientConnections(); m.server.Close() })
	return m
}

func (m *member) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	m.mu.Lock()
	away := m.away
	m.mu.Unlock()
	q := req.URL.Query()
	w.Header().Set("Content-Type", "application/json")
	switch {
	case away:
		w.WriteHeader(http.StatusBadGateway)
	case q.Get("sendInitialEvents") != "":
		w.WriteHeader(http.StatusUnprocessableEntity) // an older one
	case q.Get("watch") != "":
		w.WriteHeader(http.StatusOK)
		w.(http.Flusher).Flush()
		<-req.Context().Done()
	default:
		list := map[string]any{"apiVersion": "example.com/v1", "kind": "WidgetList", "metadata": map[string]any{"resourceVersion": "5"}}
		var items []any
		for _, name := range m.names {
			items = append(items, map[string]any{"apiVersion": "example.com/v1", "kind": "Widget",
				"metadata": map[string]any{"name": name, "namespace": "shop", "uid": name, "resourceVersion": "3"}})
		}
		list["items"] = items
		_ = json.NewEncoder(w).Encode(list)
	}
}

func (m *member) be(away bool) {
	m.mu.Lock()
	m.away = away
	m.mu.Unlock()
	m.server.CloseClientConnections()
}

// fleet leads to members by name.
type fleet map[string]*member

func (f fleet) Config(_ context.Context, cluster string) (*clientrest.Config, error) {
	return &clientrest.Config{Host: f[cluster].server.URL}, nil
}

func (fleet) OnChange(func(string)) {}

// told are the warnings of a request.
type told struct {
	mu   sync.Mutex
	text []string
}

func (w *told) AddWarning(_, text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.text = append(w.text, text)
}

// start returns the widgets of a fleet, all of which one registry selects.
func start(t *testing.T, f fleet) *storage {
	t.Helper()
	holding := func(objects ...any) cache.SharedIndexInformer {
		informer := cache.NewSharedIndexInformer(&cache.ListWatch{}, nil, 0, cache.Indexers{})
		for _, o := range objects {
			if err := informer.GetStore().Add(o); err != nil {
				t.Fatal(err)
			}
		}
		return informer
	}
	registry := &searchv1alpha1.ResourceRegistry{ObjectMeta: metav1.ObjectMeta{Name: "widgets"}}
	registry.Spec.ResourceSelectors = []searchv1alpha1.ResourceSelector{{APIVersion: "example.com/v1", Kind: "Widget"}}
	var clusters []any
	for name := range f {
		c := &clusterv1alpha1.Cluster{ObjectMeta: metav1.ObjectMeta{Name: name}}
		c.Status.APIEnablements = []clusterv1alpha1.APIEnablement{{GroupVersion: "example.com/v1", Resources: []clusterv1alpha1.APIResource{{Name: "widgets", Kind: "Widget"}}}}
		clusters = append(clusters, c)
	}
	s, err := New(Config{
		Registries: synced{holding(registry)}, Clusters: synced{holding(clusters...)}, Members: f,
		Patience: 200 * time.Millisecond, Idle: time.Minute, Clock: clock.RealClock{},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	var c *collection
	eventually(t, func() error {
		if c = s.collection(widgets); c == nil {
			return fmt.Errorf("widgets are not registered")
		}
		return nil
	})
	return &storage{collection: c, namespace: "shop"}
}

// synced is an informer that has all it will ever have.
type synced struct{ cache.SharedIndexInformer }

func (synced) HasSynced() bool { return true }

func eventually(t *testing.T, check func() error) {
	t.Helper()
	err := check()
	for end := time.Now().Add(30 * time.Second); err != nil && time.Now().Before(end); err = check() {
		time.Sleep(20 * time.Millisecond)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func widgetNames(ctx context.Context, t *testing.T, s *storage) []string {
	t.Helper()
	obj, err := s.List(ctx, &internalversion.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, u := range obj.(*unstructured.UnstructuredList).Items {
		out = append(out, u.GetName()+" of "+u.GetAnnotations()[clusterAnnotation])
	}
	return out
}

// A member that has never answered is missing, which is said; what it may have is not called absent.
func TestMemberThatIsAway(t *testing.T) {
	t.Parallel()
	away := newMember(t, "theirs")
	away.be(true)
	s := start(t, fleet{"a": newMember(t, "ours", "both"), "b": away})
	var said told
	ctx := warning.WithWarningRecorder(t.Context(), &said)
	eventually(t, func() error {
		if got := widgetNames(ctx, t, s); !slices.Equal(got, []string{"both of a", "ours of a"}) {
			return fmt.Errorf("lists %q", got)
		}
		return nil
	})
	if want := "b does not answer; its widgets are missing from this list"; !slices.Contains(said.text, want) {
		t.Errorf("warnings %q, want %q", said.text, want)
	}
	if obj, err := s.Get(ctx, "ours", nil); err != nil {
		t.Errorf("what is known: %v, %v", obj, err)
	}
	if _, err := s.Get(ctx, "theirs", nil); !apierrors.IsServiceUnavailable(err) || !strings.Contains(err.Error(), "cluster b") {
		t.Errorf("what may be there: %v, want 503", err)
	}
	if _, _, err := s.one(ctx, "shop", "ours", true); !apierrors.IsServiceUnavailable(err) {
		t.Errorf("for a change: %v, want 503", err)
	}

	away.be(false)
	eventually(t, func() error {
		_, _, err := s.one(ctx, "shop", "ours", true)
		return err
	})
	if _, err := s.Get(ctx, "neither", nil); !apierrors.IsNotFound(err) {
		t.Errorf("of what nobody has: %v, want 404", err)
	}
}

// A member that goes away keeps what it had, for reading.
func TestMemberThatGoes(t *testing.T) {
	t.Parallel()
	b := newMember(t, "theirs")
	s := start(t, fleet{"a": newMember(t, "ours"), "b": b})
	eventually(t, func() error {
		if got := widgetNames(t.Context(), t, s); len(got) != 2 {
			return fmt.Errorf("lists %q", got)
		}
		return nil
	})
	b.be(true)
	eventually(t, func() error {
		var said told
		got := widgetNames(warning.WithWarningRecorder(t.Context(), &said), t, s)
		if !slices.Equal(got, []string{"ours of a", "theirs of b"}) {
			t.Fatalf("lists %q", got)
		}
		if len(said.text) != 1 || !strings.Contains(said.text[0], "b does not answer; its widgets are as of") {
			return fmt.Errorf("warnings %q", said.text)
		}
		return nil
	})
}
