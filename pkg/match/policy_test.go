/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package match

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	policyv1alpha1 "github.com/manifold-k8s/manifold/apis/policy/v1alpha1"
)

// web is the template of most tests.
var web = Template{APIVersion: "apps/v1", Kind: "Deployment", Namespace: "ns", Name: "web", Labels: map[string]string{"app": "web"}}

// Selectors that select it in ascending strength, and one that does not.
var (
	all      = policyv1alpha1.ResourceSelector{APIVersion: "apps/v1", Kind: "Deployment"}
	byLabels = policyv1alpha1.ResourceSelector{APIVersion: "apps/v1", Kind: "Deployment", LabelSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "web"}}}
	byName   = policyv1alpha1.ResourceSelector{APIVersion: "apps/v1", Kind: "Deployment", Name: "web"}
	other    = policyv1alpha1.ResourceSelector{APIVersion: "apps/v1", Kind: "Deployment", Name: "db"}
)

func TestSelects(t *testing.T) {
	t.Parallel()
	with := func(s policyv1alpha1.ResourceSelector, change func(*policyv1alpha1.ResourceSelector)) policyv1alpha1.ResourceSelector {
		change(&s)
		return s
	}
	type selectors = []policyv1alpha1.ResourceSelector
	tests := map[string]struct {
		selectors selectors
		want      Strength
	}{
		"no selectors":      {nil, StrengthNone},
		"all":               {selectors{all}, StrengthAll},
		"labels":            {selectors{byLabels}, StrengthLabel},
		"name":              {selectors{byName}, StrengthName},
		"the strongest":     {selectors{all, byName, byLabels}, StrengthName},
		"another name":      {selectors{other}, StrengthNone},
		"another version":   {selectors{with(all, func(s *policyv1alpha1.ResourceSelector) { s.APIVersion = "apps/v1beta1" })}, StrengthNone},
		"another kind":      {selectors{with(all, func(s *policyv1alpha1.ResourceSelector) { s.Kind = "deployment" })}, StrengthNone},
		"its namespace":     {selectors{with(all, func(s *policyv1alpha1.ResourceSelector) { s.Namespace = "ns" })}, StrengthAll},
		"another namespace": {selectors{with(byName, func(s *policyv1alpha1.ResourceSelector) { s.Namespace = "n" })}, StrengthNone},
		"empty labels":      {selectors{with(all, func(s *policyv1alpha1.ResourceSelector) { s.LabelSelector = &metav1.LabelSelector{} })}, StrengthLabel},
		"other labels": {selectors{with(byLabels, func(s *policyv1alpha1.ResourceSelector) {
			s.LabelSelector = &metav1.LabelSelector{MatchLabels: map[string]string{"app": "db"}}
		})}, StrengthNone},
		"name despite its labels": {selectors{with(byName, func(s *policyv1alpha1.ResourceSelector) {
			s.LabelSelector = &metav1.LabelSelector{MatchLabels: map[string]string{"app": "db"}}
		})}, StrengthName},
		"invalid labels": {selectors{with(all, func(s *policyv1alpha1.ResourceSelector) {
			s.LabelSelector = &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{Key: "a", Operator: "Like"}}}
		})}, StrengthNone},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := Selects(tc.selectors, web); got != tc.want {
				t.Errorf("selected %s, want %s", got, tc.want)
			}
		})
	}
}

// policySet is a set of policies in short notation, one per word: a kind (pp or cpp), a name, a selector (all, label,
// name, none), a priority, and ! for preemption or - for being deleted. "pp:a:label:3:!".
type policySet string

