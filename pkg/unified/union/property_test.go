/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package union

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/internalversion"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/utils/ptr"
)

// seenState is what a follower has to be told once: a state of an object, which its label v numbers, and whether it is stale.
type seenState struct{ uid, v, stale string }

func stateOf(p *corev1.Pod) seenState {
	return seenState{string(p.UID), p.Labels["v"], p.Annotations[staleAnnotation]}
}

// follower is a client that keeps a selection up to date as informers do, and checks what it is told.
type follower struct {
	name      string
	namespace string
	sel       Selection
	match     func(*corev1.Pod) bool

	mu     sync.Mutex
	store  map[string]*corev1.Pod // guarded by mu
	number int64                  // guarded by mu; the highest told
	lists  int                    // guarded by mu
	events int                    // guarded by mu
	stale  int                    // guarded by mu; events that mark objects
	faults []error                // guarded by mu
}

func (c *follower) fault(format string, args ...any) {
	c.faults = append(c.faults, fmt.Errorf(c.name+": "+format, args...))
}

// run follows until ctx ends. r decides when it begins a new watch where it was.
func (c *follower) run(ctx context.Context, t *testing.T, f *federation, r *rand.Rand) {
	listed := false
	for ctx.Err() == nil {
		if !listed {
			if c.list(ctx, t, f) != nil {
				continue
			}
			listed = true
		}
		c.mu.Lock()
		from := strconv.FormatInt(c.number, 10)
		c.mu.Unlock()
		watching, cancel := context.WithTimeout(ctx, time.Duration(20+r.IntN(300))*time.Millisecond)
		w, err := f.Watch(watching, c.namespace, c.sel, &internalversion.ListOptions{ResourceVersion: from, AllowWatchBookmarks: true})
		switch {
		case apierrors.IsResourceExpired(err):
			listed = false
		case err == nil:
			for e := range w.ResultChan() {
				if e.Type == watch.Error {
					listed = false
					break
				}
				c.take(t, e)
			}
			w.Stop()
		}
		cancel()
	}
}

func (c *follower) list(ctx context.Context, t *testing.T, f *federation) error {
	list, _, err := f.List(ctx, c.namespace, c.sel, &internalversion.ListOptions{})
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lists++
	c.number = numberOf(t, list)
	c.store = map[string]*corev1.Pod{}
	for i := range list.(*corev1.PodList).Items {
		pod := &list.(*corev1.PodList).Items[i]
		k := pod.Namespace + "/" + pod.Name
		if c.store[k] != nil {
			c.fault("%s is listed twice", k)
		}
		c.store[k] = pod
	}
	return nil
}

// take takes in an event, which must follow from what was told before.
func (c *follower) take(t *testing.T, e watch.Event) {
	c.mu.Lock()
	defer c.mu.Unlock()
	pod := e.Object.(*corev1.Pod)
	n := numberOf(t, pod)
	if n < c.number || n == c.number && e.Type != watch.Bookmark {
		c.fault("%s has number %d after %d", told(e), n, c.number)
	}
	c.number = n
	if e.Type == watch.Bookmark {
		return
	}
	c.events++
	if pod.Annotations[staleAnnotation] != "" {
		c.stale++
	}
	k := pod.Namespace + "/" + pod.Name
	have := c.store[k]
	switch e.Type {
	case watch.Added:
		if have != nil {
			c.fault("%s, which is known", told(e))
		}
	case watch.Modified:
		if have == nil {
			c.fault("%s, which is not known", told(e))
		} else if stateOf(have) == stateOf(pod) {
			c.fault("%s twice: %v", told(e), stateOf(pod))
		} else if have.UID != pod.UID {
			c.fault("%s is another object", told(e))
		}
	case watch.Deleted:
		if have == nil {
			c.fault("%s, which is not known", told(e))
		}
		delete(c.store, k)
		return
	}
	if !c.match(pod) {
		c.fault("%s is not selected", told(e))
	}
	c.store[k] = pod
}

// world is the driver: it changes, breaks and mends the clusters.
type world struct {
	f        *federation
	r        *rand.Rand
	v        int
	clusters int
	plain    bool // clusters do not stream lists
}

