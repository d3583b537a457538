/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package works

import (
	"context"
	"fmt"
	goruntime "runtime"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"
	testingclock "k8s.io/utils/clock/testing"

	workv1alpha1 "github.com/manifold-k8s/manifold/apis/work/v1alpha1"
	"github.com/manifold-k8s/manifold/pkg/binding"
)

// empty is a view of no bindings, at revision 100, that nobody works for.
func empty(t *testing.T) (*view, *testingclock.FakeClock) {
	t.Helper()
	none := &cache.ListWatch{ListFunc: func(metav1.ListOptions) (runtime.Object, error) { return nil, fmt.Errorf("not run") }}
	clock := testingclock.NewFakeClock(time.Unix(1000, 0))
	s := &Source{cfg: Config{Bindings: binding.NewStore(none, none, nil, nil), Clock: clock}, ctx: t.Context()}
	v := &view{
		source: s, stop: func() {}, used: clock.Now(), revision: 100, base: 100,
		queue:   workqueue.NewTyped[types.NamespacedName](),
		records: map[types.NamespacedName]*record{}, ofBinding: map[types.NamespacedName][]types.NamespacedName{},
		stored: map[types.NamespacedName]*workv1alpha1.Work{}, watchers: map[*watcher]struct{}{},
	}
	v.seen.Store(100)
	s.active.Store(v)
	return v, clock
}

// numbered is a stored Work at a revision.
func numbered(name string, revision int, labels map[string]string) *workv1alpha1.Work {
	return &workv1alpha1.Work{ObjectMeta: metav1.ObjectMeta{
		Namespace: "karmada-es-m1", Name: name, ResourceVersion: strconv.Itoa(revision), Labels: labels,
	}}
}

var everything = Selection{Matches: func(*workv1alpha1.Work) bool { return true }}

// next returns the next event as type, name and revision.
func next(t *testing.T, w watch.Interface) string {
	t.Helper()
	select {
	case e, ok := <-w.ResultChan():
		if !ok {
			return "ended"
		}
		obj := e.Object.(*workv1alpha1.Work)
		return fmt.Sprint(e.Type, " ", obj.Name, " ", obj.ResourceVersion)
	case <-time.After(30 * time.Second):
		t.Fatal("no event")
		return ""
	}
}

func events(t *testing.T, w watch.Interface, n int) []string {
	t.Helper()
	var out []string
	for range n {
		out = append(out, next(t, w))
	}
	return out
}

func begin(t *testing.T, v *view, sel Selection, o WatchOptions) watch.Interface {
	t.Helper()
	w, err := v.watch(t.Context(), sel, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Stop)
	return w
}

func TestWatchFrom(t *testing.T) {
	t.Parallel()
	v, _ := empty(t)
	v.storedChanged(numbered("a", 101, nil))
	v.storedChanged(numbered("b", 102, nil))
	v.storedChanged(numbered("a", 103, nil))
	v.storedDeleted(numbered("b", 104, nil))
	v.storedChanged(numbered("c", 106, nil))
	for from, want := range map[string][]string{
		"100": {"ADDED a 103", "DELETED b 104", "ADDED c 106"},
		"101": {"MODIFIED a 103", "DELETED b 104", "ADDED c 106"},
		"103": {"DELETED b 104", "ADDED c 106"},
		"105": {"ADDED c 106"},
	} {
		if diff := cmp.Diff(want, events(t, begin(t, v, everything, WatchOptions{ResourceVersion: from}), len(want))); diff != "" {
			t.Errorf("from %s (-want +got):\n%s", from, diff)
		}
	}
	for _, from := range []string{"99", "107"} {
		if _, err := v.watch(t.Context(), everything, WatchOptions{ResourceVersion: from}); !apierrors.IsResourceExpired(err) {
			t.Errorf("from %s: %v, want expired", from, err)
		}
	}
	w := begin(t, v, everything, WatchOptions{ResourceVersion: "106"})
	v.storedChanged(numbered("c", 107, nil))
	if got := next(t, w); got != "MODIFIED c 107" {
		t.Errorf("live: %s", got)
	}
}

// Revisions rise with every change, also when the store's do not say so.
func TestRevisionsRise(t *testing.T) {
	t.Parallel()
	v, _ := empty(t)
	for _, name := range []string{"a", "b", "c"} {
		v.storedChanged(numbered(name, 100, nil))
	}
	var got []uint64
	for _, c := range v.log {
		got = append(got, c.revision)
	}
	if diff := cmp.Diff([]uint64{101, 102, 103}, got); diff != "" {
		t.Errorf("revisions (-want +got):\n%s", diff)
	}
}

func TestInitialEvents(t *testing.T) {
	t.Parallel()
	v, _ := empty(t)
	v.storedChanged(numbered("a", 101, nil))
	w := begin(t, v, everything, WatchOptions{InitialEvents: true, Bookmarks: true})
	if got := next(t, w); got != "ADDED a 101" {
		t.Errorf("first: %s", got)
	}
	e := <-w.ResultChan()
	end := e.Object.(*workv1alpha1.Work)
	if e.Type != watch.Bookmark || end.Annotations[metav1.InitialEventsAnnotationKey] != "true" || end.ResourceVersion != "101" {
		t.Errorf("end of the initial events: %+v", e)
	}
	if _, err := v.watch(t.Context(), everything, WatchOptions{InitialEvents: true, ResourceVersion: "500"}); !apierrors.IsTimeout(err) {
		t.Errorf("a list of the future: %v", err)
	}
}

