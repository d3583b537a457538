/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package match

import (
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/utils/ptr"

	clusterv1alpha1 "github.com/manifold-k8s/manifold/apis/cluster/v1alpha1"
	policyv1alpha1 "github.com/manifold-k8s/manifold/apis/policy/v1alpha1"
)

// FuzzSelectors makes selectors, templates, clusters and affinities of a small vocabulary, so that they meet, and of one
// arbitrary word. What matches is compared with what the definitions say, one by one and without any shortcut.
func FuzzSelectors(f *testing.F) {
	f.Add([]byte{}, "")
	f.Add([]byte{3, 1, 1, 1, 1, 2, 1, 1, 0, 1, 2, 2, 1, 1, 3, 1, 1}, "web")
	f.Add([]byte("a policy of all deployments, by labels and by name"), "a b")
	f.Fuzz(func(t *testing.T, choices []byte, word string) {
		c := &chooser{rest: choices, word: word}
		template := c.template()
		selectors := c.selectors()
		before := deepCopies(selectors)
		checkSelects(t, selectors, template)
		for i := range selectors {
			checkContradiction(t, selectors[i].LabelSelector, c)
		}
		cluster, affinity := c.cluster(), c.affinity()
		checkAffinity(t, cluster, affinity)
		checkBest(t, c, template, selectors)
		if diff := cmp.Diff(before, selectors); diff != "" {
			t.Errorf("selectors are changed (-before +after):\n%s", diff)
		}
	})
}

// checkSelects holds Selects against the definition of a selector's strength, and against other orders.
func checkSelects(t *testing.T, selectors []policyv1alpha1.ResourceSelector, template Template) {
	t.Helper()
	want := StrengthNone
	for i := range selectors {
		want = max(want, plainStrength(&selectors[i], template))
	}
	got := Selects(selectors, template)
	if got != want || got < StrengthNone || got > StrengthName {
		t.Errorf("strength %d, want %d: %+v of %+v", got, want, selectors, template)
	}
	backwards := slices.Clone(selectors)
	slices.Reverse(backwards)
	if other := Selects(backwards, template); other != got {
		t.Errorf("strength %d in one order, %d in another", got, other)
	}
	if len(selectors) > 0 && Selects(selectors[1:], template) > got {
		t.Errorf("a selector more makes the match weaker")
	}
}

func plainStrength(s *policyv1alpha1.ResourceSelector, t Template) Strength {
	inNamespace := s.Namespace == "" || s.Namespace == t.Namespace
	if s.APIVersion != t.APIVersion || s.Kind != t.Kind || !inNamespace {
		return StrengthNone
	}
	if s.Name != "" {
		return map[bool]Strength{true: StrengthName}[s.Name == t.Name]
	}
	if s.LabelSelector == nil {
		return StrengthAll
	}
	selector, err := metav1.LabelSelectorAsSelector(s.LabelSelector)
	return map[bool]Strength{true: StrengthLabel}[err == nil && selector.Matches(labels.Set(t.Labels))]
}

// checkContradiction tries all sets of labels that the vocabulary has, with one value more that no selector mentions: if the
// selector is sound, one of them matches exactly when nothing is said to contradict.
func checkContradiction(t *testing.T, s *metav1.LabelSelector, c *chooser) {
	t.Helper()
	why := Contradiction(s)
	selector, err := metav1.LabelSelectorAsSelector(s)
	if s == nil || err != nil {
		if why != "" {
			t.Errorf("%v, %v: contradiction %q", s, err, why)
		}
		return
	}
	sets := []labels.Set{{}}
	for _, key := range c.keys() {
		for _, set := range slices.Clone(sets) {
			for _, value := range append(c.values(), "not mentioned") {
				more := maps.Clone(set)
				more[key] = value
				sets = append(sets, more)
			}
		}
	}
	satisfied := slices.ContainsFunc(sets, func(set labels.Set) bool { return selector.Matches(set) })
	if satisfied != (why == "") {
		t.Errorf("%s: contradiction %q, but some labels match: %t", selector, why, satisfied)
	}
}

