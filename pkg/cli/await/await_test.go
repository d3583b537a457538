/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package await

import (
	"context"
	"errors"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
)

func secret(data string) *corev1.Secret {
	return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "s"}, StringData: map[string]string{"k": data}}
}

// watched returns a client that hands out the given watches, one after the other.
func watched(t *testing.T, watches ...watch.Interface) *fake.Clientset {
	t.Helper()
	client := fake.NewClientset(secret("old"))
	client.PrependWatchReactor("secrets", func(clienttesting.Action) (bool, watch.Interface, error) {
		if len(watches) == 0 {
			t.Error("more watches than expected")
			return true, nil, errors.New("no more watches")
		}
		w := watches[0]
		watches = watches[1:]
		return true, w, nil
	})
	return client
}

func TestUntil(t *testing.T) {
	isNew := func(s *corev1.Secret, exists bool) (bool, error) { return exists && s.StringData["k"] == "new", nil }
	isGone := func(_ *corev1.Secret, exists bool) (bool, error) { return !exists, nil }
	events := func(events ...watch.Event) watch.Interface {
		w := watch.NewFakeWithChanSize(len(events), false)
		for _, e := range events {
			w.Action(e.Type, e.Object)
		}
		return w
	}
	closed := watch.NewFake()
	closed.Stop()
	expired := events(watch.Event{Type: watch.Error, Object: &metav1.Status{Reason: metav1.StatusReasonExpired}})
	for name, tc := range map[string]struct {
		watches []watch.Interface
		done    func(*corev1.Secret, bool) (bool, error)
	}{
		"as it is":             {done: func(_ *corev1.Secret, exists bool) (bool, error) { return exists, nil }},
		"changed":              {watches: []watch.Interface{events(watch.Event{Type: watch.Modified, Object: secret("other")}, watch.Event{Type: watch.Modified, Object: secret("new")})}, done: isNew},
		"deleted":              {watches: []watch.Interface{events(watch.Event{Type: watch.Deleted, Object: secret("old")})}, done: isGone},
		"after a closed watch": {watches: []watch.Interface{closed, events(watch.Event{Type: watch.Modified, Object: secret("new")})}, done: isNew},
		"after an old version": {watches: []watch.Interface{expired, events(watch.Event{Type: watch.Modified, Object: secret("new")})}, done: isNew},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			if err := Until(ctx, watched(t, tc.watches...).CoreV1().Secrets("ns"), "s", tc.done); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestUntilEndsWithItsContext(t *testing.T) {
	late := errors.New("late")
	ctx, cancel := context.WithTimeoutCause(t.Context(), 50*time.Millisecond, late)
	defer cancel()
	err := Until(ctx, watched(t, watch.NewFake()).CoreV1().Secrets("ns"), "s", func(*corev1.Secret, bool) (bool, error) { return false, nil })
	if !errors.Is(err, late) {
		t.Errorf("got %v, want the cause", err)
	}
}

func TestUntilPassesErrorsOn(t *testing.T) {
	broken := errors.New("broken")
	err := Until(t.Context(), watched(t).CoreV1().Secrets("ns"), "s", func(*corev1.Secret, bool) (bool, error) { return false, broken })
	if !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}
