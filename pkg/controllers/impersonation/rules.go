/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package impersonation

import (
	"maps"
	"slices"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	clusterv1alpha1 "github.com/manifold-k8s/manifold/apis/cluster/v1alpha1"
)

// Name is that of the service account in a member whose token may act as users there, and of its ClusterRole and
// ClusterRoleBinding.
const Name = "karmada-impersonator"

// The groups that every service account is in, the second followed by its namespace.
const (
	allAccounts        = "system:serviceaccounts"
	accountsOfPrefixed = "system:serviceaccounts:"
)

const anyCluster = "*" // as a resource name: the request that goes to all clusters

// rulesFor returns what the impersonator may do in a cluster: act as exactly those whom the hub's roles let through to it,
// with clusters/proxy for that cluster or with the proxying of search. It may act as nobody if there are none. Only
// ClusterRoleBindings count, as Clusters are in no namespace.
//
// RBAC names service accounts without their namespace in such a rule, so those of the same name in other namespaces are
// included. A service account is in two groups by itself, which therefore come with it.
func rulesFor(cluster string, roles []*rbacv1.ClusterRole, bindings []*rbacv1.ClusterRoleBinding) []rbacv1.PolicyRule {
	granting := map[string]bool{}
	for _, r := range roles {
		granting[r.Name] = slices.ContainsFunc(r.Rules, func(rule rbacv1.PolicyRule) bool { return letsThrough(rule, cluster) })
	}
	users, accounts, groups := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, b := range bindings {
		if b.RoleRef.Kind != "ClusterRole" || !granting[b.RoleRef.Name] {
			continue
		}
		for _, s := range b.Subjects {
			switch s.Kind {
			case rbacv1.UserKind:
				users[s.Name] = true
			case rbacv1.GroupKind:
				groups[s.Name] = true
			case rbacv1.ServiceAccountKind:
				accounts[s.Name] = true
				groups[allAccounts], groups[accountsOfPrefixed+s.Namespace] = true, true
			}
		}
	}
	rules := []rbacv1.PolicyRule{}
	for _, of := range []struct {
		resource string
		names    map[string]bool
	}{{"users", users}, {"serviceaccounts", accounts}, {"groups", groups}} {
		if len(of.names) > 0 { // a rule without names would be about everybody
			rules = append(rules, rbacv1.PolicyRule{
				APIGroups: []string{""}, Resources: []string{of.resource}, Verbs: []string{"impersonate"}, ResourceNames: slices.Sorted(maps.Keys(of.names)),
			})
		}
	}
	return rules
}

// letsThrough reports whether a rule allows anything that leads to the cluster as oneself.
func letsThrough(rule rbacv1.PolicyRule, cluster string) bool {
	names := func(all []string, wanted ...string) bool {
		return slices.ContainsFunc(all, func(s string) bool { return slices.Contains(wanted, s) })
	}
	if len(rule.Verbs) == 0 {
		return false
	}
	if names(rule.APIGroups, rbacv1.APIGroupAll, clusterv1alpha1.GroupName) && names(rule.Resources, rbacv1.ResourceAll, "*/proxy", "clusters/proxy") &&
		(len(rule.ResourceNames) == 0 || names(rule.ResourceNames, cluster, anyCluster)) {
		return true
	}
	return names(rule.APIGroups, rbacv1.APIGroupAll, "search.karmada.io") && names(rule.Resources, rbacv1.ResourceAll, "*/proxy", "proxying/proxy")
}

// objectsFor are what a member is to hold: the role with these rules, for the service account in a namespace.
func objectsFor(namespace string, rules []rbacv1.PolicyRule) (*rbacv1.ClusterRole, *rbacv1.ClusterRoleBinding) {
	meta := metav1.ObjectMeta{Name: Name, Labels: map[string]string{clusterv1alpha1.SystemLabel: clusterv1alpha1.SystemLabelValue}}
	role := &rbacv1.ClusterRole{
		TypeMeta: metav1.TypeMeta{APIVersion: rbacv1.SchemeGroupVersion.String(), Kind: "ClusterRole"}, ObjectMeta: meta, Rules: rules,
	}
	binding := &rbacv1.ClusterRoleBinding{
		TypeMeta: metav1.TypeMeta{APIVersion: rbacv1.SchemeGroupVersion.String(), Kind: "ClusterRoleBinding"}, ObjectMeta: *meta.DeepCopy(),
		RoleRef:  rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: Name},
		Subjects: []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Name: Name, Namespace: namespace}},
	}
	return role, binding
}
