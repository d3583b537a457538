/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package manifest

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"

	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
)

// What is kept is what would be made anew, whatever was asked for before.
func TestRecentIsOf(t *testing.T) {
	t.Parallel()
	recent := NewRecent(64)
	one := source(rand.New(rand.NewPCG(0, 7)))
	kept, made := 0, 0
	for seed := range uint64(1500) {
		r := rand.New(rand.NewPCG(seed, 7))
		s := source(r)
		if r.IntN(2) == 0 { // the same template and binding again and again, the latter as it is handed out of a cluster-wide one
			s.Template, s.Binding = one.Template, one.Binding.DeepCopy()
		}
		s.Exists, s.Autoscaled = r.IntN(2) == 0, r.IntN(3) == 0
		switch r.IntN(40) { // another state of them
		case 0:
			one.Template = one.Template.DeepCopy()
			one.Template.SetGeneration(int64(seed))
		case 1:
			one.Binding = one.Binding.DeepCopy()
			one.Binding.ResourceVersion = fmt.Sprint(seed)
			one.Binding.Spec.Clusters = []workv1alpha2.TargetCluster{{Name: "m1", Replicas: int32(r.IntN(3))}}
		}
		want, err := Of(s)
		got, errRecent := recent.Of(s)
		if fmt.Sprint(err) != fmt.Sprint(errRecent) || !reflect.DeepEqual(want, got) {
			t.Fatalf("seed %d: %v, and %v (-anew +recent):\n%s", seed, err, errRecent, cmp.Diff(want, got))
		}
		if err != nil {
			continue
		}
		again, err := recent.Of(s)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if again == got {
			kept++
		} else {
			made++
		}
		if plain := len(s.overrides()) == 0; plain != (again == got) {
			t.Fatalf("seed %d: kept = %v, without overrides = %v", seed, again == got, plain)
		}
	}
	if kept < 200 || made < 200 {
		t.Errorf("%d manifests were kept, %d were not: that proves little", kept, made)
	}
}