func (w *world) step() {
	names := w.f.names()
	name := names[w.r.IntN(len(names))]
	c := w.f.cluster(name)
	if w.r.IntN(6) == 0 {
		c = w.f.hub
	}
	namespace, pod := []string{"a", "b"}[w.r.IntN(2)], "pod"+strconv.Itoa(w.r.IntN(6))
	switch n := w.r.IntN(100); {
	case n < 62:
		w.set(c, namespace, pod)
	case n < 82:
		c.remove(namespace, pod)
	case n < 84 && c != w.f.hub:
		c.turn(refuse)
	case n < 86 && c != w.f.hub:
		c.turn(hang)
	case n < 91:
		c.turn(up) // ends its watches as well
	case n < 93:
		c.compact()
	case n < 96:
		w.f.Changed(name)
	case n < 97 && len(names) > 1:
		w.f.unjoin(name)
	case n < 98 && len(names) < 5:
		w.clusters++
		w.f.join("m"+strconv.Itoa(w.r.IntN(5)), w.another())
	default:
		w.set(c, namespace, pod)
		c.remove(namespace, pod)
		w.set(c, namespace, pod)
	}
}

// outage lasts until the objects of a member are marked.
func (w *world) outage(t *testing.T) {
	t.Helper()
	name := w.f.names()[0]
	c := w.f.cluster(name)
	c.turn(up)
	w.set(c, "a", "pod0")
	eventually(t, func() error {
		if _, lag, ok := w.f.Find("a", "pod0."+name); !ok || lag != nil {
			return fmt.Errorf("pod0.%s is not there: %v", name, lag)
		}
		return nil
	})
	c.turn(refuse)
	eventually(t, func() error {
		obj, _, ok := w.f.Find("a", "pod0."+name)
		if !ok || obj.(*corev1.Pod).Annotations[staleAnnotation] == "" {
			return fmt.Errorf("pod0.%s is not marked", name)
		}
		return nil
	})
}

func (w *world) set(c *cluster, namespace, name string) {
	w.v++
	c.set(namespace, name, func(p *corev1.Pod) {
		metav1.SetMetaDataLabel(&p.ObjectMeta, "v", strconv.Itoa(w.v))
		metav1.SetMetaDataLabel(&p.ObjectMeta, "color", []string{"red", "blue"}[w.r.IntN(2)])
	})
}

// another is a cluster whose objects are none of another one's.
func (w *world) another() *cluster {
	c := newCluster()
	c.uids = int64(w.clusters) * 1_000_000
	c.plain = w.plain
	return c
}

// truth is what the selection of a follower has to be in the end.
func truth(f *federation, c *follower) map[string]seenState {
	out := map[string]seenState{}
	take := func(of *cluster, suffix string) {
		of.mu.Lock()
		defer of.mu.Unlock()
		for _, p := range of.pods {
			shown := p.DeepCopy()
			shown.Name += suffix
			if c.match(shown) && (c.sel.Clusters == nil || slices.Contains(c.sel.Clusters, trimDot(suffix))) {
				out[shown.Namespace+"/"+shown.Name] = stateOf(shown)
			}
		}
	}
	take(f.hub, "")
	for _, n := range f.names() {
		take(f.cluster(n), "."+n)
	}
	return out
}

func trimDot(s string) string {
	if s == "" {
		return ""
	}
	return s[1:]
}

func (c *follower) holds(want map[string]seenState) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	got := map[string]seenState{}
	for k, p := range c.store {
		got[k] = stateOf(p)
	}
	if !maps.Equal(got, want) {
		return fmt.Errorf("%s holds %v, want %v", c.name, got, want)
	}
	return nil
}

