/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

// Package placement keeps the binding of every template: which policy governs it, which clusters get it, and how many
// replicas each.
package placement

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/record"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"

	clusterv1alpha1 "github.com/manifold-k8s/manifold/apis/cluster/v1alpha1"
	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
	"github.com/manifold-k8s/manifold/pkg/binding"
	"github.com/manifold-k8s/manifold/pkg/controllers/loop"
	"github.com/manifold-k8s/manifold/pkg/local"
	"github.com/manifold-k8s/manifold/pkg/match"
	"github.com/manifold-k8s/manifold/pkg/placement"
	"github.com/manifold-k8s/manifold/pkg/policy"
	"github.com/manifold-k8s/manifold/pkg/telemetry"
	"github.com/manifold-k8s/manifold/pkg/template"
)

// workers is how many templates are placed at once. A step is a fraction of a millisecond of computing and one write.
const workers = 8

// roomCheck is how often a template for which there is no room is looked at again. Clusters report their room all the
// time, so not every report is acted on.
const roomCheck = 30 * time.Second

// Config is what a Controller needs.
type Config struct {
	Bindings  *binding.Store
	Templates *template.Store
	Policies  *policy.Store
	Clusters  cache.SharedIndexInformer
	Events    record.EventRecorder
	Clock     clock.PassiveClock
	Telemetry *telemetry.Recorder // nil: nothing is measured
	// Skipped are namespaces that stay on the hub with all that is in them, besides those that always do.
	Skipped match.Namespaces
}

// Controller is the loop over templates.
type Controller struct {
	cfg     Config
	loop    *loop.Loop[template.Ref]
	waiting waiting

	mu       sync.Mutex
	informed bool                                 // Run knows all bindings
	early    map[schema.GroupVersionKind]struct{} // kinds of which all templates were known before that
}

// New returns a controller that does nothing until Run.
func New(cfg Config) (*Controller, error) {
	c := &Controller{cfg: cfg, early: map[schema.GroupVersionKind]struct{}{}}
	c.loop = loop.New(loop.Config{Name: "placement", Workers: workers}, c.traced)
	cfg.Templates.OnChange(c.loop.Add)
	cfg.Templates.OnSynced(c.templatesKnown)
	if err := cfg.Bindings.OnChange(c.bindingChanged); err != nil {
		return nil, err
	}
	if err := cfg.Policies.OnPropagationChange(c.policiesChanged); err != nil {
		return nil, err
	}
	if err := cfg.Policies.OnOverrideChange(c.overridesChanged); err != nil {
		return nil, err
	}
	_, err := cfg.Clusters.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: func(any) { c.all() },
		UpdateFunc: func(old, now any) {
			if concernsPlacement(old.(*clusterv1alpha1.Cluster), now.(*clusterv1alpha1.Cluster)) {
				c.all()
			}
		},
		DeleteFunc: func(any) { c.all() },
	})
	return c, err
}

// Run works until ctx ends. It begins when everything that decisions rest on is known.
func (c *Controller) Run(ctx context.Context) error {
	c.cfg.Templates.Want(placement.Namespaces)
	if !cache.WaitForCacheSync(ctx.Done(), c.cfg.Policies.HasSynced, c.cfg.Bindings.HasSynced, c.cfg.Clusters.HasSynced) {
		return nil
	}
	c.mu.Lock()
	early := c.early
	c.early, c.informed = nil, true
	c.mu.Unlock()
	for gvk := range early {
		c.lookAtKind(gvk)
	}
	return c.loop.Run(ctx)
}

func refOf(b *binding.Binding) template.Ref {
	r := b.Spec.Resource
	return template.Ref{Kind: binding.TemplateKind(b), Namespace: r.Namespace, Name: r.Name}
}

func refTo(gvk schema.GroupVersionKind, t metav1.Object) template.Ref {
	return template.Ref{Kind: gvk, Namespace: t.GetNamespace(), Name: t.GetName()}
}

