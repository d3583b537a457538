/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package unjoin

import (
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	clusterv1alpha1 "github.com/manifold-k8s/manifold/apis/cluster/v1alpha1"
	"github.com/manifold-k8s/manifold/pkg/cli/access"
)

func (o *options) run(ctx context.Context, flags *access.HubFlags, streams genericiooptions.IOStreams) error {
	hub, err := flags.Connect(ctx)
	if err != nil {
		return err
	}
	cluster, err := o.find(ctx, hub)
	if err != nil {
		return err
	}
	namespace := o.namespaceOf(cluster)
	if err := o.checkHub(ctx, hub, namespace); err != nil {
		return err
	}
	member, err := o.reachMember(ctx, cluster, namespace, streams) // before anything changes
	if err != nil {
		return err
	}

	h := &hubSide{hub: hub, name: o.name, streams: streams}
	if cluster != nil {
		if err := h.remove(ctx, cluster, o.wait, o.force); err != nil {
			return err
		}
	}
	removed, err := h.removeSecrets(ctx, namespace, cluster)
	if err != nil {
		return err
	}
	switch {
	case member != nil:
		if err := member.clear(ctx); err != nil {
			return fmt.Errorf("clear the cluster: %w; run the same command again", err)
		}
	case cluster == nil && removed == 0:
		return fmt.Errorf("the hub %s has no cluster %q; see `kubectl get clusters`", hub.Host, o.name)
	default:
		fmt.Fprintf(streams.Out, "left behind in the cluster: the hub's service accounts in namespace %s and their role; "+
			"`kubectl manifold unjoin %s --cluster-kubeconfig FILE` removes them\n", namespace, o.name)
	}
	fmt.Fprintf(streams.Out, "cluster %s is not a member any more\n", o.name)
	return nil
}

// find returns the Cluster, nil if the hub has none of that name.
func (o *options) find(ctx context.Context, hub *access.Hub) (*clusterv1alpha1.Cluster, error) {
	cluster, err := hub.Clusters.Get(ctx, o.name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("read cluster %s of the hub: %w", o.name, err)
	case cluster.Spec.SyncMode == clusterv1alpha1.Pull:
		return nil, fmt.Errorf("cluster %q is a member by an agent that connects to the hub (sync mode Pull), which unjoin cannot end", o.name)
	}
	return cluster, nil
}

// namespaceOf returns the namespace that the cluster was joined with, as far as that is known.
func (o *options) namespaceOf(cluster *clusterv1alpha1.Cluster) string {
	switch {
	case o.namespace != "":
		return o.namespace
	case cluster != nil && cluster.Spec.SecretRef != nil:
		return cluster.Spec.SecretRef.Namespace
	}
	return clusterv1alpha1.ClusterNamespace
}

func (o *options) checkHub(ctx context.Context, hub *access.Hub, namespace string) error {
	verbs := "get watch delete"
	if o.force {
		verbs += " update"
	}
	missing, err := access.Missing(ctx, hub.Kube, slices.Concat(
		access.Rights(verbs, clusterv1alpha1.Resource("clusters"), ""),
		access.Rights("get delete", corev1.Resource("secrets"), namespace),
	))
	if err != nil {
		return err
	}
	if len(missing) > 0 {
		return &access.MissingError{Server: "hub", Host: hub.Host, Missing: missing}
	}
	return nil
}

// reachMember returns access to the member, nil if no kubeconfig was given or, with force, if the member cannot be
// reached. It is an error when the kubeconfig leads to another cluster than the one on the hub.
func (o *options) reachMember(ctx context.Context, cluster *clusterv1alpha1.Cluster, namespace string, streams genericiooptions.IOStreams) (*memberSide, error) {
	if o.member.Kubeconfig == "" {
		return nil, nil
	}
	cfg, err := o.member.Load(o.name)
	if err != nil {
		return nil, err
	}
	server, err := cfg.Connect(ctx)
	if err != nil {
		if !o.force {
			return nil, fmt.Errorf("%w; --force goes on without it", err)
		}
		fmt.Fprintf(streams.ErrOut, "warning: %v\n", err)
		return nil, nil
	}
	id, err := server.ID(ctx)
	if err != nil {
		return nil, err
	}
	if cluster != nil && cluster.Spec.ID != "" && cluster.Spec.ID != id {
		return nil, fmt.Errorf("%s (context %q) is not cluster %q: its id is %s, that of %q is %s; check --cluster-kubeconfig and --cluster-context",
			server.Host, cfg.Context, o.name, id, o.name, cluster.Spec.ID)
	}
	missing, err := access.Missing(ctx, server.Kube, memberRights(namespace))
	if err != nil {
		return nil, err
	}
	if len(missing) > 0 {
		return nil, &access.MissingError{Server: "cluster", Host: server.Host, Missing: missing}
	}
	return &memberSide{server: server, cluster: o.name, namespace: namespace, streams: streams}, nil
}

// memberRights are the rights to clear a member. Those to delete the namespace are not among them: one that cannot be
// deleted stays.
func memberRights(namespace string) []access.Right {
	rbac := func(resource string) schema.GroupResource {
		return schema.GroupResource{Group: rbacv1.GroupName, Resource: resource}
	}
	return slices.Concat(
		access.Rights("get delete", rbac("clusterrolebindings"), ""),
		access.Rights("get delete", rbac("clusterroles"), ""),
		access.Rights("get delete", corev1.Resource("secrets"), namespace),
		access.Rights("get list delete", corev1.Resource("serviceaccounts"), namespace),
		access.Rights("get", corev1.Resource("namespaces"), ""),
	)
}
