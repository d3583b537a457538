/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package union

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/internalversion"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
	"k8s.io/utils/ptr"
)

func TestClustersComeAndGo(t *testing.T) {
	t.Parallel()
	f := federate(t, "m1")
	f.cluster("m1").set("a", "x", nil)
	w := f.watch(t, "", Selection{}, options(f.all(t).ResourceVersion))
	m2 := newCluster()
	m2.set("a", "x", nil)
	m2.set("b", "y", nil)
	f.join("m2", m2)
	expect(t, w, "ADDED a/x.m2", "ADDED b/y.m2")
	f.unjoin("m2")
	expect(t, w, "DELETED a/x.m2", "DELETED b/y.m2")
	m2.set("a", "late", nil)
	if got := podNames(f.all(t)); !slices.Equal(got, []string{"a/x.m1"}) {
		t.Errorf("afterwards: %q", got)
	}
	f.cluster("m1").set("a", "y", nil)
	expect(t, w, "ADDED a/y.m1")
}

// A connection that is another one by now leads to the same objects: nothing is told but what differs.
func TestAnotherConnection(t *testing.T) {
	t.Parallel()
	f := federate(t, "m1")
	m1 := f.cluster("m1")
	for i := range 20 {
		m1.set("a", "x"+strconv.Itoa(i), nil)
	}
	w := f.watch(t, "", Selection{}, options(f.all(t).ResourceVersion))
	for range 20 {
		f.Changed("m1")
		if got := len(f.all(t).Items); got != 20 {
			t.Fatalf("there are %d objects", got)
		}
	}
	m1.compact()
	m1.set("a", "x3", nil)
	expect(t, w, "MODIFIED a/x3.m1")

	// Another cluster under the name of the first: the same names, other objects.
	other := newCluster()
	other.uids = 1000
	other.set("a", "x5", nil)
	before := f.all(t)
	w = f.watch(t, "a", Selection{}, options(before.ResourceVersion))
	f.join("m1", other)
	want := []string{"ADDED a/x5.m1"}
	for i := range 20 {
		want = append(want, "DELETED a/x"+strconv.Itoa(i)+".m1")
	}
	var uids []types.UID
	for _, e := range expect(t, w, want...) {
		if pod := e.Object.(*corev1.Pod); pod.Name == "x5.m1" {
			uids = append(uids, pod.UID)
		}
	}
	if len(uids) != 2 || uids[0] == uids[1] {
		t.Errorf("x5 had the UIDs %q", uids)
	}
}

// Narrow requests do not bother other members.
func TestOnlyWhatIsAsked(t *testing.T) {
	t.Parallel()
	f := federate(t, "m1", "m2")
	f.list(t, "", Selection{Clusters: []string{"m1"}}, internalversion.ListOptions{})
	if s := f.Stats(); s.Parts != 1 {
		t.Errorf("%d parts run", s.Parts)
	}
	f.join("m3", newCluster())
	if s := f.Stats(); s.Parts != 1 {
		t.Errorf("%d parts run after a cluster joined", s.Parts)
	}
	f.all(t)
	f.join("m4", newCluster())
	if s := f.Stats(); s.Parts != 5 {
		t.Errorf("%d parts run", s.Parts)
	}
}

func TestIdle(t *testing.T) {
	t.Parallel()
	f := federateWith(t, func(c *Config, _ *pace) { c.Idle = 100 * time.Millisecond }, "m1")
	f.cluster("m1").set("a", "x", nil)
	w := f.watch(t, "", Selection{}, options("0"))
	expect(t, w, "ADDED a/x.m1")
	list := f.all(t)
	began := time.Now()
	f.cluster("m1").set("a", "y", nil)
	expect(t, w, "ADDED a/y.m1")
	for time.Since(began) < 2*f.cfg.Idle {
		f.watch(t, "", Selection{}, options(list.ResourceVersion)).Stop() // what is used stays
		f.Find("a", "x.m1")
	}
	w.Stop()
	eventually(t, func() error {
		if s := f.Stats(); s != (Stats{}) {
			return fmt.Errorf("%+v", s)
		}
		return nil
	})
	if _, _, ok := f.Find("a", "x.m1"); ok {
		t.Error("it is still known")
	}
	if _, err := f.Watch(t.Context(), "", Selection{}, ptr.To(options(list.ResourceVersion))); !apierrors.IsResourceExpired(err) {
		t.Errorf("a watch from before: %v", err)
	}
	if again := f.all(t); numberOf(t, again) <= numberOf(t, list) || len(again.Items) != 2 {
		t.Errorf("number %s after %s, %q", again.ResourceVersion, list.ResourceVersion, podNames(again))
	}
}

