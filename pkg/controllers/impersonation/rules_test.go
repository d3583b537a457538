/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package impersonation

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func role(name string, rules ...rbacv1.PolicyRule) *rbacv1.ClusterRole {
	return &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: name}, Rules: rules}
}

func rule(group, resource string, names ...string) rbacv1.PolicyRule {
	return rbacv1.PolicyRule{APIGroups: []string{"other", group}, Resources: []string{"others", resource}, Verbs: []string{"get"}, ResourceNames: names}
}

func bound(to string, subjects ...rbacv1.Subject) *rbacv1.ClusterRoleBinding {
	return &rbacv1.ClusterRoleBinding{RoleRef: rbacv1.RoleRef{Kind: "ClusterRole", Name: to}, Subjects: subjects}
}

func user(name string) rbacv1.Subject  { return rbacv1.Subject{Kind: rbacv1.UserKind, Name: name} }
func group(name string) rbacv1.Subject { return rbacv1.Subject{Kind: rbacv1.GroupKind, Name: name} }
func account(ns, name string) rbacv1.Subject {
	return rbacv1.Subject{Kind: rbacv1.ServiceAccountKind, Namespace: ns, Name: name}
}

// actAs is a rule of the member.
func actAs(resource string, names ...string) rbacv1.PolicyRule {
	return rbacv1.PolicyRule{APIGroups: []string{""}, Resources: []string{resource}, Verbs: []string{"impersonate"}, ResourceNames: names}
}

// Which rules of the hub let somebody through to the cluster m1.
func TestLetsThrough(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		rule rbacv1.PolicyRule
		want bool
	}{
		"any cluster":                {rule("cluster.karmada.io", "clusters/proxy"), true},
		"this cluster":               {rule("cluster.karmada.io", "clusters/proxy", "m0", "m1"), true},
		"all clusters at once":       {rule("cluster.karmada.io", "clusters/proxy", "*"), true},
		"another cluster":            {rule("cluster.karmada.io", "clusters/proxy", "m2"), false},
		"all subresources proxy":     {rule("cluster.karmada.io", "*/proxy"), true},
		"all resources":              {rule("cluster.karmada.io", "*"), true},
		"all groups":                 {rule("*", "clusters/proxy"), true},
		"everything":                 {rule("*", "*"), true},
		"everything named m2":        {rule("*", "*", "m2"), true}, // of search, where names are those of other things
		"clusters themselves":        {rule("cluster.karmada.io", "clusters"), false},
		"the status of clusters":     {rule("cluster.karmada.io", "clusters/status"), false},
		"another group":              {rule("apps", "clusters/proxy"), false},
		"proxying":                   {rule("search.karmada.io", "proxying/proxy"), true},
		"proxying by name":           {rule("search.karmada.io", "proxying/proxy", "x"), true},
		"proxying of the group":      {rule("search.karmada.io", "*"), true},
		"the object proxying":        {rule("search.karmada.io", "proxying"), false},
		"clusters/proxy, search":     {rule("search.karmada.io", "clusters/proxy"), false},
		"no verb":                    {rbacv1.PolicyRule{APIGroups: []string{"*"}, Resources: []string{"*"}}, false},
		"paths that are no resource": {rbacv1.PolicyRule{NonResourceURLs: []string{"*"}, Verbs: []string{"*"}}, false},
	} {
		if got := letsThrough(tc.rule, "m1"); got != tc.want {
			t.Errorf("%s: %v, want %v", name, got, tc.want)
		}
	}
}

// Whom the impersonator may act as.
func TestRulesFor(t *testing.T) {
	t.Parallel()
	roles := []*rbacv1.ClusterRole{
		role("m1", rule("cluster.karmada.io", "clusters/proxy", "m1")), role("m2", rule("cluster.karmada.io", "clusters/proxy", "m2")),
		role("view", rule("apps", "deployments")), role("admin", rule("*", "*")),
	}
	for name, tc := range map[string]struct {
		bindings []*rbacv1.ClusterRoleBinding
		want     []rbacv1.PolicyRule
	}{
		"nobody":           {nil, []rbacv1.PolicyRule{}},
		"another cluster":  {[]*rbacv1.ClusterRoleBinding{bound("m2", user("u"))}, []rbacv1.PolicyRule{}},
		"something else":   {[]*rbacv1.ClusterRoleBinding{bound("view", user("u"))}, []rbacv1.PolicyRule{}},
		"an unknown role":  {[]*rbacv1.ClusterRoleBinding{bound("none", user("u"))}, []rbacv1.PolicyRule{}},
		"an empty binding": {[]*rbacv1.ClusterRoleBinding{bound("m1")}, []rbacv1.PolicyRule{}},
		"a role that is none of the cluster's": {[]*rbacv1.ClusterRoleBinding{{
			RoleRef: rbacv1.RoleRef{Kind: "Role", Name: "m1"}, Subjects: []rbacv1.Subject{user("u")},
		}}, []rbacv1.PolicyRule{}},
		"users, sorted, once": {
			[]*rbacv1.ClusterRoleBinding{bound("m1", user("b"), user("a")), bound("admin", user("b"), user("c"))},
			[]rbacv1.PolicyRule{actAs("users", "a", "b", "c")},
		},
		"administrators": {
			[]*rbacv1.ClusterRoleBinding{bound("admin", group("system:masters"))},
			[]rbacv1.PolicyRule{actAs("groups", "system:masters")},
		},
		"a service account brings the groups it is in": {
			[]*rbacv1.ClusterRoleBinding{bound("m1", account("ns", "sa"))},
			[]rbacv1.PolicyRule{actAs("serviceaccounts", "sa"), actAs("groups", "system:serviceaccounts", "system:serviceaccounts:ns")},
		},
		"of each": {
			[]*rbacv1.ClusterRoleBinding{bound("m1", group("g"), account("n2", "sa"), user("u")), bound("m1", account("n1", "sa"))},
			[]rbacv1.PolicyRule{
				actAs("users", "u"), actAs("serviceaccounts", "sa"),
				actAs("groups", "g", "system:serviceaccounts", "system:serviceaccounts:n1", "system:serviceaccounts:n2"),
			},
		},
	} {
		if diff := cmp.Diff(tc.want, rulesFor("m1", roles, tc.bindings)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// A rule that names nobody would be about everybody.
func TestRulesAlwaysNameSomebody(t *testing.T) {
	t.Parallel()
	all := []rbacv1.Subject{user("u"), group("g"), account("n", "s")}
	for mask := range 1 << len(all) {
		var subjects []rbacv1.Subject
		for i, s := range all {
			if mask&(1<<i) != 0 {
				subjects = append(subjects, s)
			}
		}
		for _, r := range rulesFor("m1", []*rbacv1.ClusterRole{role("a", rule("*", "*"))}, []*rbacv1.ClusterRoleBinding{bound("a", subjects...)}) {
			if len(r.ResourceNames) == 0 {
				t.Errorf("subjects %v: %v", subjects, r)
			}
		}
	}
}
