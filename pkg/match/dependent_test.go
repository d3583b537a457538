/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package match

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	policyv1alpha1 "github.com/manifold-k8s/manifold/apis/policy/v1alpha1"
)

func TestMissingOverrides(t *testing.T) {
	t.Parallel()
	op := func(namespace, name string, deleted *metav1.Time) *policyv1alpha1.OverridePolicy {
		return &policyv1alpha1.OverridePolicy{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, DeletionTimestamp: deleted}}
	}
	cop := func(name string, deleted *metav1.Time) *policyv1alpha1.ClusterOverridePolicy {
		return &policyv1alpha1.ClusterOverridePolicy{ObjectMeta: metav1.ObjectMeta{Name: name, DeletionTimestamp: deleted}}
	}
	now := metav1.Now()
	ops := []*policyv1alpha1.OverridePolicy{op("ns", "a", nil), op("ns", "b", nil), op("ns", "going", &now), op("other", "there", nil)}
	cops := []*policyv1alpha1.ClusterOverridePolicy{cop("a", nil), cop("wide", nil), cop("going", &now)}
	type names = []string
	for name, tc := range map[string]struct {
		namespace string // of the policy; empty: a cluster-wide one
		depends   names
		want      names
	}{
		"on nothing":              {"ns", nil, nil},
		"all there":               {"ns", names{"b", "a"}, nil},
		"missing":                 {"ns", names{"z", "a", "y", "z"}, names{"OverridePolicy ns/y", "OverridePolicy ns/z"}},
		"in another namespace":    {"ns", names{"there"}, names{"OverridePolicy ns/there"}},
		"cluster-wide, not ours":  {"ns", names{"wide"}, names{"OverridePolicy ns/wide"}},
		"being deleted":           {"ns", names{"going"}, names{"OverridePolicy ns/going"}},
		"cluster-wide, all there": {"", names{"a", "wide"}, nil},
		"cluster-wide, missing":   {"", names{"b", "going"}, names{"ClusterOverridePolicy b", "ClusterOverridePolicy going"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := &Policy{Kind: KindClusterPropagationPolicy, Name: "p", Spec: &policyv1alpha1.PropagationSpec{DependentOverrides: tc.depends}}
			if tc.namespace != "" {
				p.Kind, p.Namespace = KindPropagationPolicy, tc.namespace
			}
			if diff := cmp.Diff(tc.want, MissingOverrides(p, cops, ops)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
