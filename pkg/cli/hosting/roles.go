/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package hosting

import (
	rbacv1 "k8s.io/api/rbac/v1"

	clusterv1alpha1 "github.com/manifold-k8s/manifold/apis/cluster/v1alpha1"
	hubv1alpha1 "github.com/manifold-k8s/manifold/apis/hub/v1alpha1"
	policyv1alpha1 "github.com/manifold-k8s/manifold/apis/policy/v1alpha1"
	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
	"github.com/manifold-k8s/manifold/pkg/cli/enrol"
)

// Roles returns the ClusterRoles that the host's administrator can give to users: to look at the federation, to write its
// policies, and to administer it. Each lets use the proxy to the hub's own API, which by itself allows nothing there: what
// they may do behind it says the hub's RBAC.
func Roles(apis []API) []enrol.Object {
	reads, writes := []string{"get", "list", "watch"}, []string{"create", "update", "patch", "delete", "deletecollection"}
	policies := []string{"propagationpolicies", "clusterpropagationpolicies", "overridepolicies", "clusteroverridepolicies"}
	rule := func(verbs []string, group string, resources ...string) rbacv1.PolicyRule {
		return rbacv1.PolicyRule{Verbs: verbs, APIGroups: []string{group}, Resources: resources}
	}
	view := []rbacv1.PolicyRule{
		rule(reads, policyv1alpha1.GroupName, policies...),
		rule(reads, clusterv1alpha1.GroupName, "clusters", "clusters/status"),
		rule(reads, workv1alpha2.GroupName, "resourcebindings", "resourcebindings/status", "clusterresourcebindings", "clusterresourcebindings/status"),
		rule([]string{"get", "list"}, hubv1alpha1.GroupName, "federations"),
		rule([]string{"get", "create", "update", "patch", "delete"}, hubv1alpha1.GroupName, "federations/proxy"),
	}
	edit := append(append([]rbacv1.PolicyRule{}, view...), rule(writes, policyv1alpha1.GroupName, policies...))
	var admin []rbacv1.PolicyRule
	seen := map[string]bool{}
	for _, api := range apis {
		if !seen[api.Group] {
			seen[api.Group] = true
			admin = append(admin, rule([]string{rbacv1.VerbAll}, api.Group, rbacv1.ResourceAll))
		}
	}
	role := func(name string, rules []rbacv1.PolicyRule) enrol.Object {
		return &rbacv1.ClusterRole{TypeMeta: typed(rbacv1.SchemeGroupVersion, "ClusterRole"), ObjectMeta: meta("", name), Rules: rules}
	}
	return []enrol.Object{role("manifold-view", view), role("manifold-edit", edit), role("manifold-admin", admin)}
}
