/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package binding

import (
	"bytes"
	"slices"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/runtime"

	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
)

// Same reports whether two states of a binding say the same.
func Same(a, b *Binding) bool {
	return equality.Semantic.DeepEqual(a.ObjectMeta, b.ObjectMeta) && equality.Semantic.DeepEqual(a.Spec, b.Spec) && SameStatus(&a.Status, &b.Status)
}

// SameStatus reports whether two statuses say the same. A general comparison would look at every byte of what the members
// have reported by itself, and statuses are compared more often than anything else.
func SameStatus(a, b *workv1alpha2.ResourceBindingStatus) bool {
	if !slices.EqualFunc(a.AggregatedStatus, b.AggregatedStatus, SameItem) {
		return false
	}
	x, y := *a, *b
	x.AggregatedStatus, y.AggregatedStatus = nil, nil
	return equality.Semantic.DeepEqual(x, y)
}

// SameItem reports whether two items say the same of a cluster.
func SameItem(a, b workv1alpha2.AggregatedStatusItem) bool {
	return a.ClusterName == b.ClusterName && a.Applied == b.Applied && a.AppliedMessage == b.AppliedMessage && a.Health == b.Health &&
		bytes.Equal(raw(a.Status), raw(b.Status))
}

func raw(e *runtime.RawExtension) []byte {
	if e == nil {
		return nil
	}
	return e.Raw
}
