/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package sync

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/manifold-k8s/manifold/pkg/telemetry"
)

func TestErrorReason(t *testing.T) {
	t.Parallel()
	maps := schema.GroupResource{Resource: "configmaps"}
	unanswered := &url.Error{Op: "Patch", URL: "https://m1", Err: errors.New("connection refused")}
	for name, tc := range map[string]struct {
		reason string
		err    error
		want   telemetry.Reason
	}{
		"an override":         {"ApplyOverridePolicyFailed", errors.New("no such field"), telemetry.Override},
		"a foreign object":    {"SyncFailed", fmt.Errorf("%w (managed by x)", errForeign), telemetry.Foreign},
		"invalid":             {"SyncFailed", apierrors.NewBadRequest("no"), telemetry.Refused},
		"forbidden, wrapped":  {"SyncFailed", fmt.Errorf("look: %w", apierrors.NewForbidden(maps, "c", nil)), telemetry.Refused},
		"conflict":            {"CleanupWorkFailed", fmt.Errorf("release: %w", apierrors.NewConflict(maps, "c", nil)), telemetry.Conflict},
		"overloaded":          {"SyncFailed", apierrors.NewServiceUnavailable("later"), telemetry.Unavailable},
		"credentials refused": {"SyncFailed", apierrors.NewUnauthorized("who?"), telemetry.Unavailable},
		"no answer":           {"SyncFailed", unanswered, telemetry.Unavailable},
		"too late":            {"CleanupWorkFailed", fmt.Errorf("delete: %w", context.DeadlineExceeded), telemetry.Unavailable},
		"anything else":       {"SyncFailed", errors.New("the object is being deleted in the cluster"), telemetry.Other},
	} {
		if got := errorReason(tc.reason, tc.err); got != tc.want {
			t.Errorf("%s: %d, want %d", name, got, tc.want)
		}
	}
}
