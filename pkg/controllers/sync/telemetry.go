/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package sync

import (
	"context"
	"errors"
	"net"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	policyv1alpha1 "github.com/manifold-k8s/manifold/apis/policy/v1alpha1"
	"github.com/manifold-k8s/manifold/pkg/binding"
	"github.com/manifold-k8s/manifold/pkg/match"
	"github.com/manifold-k8s/manifold/pkg/member"
	"github.com/manifold-k8s/manifold/pkg/telemetry"
)

// object is the template as its origin is known by.
func (j *job) object() telemetry.Object {
	r := j.binding.Spec.Resource
	return telemetry.ObjectOf(j.cfg.Templates.Mapping(binding.TemplateKind(j.binding)), r.Namespace, r.Name)
}

// begin notes which write of a user leads to what is about to be sent, and begins its span. A copy that has the content
// hash already was changed by others: no write led to that. The function that is returned ends the span.
func (j *job) begin(ctx context.Context, hash string) (context.Context, func(error)) {
	if j.meter == nil || (j.have != nil && j.have.Hash == hash) {
		return ctx, func(error) {}
	}
	object := j.object()
	w := j.cfg.Telemetry.Origin(object)
	tmpl, _ := j.cfg.Templates.Get(refOf(j.binding))
	if tmpl != nil && !w.LedTo(tmpl.GetResourceVersion()) {
		w = telemetry.Origin{}
	}
	ctx, span := j.cfg.Telemetry.Sync(ctx, w, object, j.binding.Spec.Resource.Kind, j.member)
	j.origin = w.Later(j.policyWritten())
	return ctx, span.End
}

// policyWritten is the last write of the policy that governs the template.
func (j *job) policyWritten() telemetry.Origin {
	claim := binding.ClaimOf(j.binding.Labels, j.binding.Annotations)
	switch claim.Kind {
	case match.KindPropagationPolicy:
		return j.cfg.Telemetry.Origin(telemetry.Object{
			Resource: policyv1alpha1.Resource("propagationpolicies"), Namespace: claim.Namespace, Name: claim.Name,
		})
	case match.KindClusterPropagationPolicy:
		return j.cfg.Telemetry.Origin(telemetry.Object{Resource: policyv1alpha1.Resource("clusterpropagationpolicies"), Name: claim.Name})
	}
	return telemetry.Origin{}
}

// errorReason classifies what a step failed on; reason is that of the event.
func errorReason(reason string, err error) telemetry.Reason {
	var status apierrors.APIStatus
	var unanswered net.Error
	switch {
	case reason == "ApplyOverridePolicyFailed":
		return telemetry.Override
	case errors.Is(err, errForeign):
		return telemetry.Foreign
	case apierrors.IsConflict(err):
		return telemetry.Conflict
	case errors.As(err, &status) && !member.Away(err):
		return telemetry.Refused
	case status != nil || errors.As(err, &unanswered):
		return telemetry.Unavailable
	}
	return telemetry.Other
}
