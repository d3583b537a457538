/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package sync

import (
	"context"
	"errors"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
	"github.com/manifold-k8s/manifold/pkg/binding"
	"github.com/manifold-k8s/manifold/pkg/manifest"
)

// errForeign reports an object of the same name that Manifold did not make and may not take over.
var errForeign = errors.New("an object of this name exists that Manifold does not manage")

// checkForeign looks whether an object of that name exists, as only managed ones are watched. It returns nil if there is
// none, or one that may be taken over.
func (j *job) checkForeign(ctx context.Context) error {
	live, err := j.client.Get(ctx, j.binding.Spec.Resource.Name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look for an object of this name: %w", err)
	}
	tmpl, _ := j.cfg.Templates.Get(refOf(j.binding))
	if ours(live) || manifest.Overwrites(j.binding, tmpl) {
		return nil
	}
	if j.binding.Labels[workv1alpha2.BindingManagedByLabel] == binding.ManagedByNamespace {
		return fmt.Errorf("%w (managed by %s): it is used as it is; the annotation %s: %s on the namespace hands it over to Manifold",
			errForeign, owners(live), workv1alpha2.ConflictResolutionAnnotation, workv1alpha2.ConflictResolutionOverwrite)
	}
	return fmt.Errorf("%w (managed by %s): set conflictResolution: Overwrite in the policy, or the annotation %s: %s on the object, to take it over",
		errForeign, owners(live), workv1alpha2.ConflictResolutionAnnotation, workv1alpha2.ConflictResolutionOverwrite)
}

// ours reports whether the object carries our mark, or did until somebody removed it. What a Work of a user has brought is
// that user's.
func ours(live *unstructured.Unstructured) bool {
	if labels := live.GetLabels(); labels[workv1alpha2.WorkPermanentIDLabel] != "" &&
		labels[workv1alpha2.ResourceBindingPermanentIDLabel] == "" && labels[workv1alpha2.ClusterResourceBindingPermanentIDLabel] == "" {
		return false
	}
	if live.GetLabels()[workv1alpha2.ManagedLabel] == workv1alpha2.ManagedLabelValue {
		return true
	}
	return slices.ContainsFunc(live.GetManagedFields(), func(f metav1.ManagedFieldsEntry) bool {
		return f.Manager == FieldManager && f.Operation == metav1.ManagedFieldsOperationApply
	})
}

func owners(live *unstructured.Unstructured) string {
	var names []string
	for _, f := range live.GetManagedFields() {
		if f.Subresource == "" && !slices.Contains(names, f.Manager) {
			names = append(names, f.Manager)
		}
	}
	if len(names) == 0 {
		return "nobody in particular"
	}
	slices.Sort(names)
	return fmt.Sprint(names)
}