func (s policySet) policies() (pps []*policyv1alpha1.PropagationPolicy, cpps []*policyv1alpha1.ClusterPropagationPolicy) {
	for _, word := range strings.Fields(string(s)) {
		parts := strings.Split(word+":", ":")
		selector := map[string]policyv1alpha1.ResourceSelector{"all": all, "label": byLabels, "name": byName, "none": other}[parts[2]]
		var priority int32
		if _, err := fmt.Sscan(parts[3], &priority); err != nil {
			panic(err)
		}
		spec := policyv1alpha1.PropagationSpec{ResourceSelectors: []policyv1alpha1.ResourceSelector{selector}}
		if priority != 0 { // unset is 0
			spec.Priority = &priority
		}
		meta := metav1.ObjectMeta{Name: parts[1]}
		switch parts[4] {
		case "!":
			spec.Preemption = policyv1alpha1.PreemptAlways
		case "-":
			meta.DeletionTimestamp = &metav1.Time{}
		}
		if parts[0] == "cpp" {
			meta.Labels = map[string]string{policyv1alpha1.ClusterPropagationPolicyPermanentIDLabel: "id-" + meta.Name}
			cpps = append(cpps, &policyv1alpha1.ClusterPropagationPolicy{ObjectMeta: meta, Spec: spec})
			continue
		}
		meta.Namespace = "ns"
		meta.Labels = map[string]string{policyv1alpha1.PropagationPolicyPermanentIDLabel: "id-" + meta.Name}
		pps = append(pps, &policyv1alpha1.PropagationPolicy{ObjectMeta: meta, Spec: spec})
	}
	return pps, cpps
}

// claimBy makes a claim from "pp:name" or "cpp:name".
func claimBy(s string) Claim {
	kind, name, _ := strings.Cut(s, ":")
	switch kind {
	case "pp":
		return Claim{Kind: KindPropagationPolicy, Namespace: "ns", Name: name, PermanentID: "id-" + name}
	case "cpp":
		return Claim{Kind: KindClusterPropagationPolicy, Name: name, PermanentID: "id-" + name}
	}
	return Claim{}
}

func winner(v Verdict) string {
	switch {
	case v.Policy == nil:
		return ""
	case v.Policy.Kind == KindPropagationPolicy:
		return "pp:" + v.Policy.Name
	}
	return "cpp:" + v.Policy.Name
}

