/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package kind_test

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/registry/rest"

	policyv1alpha1 "github.com/manifold-k8s/manifold/apis/policy/v1alpha1"
)

// An apply of what is stored already, but for defaults, is no write, whenever it comes.
func TestRepeatedApplyIsNoWrite(t *testing.T) {
	b := start(t)
	ctx := inShop(t)
	at := func(p *policyv1alpha1.PropagationPolicy, seconds int64) *policyv1alpha1.PropagationPolicy {
		now := metav1.NewTime(time.Unix(seconds, 0))
		p.ManagedFields = []metav1.ManagedFieldsEntry{{
			Manager: "anna", Operation: metav1.ManagedFieldsOperationApply, APIVersion: policyv1alpha1.SchemeGroupVersion.String(), Time: &now,
			FieldsType: "FieldsV1", FieldsV1: &metav1.FieldsV1{Raw: []byte(`{"f:spec":{"f:resourceSelectors":{}}}`)},
		}}
		return p
	}
	if _, err := b.policy.PropagationPolicies.Create(ctx, at(newPolicy(), 1000), rest.ValidateAllObjectFunc, &metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	stored, err := b.policy.PropagationPolicies.Get(ctx, "web", &metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	again := at(stored.DeepCopyObject().(*policyv1alpha1.PropagationPolicy), 2000)
	again.Spec.ResourceSelectors[0].Namespace = "" // as the client says it
	before := b.revision(t)
	if _, err := put(ctx, b.policy.PropagationPolicies, "web", again.DeepCopy()); err != nil {
		t.Fatal(err)
	}
	if got := b.revision(t); got != before {
		t.Errorf("applying the same took %d revisions, want none", got-before)
	}
	again.Spec.ResourceSelectors[0].Kind = "StatefulSet"
	updated, err := put(ctx, b.policy.PropagationPolicies, "web", again)
	if err != nil {
		t.Fatal(err)
	}
	if got := updated.(*policyv1alpha1.PropagationPolicy); !got.ManagedFields[0].Time.Equal(&metav1.Time{Time: time.Unix(2000, 0)}) || got.Generation != 2 {
		t.Errorf("a change is noted at %v, generation %d", got.ManagedFields[0].Time, got.Generation)
	}
}
