/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

// Package impersonation lets the hub's users act in the members under their own names: in each member it keeps the rights
// of the token by which they are passed on, as the hub's roles have them.
package impersonation

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	rbacinformers "k8s.io/client-go/informers/rbac/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/record"

	clusterv1alpha1 "github.com/manifold-k8s/manifold/apis/cluster/v1alpha1"
	"github.com/manifold-k8s/manifold/pkg/controllers/loop"
	"github.com/manifold-k8s/manifold/pkg/member"
)

// fieldManager is under which name the objects are applied.
const fieldManager = "manifold"

// applyTimeout bounds a request to a member.
const applyTimeout = 10 * time.Second

// Config is what a Controller needs.
type Config struct {
	Clusters cache.SharedIndexInformer
	Roles    rbacinformers.ClusterRoleInformer
	Bindings rbacinformers.ClusterRoleBindingInformer
	Fleet    *member.Fleet
	Events   record.EventRecorder
}

// Controller is the loop over Clusters.
type Controller struct {
	cfg    Config
	loop   *loop.Loop[string]
	synced []cache.InformerSynced

	mu sync.Mutex
	// applied is what was last applied by which connection.
	applied map[string]applied
}

type applied struct {
	by   *member.Member
	hash [sha256.Size]byte
}

// New returns a controller that does nothing until Run.
func New(cfg Config) (*Controller, error) {
	c := &Controller{cfg: cfg, applied: map[string]applied{}}
	c.loop = loop.New(loop.Config{Name: "impersonation", Workers: 4, LastRetry: time.Minute, Expected: member.Away}, c.step)
	one := func(obj any) {
		if name, err := cache.DeletionHandlingMetaNamespaceKeyFunc(obj); err == nil {
			c.loop.Add(name)
		}
	}
	all := func(any) {
		for _, name := range cfg.Clusters.GetStore().ListKeys() {
			c.loop.AddBacklog(name)
		}
	}
	for _, watched := range []struct {
		informer cache.SharedIndexInformer
		changed  func(any)
	}{{cfg.Clusters, one}, {cfg.Roles.Informer(), all}, {cfg.Bindings.Informer(), all}} {
		h, err := watched.informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
			AddFunc: watched.changed, DeleteFunc: watched.changed, UpdateFunc: func(old, now any) {
				if !sameForUs(old, now) {
					watched.changed(now)
				}
			},
		})
		if err != nil {
			return nil, err
		}
		c.synced = append(c.synced, h.HasSynced)
	}
	cfg.Fleet.Listen(member.Events{Reachable: func(m *member.Member) {
		c.forget(m.Name) // it may have been set back meanwhile
		c.loop.Add(m.Name)
	}})
	return c, nil
}

// sameForUs reports whether an object has changed in nothing that matters here.
func sameForUs(old, now any) bool {
	before, ok := old.(metav1.Object)
	if !ok {
		return false
	}
	after, ok := now.(metav1.Object)
	if !ok || before.GetUID() != after.GetUID() {
		return false
	}
	if before.GetResourceVersion() == after.GetResourceVersion() {
		return true
	}
	// Of a Cluster the status changes often; roles and bindings have no generation.
	return after.GetGeneration() > 0 && before.GetGeneration() == after.GetGeneration()
}

// Run works until ctx ends.
func (c *Controller) Run(ctx context.Context) error {
	if !cache.WaitForCacheSync(ctx.Done(), c.synced...) {
		return nil
	}
	return c.loop.Run(ctx)
}

// Waiting is how many Clusters wait for a step.
func (c *Controller) Waiting() int { return c.loop.Len() }

func (c *Controller) forget(cluster string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.applied, cluster)
}

// step applies the rights in one member, if they are others than it was last given.
func (c *Controller) step(ctx context.Context, name string) (time.Duration, error) {
	obj, ok, err := c.cfg.Clusters.GetStore().GetByKey(name)
	if err != nil || !ok { // an in-memory store gives no errors
		c.forget(name)
		return 0, nil
	}
	cl := obj.(*clusterv1alpha1.Cluster)
	m := c.cfg.Fleet.Get(name)
	if cl.Spec.ImpersonatorSecretRef == nil || cl.DeletionTimestamp != nil || m == nil || !m.Reachable() {
		return 0, nil // a change of the Cluster, or the member's return, brings us back
	}
	roles, err := c.cfg.Roles.Lister().List(labels.Everything())
	if err != nil {
		return 0, err
	}
	bindings, err := c.cfg.Bindings.Lister().List(labels.Everything())
	if err != nil {
		return 0, err
	}
	role, binding := objectsFor(cl.Spec.ImpersonatorSecretRef.Namespace, rulesFor(name, roles, bindings))
	want, err := hashOf(role, binding)
	if err != nil {
		return 0, err
	}
	c.mu.Lock()
	done := c.applied[name]
	c.mu.Unlock()
	if done.by == m && done.hash == want {
		return 0, nil
	}
	if err := apply(ctx, m, role, binding); err != nil {
		if !member.Away(err) {
			c.cfg.Events.Event(cl, corev1.EventTypeWarning, "ImpersonationFailed", fmt.Sprintf("users of the hub cannot act in this cluster: %v", err))
		}
		return 0, err
	}
	c.mu.Lock()
	c.applied[name] = applied{m, want}
	c.mu.Unlock()
	return 0, nil
}

func hashOf(objects ...any) ([sha256.Size]byte, error) {
	data, err := json.Marshal(objects)
	return sha256.Sum256(data), err
}

// apply sends the role before the binding that gives it to somebody.
func apply(ctx context.Context, m *member.Member, role *rbacv1.ClusterRole, binding *rbacv1.ClusterRoleBinding) error {
	ctx, cancel := context.WithTimeout(ctx, applyTimeout)
	defer cancel()
	for _, object := range []struct {
		resource string
		obj      runtime.Object
	}{{"clusterroles", role}, {"clusterrolebindings", binding}} {
		content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(object.obj)
		if err != nil {
			return err
		}
		_, err = m.Dynamic.Resource(rbacv1.SchemeGroupVersion.WithResource(object.resource)).
			Apply(ctx, Name, &unstructured.Unstructured{Object: content}, metav1.ApplyOptions{FieldManager: fieldManager, Force: true})
		if err != nil {
			return fmt.Errorf("apply %s %s: %w", object.resource, Name, err)
		}
	}
	return nil
}
