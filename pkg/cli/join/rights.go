/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package join

import (
	"context"
	"slices"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	clusterv1alpha1 "github.com/manifold-k8s/manifold/apis/cluster/v1alpha1"
	"github.com/manifold-k8s/manifold/pkg/cli/access"
)

var (
	namespaces = corev1.Resource("namespaces")
	roles      = schema.GroupResource{Group: rbacv1.GroupName, Resource: "clusterroles"}
	bindings   = schema.GroupResource{Group: rbacv1.GroupName, Resource: "clusterrolebindings"}
	everything = schema.GroupResource{Group: rbacv1.APIGroupAll, Resource: rbacv1.ResourceAll}
)

// checkRights returns an [access.MissingError] unless the user may do all that joining takes, first in the member, then
// on the hub.
func (o *options) checkRights(ctx context.Context, hub *access.Hub, member *access.Server) error {
	missing, err := access.Missing(ctx, member.Kube, memberRights(o.namespace))
	if err != nil {
		return err
	}
	grant, err := missingToGrant(ctx, member)
	if err != nil {
		return err
	}
	if missing = append(missing, grant...); len(missing) > 0 {
		return &access.MissingError{Server: "cluster", Host: member.Host, Missing: missing}
	}
	if missing, err = access.Missing(ctx, hub.Kube, hubRights(o.namespace)); err != nil {
		return err
	}
	if len(missing) > 0 {
		return &access.MissingError{Server: "hub", Host: hub.Host, Missing: missing}
	}
	return nil
}

func memberRights(namespace string) []access.Right {
	return slices.Concat(
		[]access.Right{{Verb: "get", Resource: namespaces, Name: metav1.NamespaceSystem}},
		access.Rights("get create", namespaces, ""),
		access.Rights("get create patch", corev1.Resource("serviceaccounts"), namespace),
		access.Rights("get create patch watch delete", corev1.Resource("secrets"), namespace),
		access.Rights("get create patch", roles, ""),
		access.Rights("get create patch", bindings, ""),
	)
}

func hubRights(namespace string) []access.Right {
	return slices.Concat(
		[]access.Right{{Verb: "get", Resource: namespaces, Name: metav1.NamespaceSystem}},
		access.Rights("get create", namespaces, ""),
		access.Rights("get create patch", corev1.Resource("secrets"), namespace),
		access.Rights("get list watch create update", clusterv1alpha1.Resource("clusters"), ""),
	)
}

// missingToGrant returns what the user lacks for giving the hub a role that allows everything: either to be allowed
// everything, or to be exempt from the rule that nobody grants what they do not have.
func missingToGrant(ctx context.Context, member *access.Server) ([]access.Right, error) {
	missing, err := access.Missing(ctx, member.Kube, access.Rights(rbacv1.VerbAll, everything, ""))
	if err != nil || len(missing) == 0 {
		return nil, err
	}
	return access.Missing(ctx, member.Kube, access.Rights("escalate bind", roles, ""))
}
