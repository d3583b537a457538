/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package sync

import (
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

const (
	// A copy that others change more than maxDrifts times within driftWindow is fought over. Reverting it each time would
	// only keep both sides busy, so it is then reverted once per fightPause.
	maxDrifts   = 5
	driftWindow = time.Minute
	fightPause  = 15 * time.Second
)

// drifted notes that the copy was changed by somebody else, and returns for how long to leave it so: not at all, unless
// it happens again and again.
func (j *job) drifted() time.Duration {
	now := j.cfg.Clock.Now()
	before := j.read()
	if before.drifts >= maxDrifts {
		if left := fightPause - now.Sub(before.sent); left > 0 {
			j.meter.Fight()
			j.fail("SyncFailed", fmt.Errorf("%s keeps changing what the template says; it is reverted every %s", rival(j.live), fightPause))
			return left
		}
	}
	j.record(func(e *entry) {
		if now.Sub(e.driftsSince) > driftWindow {
			e.drifts, e.driftsSince = 0, now
		}
		e.drifts++
	})
	j.meter.Drift()
	return 0
}

// rival names the manager, other than us, that wrote to the object last.
func rival(live *unstructured.Unstructured) string {
	var last metav1.ManagedFieldsEntry
	if live != nil {
		for _, f := range live.GetManagedFields() {
			newer := f.Time != nil && (last.Time == nil || last.Time.Before(f.Time))
			if f.Manager != FieldManager && f.Subresource == "" && newer {
				last = f
			}
		}
	}
	if last.Manager == "" {
		return "somebody in the cluster"
	}
	return last.Manager
}
