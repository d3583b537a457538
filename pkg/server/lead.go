/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package server

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/uuid"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	"k8s.io/klog/v2"
)

// The lease of the controllers: long enough that the store can be started anew, and its clients find it again, before
// somebody else leads. Nothing stands still in the members meanwhile.
const (
	leaseName     = "manifold-controllers"
	leaseDuration = 40 * time.Second
	renewDeadline = 30 * time.Second
	retryPeriod   = 2 * time.Second
	// leaseRequest bounds one request: one that hangs must not use up all the time there is to renew.
	leaseRequest = 2500 * time.Millisecond
)

// errDeposed ends a replica that has lost the lease: its controllers may not act any more, and what they know is of no
// use to the next term.
var errDeposed = errors.New("the lease of the controllers could not be renewed: another replica may lead them now")

// lead runs the controllers while this replica holds the lease. Servers that share a store elect one; a server with a
// store of its own is alone and leads at once.
//
// dir is the replica's data directory, which no other process uses: started anew, the replica goes on with its lease.
func lead(ctx context.Context, loopback *rest.Config, dir string, alone bool, run func(context.Context) error) error {
	if alone {
		return run(ctx)
	}
	config := rest.CopyConfig(loopback)
	config.Timeout = leaseRequest
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	identity, err := identityOf(dir)
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
			LockConfig: resourcelock.ResourceLockConfig{Identity: identity},
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

// identityOf returns the name of the replica with that data directory. It is the same each time the replica is started, and
// another one for a copy of the directory, elsewhere or on another machine.
func identityOf(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	host, err := os.Hostname()
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "replica")
	id, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	if len(id) == 0 {
		id = []byte(uuid.NewUUID())
		if err := os.WriteFile(path, id, 0o600); err != nil {
			return "", err
		}
	}
	sum := sha256.Sum256(append([]byte(dir+"\x00"), id...))
	return fmt.Sprintf("%s_%x", host, sum[:8]), nil
}
