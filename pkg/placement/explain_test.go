/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package placement

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	policyv1alpha1 "github.com/manifold-k8s/manifold/apis/policy/v1alpha1"
	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
	"github.com/manifold-k8s/manifold/pkg/match"
)

// Barred and Govern agree: nobody governs what is barred, and what is not barred can be governed.
func TestBarred(t *testing.T) {
	t.Parallel()
	skipped, err := match.ParseNamespaces([]string{"skipped-.*"})
	if err != nil {
		t.Fatal(err)
	}
	in := func(namespace string) *unstructured.Unstructured {
		d := deployment(1)
		d.SetNamespace(namespace)
		return d
	}
	for name, tc := range map[string]struct {
		template *unstructured.Unstructured
		want     string // a word of the reason; empty if it is not barred
	}{
		"deployment":                {in("ns"), ""},
		"in a skipped namespace":    {in("skipped-a"), "namespace skipped-a stays on the hub"},
		"in a reserved namespace":   {in("karmada-system"), "reserved for the federation"},
		"namespace":                 {namespace("team", nil), ""},
		"default namespace":         {namespace("default", nil), "every cluster has"},
		"skipped namespace":         {namespace("skipped-a", nil), "--skipped-propagating-namespaces"},
		"namespace kept by label":   {namespace("team", map[string]string{workv1alpha2.SkipAutoPropagationLabel: "True"}), workv1alpha2.SkipAutoPropagationLabel},
		"namespace, label is false": {namespace("team", map[string]string{workv1alpha2.SkipAutoPropagationLabel: "no"}), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			gvk := tc.template.GroupVersionKind()
			got := Barred(gvk, tc.template, skipped)
			if (got == "") != (tc.want == "") || !strings.Contains(got, tc.want) {
				t.Errorf("barred because %q, want %q", got, tc.want)
			}
			all := &policyv1alpha1.ClusterPropagationPolicy{Spec: policyv1alpha1.PropagationSpec{
				ResourceSelectors: []policyv1alpha1.ResourceSelector{{APIVersion: "apps/v1", Kind: "Deployment"}},
			}}
			governed := Govern(gvk, tc.template, Policies{ClusterWide: []*policyv1alpha1.ClusterPropagationPolicy{all}}, skipped).Any()
			if governed == (got != "") {
				t.Errorf("governed %v, and barred because %q", governed, got)
			}
		})
	}
}

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
