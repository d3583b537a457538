/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package sync

import (
	"context"
	"errors"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/klog/v2"

	"github.com/manifold-k8s/manifold/pkg/render"
)

const (
	// A copy that others change more than maxDrifts times within driftWindow is fought over. Reverting it each time would
	// only keep both sides busy, so it is then reverted once per fightPause. The fight ends when nobody has changed the
	// copy for driftWindow after it was reverted.
	maxDrifts   = 5
	driftWindow = time.Minute
	fightPause  = 15 * time.Second
)

// drift is what is remembered of changes by others.
type drift struct {
	count int       // since the time below
	since time.Time // of the first one counted
	// fight says who keeps changing the copy; empty while nobody does. It stays the same as long as the fight lasts.
	fight string
	// answer is what the member makes of the manifest, if that is something else than it says; see render.Answer.
	answer uint64
}

// drifted notes that the copy was changed by somebody else, and returns for how long to leave it so: not at all, unless
// it happens again and again.
func (j *job) drifted(ctx context.Context) time.Duration {
	now := j.cfg.Clock.Now()
	before := j.read()
	if before.drift.fight == "" && before.drift.count >= maxDrifts && now.Sub(before.drift.since) <= driftWindow {
		fight := fmt.Sprintf("%s keeps changing what the template says; as long as that lasts, it is reverted every %s", j.rival(ctx), fightPause)
		j.record(func(e *entry) { e.drift.fight = fight })
		before.drift.fight = fight
	}
	if before.drift.fight != "" {
		j.fail("SyncFailed", errors.New(before.drift.fight))
		if left := fightPause - now.Sub(before.sent); left > 0 {
			j.meter.Fight()
			return left
		}
		j.meter.Drift()
		return 0
	}
	j.record(func(e *entry) {
		if now.Sub(e.drift.since) > driftWindow {
			e.drift.count, e.drift.since = 0, now
		}
		e.drift.count++
	})
	j.meter.Drift()
	return 0
}

// truce returns how long to wait until a fight can be said to be over, 0 if there is none; if it is over, it is forgotten.
// It is for a copy that is as it should be.
func (j *job) truce() time.Duration {
	e := j.read()
	if e.drift.fight == "" {
		return 0
	}
	if left := driftWindow - j.cfg.Clock.Since(e.sent); left > 0 {
		return left
	}
	j.record(func(e *entry) { e.drift = drift{answer: e.drift.answer} })
	return 0
}

// answered reports whether the copy is what the member made of this very manifest when it was last sent.
func (j *job) answered(want *unstructured.Unstructured) bool {
	e := j.read()
	return e.drift.answer != 0 && j.have.Hash == e.Hash && render.Answer(want, j.live) == e.drift.answer
}

// learn takes in what the member has made of the manifest. Where its admission rewrites what the manifest says, there is
// nothing to fight over; and what an apply has not changed was changed by nobody.
func (j *job) learn(want, live *unstructured.Unstructured) {
	var answer uint64
	if !render.Holds(want, live) {
		answer = render.Answer(want, live)
	}
	idle := j.have != nil && j.have.Fingerprint == render.Fingerprint(live)
	j.record(func(e *entry) {
		e.drift.answer = answer
		if idle && e.drift.count > 0 {
			e.drift.count--
		}
	})
}

// rival names the manager, other than us, that wrote to the copy last. What the watch has told of it says nothing about
// who owns which field.
func (j *job) rival(ctx context.Context) string {
	live, err := j.client.Get(ctx, j.binding.Spec.Resource.Name, metav1.GetOptions{})
	if err != nil {
		klog.FromContext(ctx).V(2).Info("The rival of a fight cannot be named", "reason", err.Error())
		return rival(nil)
	}
	return rival(live)
}

func rival(live *unstructured.Unstructured) string {
	var last metav1.ManagedFieldsEntry
	if live != nil {
		for _, f := range live.GetManagedFields() {
			newer := f.Time != nil && (last.Time == nil || last.Time.Before(f.Time))
			if f.Manager != FieldManager && f.Manager != retainer && f.Subresource == "" && newer {
				last = f
			}
		}
	}
	if last.Manager == "" {
		return "somebody in the cluster"
	}
	return last.Manager
}
