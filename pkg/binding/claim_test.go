/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package binding

import (
	"maps"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	policyv1alpha1 "github.com/manifold-k8s/manifold/apis/policy/v1alpha1"
	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
	"github.com/manifold-k8s/manifold/pkg/match"
)

func suspendOn(clusters ...string) *policyv1alpha1.SuspendClusters {
	return &policyv1alpha1.SuspendClusters{ClusterNames: clusters}
}

const (
	ppID   = policyv1alpha1.PropagationPolicyPermanentIDLabel
	ppNS   = policyv1alpha1.PropagationPolicyNamespaceAnnotation
	ppName = policyv1alpha1.PropagationPolicyNameAnnotation
	cpID   = policyv1alpha1.ClusterPropagationPolicyPermanentIDLabel
	cpName = policyv1alpha1.ClusterPropagationPolicyAnnotation
)

type pairs = map[string]string

var (
	pp  = &match.Policy{Kind: match.KindPropagationPolicy, Namespace: "ns", Name: "p", PermanentID: "1"}
	cpp = &match.Policy{Kind: match.KindClusterPropagationPolicy, Name: "c", PermanentID: "2"}

	ppClaim  = match.Claim{Kind: match.KindPropagationPolicy, Namespace: "ns", Name: "p", PermanentID: "1"}
	cppClaim = match.Claim{Kind: match.KindClusterPropagationPolicy, Name: "c", PermanentID: "2"}
)

