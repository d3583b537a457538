/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"

	"github.com/manifold-k8s/manifold/test/apitest"
)

// How the hub shows which cluster an object is of, and that the cluster does not answer.
const (
	clusterLabel    = "manifold-k8s.io/cluster"
	staleAnnotation = "manifold-k8s.io/stale-since"
)

// audience is the informers of a client-go program that knows nothing of Manifold.
type audience struct {
	factory informers.SharedInformerFactory
	stores  map[string]cache.Store // by kind
	ledger  *ledger
	odd     []string // what was told that makes no sense; guarded by the ledger's lock
}

func newAudience(client kubernetes.Interface, l *ledger) (*audience, error) {
	a := &audience{factory: informers.NewSharedInformerFactory(client, 0), stores: map[string]cache.Store{}, ledger: l}
	core := a.factory.Core().V1()
	for kind, informer := range map[string]cache.SharedIndexInformer{pods: core.Pods().Informer(), nodes: core.Nodes().Informer()} {
		a.stores[kind] = informer.GetStore()
		if _, err := informer.AddEventHandler(a.handler(kind)); err != nil {
			return nil, err
		}
	}
	return a, nil
}

// run returns when the informers have ended, which they do with ctx.
func (a *audience) run(ctx context.Context) {
	a.factory.StartWithContext(ctx)
	<-ctx.Done()
	a.factory.Shutdown()
}

func (a *audience) synced() bool {
	return a.factory.Core().V1().Pods().Informer().HasSynced() && a.factory.Core().V1().Nodes().Informer().HasSynced()
}

func (a *audience) handler(kind string) cache.ResourceEventHandler {
	return cache.ResourceEventHandlerFuncs{
		AddFunc: func(obj any) { a.note(added, kind, obj.(metav1.Object)) },
		UpdateFunc: func(before, after any) {
			old, now := before.(metav1.Object), after.(metav1.Object)
			if old.GetUID() == now.GetUID() {
				a.note(updated, kind, now)
				return
			}
			// A list showed another object under the name: the deletion and the creation are told as one.
			a.note(deleted, kind, old)
			a.note(added, kind, now)
		},
		DeleteFunc: func(obj any) {
			if unknown, ok := obj.(cache.DeletedFinalStateUnknown); ok {
				obj = unknown.Obj
			}
			a.note(deleted, kind, obj.(metav1.Object))
		},
	}
}

func (a *audience) note(event, kind string, obj metav1.Object) {
	h, err := read(kind, obj)
	version, failed := strconv.ParseUint(obj.GetResourceVersion(), 10, 64)
	if err != nil || failed != nil {
		a.ledger.mu.Lock()
		a.odd = append(a.odd, fmt.Sprintf("%s %s %s at version %q: %v", event, kind, obj.GetName(), obj.GetResourceVersion(), err))
		a.ledger.mu.Unlock()
		return
	}
	a.ledger.saw(h.uid, sighting{
		event: event, edition: h.edition, version: version, stale: h.stale, ending: obj.GetDeletionTimestamp() != nil, at: time.Now(),
	})
}

// read takes an object as the hub shows it.
func read(kind string, obj metav1.Object) (held, error) {
	cluster := obj.GetLabels()[clusterLabel]
	name, ok := strings.CutSuffix(obj.GetName(), "."+cluster)
	if cluster == "" || !ok {
		return held{}, fmt.Errorf("name %q and label %s=%q do not name the same cluster", obj.GetName(), clusterLabel, cluster)
	}
	if pod, ok := obj.(*corev1.Pod); ok && pod.Spec.NodeName != "" && !strings.HasSuffix(pod.Spec.NodeName, "."+cluster) {
		return held{}, fmt.Errorf("pod %s is on the node %q, which is not one of its cluster", obj.GetName(), pod.Spec.NodeName)
	}
	edition, err := strconv.Atoi(obj.GetAnnotations()[editionKey])
	if err != nil {
		return held{}, fmt.Errorf("%s has no edition: %w", obj.GetName(), err)
	}
	_, stale := obj.GetAnnotations()[staleAnnotation]
	return held{object{cluster, kind, obj.GetNamespace(), name}, obj.GetUID(), edition, stale}, nil
}

// holds returns what the stores have at present.
func (a *audience) holds() (map[object]held, error) {
	out := map[object]held{}
	for kind, store := range a.stores {
		for _, obj := range store.List() {
			h, err := read(kind, obj.(metav1.Object))
			if err != nil {
				return nil, err
			}
			out[h.object] = h
		}
	}
	return out, nil
}

// truth returns what a member has at present.
func truth(ctx context.Context, m *apitest.Member) (map[object]held, error) {
	out := map[object]held{}
	add := func(kind string, obj metav1.Object) error {
		edition, err := strconv.Atoi(obj.GetAnnotations()[editionKey])
		if err != nil {
			return fmt.Errorf("%s of %s has no edition: %w", obj.GetName(), m.Name, err)
		}
		o := object{m.Name, kind, obj.GetNamespace(), obj.GetName()}
		out[o] = held{o, obj.GetUID(), edition, false}
		return nil
	}
	allPods, err := m.Kube.CoreV1().Pods("").List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	for i := range allPods.Items {
		if err := add(pods, &allPods.Items[i]); err != nil {
			return nil, err
		}
	}
	allNodes, err := m.Kube.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	for i := range allNodes.Items {
		if err := add(nodes, &allNodes.Items[i]); err != nil {
			return nil, err
		}
	}
	return out, nil
}
