/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package placement

import (
	"maps"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	clusterv1alpha1 "github.com/manifold-k8s/manifold/apis/cluster/v1alpha1"
	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
	"github.com/manifold-k8s/manifold/pkg/binding"
	"github.com/manifold-k8s/manifold/pkg/match"
	"github.com/manifold-k8s/manifold/pkg/placement"
	"github.com/manifold-k8s/manifold/pkg/policy"
	"github.com/manifold-k8s/manifold/pkg/template"
)

// all asks for a step on everything that is placed.
func (c *Controller) all() {
	c.cfg.Bindings.All(func(b *binding.Binding) { c.loop.AddBacklog(refOf(b)) })
}

// concernsPlacement reports whether a change of a cluster may change a decision.
func concernsPlacement(old, now *clusterv1alpha1.Cluster) bool {
	return old.Generation != now.Generation || (old.DeletionTimestamp == nil) != (now.DeletionTimestamp == nil) ||
		!maps.Equal(old.Labels, now.Labels) ||
		meta.IsStatusConditionTrue(old.Status.Conditions, clusterv1alpha1.ClusterConditionCompleteAPIEnablements) !=
			meta.IsStatusConditionTrue(now.Status.Conditions, clusterv1alpha1.ClusterConditionCompleteAPIEnablements) ||
		!equality.Semantic.DeepEqual(old.Status.APIEnablements, now.Status.APIEnablements)
}

// bindingChanged follows what others do to a binding, and the end of one, which makes room for the next of its name.
func (c *Controller) bindingChanged(old, now *binding.Binding) {
	c.needsChanged(old, now)
	switch {
	case now == nil:
		c.loop.Add(refOf(old))
	case old == nil:
		c.cfg.Templates.Want(binding.TemplateKind(now))
		if c.cfg.Bindings.HasSynced() { // of what there was before, OnSynced tells
			c.loop.Add(refOf(now))
		}
	case old.Generation != now.Generation || !maps.Equal(old.Labels, now.Labels) || !maps.Equal(old.Annotations, now.Annotations) || !sameVerdict(old, now):
		c.loop.Add(refOf(now))
		if binding.Claimed(old) && !binding.Claimed(now) {
			for _, gvk := range c.cfg.Templates.Versions(binding.TemplateKind(now).GroupKind()) {
				c.loop.Add(template.Ref{Kind: gvk, Namespace: now.Spec.Resource.Namespace, Name: now.Spec.Resource.Name})
			}
		}
	}
}

// sameVerdict reports whether the status says the same about placement. Most of these changes are our own, and must bring
// us back all the same: a step that came before the cache had one of them compared with an older verdict, and may have
// found nothing to say when there was.
func sameVerdict(old, now *binding.Binding) bool {
	return old.Status.SchedulerObservedGeneration == now.Status.SchedulerObservedGeneration && equality.Semantic.DeepEqual(
		meta.FindStatusCondition(old.Status.Conditions, workv1alpha2.Scheduled),
		meta.FindStatusCondition(now.Status.Conditions, workv1alpha2.Scheduled))
}

// policiesChanged asks for a step on every template that the policy selected before or selects now.
func (c *Controller) policiesChanged(selections ...policy.Selection) {
	for _, s := range selections {
		for _, r := range s.Selectors {
			gvk := schema.FromAPIVersionAndKind(r.APIVersion, r.Kind)
			if ok, _ := match.Propagatable(gvk, r.Namespace, r.Name, nil); !ok {
				continue // nothing it could select
			}
			c.cfg.Templates.Want(gvk)
			c.cfg.Templates.All(gvk, func(t metav1.Object) {
				if s.Covers(placement.Matchable(gvk, t)) {
					c.loop.AddBacklog(refTo(gvk, t))
				}
			})
		}
	}
}

// templatesKnown follows when all templates of a kind are known. Before the bindings are, it cannot be told which of them
// are new.
func (c *Controller) templatesKnown(gvk schema.GroupVersionKind) {
	c.mu.Lock()
	if !c.informed {
		c.early[gvk] = struct{}{}
	}
	informed := c.informed
	c.mu.Unlock()
	if informed {
		c.lookAtKind(gvk)
	}
}

// lookAtKind asks for a step on everything of a kind. Steps that came too early, before everything of the kind was known,
// have done nothing.
func (c *Controller) lookAtKind(gvk schema.GroupVersionKind) {
	c.cfg.Templates.All(gvk, func(t metav1.Object) {
		if c.cfg.Bindings.Get(binding.KeyOf(t.GetNamespace(), t.GetName(), gvk.Kind)) == nil {
			c.loop.Add(refTo(gvk, t)) // it may have come just now
		} else {
			c.loop.AddBacklog(refTo(gvk, t))
		}
	})
	// Templates that went while nobody watched have left a binding.
	c.cfg.Bindings.All(func(b *binding.Binding) {
		if binding.TemplateKind(b) == gvk {
			c.loop.AddBacklog(refOf(b))
			c.templateRead(b)
		}
	})
}
