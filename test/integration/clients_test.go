/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package integration_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/manifold-k8s/manifold/test/apitest"
)

// seenKey is the annotation that the controller below puts on pods.
const seenKey = "clients.test/seen"

// marker is a reconciler as users write them: it knows nothing of clusters.
type marker struct {
	client.Client

	mu   sync.Mutex
	seen map[string]int // reconciliations that changed something, by pod
}

func (m *marker) Reconcile(ctx context.Context, r reconcile.Request) (reconcile.Result, error) {
	var pod corev1.Pod
	if err := m.Get(ctx, r.NamespacedName, &pod); err != nil {
		return reconcile.Result{}, client.IgnoreNotFound(err)
	}
	if pod.Annotations[seenKey] != "" || pod.DeletionTimestamp != nil {
		return reconcile.Result{}, nil
	}
	before := pod.DeepCopy()
	metav1.SetMetaDataAnnotation(&pod.ObjectMeta, seenKey, "yes")
	if err := m.Patch(ctx, &pod, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})); err != nil {
		return reconcile.Result{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.seen[r.Name]++
	return reconcile.Result{}, nil
}

// A manager of controller-runtime, with its caches, an index, optimistic locks and leader election, works on pods of all
// members as on those of one cluster.
func TestControllerRuntime(t *testing.T) {
	t.Parallel()
	ns := namespace(t)
	hub.Create(t, ns, docs(deployment("web", 3), policy("p", all("Deployment"), weights(1, 1, 1))))

	log.SetLogger(klog.Logger{}) // silent
	mgr, err := ctrl.NewManager(hub.Config, ctrl.Options{
		Scheme: scheme.Scheme, Metrics: server.Options{BindAddress: "0"}, Cache: cache.Options{DefaultNamespaces: map[string]cache.Config{ns: {}}},
		LeaderElection: true, LeaderElectionID: "clients-test", LeaderElectionNamespace: ns, LeaderElectionReleaseOnCancel: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	byNode := func(o client.Object) []string { return []string{o.(*corev1.Pod).Spec.NodeName} }
	if err := mgr.GetFieldIndexer().IndexField(t.Context(), &corev1.Pod{}, "spec.nodeName", byNode); err != nil {
		t.Fatal(err)
	}
	m := &marker{Client: mgr.GetClient(), seen: map[string]int{}}
	if err := ctrl.NewControllerManagedBy(mgr).For(&corev1.Pod{}).Complete(m); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- mgr.Start(ctx) }()
	defer func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the manager: %v", err)
		}
	}()

	apitest.Eventually(t, func() error { return markedInMembers(t.Context(), ns) })
	apitest.Eventually(t, func() error { return oneOnItsNode(t.Context(), mgr.GetClient(), ns) })
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.seen) != 3 {
		t.Errorf("marked %v, want three pods", m.seen)
	}
	for name, times := range m.seen {
		if times != 1 {
			t.Errorf("marked %s %d times", name, times)
		}
	}
}

// markedInMembers returns an error unless every member has one pod in the namespace, with the controller's mark.
func markedInMembers(ctx context.Context, ns string) error {
	for _, m := range fleet {
		pods, err := m.Kube.CoreV1().Pods(ns).List(ctx, metav1.ListOptions{})
		switch {
		case err != nil:
			return err
		case len(pods.Items) != 1:
			return fmt.Errorf("%s has %d pods", m.Name, len(pods.Items))
		case pods.Items[0].Annotations[seenKey] == "":
			return fmt.Errorf("the pod of %s is not marked", m.Name)
		}
	}
	return nil
}

// oneOnItsNode looks a pod up by the manager's index over nodes.
func oneOnItsNode(ctx context.Context, c client.Client, ns string) error {
	var all, there corev1.PodList
	if err := c.List(ctx, &all, client.InNamespace(ns)); err != nil {
		return err
	}
	if len(all.Items) == 0 {
		return errors.New("no pods")
	}
	pod := &all.Items[0]
	if err := c.List(ctx, &there, client.InNamespace(ns), client.MatchingFields{"spec.nodeName": pod.Spec.NodeName}); err != nil {
		return err
	}
	if len(there.Items) != 1 || there.Items[0].Name != pod.Name || !strings.Contains(pod.Spec.NodeName, ".member") {
		return fmt.Errorf("on node %q there are %d pods", pod.Spec.NodeName, len(there.Items))
	}
	return nil
}
