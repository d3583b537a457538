/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package unjoin

import (
	"context"
	"fmt"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
	"github.com/manifold-k8s/manifold/pkg/cli/access"
	"github.com/manifold-k8s/manifold/pkg/cli/enrol"
)

const (
	managedLabel      = workv1alpha2.ManagedLabel
	managedLabelValue = workv1alpha2.ManagedLabelValue
)

// memberSide takes from a member what joining made there.
type memberSide struct {
	server    *access.Server
	cluster   string
	namespace string
	streams   genericiooptions.IOStreams
}

func (m *memberSide) say(kind, name, outcome string) {
	fmt.Fprintf(m.streams.Out, "cluster  %s/%s %s\n", strings.ToLower(kind), name, outcome)
}

// clear deletes the rights first, so that an interruption leaves nothing that is powerful.
func (m *memberSide) clear(ctx context.Context) error {
	account := enrol.Account(m.cluster)
	objects := []enrol.Object{
		enrol.ClusterRoleBinding(m.namespace, m.cluster),
		enrol.ClusterRole(m.cluster),
		enrol.TokenSecret(m.namespace, account),
		enrol.ServiceAccount(m.namespace, account),
	}
	other, err := m.otherHub(ctx)
	if err != nil {
		return err
	}
	if other == "" {
		objects = append(objects, enrol.ImpersonatorRoleBinding(), enrol.ImpersonatorRole(),
			enrol.TokenSecret(m.namespace, enrol.ImpersonatorAccount), enrol.ServiceAccount(m.namespace, enrol.ImpersonatorAccount))
	}
	for _, obj := range objects {
		if err := m.delete(ctx, obj); err != nil {
			return err
		}
	}
	if other != "" {
		m.say("ServiceAccount", enrol.ImpersonatorAccount, "left behind: a hub with the account "+other+" uses it")
	}
	return m.clearNamespace(ctx)
}

// otherHub returns the name of a service account by which another hub, or another name on this one, uses the member; empty if there is none.
func (m *memberSide) otherHub(ctx context.Context) (string, error) {
	accounts, err := m.server.Kube.CoreV1().ServiceAccounts(m.namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return "", fmt.Errorf("list service accounts: %w", err)
	}
	for i := range accounts.Items {
		a := &accounts.Items[i]
		if enrol.IsHubAccount(a.Name) && enrol.IsOurs(a) && a.Name != enrol.Account(m.cluster) {
			return a.Name, nil
		}
	}
	return "", nil
}

// delete deletes the object that has the kind and name of want, if joining made it.
func (m *memberSide) delete(ctx context.Context, want enrol.Object) error {
	kind, name := want.GetObjectKind().GroupVersionKind(), want.GetName()
	client := m.server.Resource(kind, want.GetNamespace())
	obj, err := client.Get(ctx, name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return nil
	case err != nil:
		return fmt.Errorf("read %s %s: %w", strings.ToLower(kind.Kind), name, err)
	case !enrol.IsOurs(obj):
		m.say(kind.Kind, name, "left behind: it was not made by joining")
		return nil
	}
	err = client.Delete(ctx, name, *metav1.NewPreconditionDeleteOptions(string(obj.GetUID())))
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("delete %s %s: %w", strings.ToLower(kind.Kind), name, err)
	}
	m.say(kind.Kind, name, "deleted")
	return nil
}

// clearNamespace deletes the namespace if joining made it and nothing is left in it, and says so if it stays.
func (m *memberSide) clearNamespace(ctx context.Context) error {
	ns, err := m.server.Namespace(ctx, m.namespace)
	if err != nil || ns == nil || ns.DeletionTimestamp != nil {
		return err
	}
	content, err := m.server.Content(ctx, m.namespace)
	if err != nil { // not an error of the command: nothing was to be done here unless it is known to be right
		m.say("Namespace", m.namespace, fmt.Sprintf("left behind: whether it is empty cannot be told: %v", err))
		return nil
	}
	if why := enrol.LeaveReason(ns, content); why != "" {
		m.say("Namespace", m.namespace, "left behind: "+why)
		return nil
	}
	err = m.server.Kube.CoreV1().Namespaces().Delete(ctx, ns.Name, *metav1.NewPreconditionDeleteOptions(string(ns.UID)))
	switch {
	case apierrors.IsForbidden(err):
		m.say("Namespace", ns.Name, fmt.Sprintf("left behind: %v", err))
	case err != nil && !apierrors.IsNotFound(err):
		return fmt.Errorf("delete namespace %s: %w", ns.Name, err)
	default:
		m.say("Namespace", ns.Name, "deleted")
	}
	return nil
}