// step decides about one template and writes its binding, and then the claim on the template itself.
func (c *Controller) step(ctx context.Context, ref template.Ref) (time.Duration, error) {
	tmpl, known := c.cfg.Templates.Get(ref)
	key := binding.KeyOf(ref.Namespace, ref.Name, ref.Kind.Kind)
	old := c.cfg.Bindings.Get(key)
	if !known {
		if c.cfg.Templates.Dropped(ref.Kind) {
			return 0, c.withdraw(ctx, ref, nil, old)
		}
		return 0, nil // OnSynced brings us back
	}
	if tmpl == nil || tmpl.GetDeletionTimestamp() != nil {
		c.waiting.over(ref)
		return 0, c.withdraw(ctx, ref, tmpl, old)
	}
	if old == nil && c.cfg.Templates.NamespaceGoes(ref.Namespace) {
		return 0, nil // the template goes with it, perhaps a moment later than its binding did
	}
	if !c.cfg.Policies.Current(func() { c.loop.Add(ref) }) {
		return 0, nil // the policy that governs it may have been stored before it, and not be known here yet
	}
	governor := c.governor(tmpl, old)
	requirers, err := c.requirers(ctx, tmpl, old)
	if err != nil {
		return 0, err
	}
	if old != nil {
		switch {
		case binding.TemplateKind(old) != ref.Kind && !(governor.Any() && vacant(old, tmpl)):
			if governor.Any() || len(requirers) > 0 && old.Spec.Resource.UID != tmpl.GetUID() {
				c.cfg.Events.Eventf(tmpl, corev1.EventTypeWarning, "ApplyPolicyFailed",
					"the binding %s belongs to a %s of the same name", old.Name, old.Spec.Resource.Kind)
			}
			return 0, nil
		case old.DeletionTimestamp != nil:
			return 0, nil // its end brings us back
		case old.Spec.Resource.UID != tmpl.GetUID() && owned(old):
			return 0, c.succeed(ctx, ref, old)
		}
	}
	if missing := c.missingOverrides(governor.Policy); len(missing) > 0 {
		return c.await(ctx, tmpl, old, governor, requirers, missing)
	}
	c.waiting.over(ref)
	return c.place(ctx, tmpl, old, governor, requirers)
}

// place writes the binding that a template should have, and the claim on the template.
func (c *Controller) place(ctx context.Context, tmpl *unstructured.Unstructured, old *binding.Binding, g placement.Governor, requirers []*binding.Binding) (time.Duration, error) {
	if !g.Any() && len(requirers) == 0 {
		return 0, c.unclaim(ctx, tmpl, old)
	}
	next, d := placement.Decide(placement.Input{
		Template: tmpl, Governor: g, Old: old, Clusters: c.clusters(), Requirers: requirers, Now: c.cfg.Clock.Now(),
	})
	if err := c.commit(ctx, old, next); err != nil {
		return 0, err
	}
	c.announce(tmpl, old, next, d)
	c.announceDependencies(tmpl, old, next, d)
	var wait time.Duration
	if d.Scheduled && d.Result.Reason == workv1alpha2.BindingReasonUnschedulable {
		wait = roomCheck
	}
	return wait, c.claim(ctx, tmpl, g.Policy)
}

// vacant reports whether a binding was made for the same object in another version, in which no policy selects it any
// more: then the version that is selected takes it over. Two that are both selected must not take it from one another.
func vacant(b *binding.Binding, tmpl *unstructured.Unstructured) bool {
	return b.Spec.Resource.UID == tmpl.GetUID() && b.DeletionTimestamp == nil && !binding.Claimed(b)
}

func (c *Controller) governor(tmpl *unstructured.Unstructured, b *binding.Binding) placement.Governor {
	pps, cpps := c.cfg.Policies.Propagation(tmpl.GetNamespace())
	policies := placement.Policies{Namespaced: pps, ClusterWide: cpps}
	return placement.GovernClaimed(tmpl.GroupVersionKind(), tmpl, placement.Claim(tmpl, b), policies, c.cfg.Skipped)
}

func (c *Controller) clusters() []*clusterv1alpha1.Cluster {
	return local.All[*clusterv1alpha1.Cluster](c.cfg.Clusters.GetStore())
}

// commit writes the binding, if there is anything new to say.
func (c *Controller) commit(ctx context.Context, old, next *binding.Binding) error {
	switch {
	case old == nil:
		if _, err := c.cfg.Bindings.Create(ctx, next); err != nil {
			return fmt.Errorf("create binding: %w", err)
		}
	case !binding.Same(old, next):
		if _, err := c.cfg.Bindings.Update(ctx, next); err != nil {
			return fmt.Errorf("update binding: %w", err)
		}
	default:
		return nil
	}
	c.cfg.Telemetry.Wrote(telemetry.ByPlacement, telemetry.Binding)
	klog.FromContext(ctx).V(2).Info("Placed", "clusters", next.Spec.Clusters, "requiredBy", len(next.Spec.RequiredBy), "new", old == nil)
	return nil
}

