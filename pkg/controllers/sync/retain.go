/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package sync

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/manifold-k8s/manifold/pkg/interpret"
)

// retainer holds the replicas of a copy whose number the member decides, until an autoscaler there takes them over.
const retainer = "manifold-retained-replicas"

// retainReplicas prepares for a manifest that leaves the number of replicas to the member. To leave the field out means
// to give it up, and a field that nobody owns falls back to its default, which is one replica: so, before that, another
// manager of ours takes it over at the number it has.
func (j *job) retainReplicas(ctx context.Context, want *unstructured.Unstructured) error {
	path := interpret.Of(want.GroupVersionKind()).ReplicaPath()
	if j.have == nil || len(path) == 0 || replicasIn(want) != nil {
		return nil
	}
	live, err := j.client.Get(ctx, want.GetName(), metav1.GetOptions{})
	if err != nil {
		return fmt.Errorf("read the number of replicas to retain: %w", err)
	}
	n, ok, err := unstructured.NestedInt64(live.Object, path...)
	if err != nil || !ok || !holdsReplicas(live, path) {
		return nil // not ours to give up
	}
	hold := &unstructured.Unstructured{Object: map[string]any{}}
	hold.SetGroupVersionKind(want.GroupVersionKind())
	hold.SetNamespace(want.GetNamespace())
	hold.SetName(want.GetName())
	hold.SetUID(live.GetUID())
	if err := unstructured.SetNestedField(hold.Object, n, path...); err != nil {
		return err
	}
	if _, err := j.client.Apply(ctx, want.GetName(), hold, metav1.ApplyOptions{FieldManager: retainer}); err != nil {
		return fmt.Errorf("retain the number of replicas: %w", err)
	}
	return nil
}

// holdsReplicas reports whether our main field manager owns the number of replicas.
func holdsReplicas(live *unstructured.Unstructured, path []string) bool {
	field := []byte(`"f:` + path[len(path)-1] + `"`)
	return slices.ContainsFunc(live.GetManagedFields(), func(f metav1.ManagedFieldsEntry) bool {
		return f.Manager == FieldManager && f.Operation == metav1.ManagedFieldsOperationApply && f.FieldsV1 != nil &&
			bytes.Contains(f.FieldsV1.GetRawBytes(), field)
	})
}
