/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package unjoin

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/client-go/util/retry"

	clusterv1alpha1 "github.com/manifold-k8s/manifold/apis/cluster/v1alpha1"
	"github.com/manifold-k8s/manifold/pkg/cli/access"
	"github.com/manifold-k8s/manifold/pkg/cli/await"
	"github.com/manifold-k8s/manifold/pkg/cli/enrol"
)

// releaseTimeout is how long a Cluster without our finalizer may take to disappear.
const releaseTimeout = 10 * time.Second

// errStillThere ends the wait for a Cluster to be gone.
var errStillThere = errors.New("still there")

// hubSide takes a cluster from the hub.
type hubSide struct {
	hub     *access.Hub
	name    string
	streams genericiooptions.IOStreams
}

// remove deletes the Cluster and waits until it is gone. With force, it releases one that is not gone after wait.
func (h *hubSide) remove(ctx context.Context, cluster *clusterv1alpha1.Cluster, wait time.Duration, force bool) error {
	h.announce(ctx) // before, as the bindings forget it while it leaves
	err := h.hub.Clusters.Delete(ctx, h.name, *metav1.NewPreconditionDeleteOptions(string(cluster.UID)))
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("delete cluster %s: %w", h.name, err)
	}
	fmt.Fprintf(h.streams.Out, "waiting up to %v until the hub has cleared cluster %s\n", wait, h.name)
	last, err := h.awaitGone(ctx, cluster, wait)
	switch {
	case errors.Is(err, errStillThere) && force:
		err = h.release(ctx, cluster)
	case errors.Is(err, errStillThere):
		return fmt.Errorf("cluster %s is still there after %v: %s; the hub goes on clearing it, so run the same command again later, "+
			"or add --force to leave in the cluster what was placed there", h.name, wait, holders(last))
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(h.streams.Out, "hub      cluster/%s deleted\n", h.name)
	return nil
}

// awaitGone waits until the Cluster does not exist any more, and returns the last that was seen of it.
func (h *hubSide) awaitGone(ctx context.Context, cluster *clusterv1alpha1.Cluster, wait time.Duration) (*clusterv1alpha1.Cluster, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, wait, errStillThere)
	defer cancel()
	last, told := cluster, ""
	err := await.Until(ctx, h.hub.Clusters, h.name, func(c *clusterv1alpha1.Cluster, exists bool) (bool, error) {
		if !exists || c.UID != cluster.UID {
			return true, nil
		}
		last = c
		if now := holders(c); c.DeletionTimestamp != nil && now != told {
			fmt.Fprintf(h.streams.Out, "hub      cluster/%s: %s\n", h.name, now)
			told = now
		}
		return false, nil
	})
	if err != nil && !errors.Is(err, errStillThere) {
		err = fmt.Errorf("wait for the end of cluster %s: %w", h.name, err)
	}
	return last, err
}

// holders says what keeps a Cluster from disappearing.
func holders(c *clusterv1alpha1.Cluster) string {
	if len(c.Finalizers) == 0 {
		return "nothing holds it"
	}
	return "held by " + strings.Join(c.Finalizers, ", ")
}

// release removes the finalizer by which the hub holds the Cluster until the member is cleared.
func (h *hubSide) release(ctx context.Context, cluster *clusterv1alpha1.Cluster) error {
	err := retry.RetryOnConflict(retry.DefaultRetry, func() error {
		c, err := h.hub.Clusters.Get(ctx, h.name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		if c.UID != cluster.UID {
			return nil
		}
		c.Finalizers = slices.DeleteFunc(c.Finalizers, func(f string) bool { return f == clusterv1alpha1.ClusterFinalizer })
		_, err = h.hub.Clusters.Update(ctx, c, metav1.UpdateOptions{})
		return err
	})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("release cluster %s: %w", h.name, err)
	}
	fmt.Fprintf(h.streams.ErrOut, "warning: cluster %s is released before it was cleared: what the hub has placed there stays, "+
		"with the label %s=%s, and nobody manages it any more\n", h.name, managedLabel, managedLabelValue)
	last, err := h.awaitGone(ctx, cluster, releaseTimeout)
	if errors.Is(err, errStillThere) {
		return fmt.Errorf("cluster %s is still there: %s; whoever has set that must remove it", h.name, holders(last))
	}
	return err
}

// removeSecrets deletes the hub's Secrets of the cluster, and returns how many there were. Mostly the hub has done that
// already, as they are owned by the Cluster; those of a join that was interrupted are not.
func (h *hubSide) removeSecrets(ctx context.Context, namespace string, cluster *clusterv1alpha1.Cluster) (int, error) {
	secrets := h.hub.Kube.CoreV1().Secrets(namespace)
	removed := 0
	for _, name := range []string{enrol.Secret(h.name), enrol.ImpersonatorSecret(h.name)} {
		secret, err := secrets.Get(ctx, name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			continue
		}
		if err != nil {
			return removed, fmt.Errorf("read secret %s/%s of the hub: %w", namespace, name, err)
		}
		if why := enrol.ForeignSecret(secret, h.name); why != nil {
			continue // a namesake that has nothing to do with the cluster
		}
		owner := metav1.GetControllerOf(secret)
		if cluster != nil && owner != nil && owner.UID != cluster.UID {
			continue // the cluster has been joined anew meanwhile
		}
		err = secrets.Delete(ctx, name, *metav1.NewPreconditionDeleteOptions(string(secret.UID)))
		if err != nil && !apierrors.IsNotFound(err) {
			return removed, fmt.Errorf("delete secret %s/%s of the hub: %w", namespace, name, err)
		}
		removed++
		fmt.Fprintf(h.streams.Out, "hub      secret/%s deleted\n", name)
	}
	return removed, nil
}