func followers() []*follower {
	blue := labels.SelectorFromSet(labels.Set{"color": "blue"})
	return []*follower{
		{name: "all", match: func(*corev1.Pod) bool { return true }},
		{name: "all again", match: func(*corev1.Pod) bool { return true }},
		{name: "a", namespace: "a", match: func(p *corev1.Pod) bool { return p.Namespace == "a" }},
		{name: "blue", sel: Selection{Labels: blue}, match: func(p *corev1.Pod) bool { return p.Labels["color"] == "blue" }},
		{name: "m1 and hub", sel: Selection{Clusters: []string{"m1", Hub}}, match: func(*corev1.Pod) bool { return true }},
		{name: "blue in b of m2", namespace: "b", sel: Selection{Labels: blue, Clusters: []string{"m2"}}, match: func(p *corev1.Pod) bool {
			return p.Namespace == "b" && p.Labels["color"] == "blue"
		}},
	}
}

// Whatever happens to the members, followers are told each change once, in order, and end up with what there is.
func TestFollowersHoldTheTruth(t *testing.T) {
	t.Parallel()
	for seed := range uint64(6) {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			t.Parallel()
			f := federateWith(t, func(_ *Config, p *pace) { p.away = 30 * time.Millisecond }, "m0", "m1", "m2")
			w := &world{plain: seed%2 == 1, f: f, r: rand.New(rand.NewPCG(seed, 1))}
			for i, n := range f.names() {
				f.cluster(n).uids = int64(1+i) * 10_000_000
				f.cluster(n).plain = w.plain
			}
			all := followers()
			ctx, cancel := context.WithCancel(t.Context())
			var wg sync.WaitGroup
			defer wg.Wait()
			defer cancel()
			for i, c := range all {
				wg.Go(func() { c.run(ctx, t, f, rand.New(rand.NewPCG(seed, uint64(2+i)))) })
			}
			pause := time.NewTicker(500 * time.Microsecond)
			defer pause.Stop()
			for i := range 2500 {
				if i == 1000 {
					w.outage(t)
				}
				w.step()
				if w.r.IntN(3) == 0 {
					<-pause.C // so that things overlap in many ways
				}
			}
			for _, n := range f.names() {
				f.cluster(n).turn(up)
			}
			f.hub.turn(up)
			for _, c := range all {
				eventually(t, func() error { return c.holds(truth(f, c)) })
				c.mu.Lock()
				if err := errors.Join(c.faults...); err != nil {
					t.Errorf("seed %d: %v", seed, err)
				}
				if c.lists > 1 || c.events == 0 || c.name == "all" && c.stale == 0 {
					t.Errorf("seed %d: %s listed %d times and was told %d events, %d of them marks", seed, c.name, c.lists, c.events, c.stale)
				}
				c.mu.Unlock()
			}
			eventually(t, func() error {
				if got, want := podNames(f.all(t)), f.expected(); !slices.Equal(got, want) {
					return fmt.Errorf("listed %q, want %q", got, want)
				}
				return nil
			})
		})
	}
}

// While nothing is broken, each single change of each object is told, under load.
func TestEachChangeIsTold(t *testing.T) {
	t.Parallel()
	const changes = 2000 // of each member: together fewer than the history holds, so that none may be lost
	f := federate(t, "m1", "m2", "m3")
	rv := f.all(t).ResourceVersion
	var wg sync.WaitGroup
	for _, n := range f.names() {
		c := f.cluster(n)
		wg.Go(func() {
			for v := range changes {
				c.set("a", "pod"+strconv.Itoa(v%7), label("v", strconv.Itoa(v)))
			}
		})
	}
	for range 20 {
		wg.Go(func() {
			w, err := f.Watch(t.Context(), "", Selection{Labels: labels.Everything()}, ptr.To(options(rv)))
			if err != nil {
				t.Error(err)
				return
			}
			defer w.Stop()
			next := map[string]int{}
			for range 3 * changes {
				e, ok := <-w.ResultChan()
				pod, is := e.Object.(*corev1.Pod)
				if !ok || !is {
					t.Errorf("the watch ended: %v", told(e))
					return
				}
				from := pod.Labels["cluster"]
				if pod.Labels["v"] != strconv.Itoa(next[from]) {
					t.Errorf("%s: change %s, want %d", from, pod.Labels["v"], next[from])
					return
				}
				next[from]++
			}
		})
	}
	wg.Wait()
}