// announce tells in an event when a template cannot be placed, and when it can again.
func (c *Controller) announce(tmpl *unstructured.Unstructured, old, next *binding.Binding, d placement.Decision) {
	if !d.Scheduled {
		return
	}
	var before *metav1.Condition
	if old != nil {
		before = meta.FindStatusCondition(old.Status.Conditions, workv1alpha2.Scheduled)
	}
	now := meta.FindStatusCondition(next.Status.Conditions, workv1alpha2.Scheduled)
	switch {
	case now == nil || (before != nil && before.Status == now.Status && before.Message == now.Message):
	case now.Status == metav1.ConditionFalse:
		c.cfg.Events.Event(tmpl, corev1.EventTypeWarning, "ScheduleBindingFailed", now.Message)
	case before != nil && before.Status == metav1.ConditionFalse:
		c.cfg.Events.Event(tmpl, corev1.EventTypeNormal, "ScheduleBindingSucceed", now.Message)
	}
}

// withdraw deletes the binding of a template that is gone or going. An absent template is believed only when the API
// itself says so; one whose dependents are to be orphaned leaves them.
func (c *Controller) withdraw(ctx context.Context, ref template.Ref, tmpl *unstructured.Unstructured, b *binding.Binding) error {
	if b == nil || b.DeletionTimestamp != nil || refOf(b) != ref {
		return nil
	}
	if tmpl != nil && tmpl.GetUID() == b.Spec.Resource.UID {
		if slices.Contains(tmpl.GetFinalizers(), metav1.FinalizerOrphanDependents) {
			return nil
		}
		return c.delete(ctx, b)
	}
	if !owned(b) {
		return nil // orphaned on purpose
	}
	return c.succeed(ctx, ref, b)
}

// owned reports whether a binding still belongs to the template it was made for. It does not when that was deleted with
// its dependents orphaned: the copies then wait for the next template of this name.
func owned(b *binding.Binding) bool {
	return slices.ContainsFunc(b.OwnerReferences, func(o metav1.OwnerReference) bool { return o.UID == b.Spec.Resource.UID })
}

// succeed deletes the binding of a template that has gone, or has been followed by another of its name, if the API
// itself says so.
func (c *Controller) succeed(ctx context.Context, ref template.Ref, b *binding.Binding) error {
	live, err := c.cfg.Templates.Live(ctx, ref)
	if meta.IsNoMatchError(err) {
		return nil // OnSynced brings us back, when its kind is served again or is gone
	}
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("check that the template is gone: %w", err)
	}
	if err == nil && live.GetUID() == b.Spec.Resource.UID {
		return nil // the cache is behind, and its next event is on the way
	}
	return c.delete(ctx, b)
}

// unclaim takes the claim off a template that no policy governs any more, and off its binding. What was propagated stays
// as it is, until some policy claims the template again.
func (c *Controller) unclaim(ctx context.Context, tmpl *unstructured.Unstructured, old *binding.Binding) error {
	if old != nil && old.Labels[workv1alpha2.BindingManagedByLabel] == "" {
		next, done := placement.Release(old, c.clusters())
		if done {
			return c.delete(ctx, old)
		}
		if !binding.Same(old, next) {
			if _, err := c.cfg.Bindings.Update(ctx, next); err != nil {
				return fmt.Errorf("take the claim off the binding: %w", err)
			}
			c.cfg.Telemetry.Wrote(telemetry.ByPlacement, telemetry.Binding)
		}
	}
	return c.claim(ctx, tmpl, nil)
}

// claim makes the template say which policy governs it.
func (c *Controller) claim(ctx context.Context, tmpl *unstructured.Unstructured, p *match.Policy) error {
	oldLabels, oldAnnotations := tmpl.GetLabels(), tmpl.GetAnnotations()
	labels, annotations := maps.Clone(oldLabels), maps.Clone(oldAnnotations)
	if labels == nil {
		labels = map[string]string{}
	}
	if annotations == nil {
		annotations = map[string]string{}
	}
	if !binding.SetClaim(labels, annotations, p) {
		return nil
	}
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{
		"uid":         tmpl.GetUID(), // not that of a successor
		"labels":      difference(oldLabels, labels),
		"annotations": difference(oldAnnotations, annotations),
	}})
	if err != nil {
		return err
	}
	if err := c.cfg.Templates.Patch(ctx, template.RefOf(tmpl), types.MergePatchType, patch); err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("mark the template as claimed: %w", err)
	}
	c.cfg.Telemetry.Wrote(telemetry.ByPlacement, telemetry.Template)
	return nil
}

// difference is what a merge patch must say to turn one map into the other.
func difference(from, to map[string]string) map[string]any {
	out := map[string]any{}
	for k, v := range to {
		if old, ok := from[k]; !ok || old != v {
			out[k] = v
		}
	}
	for k := range from {
		if _, ok := to[k]; !ok {
			out[k] = nil
		}
	}
	return out
}
