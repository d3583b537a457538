/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package binding

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
)

func TestSame(t *testing.T) {
	t.Parallel()
	b := func() *Binding {
		b := &Binding{ObjectMeta: metav1.ObjectMeta{Name: "b", Labels: map[string]string{"a": "b"}}}
		b.Spec.Clusters = []workv1alpha2.TargetCluster{{Name: "m1", Replicas: 1}}
		b.Status.SchedulerObservedGeneration = 1
		b.Status.Conditions = []metav1.Condition{{Type: "Scheduled"}}
		b.Status.AggregatedStatus = []workv1alpha2.AggregatedStatusItem{{
			ClusterName: "m1", Status: &runtime.RawExtension{Raw: []byte(`{"a":1}`)}, Applied: true, AppliedMessage: "m", Health: workv1alpha2.ResourceHealthy,
		}, {ClusterName: "m2"}}
		return b
	}
	if !Same(b(), b()) {
		t.Error("equal ones differ")
	}
	item := func(f func(*workv1alpha2.AggregatedStatusItem)) func(*Binding) {
		return func(b *Binding) { f(&b.Status.AggregatedStatus[0]) }
	}
	for name, change := range map[string]func(*Binding){
		"metadata":      func(b *Binding) { b.Labels["a"] = "c" },
		"spec":          func(b *Binding) { b.Spec.Clusters[0].Replicas = 2 },
		"generation":    func(b *Binding) { b.Status.SchedulerObservedGeneration = 2 },
		"affinity":      func(b *Binding) { b.Status.SchedulerObservedAffinityName = "x" },
		"last time":     func(b *Binding) { b.Status.LastScheduledTime = &metav1.Time{} },
		"condition":     func(b *Binding) { b.Status.Conditions[0].Reason = "r" },
		"cluster":       item(func(i *workv1alpha2.AggregatedStatusItem) { i.ClusterName = "m3" }),
		"status":        item(func(i *workv1alpha2.AggregatedStatusItem) { i.Status.Raw = []byte(`{"a":2}`) }),
		"no status":     item(func(i *workv1alpha2.AggregatedStatusItem) { i.Status = nil }),
		"applied":       item(func(i *workv1alpha2.AggregatedStatusItem) { i.Applied = false }),
		"message":       item(func(i *workv1alpha2.AggregatedStatusItem) { i.AppliedMessage = "n" }),
		"health":        item(func(i *workv1alpha2.AggregatedStatusItem) { i.Health = workv1alpha2.ResourceUnknown }),
		"fewer members": func(b *Binding) { b.Status.AggregatedStatus = b.Status.AggregatedStatus[:1] },
	} {
		other := b()
		change(other)
		if Same(b(), other) || Same(other, b()) {
			t.Errorf("%s: the difference is not seen", name)
		}
	}
}
