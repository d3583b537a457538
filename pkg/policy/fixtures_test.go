/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package policy

import (
	"context"
	"strconv"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
	"k8s.io/utils/clock"

	policyv1alpha1 "github.com/manifold-k8s/manifold/apis/policy/v1alpha1"
	"github.com/manifold-k8s/manifold/pkg/local"
)

// sources are what a Store reads. Of override policies, lists and events are what the test says; there are no others.
type sources struct {
	written local.Written // of override policies
	listed  []policyv1alpha1.OverridePolicy
	version string // of the list
	watches chan watch.Interface
}

// run starts a store over the sources, which ends with the test, or with the bubble that it runs in.
func (s *sources) run(ctx context.Context, t *testing.T) (*Store, *watch.RaceFreeFakeWatcher) {
	t.Helper()
	ctx, stop := context.WithCancel(ctx)
	s.watches = make(chan watch.Interface, 10)
	if s.version == "" {
		s.version = "1"
	}
	store := NewStore(ListWatches{
		Propagation: none(&policyv1alpha1.PropagationPolicyList{}), ClusterPropagation: none(&policyv1alpha1.ClusterPropagationPolicyList{}),
		ClusterOverride: none(&policyv1alpha1.ClusterOverridePolicyList{}),
		Override: &local.Source{Written: &s.written, ListWatch: &cache.ListWatch{
			ListWithContextFunc: func(context.Context, metav1.ListOptions) (runtime.Object, error) {
				return &policyv1alpha1.OverridePolicyList{ListMeta: metav1.ListMeta{ResourceVersion: s.version}, Items: s.listed}, nil
			},
			WatchFuncWithContext: func(ctx context.Context, _ metav1.ListOptions) (watch.Interface, error) {
				select {
				case w := <-s.watches:
					return w, nil
				case <-ctx.Done():
					return nil, ctx.Err()
				}
			},
		}},
	}, clock.RealClock{})
	done := make(chan error)
	go func() { done <- store.Run(ctx) }()
	w := watch.NewRaceFreeFake()
	s.watches <- w
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	if !cache.WaitForCacheSync(ctx.Done(), store.HasSynced) {
		t.Fatal("not synced")
	}
	return store, w
}

// none is a source of nothing.
func none(list runtime.Object) *local.Source {
	return &local.Source{ListWatch: &cache.ListWatch{
		ListWithContextFunc: func(context.Context, metav1.ListOptions) (runtime.Object, error) {
			return list.DeepCopyObject(), nil
		},
		WatchFuncWithContext: func(context.Context, metav1.ListOptions) (watch.Interface, error) {
			return watch.NewRaceFreeFake(), nil
		},
	}}
}

// overridePolicy selects the ConfigMaps of the namespace "ns" that are called c.
func overridePolicy(name, uid string, version int, more ...func(*policyv1alpha1.OverridePolicy)) *policyv1alpha1.OverridePolicy {
	p := &policyv1alpha1.OverridePolicy{ObjectMeta: metav1.ObjectMeta{
		Namespace: "ns", Name: name, UID: types.UID(uid), ResourceVersion: strconv.Itoa(version),
	}}
	p.Spec.ResourceSelectors = []policyv1alpha1.ResourceSelector{{APIVersion: "v1", Kind: "ConfigMap", Namespace: "ns", Name: "c"}}
	for _, f := range more {
		f(p)
	}
	return p
}
