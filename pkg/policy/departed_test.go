/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package policy

import (
	"runtime"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"

	policyv1alpha1 "github.com/manifold-k8s/manifold/apis/policy/v1alpha1"
	"github.com/manifold-k8s/manifold/pkg/match"
)

var (
	covered = match.Template{APIVersion: "v1", Kind: "ConfigMap", Namespace: "ns", Name: "c"}
	others  = []match.Template{
		{APIVersion: "v1", Kind: "ConfigMap", Namespace: "ns", Name: "other"},
		{APIVersion: "v1", Kind: "Secret", Namespace: "ns", Name: "c"},
		{APIVersion: "v1", Kind: "ConfigMap", Namespace: "elsewhere", Name: "c"},
	}
)

// held is for how long a template has to wait, by what the store holds now.
func held(s *Store, t match.Template) time.Duration {
	cops, ops := s.Overrides(t.Namespace)
	return s.Deleted(t, cops, ops)
}

func deleting(p *policyv1alpha1.OverridePolicy) {
	p.Finalizers, p.DeletionTimestamp = []string{"example.com/f"}, &metav1.Time{Time: time.Now()}
}

// What a deleted override policy applied to waits for as long as the grace lasts, and nothing else does.
func TestDeleted(t *testing.T) {
	t.Parallel()
	everything := func(p *policyv1alpha1.OverridePolicy) { p.Spec.ResourceSelectors = nil }
	for name, tc := range map[string]struct {
		tell func(w *watch.RaceFreeFakeWatcher)
		want time.Duration
	}{
		"nothing":        {func(*watch.RaceFreeFakeWatcher) {}, 0},
		"an update":      {func(w *watch.RaceFreeFakeWatcher) { w.Modify(overridePolicy("o", "u0", 10, everything)) }, 0},
		"a deletion":     {func(w *watch.RaceFreeFakeWatcher) { w.Delete(overridePolicy("o", "u0", 10)) }, Grace},
		"with finalizer": {func(w *watch.RaceFreeFakeWatcher) { w.Modify(overridePolicy("o", "u0", 10, deleting)) }, Grace},
		"made anew": {func(w *watch.RaceFreeFakeWatcher) {
			w.Delete(overridePolicy("o", "u0", 10))
			w.Add(overridePolicy("o", "u1", 11))
		}, 0},
		"made anew under another name": {func(w *watch.RaceFreeFakeWatcher) {
			w.Delete(overridePolicy("o", "u0", 10))
			w.Add(overridePolicy("p", "u1", 11))
		}, Grace},
		"made anew, and deleted again": {func(w *watch.RaceFreeFakeWatcher) {
			w.Delete(overridePolicy("o", "u0", 10))
			w.Add(overridePolicy("o", "u1", 11))
			w.Delete(overridePolicy("o", "u1", 12))
		}, Grace},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := sources{listed: []policyv1alpha1.OverridePolicy{*overridePolicy("o", "u0", 1)}}
				store, w := s.run(t.Context(), t)
				tc.tell(w)
				synctest.Wait()
				if got := held(store, covered); got != tc.want {
					t.Errorf("held for %v, want %v", got, tc.want)
				}
				for _, o := range others {
					if got := held(store, o); got != 0 {
						t.Errorf("%v is held for %v", o, got)
					}
				}
				if tc.want == 0 {
					return
				}
				time.Sleep(time.Second)
				if got := held(store, covered); got != tc.want-time.Second {
					t.Errorf("held for another %v after a second", got)
				}
				time.Sleep(tc.want - time.Second)
				if got := held(store, covered); got != 0 || !store.departed.none() {
					t.Errorf("held for another %v after the grace", got)
				}
			})
		})
	}
}

// The end of a policy with finalizers is no second departure.
func TestDeletedOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := sources{listed: []policyv1alpha1.OverridePolicy{*overridePolicy("o", "u0", 1)}}
		store, w := s.run(t.Context(), t)
		w.Modify(overridePolicy("o", "u0", 10, deleting))
		time.Sleep(time.Second)
		w.Modify(overridePolicy("o", "u0", 11, deleting))
		synctest.Wait()
		if got := held(store, covered); got != Grace-time.Second {
			t.Errorf("held for %v", got)
		}
		time.Sleep(Grace)
		w.Modify(overridePolicy("o", "u0", 12, deleting))
		w.Delete(overridePolicy("o", "u0", 13, deleting))
		synctest.Wait()
		if got := held(store, covered); got != 0 {
			t.Errorf("held for %v by the end of what departed long ago", got)
		}
	})
}

