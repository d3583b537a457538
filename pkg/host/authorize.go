/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package host

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
)

// Authorize asks the host about its users, and own about all others. When the host does not answer, its users are refused
// with an error that says so.
func (a *Access) Authorize(own authorizer.Authorizer) authorizer.Authorizer {
	return authorizer.AuthorizerFunc(func(ctx context.Context, attrs authorizer.Attributes) (authorizer.Decision, string, error) {
		u := From(attrs.GetUser())
		switch {
		case u == nil:
			return own.Authorize(ctx, attrs)
		case !attrs.IsResourceRequest():
			if a.public(attrs.GetVerb(), attrs.GetPath()) {
				return authorizer.DecisionAllow, "", nil
			}
			return authorizer.DecisionDeny, "users of the host cluster reach no other path of the hub than discovery, OpenAPI and health", nil
		case !a.groups.Has(attrs.GetAPIGroup()):
			return authorizer.DecisionDeny, "users of the host cluster reach the hub's own kinds through the subresource federations/proxy only", nil
		}
		if housekeepers.Has(u.OnHost().GetName()) && !reads.Has(attrs.GetVerb()) {
			return authorizer.DecisionDeny, "the housekeeping of the host cluster knows nothing of the objects of the hub", nil
		}
		decision, reason, err := a.reviews.Authorize(ctx, onHost{attrs, u.OnHost()})
		if err != nil {
			return authorizer.DecisionDeny, "", fmt.Errorf("the host cluster, which has to say what its users may do, does not answer: %w", err)
		}
		return decision, reason, nil
	})
}

// housekeepers are the host's own controllers that delete what seems to be left over in any API that they find. They judge
// by the host's namespaces and owners, while those of the hub's objects are on the hub.
var housekeepers = sets.New(
	"system:kube-controller-manager",
	"system:serviceaccount:kube-system:generic-garbage-collector",
	"system:serviceaccount:kube-system:namespace-controller",
	"system:serviceaccount:kube-system:ttl-after-finished-controller",
)

var reads = sets.New("get", "list", "watch")

// onHost are attributes of a request as the host knows its user.
type onHost struct {
	authorizer.Attributes
	user user.Info
}

func (o onHost) GetUser() user.Info { return o.user }

// public says whether every user of the host may ask for a path: what the host's kube-apiserver reads of a server that it
// puts into its own API, for all its users.
func (a *Access) public(verb, path string) bool {
	if verb != "get" && verb != "head" {
		return false
	}
	path = strings.Trim(path, "/")
	if slices.Contains([]string{"healthz", "livez", "readyz", "version", "apis", "openapi/v2", "openapi/v3"}, path) {
		return true
	}
	inGroup, ok := strings.CutPrefix(strings.TrimPrefix(path, "openapi/v3/"), "apis/")
	group, _, _ := strings.Cut(inGroup, "/")
	return ok && a.groups.Has(group)
}
