/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package integration_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/manifold-k8s/manifold/test/apitest"
)

// sights are the values of data.key that ConfigMaps of a member have had, by name, in the order in which they came.
type sights struct {
	ended chan struct{}

	mu     sync.Mutex
	values map[string][]string
	lost   bool // the watch ended by itself
}

// sight watches the ConfigMaps of a namespace in a member until the test ends.
func sight(t *testing.T, m *apitest.Member, ns string) *sights {
	t.Helper()
	w, err := m.Kube.CoreV1().ConfigMaps(ns).Watch(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	s := &sights{values: map[string][]string{}, ended: make(chan struct{})}
	go s.follow(w)
	t.Cleanup(func() {
		w.Stop()
		<-s.ended
	})
	return s
}

func (s *sights) follow(w watch.Interface) {
	defer close(s.ended)
	for e := range w.ResultChan() {
		cm, ok := e.Object.(*corev1.ConfigMap)
		s.mu.Lock()
		switch {
		case !ok:
			s.lost = true
		case e.Type != watch.Deleted:
			s.values[cm.Name] = append(s.values[cm.Name], cm.Data["key"])
		}
		s.mu.Unlock()
	}
	s.mu.Lock()
	s.lost = true
	s.mu.Unlock()
}

// seen returns an error unless that value was seen.
func (s *sights) seen(name, value string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Contains(s.values[name], value) {
		return fmt.Errorf("%s had %q, want %q", name, s.values[name], value)
	}
	return nil
}

// never fails the test if that value was seen of one of the objects, or if it might have been and nobody watched.
func (s *sights) never(t *testing.T, value string, names ...string) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lost {
		t.Error("the watch has ended before the test")
	}
	for _, name := range names {
		if slices.Contains(s.values[name], value) {
			t.Errorf("%s had %q", name, s.values[name])
		}
	}
}

// dressed is an override policy that makes the value of a ConfigMap "dressed".
func dressed(name string) string {
	return overridePolicy(name, byName("ConfigMap", name), `{overriders: {plaintext: [{path: /data/key, operator: replace, value: dressed}]}}`)
}

// atOnce creates n sets of objects, each with one of the manifests that of gives for its name, and returns the names. Many
// writes at the same time keep the caches of the hub busy.
func atOnce(t *testing.T, ns string, n int, of func(name string) []string) (names []string) {
	t.Helper()
	var g errgroup.Group
	for i := range n {
		name := fmt.Sprintf("c%d", i)
		names = append(names, name)
		manifests := of(name)
		g.Go(func() error {
			_, err := hub.TryCreate(t.Context(), ns, manifests[i%len(manifests)])
			return err
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	return names
}

// What is applied in one go, the override before what it is about, never appears in a member without it, however quickly
// one follows the other.
func TestNothingIsSentWithoutItsOverride(t *testing.T) {
	t.Parallel()
	ns := namespace(t)
	s := sight(t, fleet[0], ns)
	names := atOnce(t, ns, 40, func(name string) []string {
		template, place := configMap(name, "bare"), policy(name, byName("ConfigMap", name), on("member1"))
		return []string{docs(dressed(name), template, place), docs(place, dressed(name), template)}
	})
	for _, name := range names {
		apitest.Eventually(t, func() error { return s.seen(name, "dressed") })
	}
	s.never(t, "bare", names...)

	// So with an update: the override is changed first, then the template.
	for _, name := range names {
		hub.Patch(t, "overridepolicies", ns, name, `spec: {overrideRules: [{overriders: {plaintext: [{path: /data/key, operator: replace, value: anew}]}}]}`)
		hub.Patch(t, "configmaps", ns, name, `metadata: {labels: {changed: "true"}}`)
	}
	for _, name := range names {
		apitest.Eventually(t, func() error { return s.seen(name, "anew") })
	}
	s.never(t, "bare", names...)
}

// An override that is deleted together with the policy or the template, in any order, is not taken back first.
func TestNothingIsSentWhenAllIsDeleted(t *testing.T) {
	t.Parallel()
	ns := namespace(t)
	s := sight(t, fleet[0], ns)
	const template, place, override = "configmaps", "propagationpolicies", "overridepolicies"
	orders := [][]string{
		{override, place}, {place, override},
		{override, template, place}, {override, place, template}, {place, override, template}, {template, override, place},
	}
	var names []string
	for i := range 18 {
		name := fmt.Sprintf("c%d", i)
		names = append(names, name)
		hub.Create(t, ns, docs(dressed(name), policy(name, byName("ConfigMap", name), on("member1")), configMap(name, "bare")))
	}
	const last = "last"
	hub.Create(t, ns, docs(dressed(last), policy(last, byName("ConfigMap", last), on("member1")), configMap(last, "bare")))
	for _, name := range append([]string{last}, names...) {
		apitest.Eventually(t, func() error { return s.seen(name, "dressed") })
	}
	for i, name := range names {
		for _, resource := range orders[i%len(orders)] {
			hub.Delete(t, resource, ns, name)
		}
	}
	// An override that is deleted alone is taken back after a while, and by then so would be all others.
	hub.Delete(t, override, ns, last)
	apitest.Eventually(t, func() error { return s.seen(last, "bare") })
	s.never(t, "bare", names...)
	for i, name := range names {
		if slices.Contains(orders[i%len(orders)], template) {
			expectOn(t, template, ns, name)
		} else {
			expectOn(t, template, ns, name, "member1") // without a policy, it stays
		}
	}
}

// A policy and a template that are stored one right after the other are brought together: the next best policy gets
// nothing, not even for a moment.
func TestTemplateRightAfterItsPolicy(t *testing.T) {
	t.Parallel()
	ns := namespace(t)
	s := sight(t, fleet[1], ns)
	selector := fmt.Sprintf("{apiVersion: v1, kind: ConfigMap, namespace: %s}", ns)
	hub.Create(t, "", clusterPolicy(ns, selector, on("member2")))
	t.Cleanup(func() { deleteAfter(t, "clusterpropagationpolicies", ns) })
	hub.Create(t, ns, configMap("other", "seen"))
	apitest.Eventually(t, func() error { return s.seen("other", "seen") })
	names := atOnce(t, ns, 40, func(name string) []string {
		return []string{docs(policy(name, byName("ConfigMap", name), on("member1")), configMap(name, "seen"))}
	})
	for _, name := range names {
		expectOn(t, "configmaps", ns, name, "member1")
	}
	s.never(t, "seen", names...)
}
