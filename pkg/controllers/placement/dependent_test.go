/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package placement

import (
	"testing"
	"time"

	"github.com/manifold-k8s/manifold/pkg/template"
)

// A template that waits is told of once per reason, and again before the event is forgotten.
func TestWaitingIsToldOnce(t *testing.T) {
	t.Parallel()
	var w waiting
	a, b, start := template.Ref{Name: "a"}, template.Ref{Name: "b"}, time.Unix(1000, 0)
	for i, step := range []struct {
		ref     template.Ref
		message string
		after   time.Duration // since the start
		want    bool
	}{
		{a, "x", 0, true},
		{a, "x", time.Minute, false},
		{b, "x", time.Minute, true},
		{a, "y", 2 * time.Minute, true},
		{a, "x", 3 * time.Minute, true},
		{a, "x", 3*time.Minute + reminder - 1, false},
		{a, "x", 3*time.Minute + reminder, true},
	} {
		if got := w.news(step.ref, step.message, start.Add(step.after)); got != step.want {
			t.Errorf("step %d: news = %v, want %v", i, got, step.want)
		}
	}
	w.over(a)
	if !w.news(a, "x", start.Add(4*time.Minute)) {
		t.Error("what has been over is no news when it begins again")
	}
}
