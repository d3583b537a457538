/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package placement

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
	"github.com/manifold-k8s/manifold/pkg/binding"
	"github.com/manifold-k8s/manifold/pkg/interpret"
	"github.com/manifold-k8s/manifold/pkg/placement"
	"github.com/manifold-k8s/manifold/pkg/template"
)

// requirers finds out who needs a template beside its own. Who is said to need it does so until the contrary is certain:
// what follows from it is a deletion. It is asked again when that may have come to be known.
func (c *Controller) requirers(ctx context.Context, tmpl *unstructured.Unstructured, old *binding.Binding) ([]*binding.Binding, error) {
	gvk := tmpl.GroupVersionKind()
	object := placement.ObjectOf(gvk, tmpl)
	by := c.cfg.Bindings.Requirers(object)
	said := old != nil && old.Spec.Resource.UID == tmpl.GetUID() && len(old.Spec.RequiredBy) > 0
	if len(by) == 0 && !said { // as nearly everywhere
		return nil, nil
	}
	if !placement.Attachable(gvk, tmpl, c.cfg.Skipped) {
		return nil, nil
	}
	if !said {
		return by, nil
	}
	for i := range old.Spec.RequiredBy {
		key := placement.KeyOfSnapshot(&old.Spec.RequiredBy[i])
		if slices.ContainsFunc(by, func(b *binding.Binding) bool { return binding.Key(b) == key }) {
			continue
		}
		one, err := c.saidToNeed(ctx, key)
		if err != nil {
			return nil, err
		}
		var its *unstructured.Unstructured
		if one != nil {
			its, _ = c.cfg.Templates.Get(refOf(one))
		}
		if placement.StillNeeds(one, its, object) != placement.Ended {
			by = append(by, one)
		}
	}
	return by, nil
}

// saidToNeed reads a binding that is said to need an object, nil if there is none. An absent one is believed to be so when
// the store says it, past the cache.
func (c *Controller) saidToNeed(ctx context.Context, key types.NamespacedName) (*binding.Binding, error) {
	if b := c.cfg.Bindings.Get(key); b != nil {
		return b, nil
	}
	b, err := c.cfg.Bindings.Live(ctx, key)
	switch {
	case apierrors.IsNotFound(err):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("check that a binding which needs the template is gone: %w", err)
	}
	return b, nil
}

// needsChanged asks for a step on what a binding needs beside its template, or has needed, when something about that may
// have changed. Most bindings need nothing.
func (c *Controller) needsChanged(old, now *binding.Binding) {
	if !binding.TakesAlong(old) && !binding.TakesAlong(now) || sameNeeds(old, now) {
		return
	}
	initial := old == nil && !c.cfg.Bindings.HasSynced() // then OnSynced tells of everything of the kinds
	for _, b := range []*binding.Binding{old, now} {
		if !binding.TakesAlong(b) {
			continue
		}
		refs, _ := binding.Dependencies(b)
		for _, d := range refs {
			gvk := schema.FromAPIVersionAndKind(d.APIVersion, d.Kind)
			c.cfg.Templates.Want(gvk)
			if !initial {
				c.lookAtNeeded(b.Namespace, gvk, d)
			}
		}
	}
	if !initial {
		c.cfg.Bindings.RequiredBy(binding.Key(cmp.Or(now, old)), func(b *binding.Binding) { c.loop.Add(refOf(b)) })
	}
}

// templateRead asks for a step on what is said to be needed by a binding, once its own template can be asked whether that
// is so.
func (c *Controller) templateRead(by *binding.Binding) {
	if binding.TakesAlong(by) {
		c.cfg.Bindings.RequiredBy(binding.Key(by), func(b *binding.Binding) { c.loop.AddBacklog(refOf(b)) })
	}
}

// sameNeeds reports whether two states of a binding say the same of what follows its template.
func sameNeeds(old, now *binding.Binding) bool {
	return binding.TakesAlong(old) && binding.TakesAlong(now) && binding.PermanentID(old) == binding.PermanentID(now) &&
		old.Annotations[workv1alpha2.DependenciesAnnotation] == now.Annotations[workv1alpha2.DependenciesAnnotation] &&
		old.Spec.ConflictResolution == now.Spec.ConflictResolution &&
		equality.Semantic.DeepEqual(old.Spec.PreserveResourcesOnDeletion, now.Spec.PreserveResourcesOnDeletion) &&
		equality.Semantic.DeepEqual(old.Spec.Clusters, now.Spec.Clusters)
}

// lookAtNeeded asks for a step on what a reference in that namespace is to, in whatever version it is placed.
func (c *Controller) lookAtNeeded(namespace string, gvk schema.GroupVersionKind, d interpret.Dependency) {
	if d.Name == "" {
		c.cfg.Templates.All(gvk, func(t metav1.Object) {
			if binding.Refer(namespace, []interpret.Dependency{d}, placement.ObjectOf(gvk, t)) {
				c.loop.Add(refTo(gvk, t))
			}
		})
		return
	}
	c.loop.Add(template.Ref{Kind: gvk, Namespace: namespace, Name: d.Name})
	if b := c.cfg.Bindings.Get(binding.KeyOf(namespace, d.Name, gvk.Kind)); b != nil && binding.TemplateKind(b).GroupKind() == gvk.GroupKind() {
		c.loop.Add(refOf(b))
	}
}

// announceDependencies tells, with a new state of the binding, what is wrong between a template and others that need it, or
// that it needs.
func (c *Controller) announceDependencies(tmpl *unstructured.Unstructured, old, next *binding.Binding, d placement.Decision) {
	if d.Dispute == "" && d.Unread == nil || old != nil && binding.Same(old, next) {
		return
	}
	if d.Dispute != "" {
		c.cfg.Events.Event(tmpl, corev1.EventTypeWarning, "DependencyPolicyConflict", d.Dispute)
	}
	if d.Unread != nil {
		c.cfg.Events.Event(tmpl, corev1.EventTypeWarning, "GetDependenciesFailed", d.Unread.Error())
	}
}
