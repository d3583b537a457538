/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

// Package status brings back what became of a template: the state of its copy in each member into its binding, and their
// sum into the status of the template itself. It also lets a binding go when all its copies are gone.
package status

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/maphash"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"

	clusterv1alpha1 "github.com/manifold-k8s/manifold/apis/cluster/v1alpha1"
	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
	"github.com/manifold-k8s/manifold/pkg/binding"
	"github.com/manifold-k8s/manifold/pkg/controllers/loop"
	syncer "github.com/manifold-k8s/manifold/pkg/controllers/sync"
	"github.com/manifold-k8s/manifold/pkg/interpret"
	"github.com/manifold-k8s/manifold/pkg/member"
	"github.com/manifold-k8s/manifold/pkg/telemetry"
	"github.com/manifold-k8s/manifold/pkg/template"
)

const (
	workers = 4
	// firstLook is for how long after a start a template waits for all its members to be heard of, before its state is
	// computed from what is known.
	firstLook = 5 * time.Second
	// writeGap is the least time between two writes about the same template.
	writeGap = time.Second
	// firstHold and lastHold are for how long a state that is still moving is held back: most rollouts are through by
	// then, and cost one write. A state that has settled, or is a failure, is written at once.
	firstHold, lastHold = 2 * time.Second, 8 * time.Second
	// progressRate and progressBurst bound the writes about states that are still moving, hub-wide: a few rollouts are
	// followed step by step, a thousand at once report their ends.
	progressRate  = 3 // per second
	progressBurst = 20
	// A state that has been moving for longHeld without a word may also take one of these: a thousand rollouts that are
	// stuck are told of within two minutes. Rollouts that take long because there are so many of them are over by then.
	longHeld = 75 * time.Second
	longRate = 40 // per second
	// ageRate and ageBurst bound the writes that say nothing but that a cluster has stopped to answer, or does again: they
	// concern all that is in it.
	ageRate  = 50 // per second
	ageBurst = 100
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
	Telemetry *telemetry.Recorder // nil: nothing is measured
}

// Controller is the loop over bindings.
type Controller struct {
	cfg  Config
	loop *loop.Loop[types.NamespacedName]
	// setStatus writes into templates.
	setStatus func(ctx context.Context, tmpl *unstructured.Unstructured, status map[string]any) error
	pacer     *pacer
}

// New returns a controller that does nothing until Run. Outcomes must call Enqueue on changes.
func New(cfg Config) (*Controller, error) {
	c := &Controller{cfg: cfg, setStatus: cfg.Templates.SetStatus, pacer: newPacer(progressRate, ageRate)}
	c.loop = loop.New(loop.Config{Name: "status", Workers: workers}, c.step)
	cfg.Fleet.Listen(member.Events{
		Changed: func(_ *member.Member, ch member.Change) {
			if ch.Old == nil || ch.New == nil || ch.Old.Health != ch.New.Health || ch.Old.Hash != ch.New.Hash || ch.Old.Status != ch.New.Status {
				c.addSoon(binding.KeyOf(ch.Namespace, ch.Name, ch.Kind.Kind))
			}
		},
		Reachable: func(m *member.Member) { c.ofCluster(m.Name, saysAway) },
	})
	cfg.Templates.OnSynced(func(gvk schema.GroupVersionKind) {
		cfg.Bindings.All(func(b *binding.Binding) {
			if binding.TemplateKind(b) == gvk {
				c.loop.AddBacklog(binding.Key(b))
			}
		})
	})
	cfg.Templates.OnChange(func(r template.Ref) { c.loop.Add(binding.KeyOf(r.Namespace, r.Name, r.Kind.Kind)) })
	// Our own writes bring us back, too: a step that came before the caches had the last one compared with an older state,
	// and may have found nothing to say when there was.
	cfg.Templates.OnStatusChange(func(r template.Ref) { c.addSoon(binding.KeyOf(r.Namespace, r.Name, r.Kind.Kind)) })
	if err := cfg.Bindings.OnChange(func(old, now *binding.Binding) {
		switch {
		case now == nil:
			c.pacer.forget(binding.Key(old))
		case old == nil && !cfg.Bindings.HasSynced(): // there before us
			c.loop.AddBacklog(binding.Key(now))
		case old == nil || old.Generation != now.Generation || (old.DeletionTimestamp == nil) != (now.DeletionTimestamp == nil):
			c.loop.Add(binding.Key(now))
		case old.ResourceVersion != now.ResourceVersion: // not a relist of what is known
			c.addSoon(binding.Key(now))
		}
	}); err != nil {
		return nil, err
	}
	_, err := cfg.Clusters.AddEventHandler(cache.ResourceEventHandlerFuncs{
		UpdateFunc: func(old, now any) {
			a, b := old.(*clusterv1alpha1.Cluster), now.(*clusterv1alpha1.Cluster)
			if notReadySince(a) != notReadySince(b) {
				c.ofCluster(b.Name, nil)
			}
		},
		DeleteFunc: func(obj any) {
			if name, err := cache.DeletionHandlingMetaNamespaceKeyFunc(obj); err == nil {
				c.ofCluster(name, nil)
			}
		},
	})
	return c, err
}

