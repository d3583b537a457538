/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package placement

import (
	"context"
	"time"

	"github.com/manifold-k8s/manifold/pkg/binding"
	"github.com/manifold-k8s/manifold/pkg/telemetry"
	"github.com/manifold-k8s/manifold/pkg/template"
)

// Waiting is how many templates wait for a step.
func (c *Controller) Waiting() int { return c.loop.Len() }

// traced is a step as a part of the trace of the write that led to it.
func (c *Controller) traced(ctx context.Context, ref template.Ref) (time.Duration, error) {
	object := telemetry.ObjectOf(c.cfg.Templates.Mapping(ref.Kind), ref.Namespace, ref.Name)
	ctx, span := c.cfg.Telemetry.Place(ctx, object, ref.Kind.Kind)
	wait, err := c.step(ctx, ref)
	span.End(err)
	return wait, err
}

// delete asks for the deletion of a binding.
func (c *Controller) delete(ctx context.Context, b *binding.Binding) error {
	if err := c.cfg.Bindings.Delete(ctx, b); err != nil {
		return err
	}
	c.cfg.Telemetry.Wrote(telemetry.ByPlacement, telemetry.Binding)
	return nil
}
