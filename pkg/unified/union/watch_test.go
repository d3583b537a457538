/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package union

import (
	"context"
	"fmt"
	"strconv"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/internalversion"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/utils/ptr"
)

func options(resourceVersion string) internalversion.ListOptions {
	return internalversion.ListOptions{ResourceVersion: resourceVersion}
}

func label(key, value string) func(*corev1.Pod) {
	return func(p *corev1.Pod) { metav1.SetMetaDataLabel(&p.ObjectMeta, key, value) }
}

func TestWatchFromList(t *testing.T) {
	t.Parallel()
	f := federate(t, "m1", "m2")
	m1, m2 := f.cluster("m1"), f.cluster("m2")
	m1.set("a", "x", nil)
	m2.set("b", "y", nil)
	list := f.all(t)
	m1.set("a", "x", label("v", "2"))
	m2.set("a", "z", nil)
	m2.remove("b", "y")
	f.hub.set("a", "stored", nil)
	w := f.watch(t, "", Selection{}, options(list.ResourceVersion))
	events := expect(t, w, "MODIFIED a/x.m1", "ADDED a/z.m2", "DELETED b/y.m2", "ADDED a/stored")
	last := numberOf(t, list)
	for _, e := range events {
		if n := numberOf(t, e.Object); n <= last {
			t.Errorf("%s has number %d after %d", told(e), n, last)
		} else {
			last = n
		}
	}
	// In the middle of what happened.
	again := f.watch(t, "", Selection{}, options(strconv.FormatInt(numberOf(t, events[1].Object), 10)))
	expect(t, again, told(events[2]), told(events[3]))
}

func TestWatchOfTheState(t *testing.T) {
	t.Parallel()
	f := federate(t, "m1")
	f.cluster("m1").set("a", "x", nil)
	f.hub.set("a", "stored", nil)
	for _, rv := range []string{"", "0"} {
		w := f.watch(t, "", Selection{}, options(rv))
		expect(t, w, "ADDED a/x.m1", "ADDED a/stored")
	}
	now := f.watch(t, "", Selection{}, internalversion.ListOptions{SendInitialEvents: ptr.To(false), ResourceVersionMatch: metav1.ResourceVersionMatchNotOlderThan})
	o := internalversion.ListOptions{SendInitialEvents: ptr.To(true), ResourceVersionMatch: metav1.ResourceVersionMatchNotOlderThan, AllowWatchBookmarks: true}
	w := f.watch(t, "", Selection{}, o)
	expect(t, w, "ADDED a/x.m1", "ADDED a/stored")
	mark := expectBookmark(t, w)
	m, _ := meta.Accessor(mark.Object)
	if m.GetAnnotations()[metav1.InitialEventsAnnotationKey] != "true" {
		t.Errorf("the end of the state is not marked: %v", m)
	}
	if plain := expectBookmark(t, w); len(plain.Object.(*corev1.Pod).Annotations) > 0 {
		t.Errorf("a later bookmark: %v", plain.Object)
	}
	f.cluster("m1").set("a", "y", nil)
	expect(t, now, "ADDED a/y.m1")
	from := f.watch(t, "", Selection{}, options(m.GetResourceVersion()))
	expect(t, from, "ADDED a/y.m1")
}

func TestWatchSelects(t *testing.T) {
	t.Parallel()
	f := federate(t, "m1", "m2")
	m1, m2 := f.cluster("m1"), f.cluster("m2")
	rv := f.all(t).ResourceVersion
	blue := f.watch(t, "", Selection{Labels: labels.SelectorFromSet(labels.Set{"color": "blue"})}, options(rv))
	running := f.watch(t, "a", Selection{Fields: fields.OneTermEqualSelector("status.phase", "Running")}, options(rv))
	second := f.watch(t, "", Selection{Clusters: []string{"m2"}}, options(rv))
	one := f.watch(t, "a", Selection{Fields: fields.OneTermEqualSelector("metadata.name", "y.m2")}, options(rv))

	m1.set("a", "x", label("color", "blue"))
	events := expect(t, blue, "ADDED a/x.m1")
	m1.set("a", "x", label("color", "red"))
	events = append(events, expect(t, blue, "DELETED a/x.m1")...)
	if p := events[1].Object.(*corev1.Pod); p.Labels["color"] != "blue" || numberOf(t, p) <= numberOf(t, events[0].Object) {
		t.Errorf("an object that is selected no longer is told as %v", p)
	}
	m1.set("a", "x", label("color", "blue"))
	m1.set("a", "x", label("size", "big"))
	m1.remove("a", "x")
	expect(t, blue, "ADDED a/x.m1", "MODIFIED a/x.m1", "DELETED a/x.m1")

	m2.set("a", "y", func(p *corev1.Pod) { p.Status.Phase = corev1.PodPending })
	m2.set("b", "y", func(p *corev1.Pod) { p.Status.Phase = corev1.PodRunning })
	m2.set("a", "y", func(p *corev1.Pod) { p.Status.Phase = corev1.PodRunning })
	m2.set("a", "y", func(p *corev1.Pod) { p.Status.Phase = corev1.PodSucceeded })
	expect(t, running, "ADDED a/y.m2", "DELETED a/y.m2")
	expect(t, second, "ADDED a/y.m2", "ADDED b/y.m2", "MODIFIED a/y.m2", "MODIFIED a/y.m2")
	expect(t, one, "ADDED a/y.m2", "MODIFIED a/y.m2", "MODIFIED a/y.m2")
}