// ofCluster asks for a step on all bindings that a cluster may hold copies of, and that pass the filter.
func (c *Controller) ofCluster(cluster string, filter func(b *binding.Binding, cluster string) bool) {
	c.cfg.Bindings.OfCluster(cluster, func(b *binding.Binding) {
		if filter == nil || filter(b, cluster) {
			c.loop.Add(binding.Key(b))
		}
	})
}

// Enqueue asks for a step on a binding of which an outcome has changed.
func (c *Controller) Enqueue(key types.NamespacedName) {
	if b := c.cfg.Bindings.Get(key); b == nil || b.DeletionTimestamp != nil {
		c.loop.Add(key) // somebody waits for it to go
		return
	}
	c.addSoon(key)
}

// gather is for how long a step waits for more news of the same template: the members tell of a change one after the
// other, within moments.
const gather = 100 * time.Millisecond

// addSoon asks for a step when the news of about now have come together.
func (c *Controller) addSoon(key types.NamespacedName) { c.loop.AddAfter(key, gather) }

// Run works until ctx ends. It begins when bindings and clusters are known: an unknown cluster must not look like one
// that has left.
func (c *Controller) Run(ctx context.Context) error {
	if !cache.WaitForCacheSync(ctx.Done(), c.cfg.Bindings.HasSynced, c.cfg.Clusters.HasSynced) {
		return nil
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return c.loop.Run(ctx) })
	g.Go(func() error { return c.usher(ctx) })
	return g.Wait()
}

// usher asks for a step on those whose turn it is to show progress, until ctx ends.
func (c *Controller) usher(ctx context.Context) error {
	var again <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-c.pacer.began:
		case <-again:
		}
		due, wait := c.pacer.next(c.cfg.Clock.Now())
		for _, key := range due {
			c.loop.Add(key)
		}
		again = nil
		if wait > 0 {
			again = time.After(wait)
		}
	}
}

// step writes the state of one binding and its template.
func (c *Controller) step(ctx context.Context, key types.NamespacedName) (time.Duration, error) {
	b := c.cfg.Bindings.Get(key)
	if b == nil {
		c.pacer.forget(key)
		return 0, nil
	}
	views := c.views(b, key)
	if b.DeletionTimestamp != nil {
		return 0, c.finalize(ctx, b, views)
	}
	now := c.cfg.Clock.Now()
	if unheard(b, views) {
		if wait := c.pacer.patience(key, now); wait > 0 {
			return wait, nil
		}
	}
	n := news{binding: b, status: b.Status.DeepCopy()}
	moving, failed := summarize(n.status, b, views, now)
	var rolling bool
	n.template, n.templateStatus, rolling = c.templateStatus(b, views, now)
	n.moving = (moving || rolling) && !failed // what is wrong is said at once
	return c.publish(ctx, key, n, now)
}

// news is the state that a binding and its template should have.
type news struct {
	binding        *binding.Binding // as it is
	status         *workv1alpha2.ResourceBindingStatus
	template       *unstructured.Unstructured // as it is
	templateStatus map[string]any             // nil when there is nothing new
	moving         bool                       // the state is about to change again
}