// checkAffinity holds an affinity against its definition.
func checkAffinity(t *testing.T, cluster *clusterv1alpha1.Cluster, a *policyv1alpha1.ClusterAffinity) {
	t.Helper()
	before, beforeAffinity := cluster.DeepCopy(), a.DeepCopy()
	ok, why := Cluster(cluster, a)
	if ok != (why == "") {
		t.Errorf("selected: %t, but why not: %q", ok, why)
	}
	if want := plainlySelected(cluster, a); ok != want {
		t.Errorf("selected: %t (%s), want %t: %+v of %+v", ok, why, want, a, cluster)
	}
	if diff := cmp.Diff(before, cluster) + cmp.Diff(beforeAffinity, a); diff != "" {
		t.Errorf("changed (-before +after):\n%s", diff)
	}
}

func plainlySelected(c *clusterv1alpha1.Cluster, a *policyv1alpha1.ClusterAffinity) bool {
	if a == nil {
		return true
	}
	if slices.Contains(a.ExcludeClusters, c.Name) || (len(a.ClusterNames) > 0 && !slices.Contains(a.ClusterNames, c.Name)) {
		return false
	}
	if a.LabelSelector != nil {
		selector, err := metav1.LabelSelectorAsSelector(a.LabelSelector)
		if err != nil || !selector.Matches(labels.Set(c.Labels)) {
			return false
		}
	}
	if a.FieldSelector == nil {
		return true
	}
	has := map[string][]string{"zone": c.Spec.Zones, "provider": {}, "region": {}}
	if len(c.Spec.Zones) == 0 {
		has["zone"] = withoutEmpty(c.Spec.Zone)
	}
	has["provider"], has["region"] = withoutEmpty(c.Spec.Provider), withoutEmpty(c.Spec.Region)
	for _, r := range a.FieldSelector.MatchExpressions {
		values, known := has[r.Key]
		listed := slices.ContainsFunc(values, func(v string) bool { return v != "" && slices.Contains(r.Values, v) })
		switch {
		case !known, r.Operator != corev1.NodeSelectorOpIn && r.Operator != corev1.NodeSelectorOpNotIn:
			return false
		case listed != (r.Operator == corev1.NodeSelectorOpIn):
			return false
		}
	}
	return true
}

func withoutEmpty(value string) []string {
	if value == "" {
		return nil
	}
	return []string{value}
}

// checkBest lets policies with these selectors contend: who wins does not depend on their order, and stays the winner.
func checkBest(t *testing.T, c *chooser, template Template, selectors []policyv1alpha1.ResourceSelector) {
	t.Helper()
	var pps []*policyv1alpha1.PropagationPolicy
	var cpps []*policyv1alpha1.ClusterPropagationPolicy
	for i := range selectors {
		spec := policyv1alpha1.PropagationSpec{ResourceSelectors: selectors[i:]}
		if c.upTo(2) == 1 {
			spec.Priority = ptr.To(int32(c.upTo(3)))
		}
		if c.upTo(2) == 1 {
			spec.Preemption = policyv1alpha1.PreemptAlways
		}
		name := string(rune('a' + i))
		pps = append(pps, &policyv1alpha1.PropagationPolicy{ObjectMeta: metav1.ObjectMeta{Namespace: c.from(c.values()), Name: name}, Spec: spec})
		cpps = append(cpps, &policyv1alpha1.ClusterPropagationPolicy{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: spec})
	}
	first := Best(template, Claim{}, pps, cpps)
	slices.Reverse(pps)
	slices.Reverse(cpps)
	second := Best(template, Claim{}, pps, cpps)
	if diff := cmp.Diff(first.Policy, second.Policy); diff != "" {
		t.Errorf("in another order another policy wins (-one +other):\n%s", diff)
	}
	if first.Policy == nil {
		return
	}
	claim := Claim{Kind: first.Policy.Kind, Namespace: first.Policy.Namespace, Name: first.Policy.Name}
	if third := Best(template, claim, pps, cpps); !third.Kept {
		t.Errorf("%s won and does not keep the template: %s", first.Policy, third.Why)
	}
}

func deepCopies(selectors []policyv1alpha1.ResourceSelector) []policyv1alpha1.ResourceSelector {
	var out []policyv1alpha1.ResourceSelector
	for i := range selectors {
		out = append(out, *selectors[i].DeepCopy())
	}
	return out
}
