/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package integration_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/manifold-k8s/manifold/test/apitest"
)

// watched is what a member has told of a ConfigMap, from a moment on.
type watched struct {
	t        *testing.T
	member   *apitest.Member
	ns, name string

	mu      sync.Mutex
	latest  string // resource version; empty: it is not there
	deleted int
	values  []string // of its key, one after the other
}

// watchCopy watches the copy of a ConfigMap in a member until the test ends. It need not be there yet.
func watchCopy(t *testing.T, m *apitest.Member, ns, name string) *watched {
	t.Helper()
	w := &watched{t: t, member: m, ns: ns, name: name}
	client, err := m.Objects("configmaps", ns)
	if err != nil {
		t.Fatal(err)
	}
	selector := fields.OneTermEqualSelector("metadata.name", name).String()
	list, err := client.List(t.Context(), metav1.ListOptions{FieldSelector: selector})
	if err != nil {
		t.Fatal(err)
	}
	for i := range list.Items {
		w.see(watch.Added, &list.Items[i])
	}
	events, err := client.Watch(t.Context(), metav1.ListOptions{FieldSelector: selector, ResourceVersion: list.GetResourceVersion()})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for e := range events.ResultChan() {
			if u, ok := e.Object.(*unstructured.Unstructured); ok {
				w.see(e.Type, u)
			}
		}
	}()
	t.Cleanup(func() {
		events.Stop()
		<-done
	})
	return w
}

func (w *watched) see(what watch.EventType, u *unstructured.Unstructured) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if what == watch.Deleted {
		w.deleted++
		w.latest = ""
		return
	}
	w.latest = u.GetResourceVersion()
	value, _, _ := unstructured.NestedString(u.Object, "data", "key") // none is none
	if n := len(w.values); n == 0 || w.values[n-1] != value {
		w.values = append(w.values, value)
	}
}

// caughtUp waits until the watch has told of the copy as it is now, which has to be there.
func (w *watched) caughtUp() {
	w.t.Helper()
	apitest.Eventually(w.t, func() error {
		u, err := w.member.Get(w.t.Context(), "configmaps", w.ns, w.name)
		w.mu.Lock()
		defer w.mu.Unlock()
		if err == nil && u.GetResourceVersion() != w.latest {
			err = fmt.Errorf("%s: the watch is at version %q of %s, not at %s", w.member.Name, w.latest, w.name, u.GetResourceVersion())
		}
		return err
	})
}

// neverDeleted fails the test if the copy is not there, or was deleted since the watch began.
func (w *watched) neverDeleted() {
	w.t.Helper()
	w.caughtUp()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.deleted > 0 {
		w.t.Errorf("%s: %s was deleted %d times", w.member.Name, w.name, w.deleted)
	}
}

// showed fails the test unless the copy has had exactly these values, one after the other.
func (w *watched) showed(want ...string) {
	w.t.Helper()
	w.caughtUp()
	w.mu.Lock()
	defer w.mu.Unlock()
	if !slices.Equal(w.values, want) {
		w.t.Errorf("%s: %s has been %q, want %q", w.member.Name, w.name, w.values, want)
	}
}
