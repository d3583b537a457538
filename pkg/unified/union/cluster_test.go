/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package union

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"
	"sync"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
)

var errRefused = errors.New("connection refused")

// mode is how a cluster answers.
type mode int

const (
	up     mode = iota
	refuse      // every request fails, and watches end
	hang        // nothing is answered, and watches are silent
	absent      // the resource is not served
)

// cluster is a server of pods: lists, streamed lists, watches and 410, as a real one has them.
type cluster struct {
	mu       sync.Mutex
	mode     mode
	turned   chan struct{} // closed when the mode changes
	revision int64
	uids     int64
	pods     map[types.NamespacedName]*corev1.Pod
	log      []change
	base     int64 // watches from before are 410
	watches  map[*clusterWatch]bool
	lists    int  // answered
	plain    bool // lists are not streamed
}

type change struct {
	revision int64
	event    watch.Event
}

func newCluster() *cluster {
	return &cluster{revision: 100, base: 100, turned: make(chan struct{}), pods: map[types.NamespacedName]*corev1.Pod{}, watches: map[*clusterWatch]bool{}}
}

// turn changes how it answers. Watches of before end, when they can be told.
func (c *cluster) turn(m mode) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mode = m
	close(c.turned)
	c.turned = make(chan struct{})
	if m != hang {
		c.cut()
	}
}

// cut ends the watches.
func (c *cluster) cut() {
	for w := range c.watches {
		w.ended = true
		w.wake()
	}
	clear(c.watches)
}

// compact forgets the history and ends the watches, which then are told 410.
func (c *cluster) compact() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.log, c.base = nil, c.revision
	c.revision++
	c.cut()
}

// set creates or changes a pod, and returns it. Its UID stays.
func (c *cluster) set(namespace, name string, change func(*corev1.Pod)) *corev1.Pod {
	c.mu.Lock()
	defer c.mu.Unlock()
	k := types.NamespacedName{Namespace: namespace, Name: name}
	kind := watch.Modified
	pod := c.pods[k].DeepCopy()
	if pod == nil {
		kind = watch.Added
		c.uids++
		pod = &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, UID: types.UID("uid-" + name + "-" + strconv.FormatInt(c.uids, 10))}}
		pod.ManagedFields = []metav1.ManagedFieldsEntry{{Manager: "somebody"}}
	}
	if change != nil {
		change(pod)
	}
	c.revision++
	pod.ResourceVersion = strconv.FormatInt(c.revision, 10)
	c.pods[k] = pod
	c.tell(kind, pod)
	return pod
}

// remove deletes a pod, if it is there, and returns it as its watches are told.
func (c *cluster) remove(namespace, name string) *corev1.Pod {
	c.mu.Lock()
	defer c.mu.Unlock()
	k := types.NamespacedName{Namespace: namespace, Name: name}
	pod := c.pods[k].DeepCopy()
	if pod == nil {
		return nil
	}
	delete(c.pods, k)
	c.revision++
	pod.ResourceVersion = strconv.FormatInt(c.revision, 10)
	c.tell(watch.Deleted, pod)
	return pod
}

func (c *cluster) tell(kind watch.EventType, pod *corev1.Pod) {
	c.log = append(c.log, change{c.revision, watch.Event{Type: kind, Object: pod}})
	for w := range c.watches {
		w.wake()
	}
}

// names are those of all pods as the hub shows them.
func (c *cluster) names(suffix string) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []string
	for k := range c.pods {
		out = append(out, k.Namespace+"/"+k.Name+suffix)
	}
	slices.Sort(out)
	return out
}

// admit waits while the cluster hangs, and returns the error that it answers with.
func (c *cluster) admit(ctx context.Context) error {
	for {
		c.mu.Lock()
		m, turned := c.mode, c.turned
		c.mu.Unlock()
		switch m {
		case refuse:
			return errRefused
		case absent:
			return apierrors.NewNotFound(schema.GroupResource{Resource: "pods"}, "")
		case up:
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-turned:
		}
	}
}

// IsWatchListSemanticsUnSupported tells reflectors how to list.
func (c *cluster) IsWatchListSemanticsUnSupported() bool { return c.plain }

func (c *cluster) List(o metav1.ListOptions) (runtime.Object, error) {
	return c.ListWithContext(context.Background(), o)
}

func (c *cluster) ListWithContext(ctx context.Context, _ metav1.ListOptions) (runtime.Object, error) {
	if err := c.admit(ctx); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lists++
	list := &corev1.PodList{ListMeta: metav1.ListMeta{ResourceVersion: strconv.FormatInt(c.revision, 10)}}
	for _, pod := range c.pods {
		list.Items = append(list.Items, *pod.DeepCopy())
	}
	return list, nil
}

func (c *cluster) Watch(o metav1.ListOptions) (watch.Interface, error) {
	return c.WatchWithContext(context.Background(), o)
}

func (c *cluster) WatchWithContext(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
	if err := c.admit(ctx); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	w := &clusterWatch{c: c, more: make(chan struct{}, 1), result: make(chan watch.Event)}
	if o.SendInitialEvents != nil && *o.SendInitialEvents {
		w.at = c.revision
		for _, pod := range slices.SortedFunc(maps.Values(c.pods), func(a, b *corev1.Pod) int { return int(revision(a.ResourceVersion)) - int(revision(b.ResourceVersion)) }) {
			w.initial = append(w.initial, watch.Event{Type: watch.Added, Object: pod})
		}
		end := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{ResourceVersion: strconv.FormatInt(c.revision, 10), Annotations: map[string]string{metav1.InitialEventsAnnotationKey: "true"}}}
		w.initial = append(w.initial, watch.Event{Type: watch.Bookmark, Object: end})
	} else if w.at = int64(revision(o.ResourceVersion)); w.at < c.base {
		return nil, apierrors.NewResourceExpired("too old")
	}
	c.watches[w] = true
	ctx, w.stop = context.WithCancel(ctx)
	go w.run(ctx)
	return w, nil
}

// clusterWatch is a watch of a cluster's pods.
type clusterWatch struct {
	c       *cluster
	at      int64
	initial []watch.Event
	ended   bool // guarded by the cluster's lock
	more    chan struct{}
	result  chan watch.Event
	stop    context.CancelFunc
}

func (w *clusterWatch) ResultChan() <-chan watch.Event { return w.result }
func (w *clusterWatch) Stop()                          { w.stop() }

func (w *clusterWatch) wake() {
	select {
	case w.more <- struct{}{}:
	default:
	}
}

func (w *clusterWatch) run(ctx context.Context) {
	defer close(w.result)
	for {
		for _, e := range w.next() {
			e.Object = e.Object.DeepCopyObject()
			select {
			case w.result <- e:
			case <-ctx.Done():
				return
			}
		}
		w.c.mu.Lock()
		ended := w.ended
		w.c.mu.Unlock()
		if ended {
			return
		}
		select {
		case <-w.more:
		case <-ctx.Done():
			return
		}
	}
}

func (w *clusterWatch) next() []watch.Event {
	w.c.mu.Lock()
	defer w.c.mu.Unlock()
	if w.c.mode == hang || w.ended {
		return nil
	}
	events := w.initial
	w.initial = nil
	for _, c := range w.c.log {
		if c.revision > w.at {
			events = append(events, c.event)
			w.at = c.revision
		}
	}
	return events
}
