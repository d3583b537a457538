/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package unified

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

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/internalversion"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	genericapirequest "k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/apiserver/pkg/warning"
	clientrest "k8s.io/client-go/rest"
	"k8s.io/utils/clock"

	"github.com/manifold-k8s/manifold/pkg/native"
	"github.com/manifold-k8s/manifold/pkg/unified/union"
	"github.com/manifold-k8s/manifold/test/apitest"
)

// patience of the storage under test: short, as some tests wait for it to end.
const patience = 300 * time.Millisecond

// fake is a member that has some pods in the namespace ns, and answers nothing while it is silent.
type fake struct {
	server *httptest.Server

	mu     sync.Mutex
	silent bool
	pods   map[string]*corev1.Pod
	// sent are the requests that change something: method and path.
	sent []string
	// refusals are the answers to the next PATCHes, before they are done.
	refusals []*apierrors.StatusError
}

func newFake(t *testing.T, pods ...string) *fake {
	f := &fake{pods: map[string]*corev1.Pod{}}
	for _, name := range pods {
		f.pods[name] = &corev1.Pod{
			TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"},
			ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "ns", UID: types.UID("uid-" + name), ResourceVersion: "5"},
		}
	}
	f.server = httptest.NewServer(f)
	t.Cleanup(func() {
		f.server.CloseClientConnections()
		f.server.Close()
	})
	return f
}

func (f *fake) silence(silent bool) {
	f.mu.Lock()
	f.silent = silent
	f.mu.Unlock()
	if silent {
		f.server.CloseClientConnections()
	}
}

// ServeHTTP implements http.Handler.
func (f *fake) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	f.mu.Lock()
	silent := f.silent
	f.mu.Unlock()
	name := strings.TrimPrefix(strings.TrimPrefix(req.URL.Path, "/api/v1/namespaces/ns/pods"), "/")
	switch {
	case !silent && req.URL.Query().Has("sendInitialEvents"): // as a server that does not stream lists
		f.answer(w, http.StatusUnprocessableEntity, apierrors.NewInvalid(schema.GroupKind{Kind: "ListOptions"}, "", nil).Status())
	case silent || req.URL.Query().Get("watch") != "":
		w.Header().Set("Content-Type", "application/json")
		if !silent {
			w.WriteHeader(http.StatusOK)
			w.(http.Flusher).Flush()
		}
		<-req.Context().Done()
	case req.URL.Path == "/api/v1/pods":
		f.list(w)
	case req.URL.Path == "/api/v1/namespaces/ns/pods/"+name:
		f.one(w, req, name)
	default:
		f.answer(w, http.StatusNotFound, apierrors.NewNotFound(schema.GroupResource{}, req.URL.Path).Status())
	}
}

func (f *fake) list(w http.ResponseWriter) {
	f.mu.Lock()
	defer f.mu.Unlock()
	list := &corev1.PodList{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "PodList"}, ListMeta: metav1.ListMeta{ResourceVersion: "9"}}
	for _, name := range slices.Sorted(maps.Keys(f.pods)) {
		list.Items = append(list.Items, *f.pods[name])
	}
	f.answer(w, http.StatusOK, list)
}

func (f *fake) one(w http.ResponseWriter, req *http.Request, name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if req.Method != http.MethodGet {
		f.sent = append(f.sent, req.Method+" "+name)
	}
	if req.Method == http.MethodPatch && len(f.refusals) > 0 {
		refusal := f.refusals[0].Status()
		f.refusals = f.refusals[1:]
		f.answer(w, int(refusal.Code), refusal)
		return
	}
	p := f.pods[name]
	if p == nil {
		f.answer(w, http.StatusNotFound, apierrors.NewNotFound(schema.GroupResource{Resource: "pods"}, name).Status())
		return
	}
	f.answer(w, http.StatusOK, p)
}

func (f *fake) answer(w http.ResponseWriter, code int, obj any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(obj) // the client sees what is missing
}

// fakes are members by name.
type fakes map[string]*fake

func (f fakes) Names() []string            { return slices.Sorted(maps.Keys(f)) }
func (f fakes) Exists(cluster string) bool { return f[cluster] != nil }
func (f fakes) Config(_ context.Context, cluster string) (*clientrest.Config, error) {
	if f[cluster] == nil {
		return nil, apierrors.NewNotFound(schema.GroupResource{Resource: "clusters"}, cluster)
	}
	return &clientrest.Config{Host: f[cluster].server.URL}, nil
}

// serving returns the storage of pods over members. Nothing is stored on the hub.
func serving(t *testing.T, members fakes) *objects {
	t.Helper()
	u := New(Config{
		Scheme: native.Scheme(), Printer: native.Printer(), Patience: patience, Idle: time.Hour, Clock: clock.RealClock{},
		Attributes: func(kind schema.GroupKind) Attributes { return Attributes(native.AttributesOf(kind)) },
	})
	storages := map[string]rest.Storage{}
	if err := u.Wrap(corev1.SchemeGroupVersion, storages); err != nil {
		t.Fatal(err)
	}
	u.Use(Connections{Members: members})
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- u.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	pods := storages["pods"].(*objects)
	apitest.Eventually(t, func() error { // until the union runs
		_, _, err := pods.union.List(t.Context(), "", union.Selection{Clusters: []string{union.Hub}}, &internalversion.ListOptions{})
		return err
	})
	return pods
}

// warnings are those of one request.
type warnings struct {
	mu   sync.Mutex
	text []string
}

func (w *warnings) AddWarning(_, text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.text = append(w.text, text)
}

// request is the context of a request in the namespace ns, and what it is warned of.
func request(t *testing.T) (context.Context, *warnings) {
	w := &warnings{}
	return genericapirequest.WithNamespace(warning.WithWarningRecorder(t.Context(), w), "ns"), w
}
