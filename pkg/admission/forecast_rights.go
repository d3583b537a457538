/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package admission

import (
	"context"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
)

// rights are those of a user to read. Who may write a policy does not thereby learn the names of what it selects.
type rights struct {
	authorizer authorizer.Authorizer
	user       user.Info
	lists      map[collection]bool // what was asked before
}

// collection is all of a resource in a namespace; an empty one means all.
type collection struct {
	resource  schema.GroupVersionResource
	namespace string
}

// read reports whether the user may read an object. An authorizer that cannot tell counts as one that says no.
func (r *rights) read(ctx context.Context, resource schema.GroupVersionResource, namespace, name string) bool {
	if r.list(ctx, collection{resource, ""}) || (namespace != "" && r.list(ctx, collection{resource, namespace})) {
		return true
	}
	return r.may(ctx, "get", collection{resource, namespace}, name)
}

func (r *rights) list(ctx context.Context, c collection) bool {
	if may, known := r.lists[c]; known {
		return may
	}
	if r.lists == nil {
		r.lists = map[collection]bool{}
	}
	r.lists[c] = r.may(ctx, "list", c, "")
	return r.lists[c]
}

func (r *rights) may(ctx context.Context, verb string, c collection, name string) bool {
	decision, _, err := r.authorizer.Authorize(ctx, authorizer.AttributesRecord{
		User: r.user, Verb: verb, Namespace: c.namespace, Name: name, ResourceRequest: true,
		APIGroup: c.resource.Group, APIVersion: c.resource.Version, Resource: c.resource.Resource,
	})
	return err == nil && decision == authorizer.DecisionAllow
}
