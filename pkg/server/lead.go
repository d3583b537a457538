/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package server

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/uuid"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	"k8s.io/klog/v2"
)

// The lease of the controllers: long enough that a slow collection or a moment without etcd does not change the leader.
const (
	leaseName     = "manifold-controllers"
	leaseDuration = 15 * time.Second
	renewDeadline = 10 * time.Second
	retryPeriod   = 2 * time.Second
)

// errDeposed ends a replica that has lost the lease: its controllers may not act any more, and what they know is of no
// use to the next term.
var errDeposed = errors.New("the lease of the controllers could not be renewed: another replica may lead them now")

// lead runs the controllers while this replica holds the lease. Servers that share a store elect one; a server with a
// store of its own is alone and leads at once.
func lead(ctx context.Context, loopback *rest.Config, alone bool, run func(context.Context) error) error {
	if alone {
		return run(ctx)
	}
	config := rest.CopyConfig(loopback)
	// A request that hangs because the store had to be started anew must not use up all the time there is to renew.
	config.Timeout = renewDeadline / 4
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	host, err := os.Hostname()
	if err != nil {
		return fmt.Errorf("name this replica: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	started, result := make(chan struct{}), make(chan error, 1)
	elector, err := leaderelection.NewLeaderElector(leaderelection.LeaderElectionConfig{
		Lock: &resourcelock.LeaseLock{
			LeaseMeta:  metav1.ObjectMeta{Namespace: metav1.NamespaceSystem, Name: leaseName},
			Client:     client.CoordinationV1(),
			LockConfig: resourcelock.ResourceLockConfig{Identity: host + "_" + string(uuid.NewUUID())},
		},
		LeaseDuration: leaseDuration, RenewDeadline: renewDeadline, RetryPeriod: retryPeriod,
		Name: leaseName,
		Callbacks: leaderelection.LeaderCallbacks{
			OnStartedLeading: func(ctx context.Context) {
				close(started)
				klog.FromContext(ctx).Info("This replica leads the controllers")
				result <- run(ctx)
				cancel()
			},
			OnStoppedLeading: func() {},
		},
	})
	if err != nil {
		return err
	}
	elector.Run(ctx) // until ctx ends or the lease is lost
	deposed := ctx.Err() == nil
	select {
	case <-started:
		if err := <-result; err != nil {
			return err
		}
	default:
	}
	if deposed {
		return errDeposed
	}
	return nil
}
