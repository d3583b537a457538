/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package join

import (
	"context"

	corev1 "k8s.io/api/core/v1"

	"github.com/manifold-k8s/manifold/pkg/cli/apply"
	"github.com/manifold-k8s/manifold/pkg/cli/enrol"
)

// prepare makes in the member what the hub works with there, and returns the credentials; none in a dry run.
func prepare(ctx context.Context, w *apply.Writer, cluster, namespace string) (enrol.Credentials, error) {
	var none enrol.Credentials
	if err := w.EnsureNamespace(ctx, enrol.Namespace(namespace)); err != nil {
		return none, err
	}
	accounts := []string{enrol.ImpersonatorAccount, enrol.Account(cluster)}
	for _, name := range accounts {
		if err := w.Apply(ctx, enrol.ServiceAccount(namespace, name)); err != nil {
			return none, err
		}
	}
	for _, obj := range []enrol.Object{enrol.ClusterRole(cluster), enrol.ClusterRoleBinding(namespace, cluster)} {
		if err := w.Apply(ctx, obj); err != nil {
			return none, err
		}
	}
	tokens := map[string]*corev1.Secret{}
	for _, name := range accounts {
		var err error
		if tokens[name], err = w.Token(ctx, enrol.TokenSecret(namespace, name)); err != nil {
			return none, err
		}
	}
	if w.DryRun {
		return none, nil
	}
	own := tokens[enrol.Account(cluster)].Data
	return enrol.Credentials{
		Token:             own[corev1.ServiceAccountTokenKey],
		CABundle:          own[corev1.ServiceAccountRootCAKey],
		ImpersonatorToken: tokens[enrol.ImpersonatorAccount].Data[corev1.ServiceAccountTokenKey],
	}, nil
}
