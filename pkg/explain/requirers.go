/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package explain

import (
	"fmt"
	"slices"

	hubv1alpha1 "github.com/manifold-k8s/manifold/apis/hub/v1alpha1"
	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
	"github.com/manifold-k8s/manifold/pkg/binding"
	"github.com/manifold-k8s/manifold/pkg/placement"
)

// tellRequirers says what needs the template, and where that is.
func (x *subject) tellRequirers() {
	b := x.inForce()
	if b == nil {
		return
	}
	for i := range b.Spec.RequiredBy {
		s := &b.Spec.RequiredBy[i]
		told := hubv1alpha1.ExplainedRequirer{Binding: s.Name}
		if by := x.requirer(s); by != nil {
			told.Kind, told.Name = by.Spec.Resource.Kind, by.Spec.Resource.Name
		}
		for _, c := range s.Clusters {
			told.Clusters = append(told.Clusters, c.Name)
		}
		x.out.RequiredBy = append(x.out.RequiredBy, told)
	}
}

// unknown are the bindings of which the template's own says that they need it, and of which nothing else is known.
func (x *subject) unknown() []*binding.Binding {
	return slices.DeleteFunc(placement.Standing(x.stored), func(by *binding.Binding) bool {
		return slices.ContainsFunc(x.Requirers, func(b *binding.Binding) bool { return binding.Key(b) == binding.Key(by) })
	})
}

// requirer returns the binding that an entry is about, nil if it is not among those that are known to need the template.
func (x *subject) requirer(s *workv1alpha2.BindingSnapshot) *binding.Binding {
	i := slices.IndexFunc(x.Requirers, func(b *binding.Binding) bool { return binding.Key(b) == placement.KeyOfSnapshot(s) })
	if i < 0 {
		return nil
	}
	return x.Requirers[i]
}

// requiring names what needs the template in a cluster.
func (x *subject) requiring(b *binding.Binding, cluster string) (out []string) {
	for i := range b.Spec.RequiredBy {
		s := &b.Spec.RequiredBy[i]
		if !slices.ContainsFunc(s.Clusters, func(c workv1alpha2.TargetCluster) bool { return c.Name == cluster }) {
			continue
		}
		if by := x.requirer(s); by != nil && by.Spec.Resource.Name != "" {
			out = append(out, by.Spec.Resource.Kind+" "+by.Spec.Resource.Name)
			continue
		}
		out = append(out, "ResourceBinding "+s.Name)
	}
	return out
}

// takenAlong names what follows the template of b.
func takenAlong(b *binding.Binding) (out []string) {
	if !binding.TakesAlong(b) {
		return nil
	}
	refs, _ := binding.Dependencies(b)
	for _, r := range refs {
		if r.Name == "" {
			out = append(out, fmt.Sprintf("%s by labels", r.Kind))
			continue
		}
		out = append(out, r.Kind+" "+r.Name)
	}
	return out
}