// publish writes what is new, when its time has come. One pace holds for both objects.
func (c *Controller) publish(ctx context.Context, key types.NamespacedName, n news, now time.Time) (wait time.Duration, err error) {
	bindingChanged := !binding.SameStatus(&n.binding.Status, n.status)
	if !bindingChanged && n.templateStatus == nil {
		c.pacer.idle(key)
		return 0, nil
	}
	ageOnly := onlyAge(n.binding.Status.AggregatedStatus, n.status.AggregatedStatus)
	if wait := c.pacer.wait(key, n.moving, ageOnly, now); wait > 0 {
		return wait, nil
	}
	ctx, span := c.trace(ctx, n.binding)
	defer func() { span.End(err) }()
	templateWritten := false
	if n.templateStatus != nil {
		var err error
		if templateWritten, err = c.writeTemplate(ctx, key, n.template, n.templateStatus); err != nil {
			return 0, err
		}
	}
	if bindingChanged {
		out := n.binding.DeepCopy()
		out.Status = *n.status
		if _, err := c.cfg.Bindings.Update(ctx, out); err != nil {
			return 0, fmt.Errorf("write the state of the members: %w", err)
		}
		c.cfg.Telemetry.Wrote(telemetry.ByStatus, telemetry.Binding)
	}
	c.pacer.wrote(key, n.moving, now)
	if bindingChanged || templateWritten {
		klog.FromContext(ctx).V(2).Info("State written", "binding", bindingChanged, "template", templateWritten, "moving", n.moving)
	}
	return 0, nil
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
	c.cfg.Telemetry.Wrote(telemetry.ByStatus, telemetry.Binding)
	return nil
}

// templateStatus returns the template and the status that it should have, or nil if it has it, and whether the template is
// still being rolled out.
func (c *Controller) templateStatus(b *binding.Binding, views []view, now time.Time) (tmpl *unstructured.Unstructured, status map[string]any, rolling bool) {
	ref := template.Ref{Kind: binding.TemplateKind(b), Namespace: b.Spec.Resource.Namespace, Name: b.Spec.Resource.Name}
	tmpl, _ = c.cfg.Templates.Get(ref)
	if tmpl == nil || tmpl.GetUID() != b.Spec.Resource.UID || tmpl.GetDeletionTimestamp() != nil || !binding.Governed(b) {
		return nil, nil, false
	}
	kind := interpret.Of(ref.Kind)
	n, workload := kind.Replicas(tmpl)
	if workload && n != b.Spec.Replicas {
		return nil, nil, true // scaled, and not divided yet
	}
	status, changed := kind.Aggregate(tmpl, interpret.Members{
		Items: items(b, views, workload), Scheduled: b.Status.SchedulerObservedGeneration > 0, Reported: hasReported(b), Now: now,
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

// writeTemplate replaces the status of the template, if it still is the same object. A status that the hub does not take,
// because the kind's definition has no status there or another form of it, is not offered again before something is new.
func (c *Controller) writeTemplate(ctx context.Context, key types.NamespacedName, tmpl *unstructured.Unstructured, status map[string]any) (taken bool, err error) {
	data, err := json.Marshal(status)
	if err != nil {
		return false, err
	}
	offer := maphash.Bytes(offers, append(data, tmpl.GetResourceVersion()...))
	if c.pacer.offered(key, offer) {
		return false, nil
	}
	err = c.setStatus(ctx, tmpl, status)
	switch {
	case err == nil, apierrors.IsNotFound(err):
	case apierrors.IsInvalid(err), apierrors.IsMethodNotSupported(err), apierrors.IsBadRequest(err):
		klog.FromContext(ctx).V(2).Info("The hub does not take the status of the template; it stands in the binding", "err", err.Error())
	default:
		return false, fmt.Errorf("write the status of the template: %w", err)
	}
	if err == nil {
		c.cfg.Telemetry.Wrote(telemetry.ByStatus, telemetry.Template)
	}
	c.pacer.offer(key, offer)
	return err == nil, nil
}

// offers seeds the hashes of what was offered to the hub; they are compared within this process only.
var offers = maphash.MakeSeed()
