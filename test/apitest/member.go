/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package apitest

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	clusterv1alpha1 "github.com/manifold-k8s/manifold/apis/cluster/v1alpha1"
	"github.com/manifold-k8s/manifold/pkg/cli"
	"github.com/manifold-k8s/manifold/test/members"
)

// Member is a member cluster, with an administrator's access to it.
type Member struct {
	*API
	// Server is for stopping and starting it.
	Server *members.Member
}

// StartMembers starts members. The caller has to close the set.
func StartMembers(ctx context.Context, cfg members.Config) (*members.Set, []*Member, error) {
	set, err := members.Start(ctx, cfg)
	if err != nil {
		return nil, nil, err
	}
	var out []*Member
	for _, m := range set.Members {
		api, err := NewAPI(m.Name, m.Kubeconfig)
		if err != nil {
			set.Close()
			return nil, nil, err
		}
		out = append(out, &Member{API: api, Server: m})
	}
	return set, out, nil
}

// CLI runs a command of `kubectl manifold` on the hub and returns what it printed.
func (h *Hub) CLI(ctx context.Context, args ...string) (string, error) {
	var out bytes.Buffer
	root := cli.NewCommand(genericiooptions.IOStreams{In: strings.NewReader(""), Out: &out, ErrOut: &out})
	root.SetArgs(append([]string{"--kubeconfig", h.Kubeconfig}, args...))
	if err := root.ExecuteContext(ctx); err != nil {
		return out.String(), fmt.Errorf("kubectl manifold %s: %w\n%s", strings.Join(args, " "), err, out.String())
	}
	return out.String(), nil
}

// Join joins a member that has workloads, as a user does, and returns when it is ready.
func (h *Hub) Join(ctx context.Context, m *Member, args ...string) error {
	if _, err := h.CLI(ctx, append([]string{"join", m.Name, "--cluster-kubeconfig", m.Kubeconfig, "--wait", "60s"}, args...)...); err != nil {
		return err
	}
	return await(func() error { return h.ClusterReady(ctx, m.Name) }, patience) // now that it is known what it serves
}

// account is the service account as which hubs work in members that Enrol has joined.
const account = "hub"

// Enrol joins a member that has no workloads, and so nobody who fills in the Secrets on which joining waits. It returns
// when the member is ready.
func (h *Hub) Enrol(ctx context.Context, m *Member) error {
	token, err := m.Token(ctx)
	if err != nil {
		return fmt.Errorf("make an account in %s: %w", m.Name, err)
	}
	if err := h.Connect(ctx, m, token); err != nil {
		return err
	}
	return await(func() error { return h.ClusterReady(ctx, m.Name) }, patience)
}

// Token returns a token of an account that is allowed everything in the member.
func (m *Member) Token(ctx context.Context) (string, error) {
	const namespace = metav1.NamespaceSystem
	sa := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: account}}
	if _, err := m.Kube.CoreV1().ServiceAccounts(namespace).Create(ctx, sa, metav1.CreateOptions{}); err != nil && !apierrors.IsAlreadyExists(err) {
		return "", err
	}
	grant := &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: account},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "cluster-admin"},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: namespace, Name: account}},
	}
	if _, err := m.Kube.RbacV1().ClusterRoleBindings().Create(ctx, grant, metav1.CreateOptions{}); err != nil && !apierrors.IsAlreadyExists(err) {
		return "", err
	}
	return requestToken(ctx, m.API, namespace, account)
}

func requestToken(ctx context.Context, a *API, namespace, name string) (string, error) {
	seconds := int64(time.Hour / time.Second)
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: &seconds}}
	answer, err := a.Kube.CoreV1().ServiceAccounts(namespace).CreateToken(ctx, name, request, metav1.CreateOptions{})
	if err != nil {
		return "", err
	}
	return answer.Status.Token, nil
}

// Connect makes a Cluster for a member, and its Secret with that token. It does not wait.
func (h *Hub) Connect(ctx context.Context, m *Member, token string) error {
	const namespace = clusterv1alpha1.ClusterNamespace
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: m.Name},
		StringData: map[string]string{"token": token, "caBundle": string(m.Config.CAData)},
	}
	if _, err := h.Kube.CoreV1().Secrets(namespace).Create(ctx, secret, metav1.CreateOptions{}); err != nil {
		return err
	}
	cluster := &clusterv1alpha1.Cluster{
		ObjectMeta: metav1.ObjectMeta{Name: m.Name},
		Spec: clusterv1alpha1.ClusterSpec{
			SyncMode: clusterv1alpha1.Push, APIEndpoint: m.Config.Host,
			SecretRef: &clusterv1alpha1.LocalSecretReference{Namespace: namespace, Name: m.Name},
		},
	}
	_, err := h.Manifold.ClusterV1alpha1().Clusters().Create(ctx, cluster, metav1.CreateOptions{})
	return err
}

// ClusterReady returns an error unless the Cluster's condition Ready is true and the kinds it serves are known.
func (h *Hub) ClusterReady(ctx context.Context, name string) error {
	c, err := h.Manifold.ClusterV1alpha1().Clusters().Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return err
	}
	ready := meta.FindStatusCondition(c.Status.Conditions, clusterv1alpha1.ClusterConditionReady)
	if ready == nil || ready.Status != metav1.ConditionTrue || len(c.Status.APIEnablements) == 0 {
		return fmt.Errorf("cluster %s is not ready: %v, serves %d groups", name, ready, len(c.Status.APIEnablements))
	}
	return nil
}
