/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

// Package status brings back what became of a template: the state of its copy in each member into its binding, and their
// sum into the status of the template itself. It also lets a binding go when all its copies are gone.
package status

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/time/rate"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"

	"github.com/manifold-k8s/manifold/pkg/binding"
	"github.com/manifold-k8s/manifold/pkg/controllers/loop"
	syncer "github.com/manifold-k8s/manifold/pkg/controllers/sync"
	"github.com/manifold-k8s/manifold/pkg/interpret"
	"github.com/manifold-k8s/manifold/pkg/member"
	"github.com/manifold-k8s/manifold/pkg/template"
)

const (
	workers = 4
	// writeGap is the least time between two writes about the same template.
	writeGap = time.Second
	// firstHold and lastHold are for how long a state that is still moving is held back: most rollouts are through by
	// then, and cost one write. A state that has settled, or is a failure, is written at once.
	firstHold, lastHold = 2 * time.Second, 8 * time.Second
	// progressRate and progressBurst bound the writes about states that are still moving, hub-wide: a few rollouts are
	// followed step by step, a thousand at once report their ends.
	progressRate  = 3 // per second
	progressBurst = 20
)

// Outcomes tells what became of a binding in a member.
type Outcomes interface {
	Outcome(cluster string, key types.NamespacedName) (syncer.Outcome, bool)
}

// Config is what a Controller needs.
type Config struct {
	Bindings  *binding.Store
	Templates *template.Store
	Clusters  cache.SharedIndexInformer
	Fleet     *member.Fleet
	Outcomes  Outcomes
	Clock     clock.PassiveClock
}

// pace is when the state of a template was written and for how long the next one is held back.
type pace struct {
	written time.Time // of the last write
	moving  time.Time // since when there is a moving state that was not written
	hold    time.Duration
}

// Controller is the loop over bindings.
type Controller struct {
	cfg  Config
	loop *loop.Loop[types.NamespacedName]

	mu       sync.Mutex
	paces    map[types.NamespacedName]*pace
	progress *rate.Limiter
}

// New returns a controller that does nothing until Run. Outcomes must call Enqueue on changes.
func New(cfg Config) (*Controller, error) {
	c := &Controller{cfg: cfg, paces: map[types.NamespacedName]*pace{}, progress: rate.NewLimiter(progressRate, progressBurst)}
	c.loop = loop.New(loop.Config{Name: "status", Workers: workers}, c.step)
	cfg.Fleet.Listen(member.Events{Changed: func(_ *member.Member, ch member.Change) {
		if ch.Old == nil || ch.New == nil || ch.Old.Health != ch.New.Health || ch.Old.Hash != ch.New.Hash || ch.Old.Status != ch.New.Status {
			c.loop.Add(binding.KeyOf(ch.Namespace, ch.Name, ch.Kind.Kind))
		}
	}})
	cfg.Templates.OnSynced(func(gvk schema.GroupVersionKind) {
		cfg.Bindings.All(func(b *binding.Binding) {
			if binding.TemplateKind(b) == gvk {
				c.loop.AddBacklog(binding.Key(b))
			}
		})
	})
	cfg.Templates.OnChange(func(r template.Ref) { c.loop.Add(binding.KeyOf(r.Namespace, r.Name, r.Kind.Kind)) })
	if err := cfg.Bindings.OnChange(func(old, now *binding.Binding) {
		switch {
		case now == nil:
			c.forget(binding.Key(old))
		case old == nil && !cfg.Bindings.HasSynced(): // there before us
			c.loop.AddBacklog(binding.Key(now))
		case old == nil || old.Generation != now.Generation || (old.DeletionTimestamp == nil) != (now.DeletionTimestamp == nil):
			c.loop.Add(binding.Key(now))
		}
	}); err != nil {
		return nil, err
	}
	_, err := cfg.Clusters.AddEventHandler(cache.ResourceEventHandlerFuncs{DeleteFunc: func(obj any) {
		if name, err := cache.DeletionHandlingMetaNamespaceKeyFunc(obj); err == nil {
			cfg.Bindings.OfCluster(name, func(b *binding.Binding) { c.loop.Add(binding.Key(b)) })
		}
	}})
	return c, err
}

// Enqueue asks for a step on a binding.
func (c *Controller) Enqueue(key types.NamespacedName) { c.loop.Add(key) }

// Run works until ctx ends. It begins when bindings and clusters are known: an unknown cluster must not look like one
// that has left.
func (c *Controller) Run(ctx context.Context) error {
	if !cache.WaitForCacheSync(ctx.Done(), c.cfg.Bindings.HasSynced, c.cfg.Clusters.HasSynced) {
		return nil
	}
	return c.loop.Run(ctx)
}

func (c *Controller) forget(key types.NamespacedName) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.paces, key)
}

