/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

// Package admission holds what the hub decides about an object while it is being written.
package admission

import (
	"context"
	"io"
	"maps"
	"sync/atomic"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/admission"

	"github.com/manifold-k8s/manifold/pkg/binding"
	"github.com/manifold-k8s/manifold/pkg/match"
	"github.com/manifold-k8s/manifold/pkg/placement"
	"github.com/manifold-k8s/manifold/pkg/policy"
)

// ClaimPlugin is the name of the plugin that Claim is.
const ClaimPlugin = "ClaimTemplates"

// Claim marks a new template as claimed by the policy that governs it, so that this costs no write of its own, and keeps
// the mark when a client replaces the object by one without it. The mark is no more than what the placement controller
// would write a moment later: as long as the policies are not known here, the controller does.
type Claim struct {
	*admission.Handler
	policies atomic.Pointer[policy.Store]
	skipped  match.Namespaces // set before the policies
}

var _ admission.MutationInterface = &Claim{}

// NewClaim returns a plugin that claims nothing until it has policies.
func NewClaim() *Claim {
	return &Claim{Handler: admission.NewHandler(admission.Create, admission.Update)}
}

// Register makes the plugin known under its name.
func (c *Claim) Register(plugins *admission.Plugins) {
	plugins.Register(ClaimPlugin, func(io.Reader) (admission.Interface, error) { return c, nil })
}

// Use gives the plugin the policies, which are consulted as soon as they are known, and the namespaces that none of them
// concerns.
func (c *Claim) Use(p *policy.Store, skipped match.Namespaces) {
	c.skipped = skipped
	c.policies.Store(p)
}

// Admit implements admission.MutationInterface. It refuses nothing.
func (c *Claim) Admit(ctx context.Context, a admission.Attributes, _ admission.ObjectInterfaces) error {
	if a.GetSubresource() != "" {
		return nil
	}
	obj, err := meta.Accessor(a.GetObject())
	if err != nil {
		return nil // no object of the kind that could be a template
	}
	if a.GetOperation() == admission.Update {
		c.keep(ctx, a, obj)
		return nil
	}
	claim := binding.ClaimOf(obj.GetLabels(), obj.GetAnnotations())
	if winner := c.governs(ctx, schema.GroupVersionKind(a.GetKind()), obj, claim); winner != nil && c.ready(winner) {
		edit(obj, func(labels, annotations map[string]string) { binding.SetClaim(labels, annotations, winner) })
	}
	return nil
}

// ready reports whether a policy may claim: the override policies that it depends on are there.
func (c *Claim) ready(p *match.Policy) bool {
	cops, ops := c.policies.Load().Overrides(p.Namespace)
	return len(match.MissingOverrides(p, cops, ops)) == 0
}

// keep puts the mark back on an object that has lost it, as long as the policy governs it: when it does not any more, it
// is the placement controller that takes the mark off.
func (c *Claim) keep(ctx context.Context, a admission.Attributes, obj metav1.Object) {
	old, err := meta.Accessor(a.GetOldObject())
	if err != nil {
		return
	}
	claim := binding.ClaimOf(old.GetLabels(), old.GetAnnotations())
	if claim.Name == "" || !unmarked(obj) {
		return
	}
	winner := c.governs(ctx, schema.GroupVersionKind(a.GetKind()), obj, claim)
	switch {
	case winner == nil:
	case c.ready(winner):
		edit(obj, func(labels, annotations map[string]string) { binding.SetClaim(labels, annotations, winner) })
	default: // what is claimed stays claimed until it can be claimed anew
		edit(obj, func(labels, annotations map[string]string) {
			binding.CopyClaim(labels, annotations, old.GetLabels(), old.GetAnnotations())
		})
	}
}

// unmarked reports whether nothing of a claim is left on the object. Taking off half of it is a deliberate act.
func unmarked(o metav1.Object) bool {
	before := len(o.GetLabels()) + len(o.GetAnnotations())
	labels, annotations := copied(o)
	binding.SetClaim(labels, annotations, nil)
	return len(labels)+len(annotations) == before
}

func copied(o metav1.Object) (labels, annotations map[string]string) {
	labels, annotations = map[string]string{}, map[string]string{}
	maps.Copy(labels, o.GetLabels())
	maps.Copy(annotations, o.GetAnnotations())
	return labels, annotations
}

// edit changes labels and annotations on copies: the maps may be shared with what the client sent.
func edit(o metav1.Object, f func(labels, annotations map[string]string)) {
	labels, annotations := copied(o)
	f(labels, annotations)
	o.SetLabels(labels)
	o.SetAnnotations(annotations)
}

// patience is how long a write waits for the policies that were stored before it to be known here, which usually takes a
// few milliseconds.
const patience = time.Second

// governs returns the policy that governs an object which has that claim, nil if there is none or the policies are not
// known. Who applies a policy and a template in one go gets the claim of that policy, not that of the next best.
func (c *Claim) governs(ctx context.Context, gvk schema.GroupVersionKind, o metav1.Object, claim match.Claim) *match.Policy {
	policies := c.policies.Load()
	if policies == nil || !policies.HasSynced() {
		return nil
	}
	if gvk == placement.Namespaces || placement.Barred(gvk, o, c.skipped) != "" {
		return nil // nothing that a policy could govern, so nothing to wait for
	}
	if !policies.Await(ctx, patience) {
		return nil // the placement controller will know
	}
	pps, cpps := policies.Propagation(o.GetNamespace())
	return match.Best(placement.Matchable(gvk, o), claim, pps, cpps).Policy
}
