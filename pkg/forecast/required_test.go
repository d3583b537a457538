/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package forecast

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
	"github.com/manifold-k8s/manifold/pkg/binding"
	"github.com/manifold-k8s/manifold/pkg/placement"
)

// A template that others need is where they are, with a policy of its own or without.
func TestRequired(t *testing.T) {
	t.Parallel()
	settings := func(value string, p placement.Policies) State {
		return State{Template: configMap(t, value), Policies: p}
	}
	required := func(b *binding.Binding) {
		b.Spec.RequiredBy = []workv1alpha2.BindingSnapshot{{Namespace: "ns", Name: "web-deployment", Clusters: []workv1alpha2.TargetCluster{{Name: "m2", Replicas: 4}, {Name: "m3", Replicas: 4}}}}
		b.Labels[binding.DependedByLabel(binding.Key(&binding.Binding{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "web-deployment"}}))] = "wid"
	}
	wide := func(b *binding.Binding) { // by a policy for m1 and m2
		*b = *placed(t, settings("v", policy(t, toM1M2, "")), members(3))
		required(b)
	}
	attached := func(b *binding.Binding) {
		required(b)
		b.Spec.Clusters, b.Spec.Placement = nil, nil
		binding.SetClaim(b.Labels, b.Annotations, nil)
	}
	some, none := policy(t, toM1, ""), placement.Policies{}
	for name, r := range map[string]row{
		"nothing changes":              {before: settings("v", some), after: settings("v", some), bind: required},
		"the policy takes in less":     {before: settings("v", policy(t, toM1M2, "")), after: settings("v", some), bind: wide},
		"the template deleted":         {before: settings("v", some), bind: required, want: "ConfigMap ns/c: would be removed from m1, m2, m3"},
		"the template changed":         {before: settings("v", some), after: settings("w", some), bind: required, want: "ConfigMap ns/c: would change in m1, m2, m3: /data/key"},
		"the policy deleted":           {before: settings("v", some), after: settings("v", none), bind: required, want: "ConfigMap ns/c: would no longer be governed by any policy; its copies stay in m1 and are not updated any more"},
		"attached, and deleted":        {before: settings("v", some), bind: attached, want: "ConfigMap ns/c: would be removed from m2, m3"},
		"attached, and a policy comes": {before: settings("v", none), after: settings("v", some), bind: attached, want: "ConfigMap ns/c: would be created in m1"},
		"attached, and changed":        {before: settings("v", none), after: settings("w", none), bind: attached, want: "ConfigMap ns/c: would change in m2, m3: /data/key"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			clusters := members(3)
			c := Case{Before: r.before, After: r.after, Clusters: clusters, Now: later, Fields: 16}
			c.Binding = placed(t, settings("v", some), clusters)
			r.bind(c.Binding)
			got := Of(c)
			text := got.String()
			if got.None() {
				text = ""
			}
			if diff := cmp.Diff(r.want, text); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
