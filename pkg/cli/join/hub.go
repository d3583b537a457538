/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package join

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/client-go/util/retry"

	clusterv1alpha1 "github.com/manifold-k8s/manifold/apis/cluster/v1alpha1"
	"github.com/manifold-k8s/manifold/pkg/cli/access"
	"github.com/manifold-k8s/manifold/pkg/cli/apply"
	"github.com/manifold-k8s/manifold/pkg/cli/await"
	"github.com/manifold-k8s/manifold/pkg/cli/enrol"
)

// checkSecrets returns an error when a Secret to be written on the hub is there and is not this cluster's.
func checkSecrets(ctx context.Context, hub *access.Hub, m enrol.Membership) error {
	for _, name := range []string{enrol.ImpersonatorSecret(m.Cluster), enrol.Secret(m.Cluster)} {
		secret, err := hub.Kube.CoreV1().Secrets(m.Namespace).Get(ctx, name, metav1.GetOptions{})
		switch {
		case apierrors.IsNotFound(err):
			continue
		case err != nil:
			return fmt.Errorf("read secret %s/%s of the hub: %w", m.Namespace, name, err)
		}
		if err := enrol.ForeignSecret(secret, m.Cluster); err != nil {
			return err
		}
	}
	return nil
}

// register writes the member to the hub: the Secrets first, so that whoever sees the Cluster finds them.
func register(ctx context.Context, w *apply.Writer, hub *access.Hub, m enrol.Membership, c enrol.Credentials, existing *clusterv1alpha1.Cluster) error {
	if err := w.EnsureNamespace(ctx, enrol.Namespace(m.Namespace)); err != nil {
		return err
	}
	for _, secret := range m.Secrets(c, existing) {
		if err := w.Apply(ctx, secret); err != nil {
			return err
		}
	}
	cluster, err := writeCluster(ctx, w, hub, m, existing)
	if err != nil || w.DryRun || existing != nil {
		return err
	}
	for _, secret := range m.Secrets(c, cluster) {
		if _, err := w.Send(ctx, secret); err != nil {
			return fmt.Errorf("give it to the cluster: %w; run the same command again", err)
		}
	}
	return nil
}

// writeCluster makes the Cluster or updates the existing one, and returns it as it then is.
func writeCluster(ctx context.Context, w *apply.Writer, hub *access.Hub, m enrol.Membership, existing *clusterv1alpha1.Cluster) (*clusterv1alpha1.Cluster, error) {
	want := m.ClusterObject(existing)
	switch {
	case existing != nil && equality.Semantic.DeepEqual(existing, want):
		w.Say("Cluster", m.Cluster, "unchanged")
		return existing, nil
	case w.DryRun && existing != nil:
		w.Say("Cluster", m.Cluster, "would be brought up to date")
		return want, nil
	case w.DryRun:
		w.Say("Cluster", m.Cluster, "would be created")
		return want, nil
	case existing != nil:
		return updateCluster(ctx, w, hub, m, existing)
	}
	made, err := hub.Clusters.Create(ctx, want, metav1.CreateOptions{FieldManager: apply.FieldManager})
	if apierrors.IsAlreadyExists(err) {
		return nil, fmt.Errorf("somebody else has just made a cluster %q; run the same command again to see which", m.Cluster)
	}
	if err != nil {
		return nil, fmt.Errorf("create cluster %s: %w", m.Cluster, err)
	}
	w.Say("Cluster", m.Cluster, "created")
	return made, nil
}

func updateCluster(ctx context.Context, w *apply.Writer, hub *access.Hub, m enrol.Membership, existing *clusterv1alpha1.Cluster) (*clusterv1alpha1.Cluster, error) {
	var updated *clusterv1alpha1.Cluster
	current := existing
	err := retry.RetryOnConflict(retry.DefaultRetry, func() error {
		var err error
		updated, err = hub.Clusters.Update(ctx, m.ClusterObject(current), metav1.UpdateOptions{FieldManager: apply.FieldManager})
		if !apierrors.IsConflict(err) {
			return err
		}
		fresh, readErr := hub.Clusters.Get(ctx, m.Cluster, metav1.GetOptions{})
		if readErr != nil {
			return readErr
		}
		if fresh.UID != existing.UID {
			return errors.New("it was replaced meanwhile; run the same command again")
		}
		current = fresh
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("update cluster %s: %w", m.Cluster, err)
	}
	change := "updated"
	if existing.Spec.APIEndpoint != updated.Spec.APIEndpoint {
		change += fmt.Sprintf(" (endpoint %s, was %s)", updated.Spec.APIEndpoint, existing.Spec.APIEndpoint)
	}
	w.Say("Cluster", m.Cluster, change)
	return updated, nil
}

// errNotReady ends the wait for a cluster to become ready.
var errNotReady = errors.New("not ready in time")

// awaitReady waits until the Cluster is ready. One that does not become ready gives a warning, since it is joined all
// the same.
func (o *options) awaitReady(ctx context.Context, hub *access.Hub, streams genericiooptions.IOStreams) error {
	if o.wait == 0 {
		return nil
	}
	fmt.Fprintf(streams.Out, "waiting up to %v for it to become ready\n", o.wait)
	waitCtx, cancel := context.WithTimeoutCause(ctx, o.wait, errNotReady)
	defer cancel()
	state := "the hub has not looked at it yet"
	err := await.Until(waitCtx, hub.Clusters, o.name, func(c *clusterv1alpha1.Cluster, exists bool) (bool, error) {
		if !exists {
			return false, errors.New("it was removed meanwhile")
		}
		ready := apimeta.FindStatusCondition(c.Status.Conditions, clusterv1alpha1.ClusterConditionReady)
		if ready != nil {
			state = strings.TrimSuffix(ready.Reason+": "+ready.Message, ": ")
		}
		return ready != nil && ready.Status == metav1.ConditionTrue, nil
	})
	switch {
	case err == nil:
		fmt.Fprintf(streams.Out, "cluster %s is ready\n", o.name)
	case errors.Is(err, errNotReady):
		fmt.Fprintf(streams.ErrOut, "warning: cluster %s is joined, but not ready after %v: %s; the hub goes on trying, "+
			"see `kubectl get cluster %s`\n", o.name, o.wait, state, o.name)
	default:
		fmt.Fprintf(streams.ErrOut, "warning: cluster %s is joined, but whether it is ready is unknown: %v\n", o.name, err)
	}
	return nil
}