func TestBest(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		policies policySet
		claim    string
		want     string
		losers   []string // why they lost, in the order of the policies
	}{
		"none":                {policies: "", want: ""},
		"nothing selects":     {policies: "pp:a:none:9 cpp:b:none:9", want: "", losers: []string{"no selector of the policy selects the template", "no selector of the policy selects the template"}},
		"PP before CPP":       {policies: "pp:z:all:0 cpp:a:name:9", want: "pp:z", losers: []string{"PropagationPolicy ns/z goes before any ClusterPropagationPolicy"}},
		"priority first":      {policies: "pp:a:name:1 pp:z:all:2", want: "pp:z", losers: []string{"its priority 1 is lower than 2 of PropagationPolicy ns/z"}},
		"negative priority":   {policies: "pp:a:name:-1 pp:z:all:0", want: "pp:z", losers: []string{"its priority -1 is lower than 0 of PropagationPolicy ns/z"}},
		"then strength":       {policies: "cpp:a:all:1 cpp:b:label:1 cpp:z:name:1", want: "cpp:z", losers: []string{"it selects the template with all of its kind, ClusterPropagationPolicy z by name", "it selects the template by labels, ClusterPropagationPolicy z by name"}},
		"then name":           {policies: "pp:b:name:1 pp:B:name:1 pp:a:name:1", want: "pp:B", losers: []string{"its name sorts after that of PropagationPolicy ns/B", "its name sorts after that of PropagationPolicy ns/B"}},
		"deletion":            {policies: "pp:a:name:9:- pp:b:all:0", want: "pp:b", losers: []string{"the policy is being deleted"}},
		"claim sticks":        {policies: "pp:a:name:9 pp:z:all:0", claim: "pp:z", want: "pp:z", losers: []string{"the template is claimed by PropagationPolicy ns/z, and preemption of this policy is not Always"}},
		"claim by a CPP":      {policies: "pp:a:name:9 cpp:z:all:0", claim: "cpp:z", want: "cpp:z", losers: []string{"the template is claimed by ClusterPropagationPolicy z, and preemption of this policy is not Always"}},
		"claimer gone":        {policies: "pp:a:all:0", claim: "pp:z", want: "pp:a"},
		"claimer deleted":     {policies: "pp:a:all:0 pp:z:all:9:-", claim: "pp:z", want: "pp:a", losers: []string{"the policy is being deleted"}},
		"claimer deselects":   {policies: "pp:a:all:0 pp:z:none:9", claim: "pp:z", want: "pp:a", losers: []string{"no selector of the policy selects the template"}},
		"PP preempts PP":      {policies: "pp:a:name:1:! pp:z:all:0", claim: "pp:z", want: "pp:a", losers: []string{"preempted by PropagationPolicy ns/a"}},
		"not when equal":      {policies: "pp:a:name:1:! pp:z:all:1", claim: "pp:z", want: "pp:z", losers: []string{"the template is claimed by PropagationPolicy ns/z, whose priority 1 is not lower than 1 of this policy"}},
		"PP preempts CPP":     {policies: "pp:a:name:0:! cpp:z:all:9", claim: "cpp:z", want: "pp:a", losers: []string{"preempted by PropagationPolicy ns/a"}},
		"CPP preempts CPP":    {policies: "cpp:a:name:2:! cpp:z:all:1", claim: "cpp:z", want: "cpp:a", losers: []string{"preempted by ClusterPropagationPolicy a"}},
		"CPP never a PP":      {policies: "pp:z:all:1 cpp:a:name:9:!", claim: "pp:z", want: "pp:z", losers: []string{"the template is claimed by PropagationPolicy ns/z, which a ClusterPropagationPolicy never preempts"}},
		"best preemptor":      {policies: "pp:a:name:2:! pp:b:name:3:! pp:c:name:9 pp:z:all:1", claim: "pp:z", want: "pp:b", losers: []string{"its priority 2 is lower than 3 of PropagationPolicy ns/b", "the template is claimed by PropagationPolicy ns/z, and preemption of this policy is not Always", "preempted by PropagationPolicy ns/b"}},
		"preemptor deselects": {policies: "pp:a:none:9:! pp:z:all:1", claim: "pp:z", want: "pp:z", losers: []string{"no selector of the policy selects the template"}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pps, cpps := tc.policies.policies()
			v := Best(web, claimBy(tc.claim), pps, cpps)
			if got := winner(v); got != tc.want || v.Kept != (tc.want != "" && tc.want == tc.claim) {
				t.Errorf("got %q (kept: %v), want %q", got, v.Kept, tc.want)
			}
			var losers []string
			for _, l := range v.Losers {
				losers = append(losers, l.Why)
			}
			if diff := cmp.Diff(tc.losers, losers); diff != "" {
				t.Errorf("losers (-want +got):\n%s", diff)
			}
		})
	}
}

func TestBestNamespaces(t *testing.T) {
	t.Parallel()
	pps, cpps := policySet("pp:a:all:0 cpp:b:all:0").policies()
	elsewhere := web
	elsewhere.Namespace = "elsewhere"
	v := Best(elsewhere, Claim{}, pps, cpps)
	if winner(v) != "cpp:b" || v.Losers[0].Why != "the template is in another namespace" {
		t.Errorf("got %q, losers %+v", winner(v), v.Losers)
	}
	clusterWide := web
	clusterWide.Namespace = ""
	if v = Best(clusterWide, Claim{}, pps, cpps); winner(v) != "cpp:b" {
		t.Errorf("cluster-wide: got %q, losers %+v", winner(v), v.Losers)
	}
}

