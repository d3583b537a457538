/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package sync

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/klog/v2"

	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
	"github.com/manifold-k8s/manifold/pkg/binding"
)

// remove takes the copy away, if it is ours and the reason for it still holds.
func (j *job) remove(ctx context.Context) (wait time.Duration, err error) {
	if err := j.lookUp(ctx); err != nil {
		j.fail("CleanupWorkFailed", err)
		return 0, err
	}
	if j.have == nil || !j.mine() {
		j.gone()
		return 0, nil
	}
	if j.have.Deleting {
		return j.lingers(ctx)
	}
	ctx, end := j.begin(ctx, "")
	defer func() { end(err) }()
	now, err := j.cfg.Bindings.Live(ctx, j.key)
	if err != nil {
		return 0, fmt.Errorf("check that the deletion still holds: %w", err)
	}
	if now.UID != j.binding.UID || (now.DeletionTimestamp == nil && binding.Target(now, j.member) != nil) {
		return time.Second, nil // it came back; the cache will say so in a moment
	}
	name := j.binding.Spec.Resource.Name
	if preserves(now) {
		if err := j.release(ctx, name); err != nil {
			j.fail("CleanupWorkFailed", err)
			return 0, err
		}
		return 0, nil
	}
	background := metav1.DeletePropagationBackground
	err = j.client.Delete(ctx, name, metav1.DeleteOptions{
		Preconditions: &metav1.Preconditions{UID: &j.have.UID}, PropagationPolicy: &background,
	})
	if err != nil && !apierrors.IsNotFound(err) {
		j.fail("CleanupWorkFailed", fmt.Errorf("delete: %w", err))
		return 0, fmt.Errorf("delete: %w", err)
	}
	klog.FromContext(ctx).V(2).Info("Deleted", "kind", j.binding.Spec.Resource.Kind, "templateDeleted", now.DeletionTimestamp != nil)
	return 0, nil
}

// stuckAfter is how long the end of a copy may take before somebody should know what holds it.
const stuckAfter = 10 * time.Second

// lingers follows a copy that is being deleted. Its end is reported by the watch; what holds it is said here, and looked
// at again now and then.
func (j *job) lingers(ctx context.Context) (time.Duration, error) {
	now := j.cfg.Clock.Now()
	since := j.read().lingers
	switch {
	case since.IsZero():
		j.record(func(e *entry) { e.lingers = now })
		return stuckAfter, nil
	case now.Sub(since) < stuckAfter:
		return stuckAfter - now.Sub(since), nil
	}
	live, err := j.client.Get(ctx, j.binding.Spec.Resource.Name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return 0, nil
	case err != nil:
		return 0, fmt.Errorf("look what holds the object: %w", err)
	}
	j.fail("CleanupWorkFailed", errors.New(held(live.GetFinalizers())))
	return lastRetry, nil
}

// held says why a copy that is being deleted is still there.
func held(finalizers []string) string {
	if len(finalizers) == 0 {
		return "still there: the cluster has not finished to delete it"
	}
	return "still there: it is being deleted, and held by the finalizers " + strings.Join(slices.Sorted(slices.Values(finalizers)), ", ")
}

// gone records that the member holds no copy, and should not.
func (j *job) gone() {
	j.record(func(e *entry) {
		j.hold(e, nil)
		*e = entry{Outcome: Outcome{Gone: binding.Revision(j.binding)}}
	})
}

// mine reports whether the copy was made for this binding. Whoever takes one of the marks off in the member has not
// thereby taken over the object.
func (j *job) mine() bool {
	return j.have.PermanentID == binding.PermanentID(j.binding) ||
		(j.have.TemplateUID != "" && j.have.TemplateUID == j.binding.Spec.Resource.UID)
}

// preserves reports whether a copy that is not wanted any more stays, without our marks: when the policy says so, and
// when it is a namespace that still exists on the hub. A namespace goes with all that is in it, and what users of the
// member have put there themselves is nothing that leaving the federation may delete.
func preserves(b *binding.Binding) bool {
	if p := b.Spec.PreserveResourcesOnDeletion; p != nil && *p {
		return true
	}
	return b.DeletionTimestamp == nil && b.Labels[workv1alpha2.BindingManagedByLabel] == binding.ManagedByNamespace
}

// release takes our marks off the object and leaves it where it is. The watch then reports it as gone.
func (j *job) release(ctx context.Context, name string) error {
	live, err := j.client.Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("release: %w", err)
	}
	if live.GetUID() != j.have.UID {
		return nil
	}
	labels, annotations := live.GetLabels(), live.GetAnnotations()
	marked := func(k, _ string) bool { return binding.Mark(k) }
	maps.DeleteFunc(labels, marked)
	maps.DeleteFunc(annotations, marked)
	live.SetLabels(labels)
	live.SetAnnotations(annotations)
	live.SetManagedFields(slices.DeleteFunc(live.GetManagedFields(), func(f metav1.ManagedFieldsEntry) bool {
		return f.Manager == FieldManager
	}))
	if _, err := j.client.Update(ctx, live, metav1.UpdateOptions{FieldManager: FieldManager}); err != nil {
		return fmt.Errorf("release: %w", err)
	}
	return nil
}