// What departed while the watch was interrupted departs when the next list is read.
func TestDeletedUnwatched(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := sources{listed: []policyv1alpha1.OverridePolicy{*overridePolicy("o", "u0", 1)}}
		store, w := s.run(t.Context(), t)
		synctest.Wait()
		s.listed, s.version = nil, "20"
		w.Error(&metav1.Status{Status: metav1.StatusFailure, Code: 410, Reason: metav1.StatusReasonExpired})
		for _, ops := store.Overrides("ns"); len(ops) > 0; _, ops = store.Overrides("ns") {
			if held(store, covered) > 0 {
				t.Error("held while it is there")
			}
			time.Sleep(time.Millisecond)
		}
		if got := held(store, covered); got <= Grace-10*time.Millisecond {
			t.Errorf("held for %v", got)
		}
	})
}

// There is no moment in which a policy is neither there nor known to have departed.
func TestDeletedWithoutGap(t *testing.T) {
	t.Parallel()
	s := sources{}
	store, w := s.run(t.Context(), t)
	there := func() bool {
		cops, ops := store.Overrides("ns")
		if len(ops) == 0 && store.Deleted(covered, cops, ops) == 0 {
			t.Fatal("gone, and not held")
		}
		return len(ops) > 0
	}
	for i := range 200 {
		uid, version := strconv.Itoa(i), 10*i+10
		w.Add(overridePolicy("o", uid, version))
		for { // at first, nothing was ever there
			if _, ops := store.Overrides("ns"); len(ops) > 0 {
				break
			}
			runtime.Gosched()
		}
		w.Delete(overridePolicy("o", uid, version+1))
		for there() {
			runtime.Gosched()
		}
	}
}

func TestHas(t *testing.T) {
	t.Parallel()
	id := func(key, value string) metav1.ObjectMeta {
		return metav1.ObjectMeta{Namespace: "ns", Name: "p", Labels: map[string]string{key: value}}
	}
	pp := &policyv1alpha1.PropagationPolicy{ObjectMeta: id(policyv1alpha1.PropagationPolicyPermanentIDLabel, "1")}
	cpp := &policyv1alpha1.ClusterPropagationPolicy{ObjectMeta: id(policyv1alpha1.ClusterPropagationPolicyPermanentIDLabel, "2")}
	cpp.Namespace = ""
	going := cpp.DeepCopy()
	going.Name, going.DeletionTimestamp = "going", &metav1.Time{Time: time.Unix(1, 0)}
	store := NewStore(ListWatches{
		Propagation: none(nil), ClusterPropagation: none(nil), Override: none(nil), ClusterOverride: none(nil),
	}, nil)
	for _, p := range []any{cpp, going} {
		if err := store.cpp.GetStore().Add(p); err != nil {
			t.Fatal(err)
		}
	}
	if err := store.pp.GetStore().Add(pp); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		claim match.Claim
		want  bool
	}{
		"namespaced":    {match.Claim{Kind: match.KindPropagationPolicy, Namespace: "ns", Name: "p", PermanentID: "1"}, true},
		"cluster-wide":  {match.Claim{Kind: match.KindClusterPropagationPolicy, Name: "p", PermanentID: "2"}, true},
		"made anew":     {match.Claim{Kind: match.KindPropagationPolicy, Namespace: "ns", Name: "p", PermanentID: "0"}, false},
		"gone":          {match.Claim{Kind: match.KindPropagationPolicy, Namespace: "ns", Name: "q", PermanentID: "1"}, false},
		"being deleted": {match.Claim{Kind: match.KindClusterPropagationPolicy, Name: "going", PermanentID: "2"}, false},
	} {
		if got := store.Has(tc.claim); got != tc.want {
			t.Errorf("%s: %v, want %v", name, got, tc.want)
		}
	}
}
