/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package cluster

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"

	clusterv1alpha1 "github.com/manifold-k8s/manifold/apis/cluster/v1alpha1"
)

// ownSelector selects the namespaces that this package makes, among others of the system's.
const ownSelector = clusterv1alpha1.SystemLabel + "=" + clusterv1alpha1.SystemLabelValue

// spaceRetry is how long to wait before the namespace of a cluster is tried again; one of the cluster's former life may
// still be on its way out.
const spaceRetry = 5 * time.Second

// setAside makes sure that the cluster has its namespace for Works. It asks the API once per process and cluster.
func (c *Controller) setAside(ctx context.Context, cluster string) error {
	c.mu.Lock()
	done := c.spaces[cluster]
	c.mu.Unlock()
	if done {
		return nil
	}
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		Name:   clusterv1alpha1.ExecutionNamespacePrefix + cluster,
		Labels: map[string]string{clusterv1alpha1.SystemLabel: clusterv1alpha1.SystemLabelValue},
	}}
	_, err := c.cfg.Namespaces.Namespaces().Create(ctx, ns, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		var have *corev1.Namespace
		if have, err = c.cfg.Namespaces.Namespaces().Get(ctx, ns.Name, metav1.GetOptions{}); err == nil && have.DeletionTimestamp != nil {
			err = errors.New("it is still being deleted")
		}
	}
	if err != nil {
		return fmt.Errorf("create namespace %s: %w", ns.Name, err)
	}
	c.mu.Lock()
	c.spaces[cluster] = true
	c.mu.Unlock()
	return nil
}

// clear deletes the namespace of a cluster that is no part of the federation any more, if setAside made it.
func (c *Controller) clear(ctx context.Context, cluster string) error {
	name := clusterv1alpha1.ExecutionNamespacePrefix + cluster
	ns, err := c.cfg.Namespaces.Namespaces().Get(ctx, name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
	case err != nil:
		return fmt.Errorf("read namespace %s: %w", name, err)
	case ns.DeletionTimestamp == nil && ns.Labels[clusterv1alpha1.SystemLabel] == clusterv1alpha1.SystemLabelValue:
		err := c.cfg.Namespaces.Namespaces().Delete(ctx, name, metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &ns.UID}})
		if err != nil && !apierrors.IsNotFound(err) {
			return fmt.Errorf("delete namespace %s: %w", name, err)
		}
	}
	c.mu.Lock()
	delete(c.spaces, cluster)
	c.mu.Unlock()
	return nil
}

// leftOver asks for a step on clusters that have left while no controller ran, and of which the namespace is still there.
func (c *Controller) leftOver(ctx context.Context) error {
	if !cache.WaitForCacheSync(ctx.Done(), c.cfg.Clusters.HasSynced) {
		return nil
	}
	list, err := c.cfg.Namespaces.Namespaces().List(ctx, metav1.ListOptions{LabelSelector: ownSelector})
	if err != nil {
		return fmt.Errorf("list the namespaces of clusters: %w", err)
	}
	for i := range list.Items {
		if cluster, ok := strings.CutPrefix(list.Items[i].Name, clusterv1alpha1.ExecutionNamespacePrefix); ok && c.get(cluster) == nil {
			c.loop.Add(cluster)
		}
	}
	return nil
}