// A stored object that has the name of a member's hides it.
func TestStoredHides(t *testing.T) {
	t.Parallel()
	f := federate(t, "m1")
	f.cluster("m1").set("a", "x", nil)
	w := f.watch(t, "", Selection{}, options(f.all(t).ResourceVersion))
	stored := f.hub.set("a", "x.m1", nil)
	expect(t, w, "DELETED a/x.m1", "ADDED a/x.m1")
	f.cluster("m1").set("a", "x", nil)
	f.cluster("m1").set("a", "z", nil)
	expect(t, w, "ADDED a/z.m1")
	if pod := f.all(t).Items[0]; pod.UID != stored.UID {
		t.Errorf("the member's is shown: %v", pod)
	}
	f.hub.remove("a", "x.m1")
	expect(t, w, "DELETED a/x.m1", "ADDED a/x.m1")
	f.cluster("m1").remove("a", "x")
	expect(t, w, "DELETED a/x.m1")
	if got := podNames(f.all(t)); !slices.Equal(got, []string{"a/z.m1"}) {
		t.Errorf("afterwards: %q", got)
	}
}

func TestWrites(t *testing.T) {
	t.Parallel()
	f := federate(t, "m1")
	m1 := f.cluster("m1")
	m1.set("a", "x", nil)
	f.all(t)
	for i := range 100 {
		pod := m1.set("a", "x", label("i", strconv.Itoa(i)))
		f.Wrote("m1", "a", "x.m1", pod.ResourceVersion)
		list := f.all(t)
		if got := list.Items[0].Labels["i"]; got != strconv.Itoa(i) {
			t.Fatalf("after write %d the list has %s", i, got)
		}
		number := list.Items[0].ResourceVersion
		if own, ok := f.Original("a", "x.m1", number); !ok || own != pod.ResourceVersion {
			t.Fatalf("the original of %s is %s, %v; want %s", number, own, ok, pod.ResourceVersion)
		}
	}
	for name, c := range map[string][3]string{
		"another object": {"a", "y.m1", f.all(t).Items[0].ResourceVersion},
		"no number":      {"a", "x.m1", "x"},
		"unknown number": {"a", "x.m1", f.all(t).Items[0].ResourceVersion + "1"},
	} {
		if own, ok := f.Original(c[0], c[1], c[2]); ok {
			t.Errorf("%s: the original of %q is %s", name, c, own)
		}
	}
	pod := m1.remove("a", "x")
	f.Wrote("m1", "a", "x.m1", pod.ResourceVersion)
	if list := f.all(t); len(list.Items) > 0 {
		t.Errorf("after the deletion: %q", podNames(list))
	}
	// A write that never comes is not waited for without end.
	began := time.Now()
	f.Wrote("m1", "a", "x.m1", "1000000")
	f.all(t)
	if d := time.Since(began); d < f.cfg.Patience/2 || d > 3*f.cfg.Patience {
		t.Errorf("the list waited %v", d)
	}
}

// What is not running does not answer that there is nothing.
func TestNotRunning(t *testing.T) {
	t.Parallel()
	cfg := config()
	cfg.Clusters = func() []string { return []string{"m1"} }
	m1 := newCluster()
	cfg.Member = func(string) (cache.ListerWatcher, error) { return m1, nil }
	u := New(cfg)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	check := func(when string) {
		t.Helper()
		if _, _, err := u.List(t.Context(), "", Selection{}, &internalversion.ListOptions{}); !apierrors.IsServiceUnavailable(err) {
			t.Errorf("a list %s: %v", when, err)
		}
		if _, err := u.Watch(t.Context(), "", Selection{}, &internalversion.ListOptions{}); !apierrors.IsServiceUnavailable(err) {
			t.Errorf("a watch %s: %v", when, err)
		}
	}
	check("before")
	go func() { ended <- u.Run(ctx) }()
	var w watch.Interface
	eventually(t, func() (err error) {
		w, err = u.Watch(t.Context(), "", Selection{}, &internalversion.ListOptions{})
		return err
	})
	m1.turn(hang)
	u.Changed("m1")
	waiting := make(chan error)
	go func() {
		_, _, err := u.List(t.Context(), "", Selection{}, &internalversion.ListOptions{})
		waiting <- err
	}()
	eventually(t, func() error {
		u.mu.RLock()
		defer u.mu.RUnlock()
		if u.state.requests == 0 {
			return fmt.Errorf("the list has not begun")
		}
		return nil
	})
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if _, ok := <-w.ResultChan(); ok {
		t.Error("the watch goes on")
	}
	if err := <-waiting; !apierrors.IsServiceUnavailable(err) {
		t.Errorf("a list meanwhile: %v", err)
	}
	check("afterwards")
}
