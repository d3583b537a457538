/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package simulated

import (
	"context"
	"fmt"
	"slices"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
)

// The reflector is what the hub watches with; it asks for a watch that begins with all objects.
func TestReflector(t *testing.T) {
	t.Parallel()
	m := start(t, Config{Members: 1}).Members[0]
	c := clientOf(t, m).Resource(deployments.resource())
	ctx := t.Context()
	marked := map[string]string{"mark": "x"}
	for _, d := range []*unstructured.Unstructured{manifest("a", "1", marked), manifest("b", "1", nil), manifest("c", "1", marked)} {
		if _, err := c.Namespace("default").Apply(ctx, d.GetName(), d, force); err != nil {
			t.Fatal(err)
		}
	}
	store := cache.NewStore(cache.MetaNamespaceKeyFunc)
	lists := 0
	r := cache.NewReflectorWithOptions(&cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			lists++
			o.LabelSelector = "mark=x"
			return c.List(ctx, o)
		},
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			o.LabelSelector = "mark=x"
			return c.Watch(ctx, o)
		},
	}, &unstructured.Unstructured{}, store, cache.ReflectorOptions{})
	running, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() { defer close(done); r.RunWithContext(running) }()
	holds := func(want ...string) {
		t.Helper()
		eventually(t, func() error {
			if got := slices.Sorted(slices.Values(store.ListKeys())); !slices.Equal(got, want) {
				return fmt.Errorf("the store holds %v, want %v", got, want)
			}
			return nil
		})
	}
	holds("default/a", "default/c")
	if _, err := c.Namespace("default").Apply(ctx, "b", manifest("b", "2", marked), force); err != nil { // now selected
		t.Fatal(err)
	}
	holds("default/a", "default/b", "default/c")
	if _, err := c.Namespace("default").Apply(ctx, "a", manifest("a", "2", nil), force); err != nil { // not any more
		t.Fatal(err)
	}
	if err := c.Namespace("default").Delete(ctx, "c", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	holds("default/b")
	stop()
	<-done
	if lists > 0 {
		t.Errorf("the reflector fell back to %d lists", lists)
	}
}

func TestOldVersionsAreGone(t *testing.T) {
	t.Parallel()
	m := start(t, Config{Members: 1}).Members[0]
	c := clientOf(t, m).Resource(deployments.resource()).Namespace("default")
	first, err := c.Apply(t.Context(), "web", manifest("web", "0", nil), force)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 2*history + 1 { // past the API, which is slower
		u := manifest("web", fmt.Sprint(i+1), nil)
		if _, _, err := m.apply(write{kind: deployments, key: types.NamespacedName{Namespace: "default", Name: "web"}, manager: "x", body: u}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.Watch(t.Context(), metav1.ListOptions{ResourceVersion: first.GetResourceVersion()}); !apierrors.IsResourceExpired(err) {
		t.Errorf("a watch from an old version: %v", err)
	}
	if n := len(m.tables[deployments].log); n > 2*history {
		t.Errorf("%d events are remembered", n)
	}
}
