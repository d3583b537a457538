/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package kind_test

import (
	"strconv"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/registry/rest"

	policyv1alpha1 "github.com/manifold-k8s/manifold/apis/policy/v1alpha1"
)

// Every write leaves its resource version behind before it returns, deletions too; what writes nothing does not.
func TestWritten(t *testing.T) {
	b := start(t)
	storage, ctx := b.policy.OverridePolicies, inShop(t)
	written := storage.ListWatch().Written
	expect := func(what string, o metav1.Object) {
		t.Helper()
		if got := strconv.FormatUint(written.Revision(), 10); got != o.GetResourceVersion() {
			t.Errorf("%s: written %s, want %s", what, got, o.GetResourceVersion())
		}
	}
	policy := func() *policyv1alpha1.OverridePolicy {
		p := &policyv1alpha1.OverridePolicy{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "o"}}
		p.Spec.OverrideRules = []policyv1alpha1.RuleWithCluster{{}}
		return p
	}
	if _, err := storage.Create(ctx, policy(), rest.ValidateAllObjectFunc, &metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}}); err != nil {
		t.Fatal(err)
	}
	if n := written.Revision(); n != 0 {
		t.Errorf("a dry run has written %d", n)
	}
	created, err := storage.Create(ctx, policy(), rest.ValidateAllObjectFunc, &metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	expect("created", created.(metav1.Object))
	change := created.(*policyv1alpha1.OverridePolicy).DeepCopy()
	change.Labels = map[string]string{"a": "b"}
	updated, err := put(ctx, storage, "o", change)
	if err != nil {
		t.Fatal(err)
	}
	expect("updated", updated.(metav1.Object))
	before := written.Revision()
	if _, _, err := storage.Delete(ctx, "o", rest.ValidateAllObjectFunc, &metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	if now := written.Revision(); now <= before || int64(now) != b.revision(t) {
		t.Errorf("deleted: written %d after %d, the store is at %d", now, before, b.revision(t))
	}
}
