/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package cli_test

import (
	"errors"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/manifold-k8s/manifold/pkg/cli/access"
)

// A user who is granted what the errors call missing, and no more, can join and unjoin.
func TestMissingRightsAreEnough(t *testing.T) {
	namespace := fresh(t)
	asMember := member.editedKubeconfig(t, func(_ *clientcmdapi.Cluster, u *clientcmdapi.AuthInfo) { u.Impersonate = "limited" })
	join := []string{"join", "m1", "--as", "limited", "--cluster-kubeconfig", asMember, "--cluster-namespace", namespace, "--wait", "0"}
	unjoin := []string{"unjoin", "m1", "--as", "limited", "--cluster-kubeconfig", asMember}

	grant(t, member, "limited", missingIn(t, join, "cluster"))
	grant(t, hub, "limited", missingIn(t, join, "hub"))
	mustRun(t, join...)
	mustBeJoined(t, namespace, "m1")

	grant(t, hub, "limited", missingIn(t, unjoin, "hub"))
	grant(t, member, "limited", missingIn(t, unjoin, "cluster"))
	mustRun(t, unjoin...)
}

// missingIn runs a command that has to fail for lack of rights on the server, and returns these.
func missingIn(t *testing.T, args []string, server string) []access.Right {
	t.Helper()
	_, _, err := command(t, args...)
	var missing *access.MissingError
	if !errors.As(err, &missing) || missing.Server != server {
		t.Fatalf("want missing rights on the %s, got: %v", server, err)
	}
	return missing.Missing
}

// grant gives a user the rights in all namespaces, and waits until they count.
func grant(t *testing.T, s server, user string, rights []access.Right) {
	t.Helper()
	role := &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{GenerateName: "limited-"}}
	for _, r := range rights {
		role.Rules = append(role.Rules, rbacv1.PolicyRule{
			Verbs: []string{r.Verb}, APIGroups: []string{r.Resource.Group}, Resources: []string{r.Resource.Resource},
		})
	}
	role, err := s.kube.RbacV1().ClusterRoles().Create(t.Context(), role, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	binding := &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: role.Name},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role.Name},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: user}},
	}
	if _, err := s.kube.RbacV1().ClusterRoleBindings().Create(t.Context(), binding, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	as := *s.config
	as.Impersonate.UserName = user
	limited := clientFor(t, &as)
	err = poll(t.Context(), func() error {
		missing, err := access.Missing(t.Context(), limited, rights)
		if err == nil && len(missing) > 0 {
			err = &access.MissingError{Missing: missing}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
