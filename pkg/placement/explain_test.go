/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package placement

import "testing"

// Where a placement in force is left as it is, scheduling tells all the same what it would do, by the same rules.
func TestAnew(t *testing.T) {
	t.Parallel()
	in := Input{Template: deployment(4), Governor: governed(divided), Clusters: clusters("m1", "m2"), Now: start}
	next, d := Decide(in)
	if got := Anew(in); len(got.Targets) != len(d.Result.Targets) || got.Message != d.Result.Message {
		t.Errorf("without a placement in force: %+v, want what Decide says: %+v", got, d.Result)
	}
	in.Old, in.Clusters = stored(nil, next), clusters("m1", "m2", "m3")
	if _, d = Decide(in); d.Scheduled {
		t.Fatal("a new cluster moved replicas")
	}
	got := Anew(in)
	if len(got.Verdicts) != 3 || len(got.Targets) != 3 {
		t.Errorf("made anew, it is in %+v, want three clusters", got.Targets)
	}
}
