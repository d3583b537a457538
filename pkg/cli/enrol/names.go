/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package enrol

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"

	clusterv1alpha1 "github.com/manifold-k8s/manifold/apis/cluster/v1alpha1"
)

// ImpersonatorAccount is the name of the member's service account, and of its token Secret, as which the hub
// impersonates users. All hubs that a cluster is a member of share it.
const ImpersonatorAccount = "karmada-impersonator"

// accountPrefix begins the names of the service accounts of hubs.
const accountPrefix = "karmada-"

// Account returns the name of the member's service account as which the hub works there, and of its token Secret.
func Account(cluster string) string { return accountPrefix + cluster }

// IsHubAccount says whether a service account of that name lets a hub work in the member.
func IsHubAccount(name string) bool {
	return strings.HasPrefix(name, accountPrefix) && name != ImpersonatorAccount
}

// Role returns the name of the member's ClusterRole and ClusterRoleBinding for [Account].
func Role(cluster string) string { return "karmada-controller-manager:" + Account(cluster) }

// Secret returns the name of the hub's Secret with the credentials of [Account].
func Secret(cluster string) string { return cluster }

// ImpersonatorSecret returns the name of the hub's Secret with the token of [ImpersonatorAccount].
func ImpersonatorSecret(cluster string) string { return cluster + "-impersonator" }

// ValidateName returns an error that says what a cluster may be called, unless it may be called name.
func ValidateName(name string) error {
	problems := validation.IsDNS1123Label(name)
	if len(name) > clusterv1alpha1.MaxClusterNameLength {
		problems = append(problems, fmt.Sprintf("it has %d characters and may have %d", len(name), clusterv1alpha1.MaxClusterNameLength))
	}
	if Account(name) == ImpersonatorAccount {
		problems = append(problems, "it is reserved")
	}
	if len(problems) == 0 {
		return nil
	}
	return fmt.Errorf("invalid cluster name %q: %s", name, strings.Join(problems, "; "))
}
