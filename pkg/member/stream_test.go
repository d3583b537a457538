/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package member

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
)

// hearing is a keeper that passes on what it is told.
type hearing chan string

func (h hearing) seen(u *unstructured.Unstructured, listed bool) {
	var n notes
	n.seen(u, listed)
	said := n[0] + " " + u.GetLabels()["v"]
	if u.GetManagedFields() != nil {
		said += " with managedFields"
	}
	h <- said
}

func (h hearing) gone(key types.NamespacedName) {
	var n notes
	n.gone(key)
	h <- n[0]
}

func (h hearing) complete(there map[types.NamespacedName]bool) {
	var n notes
	n.complete(there)
	h <- n[0]
}

// hear waits for what is expected next.
func (h hearing) hear(t *testing.T, want ...string) {
	t.Helper()
	var got []string
	for range want {
		select {
		case s := <-h:
			got = append(got, s)
		case <-time.After(30 * time.Second):
			t.Fatalf("heard %q and then nothing, want %q", got, want)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("heard (-want +got):\n%s", diff)
	}
}

func configMapJSON(name, v string) string {
	return fmt.Sprintf(`{"kind":"ConfigMap","apiVersion":"v1","metadata":{"namespace":"ns","name":%q,"resourceVersion":"5","labels":{"v":%q},"managedFields":[{"manager":"m"}]}}`, name, v)
}

const bookmark = `{"type":"BOOKMARK","object":{"kind":"ConfigMap","apiVersion":"v1","metadata":{"resourceVersion":"7","annotations":{"k8s.io/initial-events-end":"true"}}}}`

// reflecting runs reflect against a server until the test ends.
func reflecting(t *testing.T, h http.HandlerFunc) hearing {
	t.Helper()
	m, heard := connected(t, serve(t, h)), make(hearing, 100)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		m.reflect(ctx, configMapResource, "a=b", heard)
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	return heard
}

// Objects are told of while the list is still on its way, and nothing follows from a list that breaks off.
func TestListIsStreamed(t *testing.T) {
	t.Parallel()
	var watches atomic.Int32
	goOn := make(chan struct{})
	heard := reflecting(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("sendInitialEvents") != "true" || r.URL.Query().Get("labelSelector") != "a=b" {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		say(w, `{"type":"ADDED","object":`+configMapJSON("a", "1")+"}\n")
		<-goOn
		if watches.Add(1) == 1 {
			panic(http.ErrAbortHandler) // the connection breaks
		}
		say(w, `{"type":"MODIFIED","object":`+configMapJSON("a", "2")+"}\n"+`{"type":"ADDED","object":`+configMapJSON("b", "1")+"}\n")
		say(w, `{"type":"ADDED","object":`+configMapJSON("c", "1")+"}\n"+`{"type":"DELETED","object":`+configMapJSON("c", "1")+"}\n"+bookmark)
		say(w, `{"type":"MODIFIED","object":`+configMapJSON("b", "2")+"}\n"+`{"type":"DELETED","object":`+configMapJSON("a", "2")+"}\n")
		<-r.Context().Done()
	})
	heard.hear(t, "seen ns/a listed=true 1")
	close(goOn)
	heard.hear(t,
		"seen ns/a listed=true 1", "seen ns/a listed=true 2", "seen ns/b listed=true 1", "seen ns/c listed=true 1", "complete [ns/a ns/b]",
		"seen ns/b listed=false 2", "gone ns/a",
	)
}

// A member that cannot stream lists is asked for pages.
func TestListInPages(t *testing.T) {
	t.Parallel()
	heard := reflecting(t, func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		w.Header().Set("Content-Type", "application/json")
		page := `{"kind":"ConfigMapList","apiVersion":"v1","metadata":{"resourceVersion":"7","continue":%q},"items":[%s]}`
		switch {
		case q.Get("labelSelector") != "a=b":
			w.WriteHeader(http.StatusNotFound)
		case q.Get("sendInitialEvents") == "true":
			w.WriteHeader(http.StatusUnprocessableEntity)
			say(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Invalid","code":422}`)
		case q.Get("watch") == "true" && q.Get("resourceVersion") == "7":
			say(w, `{"type":"ADDED","object":`+configMapJSON("c", "1")+"}\n")
			<-r.Context().Done()
		case q.Get("continue") == "":
			fmt.Fprintf(w, page, "next", configMapJSON("a", "1"))
		default:
			fmt.Fprintf(w, page, "", configMapJSON("b", "1"))
		}
	})
	heard.hear(t, "seen ns/a listed=true 1", "seen ns/b listed=true 1", "complete [ns/a ns/b]", "seen ns/c listed=false 1")
}

// What cannot be understood is told as an error, and ends the watch.
func TestMalformedStream(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{"no object": "[]", "no event": `{"type":"ADDED","object":{}}`} {
		m := connected(t, serve(t, func(w http.ResponseWriter, _ *http.Request) { say(w, text) }))
		s, run, err := m.open(t.Context(), configMapResource, metav1.ListOptions{})
		if err != nil {
			t.Fatal(err)
		}
		go run()
		e := <-s.ResultChan()
		if status, ok := e.Object.(*metav1.Status); !ok || e.Type != watch.Error || status.Code != http.StatusInternalServerError {
			t.Errorf("%s: event %v", name, e)
		}
		if _, more := <-s.ResultChan(); more {
			t.Errorf("%s: the watch goes on", name)
		}
	}
}

// A watch that is stopped ends, whether anybody reads it or not.
func TestStop(t *testing.T) {
	t.Parallel()
	m := connected(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
		say(w, `{"type":"ADDED","object":`+configMapJSON("a", "1")+"}\n")
		<-r.Context().Done()
	}))
	s, run, err := m.open(t.Context(), configMapResource, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	s.Stop()
	run() // returns
	if len(m.kick) != 0 {
		t.Error("the member is suspected")
	}
}

func TestPathOf(t *testing.T) {
	t.Parallel()
	for want, r := range map[*[]string]schema.GroupVersionResource{
		{"api", "v1", "configmaps"}:           configMapResource,
		{"apis", "apps", "v1", "deployments"}: {Group: "apps", Version: "v1", Resource: "deployments"},
	} {
		if got := pathOf(r); !slices.Equal(got, *want) {
			t.Errorf("%v is at %v", r, got)
		}
	}
}
