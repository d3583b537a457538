/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"github.com/manifold-k8s/manifold/test/apitest"
)

const (
	// namespace is where the pods are, in every member.
	namespace = "informers"
	// editionKey is the annotation with the number of the write that made the object as it is.
	editionKey = "informers.test/edition"
	// mostPods and mostNodes are how many a member has at most.
	mostPods, mostNodes = 40, 8
)

// writer makes, changes and deletes pods and nodes in one member, directly. It is not started again.
type writer struct {
	member *apitest.Member
	ledger *ledger
	random *rand.Rand
	pause  time.Duration // between two writes

	// mu is held during a write, so that who stops the member knows of each write whether it was done.
	mu    sync.Mutex
	alive map[string][]living // by kind
	made  int
}

// living is an object that the member has.
type living struct {
	object
	uid     types.UID
	edition int
}

func newWriter(m *apitest.Member, l *ledger, seed uint64, pause time.Duration) *writer {
	return &writer{member: m, ledger: l, random: rand.New(rand.NewPCG(seed, 1)), pause: pause, alive: map[string][]living{}}
}

// furnish makes the namespace, and what pods need in it that nobody makes in a member without controllers.
func (w *writer) furnish(ctx context.Context) error {
	core := w.member.Kube.CoreV1()
	if _, err := core.Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}, metav1.CreateOptions{}); err != nil {
		return err
	}
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "default"}}
	_, err := core.ServiceAccounts(namespace).Create(ctx, account, metav1.CreateOptions{})
	return err
}

// run writes until stop is closed. An error is one of the member, whose end the others arrange with hold.
func (w *writer) run(ctx context.Context, stop <-chan struct{}) error {
	tick := time.NewTicker(w.pause)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-stop:
			return nil
		case <-tick.C:
		}
		if err := w.write(ctx); err != nil {
			return fmt.Errorf("write in %s: %w", w.member.Name, err)
		}
	}
}

// hold keeps the writer from writing while f runs.
func (w *writer) hold(f func() error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return f()
}

// write does one thing by chance.
func (w *writer) write(ctx context.Context) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	kind, most := pods, mostPods
	if w.random.IntN(4) == 0 {
		kind, most = nodes, mostNodes
	}
	n, choice := len(w.alive[kind]), w.random.IntN(10)
	switch {
	case n < most/2 || n < most && choice < 3:
		w.made++
		return w.create(ctx, w.object(kind, fmt.Sprintf("%s-%d", kind[:len(kind)-1], w.made)))
	case choice < 8:
		return w.update(ctx, kind, w.random.IntN(n))
	}
	i := w.random.IntN(n)
	gone := w.alive[kind][i]
	if err := w.delete(ctx, kind, i); err != nil || choice < 9 {
		return err
	}
	return w.create(ctx, gone.object) // another object of the same name
}

func (w *writer) object(kind, name string) object {
	o := object{cluster: w.member.Name, kind: kind, name: name}
	if kind == pods {
		o.namespace = namespace
	}
	return o
}

func (w *writer) create(ctx context.Context, o object) error {
	meta := metav1.ObjectMeta{Name: o.name, Annotations: map[string]string{editionKey: "1"}}
	core := w.member.Kube.CoreV1()
	d := deed{edition: 1, sent: time.Now()}
	var made metav1.Object
	var err error
	if o.kind == nodes {
		made, err = core.Nodes().Create(ctx, &corev1.Node{ObjectMeta: meta}, metav1.CreateOptions{})
	} else {
		pod := &corev1.Pod{ObjectMeta: meta, Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "app", Image: "none"}}}}
		if all := w.alive[nodes]; len(all) > 0 {
			pod.Spec.NodeName = all[w.random.IntN(len(all))].name
		}
		made, err = core.Pods(namespace).Create(ctx, pod, metav1.CreateOptions{})
	}
	if err != nil {
		return err
	}
	d.done = time.Now()
	w.ledger.did(o, made.GetUID(), d)
	w.alive[o.kind] = append(w.alive[o.kind], living{o, made.GetUID(), 1})
	return nil
}

func (w *writer) update(ctx context.Context, kind string, i int) error {
	one := &w.alive[kind][i]
	d := deed{edition: one.edition + 1, sent: time.Now()}
	patch := []byte(fmt.Sprintf(`{"metadata":{"annotations":{%q:%q}}}`, editionKey, strconv.Itoa(d.edition)))
	var err error
	if kind == nodes {
		_, err = w.member.Kube.CoreV1().Nodes().Patch(ctx, one.name, types.MergePatchType, patch, metav1.PatchOptions{})
	} else {
		_, err = w.member.Kube.CoreV1().Pods(namespace).Patch(ctx, one.name, types.MergePatchType, patch, metav1.PatchOptions{})
	}
	if err != nil {
		return err
	}
	d.done, one.edition = time.Now(), d.edition
	w.ledger.did(one.object, one.uid, d)
	return nil
}

func (w *writer) delete(ctx context.Context, kind string, i int) error {
	one := w.alive[kind][i]
	d := deed{edition: one.edition, sent: time.Now()}
	options := metav1.DeleteOptions{GracePeriodSeconds: ptr.To[int64](0), Preconditions: &metav1.Preconditions{UID: &one.uid}}
	var err error
	if kind == nodes {
		err = w.member.Kube.CoreV1().Nodes().Delete(ctx, one.name, options)
	} else {
		err = w.member.Kube.CoreV1().Pods(namespace).Delete(ctx, one.name, options)
	}
	if err != nil {
		return err
	}
	d.done = time.Now()
	w.ledger.ended(one.uid, d)
	all := w.alive[kind]
	all[i] = all[len(all)-1]
	w.alive[kind] = all[:len(all)-1]
	return nil
}
