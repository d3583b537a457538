/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package through

import (
	"context"
	"errors"
	"net/http"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/rest"
	clientrest "k8s.io/client-go/rest"

	"github.com/manifold-k8s/manifold/pkg/member"
)

// All is the name that stands for all clusters.
const All = "*"

// Impersonating leads to members as users.
type Impersonating interface {
	Names() []string
	Impersonator(ctx context.Context, cluster string, as user.Info) (*member.Way, error)
}

// Clusters pass on requests below clusters/{name}/proxy, each as the user who sends it: what may be done in a member is
// decided there.
type Clusters struct {
	members Impersonating
	hub     *clientrest.Config // may act as anybody on the hub itself
}

// NewClusters returns the way to all members. hub is a connection to the hub's own API that may act as users.
func NewClusters(members Impersonating, hub *clientrest.Config) *Clusters {
	return &Clusters{members: members, hub: hub}
}

// Proxy returns the handler of a request to a path of a cluster's API server, or of that of all.
func (c *Clusters) Proxy(ctx context.Context, cluster, path string, responder rest.Responder) (http.Handler, error) {
	as, ok := request.UserFrom(ctx)
	if !ok {
		return nil, apierrors.NewInternalError(errors.New("no user in context"))
	}
	if path == "" {
		path = "/"
	}
	if cluster == All {
		return c.all(as, path, responder)
	}
	way, err := c.members.Impersonator(ctx, cluster, as)
	if err != nil {
		return nil, err
	}
	return Pass(way, path, responder), nil
}