// Selectors see objects come and go as their labels change.
func TestSelection(t *testing.T) {
	t.Parallel()
	v, _ := empty(t)
	sel := Selection{Namespace: "karmada-es-m1", Matches: func(w *workv1alpha1.Work) bool { return w.Labels["x"] == "y" }}
	w := begin(t, v, sel, WatchOptions{ResourceVersion: "100"})
	yes := map[string]string{"x": "y"}
	v.storedChanged(numbered("a", 101, nil))
	v.storedChanged(numbered("a", 102, yes))
	v.storedChanged(numbered("a", 103, yes))
	v.storedChanged(numbered("a", 104, nil))
	elsewhere := numbered("b", 105, yes)
	elsewhere.Namespace = "karmada-es-m2"
	v.storedChanged(elsewhere)
	v.storedChanged(numbered("c", 106, yes))
	if diff := cmp.Diff([]string{"ADDED a 102", "MODIFIED a 103", "DELETED a 104", "ADDED c 106"}, events(t, w, 4)); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

// The log is bounded, and what has fallen out of it is not promised to anybody.
func TestLogIsBounded(t *testing.T) {
	t.Parallel()
	v, _ := empty(t)
	for i := range maxLog + 1 {
		v.storedChanged(numbered("a", 101+i, nil))
	}
	if len(v.log) > maxLog || v.base <= 100 {
		t.Errorf("%d entries, base %d", len(v.log), v.base)
	}
	if _, err := v.watch(t.Context(), everything, WatchOptions{ResourceVersion: strconv.FormatUint(v.base-1, 10)}); !apierrors.IsResourceExpired(err) {
		t.Errorf("before the log: %v", err)
	}
	last := strconv.Itoa(101 + maxLog)
	if got := next(t, begin(t, v, everything, WatchOptions{ResourceVersion: strconv.FormatUint(v.base, 10)})); got != "MODIFIED a "+last {
		t.Errorf("from the log's begin: %s", got)
	}
}

// A client that does not read holds up nobody, and is told to begin anew by the end of its watch.
func TestSlowClient(t *testing.T) {
	t.Parallel()
	v, _ := empty(t)
	w := begin(t, v, everything, WatchOptions{ResourceVersion: "100"})
	for i := range maxPending + 2 {
		v.storedChanged(numbered("a", 101+i, nil))
	}
	v.mu.Lock()
	left := len(v.watchers)
	v.mu.Unlock()
	if left != 0 {
		t.Fatal("the watch goes on")
	}
	for range maxPending + 2 {
		if next(t, w) == "ended" {
			return
		}
	}
	t.Error("the watch does not end")
}

func TestBookmarks(t *testing.T) {
	t.Parallel()
	v, clock := empty(t)
	w := begin(t, v, everything, WatchOptions{ResourceVersion: "100", Bookmarks: true})
	v.storedChanged(numbered("a", 101, nil))
	if got := next(t, w); got != "ADDED a 101" {
		t.Fatalf("first: %s", got)
	}
	for !clock.HasWaiters() {
		goruntime.Gosched() // the watch is about to ask for its ticker
	}
	clock.Step(bookmarkEvery)
	if got := next(t, w); got != "BOOKMARK  101" {
		t.Errorf("bookmark: %s", got)
	}
}

// The view ends when nobody has asked for a while, and not while somebody watches.
func TestIdle(t *testing.T) {
	t.Parallel()
	v, clock := empty(t)
	ctx, stop := context.WithCancel(t.Context())
	w, err := v.watch(ctx, everything, WatchOptions{ResourceVersion: "100"})
	if err != nil {
		t.Fatal(err)
	}
	clock.Step(2 * lingering)
	if v.idle() {
		t.Error("it ends while somebody watches")
	}
	stop()
	if got := next(t, w); got != "ended" {
		t.Errorf("after the end: %s", got)
	}
	clock.Step(lingering)
	if v.idle() || !v.touch() {
		t.Error("it ends too early")
	}
	clock.Step(lingering + time.Second)
	if !v.idle() || v.touch() {
		t.Error("it does not end")
	}
	v.end()
	if v.source.active.Load() != nil {
		t.Error("it is still used")
	}
	if _, err := v.watch(t.Context(), everything, WatchOptions{ResourceVersion: "100"}); !apierrors.IsResourceExpired(err) {
		t.Errorf("a watch of a view that has ended: %v", err)
	}
}

func TestList(t *testing.T) {
	t.Parallel()
	v, _ := empty(t)
	v.storedChanged(numbered("a", 101, nil))
	for name, tc := range map[string]struct {
		stored []workv1alpha1.Work
		at     string
		want   string
	}{
		"in step":     {[]workv1alpha1.Work{*numbered("a", 101, nil)}, "105", "101"},
		"a step back": {nil, "100", "100"},
		"ahead":       {[]workv1alpha1.Work{*numbered("a", 103, nil)}, "103", "101"},
	} {
		list := &workv1alpha1.WorkList{Items: tc.stored}
		list.ResourceVersion = tc.at
		got, err := v.list(everything, list, 0)
		if err != nil {
			t.Fatal(err)
		}
		if got.ResourceVersion != tc.want || len(got.Items) != len(tc.stored) {
			t.Errorf("%s: %d items at %s, want %s", name, len(got.Items), got.ResourceVersion, tc.want)
		}
	}
	if _, err := v.list(everything, &workv1alpha1.WorkList{}, 500); !apierrors.IsTimeout(err) {
		t.Errorf("a list of the future: %v", err)
	}
}