func TestClaimOf(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		labels, annotations pairs
		want                match.Claim
	}{
		"none":                      {},
		"namespaced":                {pairs{ppID: "1"}, pairs{ppNS: "ns", ppName: "p"}, ppClaim},
		"cluster-wide":              {pairs{cpID: "2"}, pairs{cpName: "c"}, cppClaim},
		"namespaced goes first":     {pairs{ppID: "1", cpID: "2"}, pairs{ppNS: "ns", ppName: "p", cpName: "c"}, ppClaim},
		"label alone":               {pairs{ppID: "1"}, nil, match.Claim{}},
		"annotations alone":         {nil, pairs{ppNS: "ns", ppName: "p"}, match.Claim{}},
		"without the namespace":     {pairs{ppID: "1"}, pairs{ppName: "p"}, match.Claim{}},
		"without the name":          {pairs{ppID: "1"}, pairs{ppNS: "ns"}, match.Claim{}},
		"empty id":                  {pairs{ppID: ""}, pairs{ppNS: "ns", ppName: "p"}, match.Claim{}},
		"cluster-wide label alone":  {pairs{cpID: "2"}, nil, match.Claim{}},
		"half of one, all of other": {pairs{ppID: "1", cpID: "2"}, pairs{ppName: "p", cpName: "c"}, cppClaim},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tc.want, ClaimOf(tc.labels, tc.annotations)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestSetClaim(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		labels, annotations         pairs
		policy                      *match.Policy
		wantLabels, wantAnnotations pairs
		changed                     bool
	}{
		"claimed": {
			pairs{"app": "x"}, pairs{"note": "y"}, pp,
			pairs{"app": "x", ppID: "1"}, pairs{"note": "y", ppNS: "ns", ppName: "p"}, true,
		},
		"claimed already": {
			pairs{ppID: "1"}, pairs{ppNS: "ns", ppName: "p"}, pp,
			pairs{ppID: "1"}, pairs{ppNS: "ns", ppName: "p"}, false,
		},
		"taken over by the other kind": {
			pairs{cpID: "2"}, pairs{cpName: "c"}, pp,
			pairs{ppID: "1"}, pairs{ppNS: "ns", ppName: "p"}, true,
		},
		"taken over the other way": {
			pairs{ppID: "1"}, pairs{ppNS: "ns", ppName: "p"}, cpp,
			pairs{cpID: "2"}, pairs{cpName: "c"}, true,
		},
		"mended":                {pairs{ppID: "1"}, pairs{ppNS: "ns", ppName: "q"}, pp, pairs{ppID: "1"}, pairs{ppNS: "ns", ppName: "p"}, true},
		"let go":                {pairs{"app": "x", cpID: "2"}, pairs{cpName: "c"}, nil, pairs{"app": "x"}, pairs{}, true},
		"nothing to let":        {pairs{"app": "x"}, pairs{"note": "y"}, nil, pairs{"app": "x"}, pairs{"note": "y"}, false},
		"only a label was left": {pairs{cpID: "2"}, pairs{}, nil, pairs{}, pairs{}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			labels, annotations := maps.Clone(tc.labels), maps.Clone(tc.annotations)
			if changed := SetClaim(labels, annotations, tc.policy); changed != tc.changed {
				t.Errorf("changed = %v, want %v", changed, tc.changed)
			}
			if diff := cmp.Diff([]pairs{tc.wantLabels, tc.wantAnnotations}, []pairs{labels, annotations}); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// randomMarks is a random choice of claim marks, right and wrong ones, among others.
func randomMarks(r *rand.Rand) (labels, annotations pairs) {
	labels, annotations = pairs{}, pairs{}
	for _, k := range []string{ppID, cpID, "app"} {
		if r.IntN(2) == 0 {
			labels[k] = string(rune('a' + r.IntN(3)))
		}
	}
	for _, k := range []string{ppNS, ppName, cpName, "note"} {
		if r.IntN(2) == 0 {
			annotations[k] = string(rune('a' + r.IntN(3)))
		}
	}
	return labels, annotations
}

// Whatever was there before, a claim that was set reads back as it was set, setting it again changes nothing, and what
// is no claim stays.
func TestSetClaimReadsBack(t *testing.T) {
	t.Parallel()
	wants := map[*match.Policy]match.Claim{pp: ppClaim, cpp: cppClaim, nil: {}}
	for seed := range uint64(500) {
		r := rand.New(rand.NewPCG(seed, 0))
		for policy, want := range wants {
			labels, annotations := randomMarks(r)
			app, note := labels["app"], annotations["note"]
			SetClaim(labels, annotations, policy)
			if got := ClaimOf(labels, annotations); got != want {
				t.Fatalf("seed %d: %v reads back as %+v", seed, policy, got)
			}
			if SetClaim(labels, annotations, policy) {
				t.Fatalf("seed %d: %v set twice changes something", seed, policy)
			}
			if labels["app"] != app || annotations["note"] != note {
				t.Fatalf("seed %d: %v changed what is not a claim", seed, policy)
			}
		}
	}
}

// A copied claim is the same claim, whatever the object had before.
func TestCopyClaim(t *testing.T) {
	t.Parallel()
	for seed := range uint64(500) {
		r := rand.New(rand.NewPCG(seed, 0))
		labels, annotations := randomMarks(r)
		fromLabels, fromAnnotations := randomMarks(r)
		CopyClaim(labels, annotations, fromLabels, fromAnnotations)
		if got, want := ClaimOf(labels, annotations), ClaimOf(fromLabels, fromAnnotations); got != want {
			t.Fatalf("seed %d: copied %+v, got %+v", seed, want, got)
		}
	}
}

func TestClaimed(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		labels, annotations pairs
		want                bool
	}{
		"by nobody":                   {},
		"by a policy":                 {pairs{ppID: "1"}, pairs{ppNS: "ns", ppName: "p"}, true},
		"by a cluster-wide policy":    {pairs{cpID: "2"}, pairs{cpName: "c"}, true},
		"by ourselves":                {pairs{workv1alpha2.BindingManagedByLabel: ManagedByNamespace}, nil, true},
		"half a mark is none":         {pairs{ppID: "1"}, nil, false},
		"an empty managed-by is none": {pairs{workv1alpha2.BindingManagedByLabel: ""}, nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := &Binding{}
			b.Labels, b.Annotations = tc.labels, tc.annotations
			if got := Claimed(b); got != tc.want {
				t.Errorf("Claimed = %v, want %v", got, tc.want)
			}
		})
	}
}

// What is released in a member must lose every mark of ours, and nothing else.
func TestMark(t *testing.T) {
	t.Parallel()
	for key, want := range map[string]bool{
		ppID: true, ppNS: true, ppName: true, cpID: true, cpName: true,
		workv1alpha2.ManagedLabel: true, workv1alpha2.ContentHashAnnotation: true,
		workv1alpha2.ResourceBindingPermanentIDLabel: true, workv1alpha2.ClusterResourceBindingPermanentIDLabel: true,
		workv1alpha2.ResourceBindingNameAnnotation: true, workv1alpha2.ResourceBindingNamespaceAnnotation: true,
		workv1alpha2.ClusterResourceBindingNameAnnotation: true,
		workv1alpha2.TemplateUIDAnnotation:                true, workv1alpha2.TemplateGenerationAnnotation: true,
		workv1alpha2.ConflictResolutionAnnotation: true, workv1alpha2.WorkNameAnnotation: true,
		workv1alpha2.WorkPermanentIDLabel: true, workv1alpha2.ManagedLabelsAnnotation: true,
		"app": false, "app.kubernetes.io/name": false, "work.karmada.iox/a": false, "example.com/managed": false,
		workv1alpha2.RetainReplicasLabel: false, // the user's own
	} {
		if got := Mark(key); got != want {
			t.Errorf("Mark(%q) = %v, want %v", key, got, want)
		}
	}
}