// step writes the state of one binding and its template.
func (c *Controller) step(ctx context.Context, key types.NamespacedName) (time.Duration, error) {
	b := c.cfg.Bindings.Get(key)
	if b == nil {
		c.forget(key)
		return 0, nil
	}
	views := c.views(b, key)
	if b.DeletionTimestamp != nil {
		return 0, c.finalize(ctx, b, views)
	}
	now := c.cfg.Clock.Now()
	next := b.Status.DeepCopy()
	moving, failed := summarize(next, b, views, now)
	tmpl, status, rolling := c.templateStatus(b, views, now)
	moving = (moving || rolling) && !failed // what is wrong is said at once
	bindingChanged := !equality.Semantic.DeepEqual(&b.Status, next)
	if !bindingChanged && status == nil {
		return 0, nil
	}
	if wait := c.pace(key, moving, now); wait > 0 {
		return wait, nil
	}
	if status != nil {
		if err := c.writeTemplate(ctx, tmpl, status); err != nil {
			return 0, err
		}
	}
	if bindingChanged {
		out := b.DeepCopy()
		out.Status = *next
		if _, err := c.cfg.Bindings.Update(ctx, out); err != nil {
			return 0, fmt.Errorf("write the state of the members: %w", err)
		}
	}
	c.wrote(key, moving, now)
	klog.FromContext(ctx).V(2).Info("State written", "binding", bindingChanged, "template", status != nil, "moving", moving)
	return 0, nil
}

// pace returns for how long the state has to be held back still.
func (c *Controller) pace(key types.NamespacedName, moving bool, now time.Time) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	p := c.paces[key]
	if p == nil {
		p = &pace{hold: firstHold}
		c.paces[key] = p
	}
	wait := writeGap - now.Sub(p.written)
	if !moving {
		p.moving, p.hold = time.Time{}, firstHold
		return wait
	}
	if p.moving.IsZero() {
		p.moving = now
	}
	wait = max(wait, p.hold-now.Sub(p.moving))
	if wait <= 0 && !c.progress.AllowN(now, 1) {
		return p.hold
	}
	return wait
}

func (c *Controller) wrote(key types.NamespacedName, moving bool, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if p := c.paces[key]; p != nil {
		p.written = now
		if moving {
			p.moving, p.hold = time.Time{}, min(2*p.hold, lastHold)
		}
	}
}

// finalize lets go of a binding that is being deleted, as soon as no member holds a copy any more.
func (c *Controller) finalize(ctx context.Context, b *binding.Binding, views []view) error {
	i := slices.Index(b.Finalizers, binding.Finalizer(b.Namespace))
	if i < 0 || slices.ContainsFunc(views, func(v view) bool { return !v.left }) {
		return nil
	}
	out := b.DeepCopy()
	out.Finalizers = slices.Delete(out.Finalizers, i, i+1)
	if _, err := c.cfg.Bindings.Update(ctx, out); err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("release binding: %w", err)
	}
	return nil
}

// templateStatus returns the template and the status that it should have, or nil if it has it, and whether the template is
// still being rolled out.
func (c *Controller) templateStatus(b *binding.Binding, views []view, now time.Time) (tmpl *unstructured.Unstructured, status map[string]any, rolling bool) {
	ref := template.Ref{Kind: binding.TemplateKind(b), Namespace: b.Spec.Resource.Namespace, Name: b.Spec.Resource.Name}
	tmpl, _ = c.cfg.Templates.Get(ref)
	if tmpl == nil || tmpl.GetUID() != b.Spec.Resource.UID || tmpl.GetDeletionTimestamp() != nil || !binding.Claimed(b) {
		return nil, nil, false
	}
	kind := interpret.Of(ref.Kind)
	n, _, workload := kind.Replicas(tmpl)
	if workload && n != b.Spec.Replicas {
		return nil, nil, true // scaled, and not divided yet
	}
	status, changed := kind.Aggregate(tmpl, interpret.Members{
		Items: items(b, views, workload), Scheduled: b.Status.SchedulerObservedGeneration > 0, Now: now,
	})
	rolling = rollingOut(tmpl, status)
	if !changed {
		return nil, nil, rolling
	}
	return tmpl, status, rolling
}

// rollingOut reports whether a workload's status speaks of an earlier generation, of replicas of an earlier revision, or
// of replicas that are not available.
func rollingOut(tmpl *unstructured.Unstructured, status map[string]any) bool {
	if seen, ok := status["observedGeneration"].(int64); ok && seen < tmpl.GetGeneration() {
		return true
	}
	replicas, counted := status["replicas"].(int64)
	if updated, ok := status["updatedReplicas"].(int64); counted && ok && updated != replicas {
		return true
	}
	available, ok := status["availableReplicas"].(int64)
	return counted && ok && available != replicas
}

// writeTemplate replaces the status of the template, if it still is the same object.
func (c *Controller) writeTemplate(ctx context.Context, tmpl *unstructured.Unstructured, status map[string]any) error {
	if err := c.cfg.Templates.SetStatus(ctx, tmpl, status); err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("write the status of the template: %w", err)
	}
	return nil
}
