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

func cop(name string, spec policyv1alpha1.OverrideSpec) *policyv1alpha1.ClusterOverridePolicy {
	return &policyv1alpha1.ClusterOverridePolicy{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: spec}
}

func op(namespace, name string, spec policyv1alpha1.OverrideSpec) *policyv1alpha1.OverridePolicy {
	return &policyv1alpha1.OverridePolicy{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, Spec: spec}
}

func image(value string) policyv1alpha1.Overriders {
	return policyv1alpha1.Overriders{ImageOverrider: []policyv1alpha1.ImageOverrider{{Component: "Registry", Operator: "replace", Value: value}}}
}

// ruled is a spec with one rule, for the selectors given.
func ruled(selectors ...policyv1alpha1.ResourceSelector) policyv1alpha1.OverrideSpec {
	return policyv1alpha1.OverrideSpec{
		ResourceSelectors: selectors,
		OverrideRules:     []policyv1alpha1.RuleWithCluster{{Overriders: image("x")}},
	}
}

func TestOverridesOrder(t *testing.T) {
	t.Parallel()
	deleted := op("ns", "deleted", ruled())
	deleted.DeletionTimestamp = &metav1.Time{}
	cops := []*policyv1alpha1.ClusterOverridePolicy{
		cop("z-all", ruled(all)), cop("name", ruled(byName)), cop("b-label", ruled(byLabels, all)), cop("a-label", ruled(byLabels)),
		cop("no-selectors", ruled()), cop("other", ruled(other)), cop("no-rules", policyv1alpha1.OverrideSpec{}),
	}
	ops := []*policyv1alpha1.OverridePolicy{
		op("ns", "b", ruled()), op("ns", "a", ruled()), op("elsewhere", "a", ruled()), op("ns", "0-name", ruled(byName)), deleted,
	}
	names := func(found []Override) (names []string) {
		for _, o := range found {
			names = append(names, o.Kind+" "+o.Namespace+"/"+o.Name)
		}
		return names
	}
	clusterWide := []string{
		"ClusterOverridePolicy /no-selectors", "ClusterOverridePolicy /z-all", "ClusterOverridePolicy /a-label",
		"ClusterOverridePolicy /b-label", "ClusterOverridePolicy /name",
	}
	want := append(clusterWide, "OverridePolicy ns/a", "OverridePolicy ns/b", "OverridePolicy ns/0-name")
	if diff := cmp.Diff(want, names(Overrides(web, cops, ops))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	node := Template{APIVersion: "v1", Kind: "PersistentVolume", Name: "web"}
	if diff := cmp.Diff([]string{"ClusterOverridePolicy /no-selectors"}, names(Overrides(node, cops, ops))); diff != "" {
		t.Errorf("cluster-wide template (-want +got):\n%s", diff)
	}
}

func TestOverridesDeprecatedForm(t *testing.T) {
	t.Parallel()
	target := &policyv1alpha1.ClusterAffinity{ClusterNames: []string{"m1"}}
	rule := policyv1alpha1.RuleWithCluster{Overriders: image("new")}
	tests := map[string]struct {
		spec policyv1alpha1.OverrideSpec
		want []policyv1alpha1.RuleWithCluster
	}{
		"one rule": {
			policyv1alpha1.OverrideSpec{TargetCluster: target, Overriders: image("old")},
			[]policyv1alpha1.RuleWithCluster{{TargetCluster: target, Overriders: image("old")}},
		},
		"rules come first": {
			policyv1alpha1.OverrideSpec{TargetCluster: target, Overriders: image("old"), OverrideRules: []policyv1alpha1.RuleWithCluster{rule}},
			[]policyv1alpha1.RuleWithCluster{rule},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found := Overrides(web, nil, []*policyv1alpha1.OverridePolicy{op("ns", "p", tc.spec)})
			if len(found) != 1 {
				t.Fatalf("got %d policies", len(found))
			}
			if diff := cmp.Diff(tc.want, found[0].Rules); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
