/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package sync

import (
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/manifold-k8s/manifold/pkg/member"
)

// What holds a copy that should be gone is said once, after a while, and nothing is sent.
func TestLingers(t *testing.T) {
	t.Parallel()
	b := newBench()
	b.client = answering(t, 200, configMap(managed, func(u *unstructured.Unstructured) { u.SetFinalizers([]string{"z/hold", "a/hold"}) }))
	b.have = &member.Copy{UID: "cu", PermanentID: "pid", Deleting: true}
	for i, step := range []struct {
		after, wait time.Duration
		said        string
	}{
		{0, stuckAfter, ""},
		{time.Second, stuckAfter - time.Second, ""},
		{stuckAfter - time.Second, lastRetry, "finalizers a/hold, z/hold"},
		{lastRetry, lastRetry, "finalizers a/hold, z/hold"},
	} {
		b.clock.SetTime(b.clock.Now().Add(step.after))
		wait, err := b.remove(t.Context())
		o, _ := b.Outcome("m1", b.key)
		if err != nil || wait != step.wait || !strings.Contains(o.Failed, step.said) || (o.Failed == "") != (step.said == "") {
			t.Errorf("step %d: wait %v, want %v; failed %q, want %q; err %v", i, wait, step.wait, o.Failed, step.said, err)
		}
	}
	if n := len(b.events.Events); n != 1 {
		t.Errorf("%d events, want one", n)
	}
}
