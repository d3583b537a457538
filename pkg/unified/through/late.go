/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package through

import (
	"context"
	"errors"
	"sync/atomic"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apiserver/pkg/authorization/authorizer"

	"github.com/manifold-k8s/manifold/pkg/member"
)

// Late are the members and the authorizer for storage that is built before there are any. Until Use they refuse.
type Late struct{ to atomic.Pointer[known] }

type known struct {
	members    Members
	authorizer authorizer.Authorizer
}

var (
	_ Members               = &Late{}
	_ authorizer.Authorizer = &Late{}
)

// Use says who they are.
func (l *Late) Use(members Members, a authorizer.Authorizer) { l.to.Store(&known{members, a}) }

// Own implements Members.
func (l *Late) Own(ctx context.Context, cluster string) (*member.Way, error) {
	if to := l.to.Load(); to != nil {
		return to.members.Own(ctx, cluster)
	}
	return nil, apierrors.NewServiceUnavailable("the server has not started yet")
}

// Authorize implements authorizer.Authorizer.
func (l *Late) Authorize(ctx context.Context, a authorizer.Attributes) (authorizer.Decision, string, error) {
	if to := l.to.Load(); to != nil {
		return to.authorizer.Authorize(ctx, a)
	}
	return authorizer.DecisionDeny, "", errors.New("the server has not started yet")
}
