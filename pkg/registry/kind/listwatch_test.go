/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package kind_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/utils/ptr"

	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
)

func TestInformer(t *testing.T) {
	b := start(t)
	writer := b.work.ResourceBindings.Writer()
	listed, err := writer.Create(t.Context(), newBinding("listed"))
	if err != nil {
		t.Fatal(err)
	}
	// More informers than it takes for the watch cache to wrap the objects it sends.
	informers := make([]cache.SharedIndexInformer, 5)
	var running sync.WaitGroup
	ctx, stop := context.WithCancel(t.Context())
	for i := range informers {
		informers[i] = cache.NewSharedIndexInformer(b.work.ResourceBindings.ListWatch(), &workv1alpha2.ResourceBinding{}, 0, cache.Indexers{})
		running.Go(func() { informers[i].RunWithContext(ctx) })
	}
	defer running.Wait()
	defer stop()
	has := func(keys ...string) func() error {
		return func() error {
			for i, informer := range informers {
				if got := len(informer.GetStore().ListKeys()); !informer.HasSynced() || got != len(keys) {
					return fmt.Errorf("informer %d has %d objects, synced: %t", i, got, informer.HasSynced())
				}
				for _, key := range keys {
					if _, ok, _ := informer.GetStore().GetByKey(key); !ok {
						return fmt.Errorf("informer %d lacks %s", i, key)
					}
				}
			}
			return nil
		}
	}
	eventually(t, has("shop/listed"))

	if _, err := writer.Create(t.Context(), newBinding("watched")); err != nil {
		t.Fatal(err)
	}
	eventually(t, has("shop/listed", "shop/watched"))

	listed.Spec.Replicas = 5
	if listed, err = writer.Update(t.Context(), listed); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() error {
		for i, informer := range informers {
			got, _, err := informer.GetStore().GetByKey("shop/listed")
			if err != nil {
				return err
			}
			if n := got.(*workv1alpha2.ResourceBinding).Spec.Replicas; n != 5 {
				return fmt.Errorf("informer %d has %d replicas", i, n)
			}
		}
		return nil
	})

	if err := writer.Delete(t.Context(), listed); err != nil {
		t.Fatal(err)
	}
	eventually(t, has("shop/watched"))

	stop()
	running.Wait() // returns only if no watch hangs
	again := cache.NewSharedIndexInformer(b.work.ResourceBindings.ListWatch(), &workv1alpha2.ResourceBinding{}, 0, cache.Indexers{})
	informers = []cache.SharedIndexInformer{again}
	ctx, stopAgain := context.WithCancel(t.Context())
	defer stopAgain()
	running.Go(func() { again.RunWithContext(ctx) })
	eventually(t, has("shop/watched"))
	stopAgain()
}

func TestWatch(t *testing.T) {
	b := start(t)
	lw := b.work.ResourceBindings.ListWatch()
	writer := b.work.ResourceBindings.Writer()
	created, err := writer.Create(t.Context(), newBinding("a"))
	if err != nil {
		t.Fatal(err)
	}

	// A streamed list ends with a bookmark that says so.
	w, err := lw.WatchWithContext(t.Context(), metav1.ListOptions{AllowWatchBookmarks: true, SendInitialEvents: ptr.To(true),
		ResourceVersionMatch: metav1.ResourceVersionMatchNotOlderThan})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for event := range w.ResultChan() {
		object := event.Object.(*workv1alpha2.ResourceBinding)
		got = append(got, fmt.Sprintf("%s %s %s", event.Type, object.Name, object.Annotations[metav1.InitialEventsAnnotationKey]))
		if event.Type == "BOOKMARK" {
			break
		}
	}
	if diff := cmp.Diff([]string{"ADDED a ", "BOOKMARK  true"}, got); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}

	w.Stop()
	w.Stop()

	if _, err := writer.Create(t.Context(), newBinding("b")); err != nil {
		t.Fatal(err)
	}
	// The end of its context ends a watch.
	ctx, cancel := context.WithCancel(t.Context())
	w, err = lw.WatchWithContext(ctx, metav1.ListOptions{ResourceVersion: created.ResourceVersion})
	if err != nil {
		t.Fatal(err)
	}
	if event := <-w.ResultChan(); event.Object.(*workv1alpha2.ResourceBinding).Name != "b" {
		t.Errorf("first event after %s is %+v", created.ResourceVersion, event)
	}
	cancel()
	select {
	case <-w.ResultChan():
	case <-time.After(waitLong):
		t.Fatal("the watch goes on after its context")
	}

	if _, err := lw.WatchWithContext(t.Context(), metav1.ListOptions{ResourceVersionMatch: metav1.ResourceVersionMatchExact}); !apierrors.IsInvalid(err) {
		t.Errorf("contradictory options: %v, want invalid", err)
	}
	list, err := lw.ListWithContext(t.Context(), metav1.ListOptions{LabelSelector: "a=b"})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(list.(*workv1alpha2.ResourceBindingList).Items); n != 0 {
		t.Errorf("%d objects match, want none", n)
	}
	if _, err := lw.ListWithContext(t.Context(), metav1.ListOptions{LabelSelector: "a=b=c"}); !apierrors.IsBadRequest(err) {
		t.Errorf("malformed selector: %v, want bad request", err)
	}
}
