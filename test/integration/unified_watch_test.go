/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package integration_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/tools/cache"

	"github.com/manifold-k8s/manifold/test/apitest"
)

// A watch shows what happens in all members, and an informer holds what they have.
func TestUnifiedWatch(t *testing.T) {
	t.Parallel()
	ns := namespace(t)
	first := running(t, ns, "web", 1, "member1", "member2")
	shown := hub.StartKubectl(t, "", "-n", ns, "get", "pods", "-w")
	narrow := hub.StartKubectl(t, "", "-n", ns, "get", "pods", "-w", "-l", "cluster=member2")
	list, err := hub.Kube.CoreV1().Pods(ns).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	seen := newSeen()
	factory := informers.NewSharedInformerFactoryWithOptions(hub.Kube, 0, informers.WithNamespace(ns))
	informer := factory.Core().V1().Pods().Informer()
	if _, err := informer.AddEventHandler(seen); err != nil {
		t.Fatal(err)
	}
	factory.StartWithContext(t.Context())
	if !cache.WaitForCacheSync(t.Context().Done(), informer.HasSynced) {
		t.Fatal("the informer has not synced")
	}
	for _, out := range []*apitest.Command{shown, narrow} {
		apitest.Eventually(t, func() error {
			if !strings.Contains(out.String(), inClusters(first, "member2")[0]) {
				return fmt.Errorf("watch shows:\n%s", out.String())
			}
			return nil
		})
	}

	contains(t, hub.Kubectl(t, "", "-n", ns, "scale", "deployment/web", "--replicas=3"), "scaled")
	names := expectPods(t, ns, "app=web", 6)
	apitest.Eventually(t, func() error {
		for _, name := range names {
			if !strings.Contains(shown.String(), name) {
				return fmt.Errorf("watch has not shown %s:\n%s", name, shown.String())
			}
		}
		return nil
	})
	if out := narrow.String(); strings.Contains(out, ".member1") || !shown.Running() || !narrow.Running() {
		t.Errorf("the watch of member2 shows:\n%s", out)
	}

	checkResume(t, ns, list.ResourceVersion, sets.New(names...).Difference(sets.New(first...)))

	contains(t, hub.Kubectl(t, "", "-n", ns, "delete", "deployment/web", "--timeout=30s"), "deleted")
	expectPods(t, ns, "app=web", 0)
	apitest.Eventually(t, func() error {
		if keys := informer.GetStore().ListKeys(); len(keys) != 0 {
			return fmt.Errorf("the informer holds %v", keys)
		}
		return nil
	})
	seen.check(t, ns, names)
}

// checkResume watches from a resource version on: all that is missing must have come since.
func checkResume(t *testing.T, ns, version string, missing sets.Set[string]) {
	t.Helper()
	w, err := hub.Kube.CoreV1().Pods(ns).Watch(t.Context(), metav1.ListOptions{ResourceVersion: version})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Stop()
	for missing.Len() > 0 {
		e, open := <-w.ResultChan()
		p, ok := e.Object.(*corev1.Pod)
		if !open || !ok {
			t.Fatalf("watch ended with %v; not told of: %v", e, sets.List(missing))
		}
		if e.Type == watch.Added {
			missing.Delete(p.Name)
		}
	}
}

// seen is what an informer has told.
type seen struct {
	mu             sync.Mutex
	added, deleted []string
	wrong          []string
}

func newSeen() *seen { return &seen{} }

// OnAdd implements cache.ResourceEventHandler.
func (s *seen) OnAdd(obj any, _ bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.added = append(s.added, obj.(*corev1.Pod).Name)
}

// OnUpdate implements cache.ResourceEventHandler.
func (s *seen) OnUpdate(old, now any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	was, is := old.(*corev1.Pod), now.(*corev1.Pod)
	if was.UID != is.UID || was.ResourceVersion >= is.ResourceVersion { // of equal length
		s.wrong = append(s.wrong, fmt.Sprintf("%s: from %s to %s", is.Name, was.ResourceVersion, is.ResourceVersion))
	}
}

// OnDelete implements cache.ResourceEventHandler.
func (s *seen) OnDelete(obj any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, ok := obj.(*corev1.Pod)
	if !ok {
		s.wrong = append(s.wrong, fmt.Sprintf("missed: %v", obj))
		return
	}
	s.deleted = append(s.deleted, p.Name)
}

// check fails unless each pod came once and went once.
func (s *seen) check(t *testing.T, ns string, names []string) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	slices.Sort(s.added)
	slices.Sort(s.deleted)
	if len(s.wrong) > 0 || !slices.Equal(s.added, names) || !slices.Equal(s.deleted, names) {
		t.Errorf("namespace %s: added %v, deleted %v, want %v; wrong: %v", ns, s.added, s.deleted, names, s.wrong)
	}
}
