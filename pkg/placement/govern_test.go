/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package placement

import (
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	policyv1alpha1 "github.com/manifold-k8s/manifold/apis/policy/v1alpha1"
	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
	"github.com/manifold-k8s/manifold/pkg/binding"
	"github.com/manifold-k8s/manifold/pkg/match"
)

func TestNamespacesThatStay(t *testing.T) {
	t.Parallel()
	skip := func(v string) map[string]string { return map[string]string{workv1alpha2.SkipAutoPropagationLabel: v} }
	for name, tc := range map[string]struct {
		ns     string
		labels map[string]string
		want   bool
	}{
		"ordinary":                {"team-a", nil, true},
		"default":                 {"default", nil, false},
		"begins like default":     {"default-x", nil, true},
		"kube-system":             {"kube-system", nil, false},
		"kube-anything":           {"kube-x", nil, false},
		"kube without a dash":     {"kubeflow", nil, true},
		"ours":                    {"karmada-system", nil, false},
		"of clusters":             {"karmada-cluster", nil, false},
		"execution":               {"karmada-es-m1", nil, false},
		"begins like ours":        {"karmada-systems", nil, true},
		"ours in the middle":      {"x-karmada-system", nil, true},
		"label":                   {"team-a", skip("true"), false},
		"label in capitals":       {"team-a", skip("TRUE"), false},
		"label that says nothing": {"team-a", skip("yes"), true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			why := Barred(Namespaces, namespace(tc.ns, tc.labels), match.Namespaces{})
			if got := why == ""; got != tc.want {
				t.Errorf("goes to the members: %v (%q), want %v", got, why, tc.want)
			}
		})
	}
}

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

// The marks of a binding count, if it is the template's: those of the template may be older.
func TestClaim(t *testing.T) {
	t.Parallel()
	marks := func(name string) (labels, annotations map[string]string) {
		labels, annotations = map[string]string{}, map[string]string{}
		if name != "" {
			binding.SetClaim(labels, annotations, &match.Policy{Kind: match.KindPropagationPolicy, Namespace: "ns", Name: name, PermanentID: name + "-id"})
		}
		return labels, annotations
	}
	for name, tc := range map[string]struct {
		template, binding, uid string // uid is that of the template that the binding was made for; empty: there is none
		want                   string
	}{
		"nobody":                      {},
		"no binding":                  {template: "a", want: "a"},
		"marks are not in the cache":  {binding: "b", uid: "u1", want: "b"},
		"marks are older":             {template: "a", binding: "b", uid: "u1", want: "b"},
		"nobody governs the binding":  {template: "a", uid: "u1", want: "a"},
		"the binding is of a former":  {template: "a", binding: "b", uid: "u0", want: "a"},
		"of a former, and new itself": {binding: "b", uid: "u0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tmpl := deployment(1)
			labels, annotations := marks(tc.template)
			tmpl.SetLabels(labels)
			tmpl.SetAnnotations(annotations)
			var b *binding.Binding
			if tc.uid != "" {
				b = &binding.Binding{}
				b.Labels, b.Annotations = marks(tc.binding)
				b.Spec.Resource.UID = types.UID(tc.uid)
			}
			if got := Claim(tmpl, b); got.Name != tc.want {
				t.Errorf("claimed by %q, want %q", got.Name, tc.want)
			}
		})
	}
}

func TestGovern(t *testing.T) {
	t.Parallel()
	policy := func(name string, change ...func(*policyv1alpha1.PropagationPolicy)) *policyv1alpha1.PropagationPolicy {
		p := &policyv1alpha1.PropagationPolicy{ObjectMeta: metav1.ObjectMeta{
			Namespace: "ns", Name: name, Labels: map[string]string{policyv1alpha1.PropagationPolicyPermanentIDLabel: name + "-id"},
		}}
		p.Spec.ResourceSelectors = []policyv1alpha1.ResourceSelector{{APIVersion: "apps/v1", Kind: "Deployment"}}
		for _, f := range change {
			f(p)
		}
		return p
	}
	first := int32(1)
	preempting := func(p *policyv1alpha1.PropagationPolicy) {
		p.Spec.Preemption, p.Spec.Priority = policyv1alpha1.PreemptAlways, &first
	}
	type list = []*policyv1alpha1.PropagationPolicy
	for name, tc := range map[string]struct {
		policies list
		claimer  string
		skipped  string
		want     string
		claimed  bool
	}{
		"nobody":                         {},
		"somebody new":                   {policies: list{policy("a"), policy("b")}, want: "a"},
		"its claimer":                    {policies: list{policy("a"), policy("b")}, claimer: "b", want: "b", claimed: true},
		"who preempts the claimer":       {policies: list{policy("a", preempting), policy("b")}, claimer: "b", want: "a", claimed: true},
		"who follows a lost one":         {policies: list{policy("a")}, claimer: "b", want: "a"},
		"nobody, in a skipped namespace": {policies: list{policy("a")}, skipped: "n.", claimer: "a"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tmpl := deployment(1)
			if tc.claimer != "" {
				labels, annotations := map[string]string{}, map[string]string{}
				binding.SetClaim(labels, annotations, &match.Policy{Kind: match.KindPropagationPolicy, Namespace: "ns", Name: tc.claimer, PermanentID: tc.claimer + "-id"})
				tmpl.SetLabels(labels)
				tmpl.SetAnnotations(annotations)
			}
			skipped, err := match.ParseNamespaces([]string{tc.skipped})
			if err != nil {
				t.Fatal(err)
			}
			got := Govern(tmpl.GroupVersionKind(), tmpl, Policies{Namespaced: tc.policies}, skipped)
			if got.Any() != (tc.want != "") || (got.Any() && got.Policy.Name != tc.want) || got.Claimed != tc.claimed {
				t.Errorf("governed by %v, claimed %v; want %q, %v", got.Policy, got.Claimed, tc.want, tc.claimed)
			}
		})
	}
}
