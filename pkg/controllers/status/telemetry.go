/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package status

import (
	"context"

	"github.com/manifold-k8s/manifold/pkg/binding"
	"github.com/manifold-k8s/manifold/pkg/telemetry"
)

// Waiting is how many bindings wait for a step.
func (c *Controller) Waiting() int { return c.loop.Len() }

// trace begins the span of writing the state of a binding, as a part of the trace of the template's last write.
func (c *Controller) trace(ctx context.Context, b *binding.Binding) (context.Context, telemetry.Span) {
	r := b.Spec.Resource
	object := telemetry.ObjectOf(c.cfg.Templates.Mapping(binding.TemplateKind(b)), r.Namespace, r.Name)
	return c.cfg.Telemetry.Status(ctx, object, r.Kind)
}
