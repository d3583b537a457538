/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package work

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/klog/v2"

	"github.com/manifold-k8s/manifold/pkg/binding"
)

// remove takes an object away if it was made for this Work. gone is true when the member is known to hold none.
func (j *job) remove(ctx context.Context, i item) (gone bool, wait time.Duration, err error) {
	if i.resource == "" {
		return true, 0, nil // it was never sent: the resource is recorded before
	}
	live, err := j.client(i).Get(ctx, i.name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return true, 0, nil
	}
	if err != nil {
		return false, 0, fmt.Errorf("look what to remove: %w", err)
	}
	if mine, _ := claim(live, j.work); !mine {
		return true, 0, nil
	}
	if live.GetDeletionTimestamp() != nil {
		return false, goneCheck, nil
	}
	if err := j.recheck(ctx); err != nil {
		return false, 0, err
	}
	if preserves(j.work) {
		return j.unmark(ctx, i, live)
	}
	uid, background := live.GetUID(), metav1.DeletePropagationBackground
	err = j.client(i).Delete(ctx, i.name, metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &uid}, PropagationPolicy: &background})
	if err != nil && !apierrors.IsNotFound(err) {
		return false, 0, fmt.Errorf("delete: %w", err)
	}
	klog.FromContext(ctx).V(2).Info("Deleted", "kind", i.kind.Kind, "object", i.key())
	return false, goneCheck, nil
}

// recheck reads the Work from the store once more: what is deleted has to go for a reason that holds now.
func (j *job) recheck(ctx context.Context) error {
	if j.checked {
		return nil
	}
	now, err := j.cfg.Writer.Get(ctx, j.work.Namespace, j.work.Name)
	if err != nil {
		return fmt.Errorf("check that the deletion still holds: %w", err)
	}
	if now.UID != j.work.UID || now.Generation != j.work.Generation || (now.DeletionTimestamp == nil) != (j.work.DeletionTimestamp == nil) {
		return errGone // the cache will say so in a moment
	}
	j.checked = true
	return nil
}

// unmark takes our marks off the object and leaves it where it is.
func (j *job) unmark(ctx context.Context, i item, live *unstructured.Unstructured) (gone bool, wait time.Duration, err error) {
	labels, annotations := live.GetLabels(), live.GetAnnotations()
	marked := func(k, _ string) bool { return binding.Mark(k) }
	maps.DeleteFunc(labels, marked)
	maps.DeleteFunc(annotations, marked)
	live.SetLabels(labels)
	live.SetAnnotations(annotations)
	live.SetManagedFields(slices.DeleteFunc(live.GetManagedFields(), func(f metav1.ManagedFieldsEntry) bool { return f.Manager == fieldManager }))
	if _, err := j.client(i).Update(ctx, live, metav1.UpdateOptions{FieldManager: fieldManager}); err != nil {
		return false, 0, fmt.Errorf("release: %w", err)
	}
	return true, 0, nil
}

// removeAll takes away everything that was made for the Work, and lets it go when nothing is left.
func (j *job) removeAll(ctx context.Context) (time.Duration, error) {
	var wait time.Duration
	var errs []error
	left := 0
	for _, i := range j.items {
		if !named(j.work, i) {
			continue // never sent: it is recorded before
		}
		gone, again, err := j.remove(ctx, i)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", i, err))
		}
		if !gone {
			left++
		}
		wait = sooner(wait, again)
	}
	if left > 0 || len(errs) > 0 {
		return wait, errors.Join(errs...)
	}
	return 0, j.release(ctx, j.work)
}
