/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package kind_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
)

func TestWriter(t *testing.T) {
	b := start(t)
	writer := b.work.ResourceBindings.Writer()

	before := b.revision(t)
	in := newBinding("web")
	untouched := in.DeepCopy()
	first, err := writer.Create(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	if got := b.revision(t) - before; got != 1 {
		t.Errorf("creation took %d revisions, want 1", got)
	}
	if diff := cmp.Diff(untouched, in); diff != "" {
		t.Errorf("argument changed (-before +after):\n%s", diff)
	}
	if first.Generation != 1 || first.Status.SchedulerObservedGeneration != 1 || first.UID == "" || first.Labels[workv1alpha2.ResourceBindingPermanentIDLabel] == "" {
		t.Errorf("created: %+v", first)
	}
	if _, err := writer.Create(t.Context(), newBinding("web")); !apierrors.IsAlreadyExists(err) {
		t.Errorf("second creation: %v, want already exists", err)
	}

	before = b.revision(t)
	change := first.DeepCopy()
	change.Spec.Clusters = append(change.Spec.Clusters, workv1alpha2.TargetCluster{Name: "m2"})
	change.Status.SchedulerObservedGeneration = 2
	second, err := writer.Update(t.Context(), change)
	if err != nil {
		t.Fatal(err)
	}
	if got := b.revision(t) - before; got != 1 {
		t.Errorf("update took %d revisions, want 1", got)
	}
	if second.Generation != 2 || second.Status.SchedulerObservedGeneration != 2 || len(second.Spec.Clusters) != 2 {
		t.Errorf("updated: %+v", second)
	}
	if _, err := writer.Update(t.Context(), change); !apierrors.IsConflict(err) {
		t.Errorf("update of an old reading: %v, want conflict", err)
	}

	statusOnly := second.DeepCopy()
	statusOnly.Status.AggregatedStatus = []workv1alpha2.AggregatedStatusItem{{ClusterName: "m1", Applied: true}}
	third, err := writer.Update(t.Context(), statusOnly)
	if err != nil {
		t.Fatal(err)
	}
	if third.Generation != 2 {
		t.Errorf("generation is %d after a change of status, want 2", third.Generation)
	}

	before = b.revision(t)
	if _, err := writer.Update(t.Context(), third); err != nil {
		t.Errorf("update without change: %v", err)
	}
	if got := b.revision(t) - before; got != 0 {
		t.Errorf("update without change took %d revisions, want none", got)
	}

	read, err := writer.Get(t.Context(), "shop", "web")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(third, read); diff != "" {
		t.Errorf("read back (-written +read):\n%s", diff)
	}
	if _, err := writer.Get(t.Context(), "bank", "web"); !apierrors.IsNotFound(err) {
		t.Errorf("read in another namespace: %v, want not found", err)
	}

	blind := third.DeepCopy()
	blind.ResourceVersion = ""
	if _, err := writer.Update(t.Context(), blind); err == nil {
		t.Error("update without resourceVersion accepted")
	}
	invalid := third.DeepCopy()
	invalid.Status.AggregatedStatus[0].ClusterName = ""
	if _, err := writer.Update(t.Context(), invalid); !apierrors.IsInvalid(err) {
		t.Errorf("update with an invalid status: %v, want invalid", err)
	}

	other := third.DeepCopy()
	other.UID = "another"
	if err := writer.Delete(t.Context(), other); !apierrors.IsConflict(err) {
		t.Errorf("deletion of another object: %v, want conflict", err)
	}
	if err := writer.Delete(t.Context(), third); err != nil {
		t.Error(err)
	}
	if _, err := writer.Update(t.Context(), third); !apierrors.IsNotFound(err) {
		t.Errorf("update after deletion: %v, want not found", err)
	}
}

func TestWriterOfClusterWideKind(t *testing.T) {
	b := start(t)
	writer := b.work.ClusterResourceBindings.Writer()
	in := &workv1alpha2.ClusterResourceBinding{ObjectMeta: metav1.ObjectMeta{Name: "x-crd"}, Spec: newBinding("x").Spec}
	in.Status.SchedulerObservedGeneration = 1
	out, err := writer.Create(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	if out.Status.SchedulerObservedGeneration != 1 {
		t.Error("status is lost")
	}
	if b.policy.OverridePolicies.Writer() != nil {
		t.Error("a kind without status has a writer")
	}
}
