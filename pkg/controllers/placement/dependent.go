/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package placement

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/manifold-k8s/manifold/pkg/binding"
	"github.com/manifold-k8s/manifold/pkg/match"
	"github.com/manifold-k8s/manifold/pkg/placement"
	"github.com/manifold-k8s/manifold/pkg/policy"
	"github.com/manifold-k8s/manifold/pkg/telemetry"
	"github.com/manifold-k8s/manifold/pkg/template"
)

// reminder is how long after it was told that a template waits it is told again. The API server forgets events after an
// hour, and who asks why nothing happens has to find one.
const reminder = 45 * time.Minute

// missingOverrides are the override policies that have to be there before the policy's templates are placed, and are not.
func (c *Controller) missingOverrides(p *match.Policy) []string {
	if p == nil || len(p.Spec.DependentOverrides) == 0 {
		return nil
	}
	cops, ops := c.cfg.Policies.Overrides(p.Namespace)
	return match.MissingOverrides(p, cops, ops)
}

// await leaves a template alone that is governed by a policy whose override policies are missing: it is not claimed, and
// what is in force stays in force. A claim by a policy that does not govern it any more ends all the same, and those who
// need the template come and go.
func (c *Controller) await(ctx context.Context, tmpl *unstructured.Unstructured, old *binding.Binding, g placement.Governor, requirers []*binding.Binding, missing []string) (time.Duration, error) {
	message := fmt.Sprintf("%s waits for %s, on which it depends", g.Policy, strings.Join(missing, ", "))
	if c.waiting.news(template.RefOf(tmpl), message, c.cfg.Clock.Now()) {
		c.cfg.Events.Event(tmpl, corev1.EventTypeWarning, "ApplyPolicyFailed", message)
	}
	if !g.Claimed {
		wait, err := c.place(ctx, tmpl, old, placement.Governor{}, requirers)
		return cmp.Or(wait, reminder), err
	}
	if old == nil {
		return reminder, nil
	}
	next := placement.Hold(old, requirers, c.clusters())
	if !binding.Same(old, next) {
		if _, err := c.cfg.Bindings.Update(ctx, next); err != nil {
			return 0, fmt.Errorf("write who needs the template: %w", err)
		}
		c.cfg.Telemetry.Wrote(telemetry.ByPlacement, telemetry.Binding)
	}
	return reminder, nil
}

// overridesChanged asks for a step on every template of the policies that depend on an override policy which has come,
// changed, or gone.
func (c *Controller) overridesChanged(selections ...policy.Selection) {
	for _, s := range selections {
		c.policiesChanged(c.cfg.Policies.Dependents(s.Namespace, s.Name)...)
	}
}

// waiting remembers which templates it was told of that they wait, and why. The zero value is ready for use.
type waiting struct {
	mu   sync.Mutex
	told map[template.Ref]notice
}

type notice struct {
	message string
	at      time.Time
}

// news reports whether it is time to tell that a template waits, and takes it for told then.
func (w *waiting) news(ref template.Ref, message string, now time.Time) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if last := w.told[ref]; last.message == message && now.Sub(last.at) < reminder {
		return false
	}
	if w.told == nil {
		w.told = map[template.Ref]notice{}
	}
	w.told[ref] = notice{message, now}
	return true
}

// over forgets a template that does not wait any more.
func (w *waiting) over(ref template.Ref) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.told, ref)
}
