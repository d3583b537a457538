/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package server

import (
	"context"
	"fmt"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	corev1apply "k8s.io/client-go/applyconfigurations/core/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	clusterv1alpha1 "github.com/manifold-k8s/manifold/apis/cluster/v1alpha1"
	hubv1alpha1 "github.com/manifold-k8s/manifold/apis/hub/v1alpha1"
	policyv1alpha1 "github.com/manifold-k8s/manifold/apis/policy/v1alpha1"
	searchv1alpha1 "github.com/manifold-k8s/manifold/apis/search/v1alpha1"
	workv1alpha1 "github.com/manifold-k8s/manifold/apis/work/v1alpha1"
	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
	"github.com/manifold-k8s/manifold/pkg/unified/metrics"
)

// addOurTypes makes a scheme know the kinds of our groups.
func addOurTypes(s *runtime.Scheme) error {
	for _, add := range []func(*runtime.Scheme) error{policyv1alpha1.AddToScheme, clusterv1alpha1.AddToScheme, searchv1alpha1.AddToScheme, workv1alpha1.AddToScheme, workv1alpha2.AddToScheme} {
		if err := add(s); err != nil {
			return err
		}
	}
	return nil
}

// systemNamespaces hold what the federation itself needs. They are never propagated.
var systemNamespaces = []string{"karmada-system", "karmada-cluster"}

// clusterRoles are what users expect to find: namespace users may handle the namespaced kinds of ours, read or write, by the
// ordinary roles view, edit and admin.
func clusterRoles() []rbacv1.ClusterRole {
	namespaced := []rbacv1.PolicyRule{
		{APIGroups: []string{policyv1alpha1.GroupName}, Resources: []string{"propagationpolicies", "overridepolicies"}},
		{APIGroups: []string{workv1alpha2.GroupName}, Resources: []string{"resourcebindings", "resourcebindings/status"}},
	}
	role := func(name string, aggregateTo []string, verbs ...string) rbacv1.ClusterRole {
		r := rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"karmada.io/bootstrapping": "rbac-defaults"}}}
		for _, to := range aggregateTo {
			r.Labels["rbac.authorization.k8s.io/aggregate-to-"+to] = "true"
		}
		for _, rule := range namespaced {
			rule.Verbs = verbs
			r.Rules = append(r.Rules, rule)
		}
		return r
	}
	view := role("karmada-view", []string{"view"}, "get", "list", "watch")
	edit := role("karmada-edit", []string{"edit", "admin"}, "create", "update", "patch", "delete", "deletecollection")
	// Bindings are the system's; users look at them.
	edit.Rules = edit.Rules[:1]
	// Works show what Secrets hold and bring anything into a cluster, so they are for administrators of their namespaces.
	works := role("karmada-works", []string{"admin"}, "get", "list", "watch", "create", "update", "patch", "delete", "deletecollection")
	works.Rules = []rbacv1.PolicyRule{
		{APIGroups: []string{workv1alpha1.GroupName}, Resources: []string{"works"}, Verbs: works.Rules[0].Verbs},
		{APIGroups: []string{workv1alpha1.GroupName}, Resources: []string{"works/status"}, Verbs: []string{"get"}},
	}
	// Who may read everywhere may search. A search shows nobody what the underlying kind would not. Proxying is not among it:
	// whoever has that right may be impersonated in the members.
	find := role("karmada-search", []string{"view"})
	find.Rules = []rbacv1.PolicyRule{
		{APIGroups: []string{searchv1alpha1.GroupName}, Resources: []string{"resourceregistries", "resourceregistries/status"}, Verbs: view.Rules[0].Verbs},
		{APIGroups: []string{searchv1alpha1.GroupName}, Resources: []string{"search", "search/api", "search/apis"}, Verbs: []string{"get"}},
	}
	// Who may read a template may know why it is where it is; that he may read it is asked besides.
	explained := role("manifold-explain", []string{"view"})
	explained.Rules = []rbacv1.PolicyRule{{APIGroups: []string{"*"}, Resources: []string{"*/" + hubv1alpha1.ExplainSubresource}, Verbs: []string{"get"}}}
	// What pods and nodes use is for who may see them. The role is called as metrics-server's own.
	usage := role("system:aggregated-metrics-reader", []string{"view"})
	usage.Rules = []rbacv1.PolicyRule{
		{APIGroups: []string{metrics.SchemeGroupVersion.Group}, Resources: []string{"pods", "nodes"}, Verbs: []string{"get", "list"}},
	}
	return []rbacv1.ClusterRole{usage, view, edit, works, find, explained}
}

// bootstrap makes sure that the objects exist which every hub has.
func bootstrap(ctx context.Context, loopback *rest.Config) error {
	client, err := kubernetes.NewForConfig(loopback)
	if err != nil {
		return err
	}
	for _, name := range systemNamespaces {
		ns := corev1apply.Namespace(name).WithLabels(map[string]string{clusterv1alpha1.SystemLabel: clusterv1alpha1.SystemLabelValue})
		if _, err := client.CoreV1().Namespaces().Apply(ctx, ns, metav1.ApplyOptions{FieldManager: "manifold", Force: true}); err != nil {
			return fmt.Errorf("namespace %s: %w", name, err)
		}
	}
	if err := letAdministratorThrough(ctx, client); err != nil {
		return err
	}
	for _, want := range clusterRoles() {
		have, err := client.RbacV1().ClusterRoles().Get(ctx, want.Name, metav1.GetOptions{})
		switch {
		case apierrors.IsNotFound(err):
			_, err = client.RbacV1().ClusterRoles().Create(ctx, &want, metav1.CreateOptions{})
		case err == nil && !equality.Semantic.DeepEqual(have.Rules, want.Rules):
			have.Rules, have.Labels = want.Rules, want.Labels
			_, err = client.RbacV1().ClusterRoles().Update(ctx, have, metav1.UpdateOptions{})
		}
		if err != nil {
			return fmt.Errorf("cluster role %s: %w", want.Name, err)
		}
	}
	return nil
}

// proxyAdministrator is the ClusterRole, and its binding, by which the administrator acts in members: the members accept
// users by name, not only by group, see docs/access.md.
const proxyAdministrator = "cluster-proxy-admin"

// letAdministratorThrough names the administrator of admin.kubeconfig among those who may act in every member. What an
// operator has made of these objects stays.
func letAdministratorThrough(ctx context.Context, client kubernetes.Interface) error {
	meta := metav1.ObjectMeta{Name: proxyAdministrator, Labels: map[string]string{"karmada.io/bootstrapping": "rbac-defaults"}}
	_, err := client.RbacV1().ClusterRoles().Create(ctx, &rbacv1.ClusterRole{ObjectMeta: meta, Rules: []rbacv1.PolicyRule{
		{APIGroups: []string{clusterv1alpha1.GroupName}, Resources: []string{"clusters/proxy"}, Verbs: []string{"*"}},
	}}, metav1.CreateOptions{})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("cluster role %s: %w", proxyAdministrator, err)
	}
	_, err = client.RbacV1().ClusterRoleBindings().Create(ctx, &rbacv1.ClusterRoleBinding{
		ObjectMeta: meta, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: proxyAdministrator},
		Subjects: []rbacv1.Subject{{Kind: rbacv1.UserKind, APIGroup: rbacv1.GroupName, Name: administrator}},
	}, metav1.CreateOptions{})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("cluster role binding %s: %w", proxyAdministrator, err)
	}
	return nil
}