// A policy that was deleted and made anew under the same name is another one.
func TestClaimIsByPermanentID(t *testing.T) {
	t.Parallel()
	pps, _ := policySet("pp:a:all:9 pp:z:all:0").policies()
	claim := claimBy("pp:z")
	claim.PermanentID = "of the former"
	if v := Best(web, claim, pps, nil); winner(v) != "pp:a" {
		t.Errorf("another id: got %q", winner(v))
	}
	claim.PermanentID = ""
	if v := Best(web, claim, pps, nil); winner(v) != "pp:z" {
		t.Errorf("no id: got %q", winner(v))
	}
}

func TestBestDoesNotDependOnOrderAndSettles(t *testing.T) {
	t.Parallel()
	for seed := range uint64(5000) {
		r := rand.New(rand.NewPCG(seed, 0))
		var words []string
		for i := range r.IntN(8) {
			words = append(words, fmt.Sprintf("%s:p%d:%s:%d:%s", []string{"pp", "cpp"}[r.IntN(2)], i,
				[]string{"all", "label", "name", "none"}[r.IntN(4)], r.IntN(3), []string{"", "", "!", "-"}[r.IntN(4)]))
		}
		claim := Claim{}
		if len(words) > 0 && r.IntN(2) == 0 {
			claim = claimBy(words[0][:strings.Index(words[0], ":p")+3])
		}
		pps, cpps := policySet(strings.Join(words, " ")).policies()
		want := winner(Best(web, claim, pps, cpps))
		r.Shuffle(len(words), func(i, j int) { words[i], words[j] = words[j], words[i] })
		pps, cpps = policySet(strings.Join(words, " ")).policies()
		v := Best(web, claim, pps, cpps)
		if got := winner(v); got != want {
			t.Fatalf("seed %d: got %q, and %q with %v", seed, want, got, words)
		}
		considered := len(v.Losers)
		if v.Policy != nil {
			considered++
		}
		if considered != len(words) || slices.ContainsFunc(v.Losers, func(l Loser) bool { return l.Why == "" }) {
			t.Fatalf("seed %d: not every policy of %v is explained: %+v", seed, words, v.Losers)
		}
		if again := winner(Best(web, claimBy(want), pps, cpps)); again != want {
			t.Fatalf("seed %d: %q, and once it has the claim, %q: %v", seed, want, again, words)
		}
	}
}

// Who waits before it takes a template over has to know whether somebody else governs it meanwhile.
func TestTaken(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		policies    policySet
		claim       string
		kept, taken bool
	}{
		"newly claimed":          {policies: "pp:a:all:0"},
		"kept":                   {policies: "pp:a:all:0 pp:b:all:9", claim: "pp:a", kept: true},
		"preempted":              {policies: "pp:a:all:0 pp:b:all:9:!", claim: "pp:a", taken: true},
		"the claimer is going":   {policies: "pp:a:all:0:- pp:b:all:9:!", claim: "pp:a"},
		"the claimer lost it":    {policies: "pp:a:none:0 pp:b:all:9:!", claim: "pp:a"},
		"the claimer is unknown": {policies: "pp:b:all:9:!", claim: "pp:a"},
		"nobody":                 {claim: "pp:a"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pps, cpps := tc.policies.policies()
			if v := Best(web, claimBy(tc.claim), pps, cpps); v.Kept != tc.kept || v.Taken != tc.taken {
				t.Errorf("kept %v, taken %v; want %v, %v", v.Kept, v.Taken, tc.kept, tc.taken)
			}
		})
	}
}

func BenchmarkBest(b *testing.B) {
	for _, n := range []int{3, 300} {
		b.Run(fmt.Sprintf("policies=%d", n), func(b *testing.B) {
			var words []string
			for i := range n {
				words = append(words, fmt.Sprintf("pp:p%03d:%s:0", i, []string{"all", "label", "name", "none"}[i%4]))
			}
			pps, cpps := policySet(strings.Join(words, " ")).policies()
			for b.Loop() {
				Best(web, Claim{}, pps, cpps)
			}
		})
	}
}