func TestWatchBookmarks(t *testing.T) {
	t.Parallel()
	f := federateWith(t, func(_ *Config, p *pace) { p.bookmark = time.Hour }, "m1")
	f.all(t)
	ctx, cancel := context.WithTimeout(t.Context(), lastWords+50*time.Millisecond)
	defer cancel()
	w, err := f.Watch(ctx, "other", Selection{}, &internalversion.ListOptions{AllowWatchBookmarks: true, ResourceVersion: "0"})
	if err != nil {
		t.Fatal(err)
	}
	f.cluster("m1").set("a", "x", nil)
	eventually(t, func() error {
		if n := len(f.all(t).Items); n != 1 {
			return fmt.Errorf("%d objects", n)
		}
		return nil
	})
	mark := expectBookmark(t, w) // shortly before the end
	if got, want := numberOf(t, mark.Object), numberOf(t, f.all(t)); got != want {
		t.Errorf("the bookmark is at %d, the state at %d", got, want)
	}
	cancel()
	if e, ok := <-w.ResultChan(); ok {
		t.Errorf("after the end: %s", told(e))
	}
}

func TestWatchExpires(t *testing.T) {
	t.Parallel()
	f := federate(t, "m1")
	latest := numberOf(t, f.all(t))
	older := latest - 1<<tagBits*1000000
	for name, n := range map[string]int64{
		"of before":              older,
		"of after":               latest + 1<<tagBits,
		"of another process":     latest ^ 1,
		"of a store":             5,
		"between two of our own": latest - 1<<tagBits,
	} {
		_, err := f.Watch(t.Context(), "", Selection{}, ptr.To(options(strconv.FormatInt(n, 10))))
		if !apierrors.IsResourceExpired(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, rv := range []string{"x", "-1", "99999999999999999999"} {
		_, err := f.Watch(t.Context(), "", Selection{}, ptr.To(options(rv)))
		if !apierrors.IsBadRequest(err) {
			t.Errorf("%s: %v", rv, err)
		}
	}
}

// A client that reads nothing is not waited for, and is told that it has missed something.
func TestSlowWatch(t *testing.T) {
	t.Parallel()
	f := federate(t, "m1")
	rv := f.all(t).ResourceVersion
	slow := f.watch(t, "", Selection{}, options(rv))
	quick := f.watch(t, "", Selection{}, options(rv))
	m1 := f.cluster("m1")
	for i := range minEvents + batch + 100 {
		m1.set("a", "x", label("i", strconv.Itoa(i)))
		if i%10 == 0 {
			next(t, quick, "the quick one")
		}
		for j := 1; i%10 == 9 && j < 10; j++ {
			next(t, quick, "the quick one")
		}
	}
	got := 0
	for {
		e := next(t, slow, "the slow one")
		if e.Type == watch.Error {
			if err := apierrors.FromObject(e.Object); !apierrors.IsResourceExpired(err) {
				t.Fatal(err)
			}
			break
		}
		if got++; got > 2*batch {
			t.Fatalf("it is told %d events", got)
		}
	}
	if _, ok := <-slow.ResultChan(); ok {
		t.Error("it goes on after the error")
	}
}

// kubectl get NAME --watch goes on from the resource version of the object, which is its store's.
func TestWatchFromObject(t *testing.T) {
	t.Parallel()
	f := federate(t, "m1")
	m1 := f.cluster("m1")
	one := Selection{Fields: fields.OneTermEqualSelector("metadata.name", "x.m1")}
	first := m1.set("a", "x", nil).ResourceVersion

	w := f.watch(t, "a", one, options(first))
	second := m1.set("a", "x", nil).ResourceVersion
	expect(t, w, "MODIFIED a/x.m1") // and not the state that the client has
	m1.remove("a", "x")
	expect(t, w, "DELETED a/x.m1")

	expect(t, f.watch(t, "a", one, options(first)), "MODIFIED a/x.m1", "DELETED a/x.m1")
	expect(t, f.watch(t, "a", one, options(second)), "DELETED a/x.m1")
	if _, err := f.Watch(t.Context(), "a", one, ptr.To(options("7"))); !apierrors.IsResourceExpired(err) {
		t.Errorf("of an object that is not there: %v", err)
	}
	m1.set("a", "x", nil)
	w = f.watch(t, "", one, options(second))
	expect(t, w, "DELETED a/x.m1", "ADDED a/x.m1")
	m1.set("a", "x", nil)
	expect(t, w, "MODIFIED a/x.m1")
	expect(t, f.watch(t, "a", one, options("7")), "MODIFIED a/x.m1") // whatever it was at 7
}

func TestWatchFromRevisionOfTheHub(t *testing.T) {
	t.Parallel()
	f := federate(t, "m1")
	f.hub.set("a", "x", nil)
	stored := Selection{Clusters: []string{Hub}}
	f.all(t)
	first := f.hub.set("a", "y", nil).ResourceVersion
	f.hub.remove("a", "x")
	last := f.hub.set("a", "z", nil).ResourceVersion
	eventually(t, func() error {
		if got := podNames(f.all(t)); len(got) != 2 {
			return fmt.Errorf("%q", got)
		}
		return nil
	})
	expect(t, f.watch(t, "", stored, options(first)), "DELETED a/x", "ADDED a/z")
	w := f.watch(t, "", Selection{}, options(last))
	f.hub.set("a", "z", nil)
	expect(t, w, "MODIFIED a/z")
	if _, err := f.Watch(t.Context(), "", Selection{Clusters: []string{"m1"}}, ptr.To(options(last))); !apierrors.IsResourceExpired(err) {
		t.Errorf("for objects of a member: %v", err)
	}
}
