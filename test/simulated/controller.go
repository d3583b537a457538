/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package simulated

import (
	"context"
	"fmt"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
)

// due is a Deployment whose status is to be written.
type due struct {
	member *Member
	key    types.NamespacedName
	at     time.Time
}

// controller plays the controllers of all members: it makes each Deployment available a fixed time after a change.
type controller struct {
	delay time.Duration

	mu    sync.Mutex
	queue []due // in the order of their times, since all wait equally long
	more  chan struct{}
}

func newController(delay time.Duration) *controller {
	return &controller{delay: delay, more: make(chan struct{}, 1)}
}

func (c *controller) add(m *Member, key types.NamespacedName) {
	c.mu.Lock()
	c.queue = append(c.queue, due{m, key, time.Now().Add(c.delay)})
	c.mu.Unlock()
	select {
	case c.more <- struct{}{}:
	default:
	}
}

// next takes the first one off the queue if its time has come; otherwise it says how long that takes, 0 for an empty queue.
func (c *controller) next() (d due, ready bool, wait time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.queue) == 0 {
		c.queue = nil // gives the memory back
		return d, false, 0
	}
	if wait = time.Until(c.queue[0].at); wait > 0 {
		return d, false, wait
	}
	d, c.queue = c.queue[0], c.queue[1:]
	return d, true, 0
}

// run works until ctx ends. An error is about a broken object, which only a mistake in this package can make.
func (c *controller) run(ctx context.Context) error {
	for ctx.Err() == nil {
		d, ready, wait := c.next()
		if ready {
			if err := d.member.makeAvailable(d.key); err != nil {
				return fmt.Errorf("%s: %w", d.member.Name, err)
			}
			continue
		}
		var later <-chan time.Time
		if wait > 0 {
			later = time.After(wait)
		}
		select {
		case <-ctx.Done():
		case <-later:
		case <-c.more:
		}
	}
	return nil
}

// play lets the controllers of a member see an object that was written. The lock must be held.
func (m *Member) play(t *table, o *object) {
	if t.kind == deployments && m.controller != nil {
		m.controller.add(m, o.key)
	}
}

// makeAvailable writes the status of a Deployment whose replicas all run.
func (m *Member) makeAvailable(key types.NamespacedName) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	t := m.table(deployments)
	o := t.objects[key]
	if o == nil {
		return nil
	}
	u, err := o.decode()
	if err != nil {
		return err
	}
	observed, _, err := unstructured.NestedInt64(u.Object, "status", "observedGeneration")
	if err != nil || observed == u.GetGeneration() {
		return err
	}
	replicas, has, err := unstructured.NestedInt64(u.Object, "spec", "replicas")
	if err != nil {
		return err
	}
	if !has {
		replicas = 1
	}
	stamp := now()
	condition := func(kind, reason, message string) map[string]any {
		return map[string]any{
			"type": kind, "status": "True", "reason": reason, "message": message, "lastUpdateTime": stamp, "lastTransitionTime": stamp,
		}
	}
	status := map[string]any{
		"observedGeneration": u.GetGeneration(),
		"conditions": []any{
			condition("Available", "MinimumReplicasAvailable", "Deployment has minimum availability."),
			condition("Progressing", "NewReplicaSetAvailable", fmt.Sprintf("ReplicaSet %q has successfully progressed.", key.Name+"-5b7c9d8f66")),
		},
	}
	if replicas > 0 {
		for _, field := range []string{"replicas", "updatedReplicas", "readyReplicas", "availableReplicas"} {
			status[field] = replicas
		}
	}
	u.Object["status"] = status
	own(u, "kube-controller-manager", "Update", stamp, ownership{"f:status": below(status)})
	_, err = m.put(t, u)
	return err
}
