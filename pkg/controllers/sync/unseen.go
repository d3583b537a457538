/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package sync

import (
	"context"
	"errors"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
	"github.com/manifold-k8s/manifold/pkg/member"
)

// lookUp asks the member itself for the copy if one was sent that its watch has not reported: to be forgotten, a copy
// must be known to be gone.
func (j *job) lookUp(ctx context.Context) error {
	if j.have != nil || j.read().unseen == "" {
		return nil
	}
	live, err := j.client.Get(ctx, j.binding.Spec.Resource.Name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return nil
	case err != nil:
		return fmt.Errorf("look whether a copy has arrived: %w", err)
	case live.GetLabels()[workv1alpha2.ManagedLabel] == workv1alpha2.ManagedLabelValue:
		j.have = member.CopyOf(live)
	}
	return nil
}

// declined reports whether err says that the member did not do what was asked. Others may come after it has.
func declined(err error) bool {
	var status apierrors.APIStatus
	return errors.As(err, &status) && status.Status().Code >= 400 && status.Status().Code < 500
}
