/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package placement

import (
	"fmt"
	"math/rand/v2"
	"testing"

	policyv1alpha1 "github.com/manifold-k8s/manifold/apis/policy/v1alpha1"
	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
	"github.com/manifold-k8s/manifold/pkg/binding"
	"github.com/manifold-k8s/manifold/pkg/match"
)

// Whichever policy takes the place of another, Lazy or not, at once or after nobody has governed the template for a
// while: a cluster that has a copy and is selected by the next one as well stays a target all the time. Only being
// removed from the federation turns it out.
func TestHandOverKeepsWhatBothSelect(t *testing.T) {
	t.Parallel()
	moved := 0
	for seed := range uint64(1000) {
		r := rand.New(rand.NewPCG(seed, 0))
		in := randomInput(r)
		var b *binding.Binding
		for step := range 6 {
			var names []string
			for i := range 5 {
				if r.IntN(2) == 0 {
					names = append(names, fmt.Sprint("m", i))
				}
			}
			p := governed(policyv1alpha1.Placement{ClusterAffinity: only(names...)})
			if len(names) == 0 {
				p = governed(duplicated) // all
			}
			p.Policy.Name, p.Policy.PermanentID = fmt.Sprint("p", step), fmt.Sprint("id", step)
			if r.IntN(4) == 0 {
				lazy(p.Policy.Spec)
			}
			if b != nil && r.IntN(3) == 0 { // nobody governs it for a while
				binding.SetClaim(b.Labels, b.Annotations, nil)
				delete(b.Annotations, workv1alpha2.LazyTemplateAnnotation)
			}
			in.Governor, in.Old = p, b
			next, _ := Decide(in)
			selected := match.NewAffinity(p.Policy.Spec.Placement.ClusterAffinity)
			for _, c := range in.Clusters {
				if b == nil || binding.Target(b, c.Name) == nil || c.DeletionTimestamp != nil {
					continue
				}
				if ok, _ := selected.Selects(c); ok && binding.Target(next, c.Name) == nil {
					t.Fatalf("seed %d, step %d: %s is a target no more, though the policy selects %v", seed, step, c.Name, names)
				} else if !ok && binding.Target(next, c.Name) == nil {
					moved++
				}
			}
			b = stored(b, next)
		}
	}
	if moved == 0 {
		t.Error("no policy ever turned a cluster out: the property says nothing")
	}
}
