/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package placement

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/manifold-k8s/manifold/pkg/binding"
	"github.com/manifold-k8s/manifold/pkg/match"
)

// Two versions of one object that are both selected must not take the binding from one another for ever.
func TestOnlyAVacantBindingIsTakenOver(t *testing.T) {
	t.Parallel()
	now := metav1.Now()
	for name, tc := range map[string]struct {
		uid     types.UID
		claimed bool
		deleted *metav1.Time
		want    bool
	}{
		"same object, nobody governs it":    {uid: "u", want: true},
		"same object, another version does": {uid: "u", claimed: true},
		"same object, binding on its way":   {uid: "u", deleted: &now},
		"another object":                    {uid: "other"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := &binding.Binding{}
			b.Spec.Resource.UID, b.DeletionTimestamp = tc.uid, tc.deleted
			b.Labels, b.Annotations = map[string]string{}, map[string]string{}
			if tc.claimed {
				binding.SetClaim(b.Labels, b.Annotations, &match.Policy{Kind: match.KindPropagationPolicy, Namespace: "n", Name: "p", PermanentID: "id"})
			}
			tmpl := &unstructured.Unstructured{Object: map[string]any{}}
			tmpl.SetUID("u")
			if got := vacant(b, tmpl); got != tc.want {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
}
