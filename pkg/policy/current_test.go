/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package policy

import (
	"testing"
	"testing/synctest"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"

	policyv1alpha1 "github.com/manifold-k8s/manifold/apis/policy/v1alpha1"
)

// The store is current when it holds what was written, whatever kind of event that came with; then, and not before, those
// who wait are woken, once.
func TestCurrent(t *testing.T) {
	t.Parallel()
	for name, tell := range map[string]func(w *watch.RaceFreeFakeWatcher){
		"created": func(w *watch.RaceFreeFakeWatcher) { w.Add(overridePolicy("o", "u1", 10)) },
		"updated": func(w *watch.RaceFreeFakeWatcher) { w.Modify(overridePolicy("there", "u0", 10)) },
		"deleted": func(w *watch.RaceFreeFakeWatcher) { w.Delete(overridePolicy("there", "u0", 10)) },
		"later":   func(w *watch.RaceFreeFakeWatcher) { w.Add(overridePolicy("o", "u1", 11)) },
		"bookmark": func(w *watch.RaceFreeFakeWatcher) {
			w.Action(watch.Bookmark, &policyv1alpha1.OverridePolicy{ObjectMeta: metav1.ObjectMeta{ResourceVersion: "10"}})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := sources{version: "5", listed: []policyv1alpha1.OverridePolicy{*overridePolicy("there", "u0", 3)}}
				store, w := s.run(t.Context(), t)
				woken := 0
				wake := func() { woken++ }
				s.written.Raise(5)
				if !store.Current(wake) {
					t.Error("not current after what was listed")
				}
				s.written.Raise(10)
				s.written.Raise(7) // a slower writer reports later
				w.Add(overridePolicy("early", "u2", 9))
				for range 2 {
					if store.Current(wake) {
						t.Error("current before what was written is there")
					}
				}
				if began := time.Now(); store.Await(t.Context(), time.Second) || time.Since(began) != time.Second {
					t.Errorf("gave up after %v", time.Since(began))
				}
				time.Sleep(time.Second)
				synctest.Wait()
				if woken != 0 {
					t.Fatalf("woken %d times before what was written is there", woken)
				}
				tell(w)
				if !store.Await(t.Context(), time.Second) || !store.Current(wake) {
					t.Error("not current although what was written is there")
				}
				time.Sleep(time.Second)
				synctest.Wait()
				if woken != 2 {
					t.Errorf("woken %d times, want once for each of 2 who wait", woken)
				}
			})
		})
	}
}
