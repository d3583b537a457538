/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package template

import (
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/client-go/tools/cache"
)

func TestSettled(t *testing.T) {
	t.Parallel()
	unsynced := cache.NewSharedIndexInformer(&cache.ListWatch{}, &appsv1.Deployment{}, 0, nil)
	gvk := appsv1.SchemeGroupVersion.WithKind("Deployment")
	for name, tc := range map[string]struct {
		found *kind
		want  bool
	}{
		"not served":               {want: true},
		"found, and not listed":    {found: &kind{informer: unsynced}},
		"custom, and not listed":   {found: &kind{informer: unsynced, defined: true}, want: true},
		"served once, and dropped": {found: &kind{}, want: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := NewStore(nil, nil, nil)
			if !s.Settled() {
				t.Error("nobody has asked for anything")
			}
			s.Want(gvk)
			if s.Settled() {
				t.Error("settled before anybody has looked")
			}
			s.found(gvk, tc.found)
			if got := s.Settled(); got != tc.want {
				t.Errorf("settled = %v, want %v", got, tc.want)
			}
		})
	}
}
