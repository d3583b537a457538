/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package main

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
	toolswatch "k8s.io/client-go/tools/watch"

	"github.com/manifold-k8s/manifold/test/apitest"
)

// event is a change of an object in a member, as the member's own watch told it.
type event struct {
	at      time.Time
	what    watch.EventType
	uid     types.UID
	version string
	held    state
}

// history is all that happened to the objects under test in one member, seen without any proxy between.
type history struct {
	member     string
	namespaces map[string]bool

	mu     sync.Mutex
	fresh  map[item][]event // since the last judgement
	old    map[item][]event // before, the latest only
	latest map[item]string  // versions of the objects that exist
	lost   error            // a watch ended, so that nobody knows what happened
}

// resources are those that histories watch, by kind.
var resources = map[string]string{deployments: "deployments.apps", configMaps: "configmaps"}

// watchMember begins the history of a member. It ends with ctx.
func watchMember(ctx context.Context, m *apitest.Member, namespaces []string) (*history, error) {
	h := &history{
		member: m.Name, namespaces: map[string]bool{},
		fresh: map[item][]event{}, old: map[item][]event{}, latest: map[item]string{},
	}
	for _, n := range namespaces {
		h.namespaces[n] = true
	}
	for kind, resource := range resources {
		client, err := m.Objects(resource, "")
		if err != nil {
			return nil, fmt.Errorf("watch %s in %s: %w", resource, m.Name, err)
		}
		list, err := client.List(ctx, metav1.ListOptions{})
		if err != nil {
			return nil, fmt.Errorf("watch %s in %s: %w", resource, m.Name, err)
		}
		for i := range list.Items {
			h.put(kind, watch.Added, &list.Items[i])
		}
		lw := &cache.ListWatch{WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			return client.Watch(ctx, o)
		}}
		w, err := toolswatch.NewRetryWatcherWithContext(ctx, list.GetResourceVersion(), lw)
		if err != nil {
			return nil, fmt.Errorf("watch %s in %s: %w", resource, m.Name, err)
		}
		go h.follow(ctx, kind, w)
	}
	return h, nil
}

// follow writes down what a watch tells until ctx ends.
func (h *history) follow(ctx context.Context, kind string, w watch.Interface) {
	defer w.Stop()
	for e := range w.ResultChan() {
		if u, ok := e.Object.(*unstructured.Unstructured); ok && e.Type != watch.Error {
			if e.Type != watch.Bookmark {
				h.put(kind, e.Type, u)
			}
			continue
		}
		h.lose(fmt.Errorf("%s: the watch of %s failed: %v", h.member, kind, e.Object))
	}
	if ctx.Err() == nil {
		h.lose(fmt.Errorf("%s: the watch of %s has ended", h.member, kind))
	}
}

func (h *history) lose(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.lost = err
}

func (h *history) put(kind string, what watch.EventType, u *unstructured.Unstructured) {
	if !h.namespaces[u.GetNamespace()] || u.GetName() == "kube-root-ca.crt" {
		return
	}
	i := item{kind, u.GetNamespace(), u.GetName()}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.fresh[i] = append(h.fresh[i], event{time.Now(), what, u.GetUID(), u.GetResourceVersion(), stateOf(u)})
	if what == watch.Deleted {
		delete(h.latest, i)
	} else {
		h.latest[i] = u.GetResourceVersion()
	}
}

// caughtUp returns an error unless the history has come as far as what a list returned.
func (h *history) caughtUp(versions map[item]string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.lost != nil {
		return h.lost
	}
	if len(versions) != len(h.latest) {
		return fmt.Errorf("%s: the watch knows of %d objects, the list of %d", h.member, len(h.latest), len(versions))
	}
	for i, v := range versions {
		if h.latest[i] != v {
			return fmt.Errorf("%s: the watch knows %s at version %q, the list at %s", h.member, i, h.latest[i], v)
		}
	}
	return nil
}

// judge returns which deletions since the last call had no reason. reasons tells, of an object, when it was said that
// the copy may be deleted.
func (h *history) judge(reasons func(item) []time.Time, story func(item) string) []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	var out []string
	for i, events := range h.fresh {
		if e := unexcused(events, reasons(i)); e != nil {
			out = append(out, fmt.Sprintf("%s: %s was deleted at %s without a reason:\n%s%s", h.member, i, clockTime(e.at), story(i), h.tell(i)))
		}
		h.old[i] = last(append(h.old[i], events...), 20)
	}
	clear(h.fresh)
	return out
}

// unexcused returns the first deletion that has no reason of its own from before it, or nil.
func unexcused(events []event, reasons []time.Time) *event {
	used := 0
	for i, e := range events {
		if e.what != watch.Deleted {
			continue
		}
		if used == len(reasons) || reasons[used].After(e.at) {
			return &events[i]
		}
		used++
	}
	return nil
}

// tell is what happened to an object, for reports. It must be called with the lock held.
func (h *history) tell(i item) string {
	var b strings.Builder
	for _, e := range last(append(append([]event(nil), h.old[i]...), h.fresh[i]...), 20) {
		fmt.Fprintf(&b, "    %s %s: %s %+v, uid %s, version %s\n", clockTime(e.at), h.member, e.what, e.held, e.uid, e.version)
	}
	return b.String()
}

// story is tell for others.
func (h *history) story(i item) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.tell(i)
}

// stateOf reads what the test looks at.
func stateOf(u *unstructured.Unstructured) state {
	s := state{exists: true}
	if u.GetKind() == policies {
		s.value = u.GetAnnotations()[placedAnnotation]
		return s
	}
	if u.GetKind() == configMaps {
		s.value, _, _ = unstructured.NestedString(u.Object, "data", "key") // an object of strangers may have none
		return s
	}
	n, _, _ := unstructured.NestedInt64(u.Object, "spec", "replicas")
	s.replicas = int32(n)
	containers, _, _ := unstructured.NestedSlice(u.Object, "spec", "template", "spec", "containers")
	if len(containers) > 0 {
		if c, ok := containers[0].(map[string]any); ok {
			s.value, _, _ = unstructured.NestedString(c, "image")
		}
	}
	return s
}
