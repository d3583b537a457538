/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"

	clusterv1alpha1 "github.com/manifold-k8s/manifold/apis/cluster/v1alpha1"
	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
	"github.com/manifold-k8s/manifold/pkg/binding"
	"github.com/manifold-k8s/manifold/pkg/controllers/loop"
	"github.com/manifold-k8s/manifold/pkg/member"
)

// secrets is a client of an API that answers with the Secret, or with the code when there is none.
func secrets(t *testing.T, code int, data map[string][]byte) corev1client.SecretsGetter {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(code)
		var answer any = &corev1.Secret{
			TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"}, ObjectMeta: metav1.ObjectMeta{Namespace: "s", Name: "m1"}, Data: data,
		}
		if code != http.StatusOK {
			reason := map[int]metav1.StatusReason{http.StatusNotFound: metav1.StatusReasonNotFound}[code]
			answer = &metav1.Status{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Status"}, Status: metav1.StatusFailure, Code: int32(code), Reason: reason}
		}
		if err := json.NewEncoder(w).Encode(answer); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(server.Close)
	client, err := corev1client.NewForConfig(&rest.Config{Host: server.URL, ContentConfig: rest.ContentConfig{ContentType: "application/json"}})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// pushed is a Cluster as join makes it.
func pushed(change ...func(*clusterv1alpha1.ClusterSpec)) *clusterv1alpha1.Cluster {
	c := fresh()
	c.Spec = clusterv1alpha1.ClusterSpec{
		SyncMode: clusterv1alpha1.Push, APIEndpoint: "https://127.0.0.1:1",
		SecretRef: &clusterv1alpha1.LocalSecretReference{Namespace: "s", Name: "m1"},
	}
	for _, f := range change {
		f(&c.Spec)
	}
	return c
}

var credentials = map[string][]byte{"token": []byte("t"), "caBundle": []byte("c")}

// What the controller adds to how a member is reached.
func TestConnect(t *testing.T) {
	t.Parallel()
	c := &Controller{cfg: Config{Secrets: secrets(t, http.StatusNotFound, nil), Fleet: member.NewFleet()}}
	if m, err := c.connect(t.Context(), pushed()); err == nil || m != nil || !strings.Contains(err.Error(), "read credentials") {
		t.Errorf("without a Secret: %v", err)
	}
	pull := pushed(func(s *clusterv1alpha1.ClusterSpec) { s.SyncMode = clusterv1alpha1.Pull })
	if m, err := c.connect(t.Context(), pull); err == nil || m != nil || !strings.Contains(err.Error(), "spec.syncMode") {
		t.Errorf("in Pull mode: %v", err)
	}
}

func TestSince(t *testing.T) {
	t.Parallel()
	c := &Controller{differs: map[string]time.Time{}}
	cl := observed(up())
	at := func(seconds int) time.Time { return start.Add(time.Duration(seconds) * time.Second) }
	if got := c.since(cl, down(), at(0)); !got.IsZero() {
		t.Errorf("after a restart the first observation is taken as it is, not held since %v", got)
	}
	steps := []struct {
		state member.State
		now   int
		want  int
	}{
		{up(), 1, 1}, {down(), 2, 2}, {down(), 9, 2}, {up(), 10, 10}, {down(), 11, 11}, {down(), 50, 11},
	}
	for i, s := range steps {
		if got := c.since(cl, s.state, at(s.now)); !got.Equal(at(s.want)) {
			t.Errorf("step %d: since %v, want %v", i, got, at(s.want))
		}
	}
}

func TestShorter(t *testing.T) {
	t.Parallel()
	for _, tc := range [][3]time.Duration{{0, 0, 0}, {0, 2, 2}, {2, 0, 2}, {1, 2, 1}, {2, 1, 1}} {
		if got := shorter(tc[0], tc[1]); got != tc[2] {
			t.Errorf("shorter(%d, %d) = %d, want %d", tc[0], tc[1], got, tc[2])
		}
	}
}

// written keeps what was last stored.
type written struct{ last *clusterv1alpha1.Cluster }

func (w *written) Update(_ context.Context, c *clusterv1alpha1.Cluster) (*clusterv1alpha1.Cluster, error) {
	w.last = c
	return c, nil
}

// uses says whether a binding lists the cluster.
type uses bool

func (uses) HasSynced() bool           { return true }
func (u uses) UsesCluster(string) bool { return bool(u) }

func (uses) OnChange(func(old, now *binding.Binding)) error { return nil }

func TestLeave(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		away      bool
		used      bool
		finalizer bool
		released  bool
	}{
		"nothing in it":                    {finalizer: true, released: true},
		"something in it":                  {used: true, finalizer: true},
		"something in it, and away":        {away: true, used: true, finalizer: true, released: true},
		"released already, others hold it": {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := &written{}
			c := &Controller{cfg: Config{Bindings: uses(tc.used), Writer: w}}
			cl := pushed(func(*clusterv1alpha1.ClusterSpec) {})
			ready := metav1.ConditionTrue
			if tc.away {
				ready = metav1.ConditionFalse
			}
			cl.Status.Conditions = []metav1.Condition{{Type: clusterv1alpha1.ClusterConditionReady, Status: ready}}
			cl.Finalizers = []string{"example.com/f"}
			if tc.finalizer {
				cl.Finalizers = append(cl.Finalizers, clusterv1alpha1.ClusterFinalizer)
			}
			if _, err := c.leave(t.Context(), cl); err != nil {
				t.Fatal(err)
			}
			if released := w.last != nil; released != tc.released {
				t.Fatalf("released = %v, want %v", released, tc.released)
			}
			if tc.released && (len(w.last.Finalizers) != 1 || w.last.Finalizers[0] != "example.com/f") {
				t.Errorf("finalizers = %v", w.last.Finalizers)
			}
		})
	}
}

func TestUnreadableCredentialsSayNothing(t *testing.T) {
	t.Parallel()
	c := &Controller{cfg: Config{Secrets: secrets(t, 500, credentials), Fleet: member.NewFleet()}}
	if _, err := c.connect(t.Context(), pushed(func(*clusterv1alpha1.ClusterSpec) {})); !errors.Is(err, member.ErrUnread) {
		t.Errorf("got %v, want member.ErrUnread", err)
	}
}

func TestBindingThatLetsGoBringsTheClusterBack(t *testing.T) {
	t.Parallel()
	of := func(clusters ...string) *binding.Binding {
		b := &binding.Binding{}
		for _, c := range clusters {
			b.Spec.Clusters = append(b.Spec.Clusters, workv1alpha2.TargetCluster{Name: c})
		}
		return b
	}
	for name, tc := range map[string]struct {
		old, now *binding.Binding
		want     int
	}{
		"new binding":         {nil, of("a"), 0},
		"nothing let go":      {of("a"), of("a", "b"), 0},
		"one cluster let go":  {of("a", "b"), of("a"), 1},
		"the binding is gone": {of("a", "b"), nil, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := &Controller{}
			c.loop = loop.New(loop.Config{Name: "test"}, c.step)
			c.bindingChanged(tc.old, tc.now)
			if n := c.loop.Len(); n != tc.want {
				t.Errorf("%d clusters are looked at again, want %d", n, tc.want)
			}
		})
	}
}
