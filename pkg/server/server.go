/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

// Package server assembles the hub: options, store, API server, controllers. It decides nothing else.
package server

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/klog/v2"

	"github.com/manifold-k8s/manifold/pkg/etcd"
	"github.com/manifold-k8s/manifold/pkg/explain/subresource"
	"github.com/manifold-k8s/manifold/pkg/host"
	"github.com/manifold-k8s/manifold/pkg/match"
	"github.com/manifold-k8s/manifold/pkg/native"
	"github.com/manifold-k8s/manifold/pkg/unified"
)

// Run serves until ctx ends or something fails that the server cannot do without, and returns when everything has
// stopped: the API and the controllers, and then the store.
func Run(ctx context.Context, o *Options) error {
	if err := o.validate(); err != nil {
		return err
	}
	if err := o.resolveAddresses(); err != nil {
		return fmt.Errorf("prepare data directory: %w", err)
	}
	unlock, err := lock(o.DataDir)
	if err != nil {
		return err
	}
	defer unlock()

	g, ctx := errgroup.WithContext(ctx) // the first to fail stops the others
	g.Go(func() error { tuneGC(ctx); return nil })
	alone := o.embedsEtcd()
	if alone {
		store, err := etcd.Start(ctx, etcd.Config{Dir: filepath.Join(o.DataDir, "etcd"), NoSync: o.EtcdNoSync})
		if err != nil {
			return fmt.Errorf("start embedded etcd: %w", err)
		}
		defer func() {
			if err := store.Close(); err != nil {
				klog.FromContext(ctx).Error(err, "Closing the store")
			}
		}()
		o.Etcd.StorageConfig.Transport.ServerList = []string{store.Endpoint()}
		g.Go(func() error { return store.Wait(ctx) })
	}
	creds := newCredentials(o)
	if err := creds.unpublish(); err != nil {
		return err
	}
	s, err := build(ctx, o, creds)
	if err != nil {
		return err
	}
	serving := make(chan struct{})
	if err := s.api.AddHook("manifold-caches", func(ctx context.Context) error {
		close(serving)
		s.hub.Filled(ctx)
		return nil
	}); err != nil {
		return err
	}
	if s.front != nil {
		g.Go(func() error { return s.front.Run(ctx) })
	}
	g.Go(func() error { return s.api.Run(ctx) })
	g.Go(func() error {
		select {
		case <-ctx.Done():
			return nil
		case <-serving:
		}
		return s.control(ctx, o.DataDir, alone)
	})
	g.Go(func() error { return s.publish(ctx, creds) })
	return g.Wait()
}

// server is what a process consists of, besides its store.
type server struct {
	api   *native.Server
	hub   *hub
	front *host.Access // nil without a host cluster
}

// build makes the API server and what is behind it, and starts nothing.
func build(ctx context.Context, o *Options, creds credentials) (s server, err error) {
	completed, err := o.complete(ctx, creds)
	if err != nil {
		return s, err
	}
	ours := newGroups()
	s.front, err = o.Host.front(ours.groups())
	if err != nil {
		return s, fmt.Errorf("read --host-kubeconfig: %w", err)
	}
	owned, into := o.memberOwned()
	explained := subresource.New(serializer.NewCodecFactory(native.Scheme()))
	config := native.Config{
		Options: completed, Groups: ours.groups(), OpenAPI: definitions, Wrap: owned.Wrap, Uncollected: unified.Unstored,
		Handle: prepare(explained), Resolve: subresource.Resolve,
	}
	if s.front != nil {
		config.Front = s.front
	}
	s.api, err = native.New(config)
	if err != nil {
		return s, fmt.Errorf("build API server: %w", err)
	}
	skipped, err := match.ParseNamespaces(o.SkippedNamespaces)
	if err != nil {
		return s, err // not after validation
	}
	s.hub, err = newHub(s.api.Loopback, s.api.Local, ours, hubConfig{
		qps: o.MemberQPS, burst: o.MemberBurst, patience: o.MemberListTimeout, claim: o.claim, forecast: o.forecast, kinds: s.api.Kinds,
		skipped: skipped, telemetry: o.recorder(s.api), owned: owned, into: into, explained: explained, rbac: s.api.RBAC(),
		authorizer: s.api.Authorizer, idle: o.MemberCacheIdle,
	})
	if err != nil {
		return s, fmt.Errorf("build controllers: %w", err)
	}
	return s, nil
}

// control keeps the caches, and runs the controllers while this replica leads, until ctx ends.
func (s *server) control(ctx context.Context, dir string, alone bool) error {
	return all(ctx, []func(context.Context) error{s.hub.Cache, func(ctx context.Context) error {
		return lead(ctx, s.api.Loopback, dir, alone, func(ctx context.Context) error {
			// The members are connected when the API is ready. To look at all that they hold is much work, for which
			// nobody who waits for the API has to wait.
			return all(ctx, []func(context.Context) error{s.api.RunControllers, func(ctx context.Context) error {
				return s.hub.Lead(ctx, s.api.WaitReady)
			}})
		})
	}})
}

// publish makes what a new hub needs and tells its administrator how to reach it, once it is ready; then it keeps the
// credentials fresh until ctx ends.
func (s *server) publish(ctx context.Context, creds credentials) error {
	if err := s.api.WaitReady(ctx); err != nil {
		return ignoreCancel(ctx, err)
	}
	if err := bootstrap(ctx, s.api.Loopback); err != nil {
		return ignoreCancel(ctx, fmt.Errorf("create bootstrap objects: %w", err))
	}
	if err := creds.publish(); err != nil {
		return fmt.Errorf("write %s: %w", creds.kubeconfig, err)
	}
	klog.FromContext(ctx).Info("Manifold is ready", "url", creds.url, "kubeconfig", creds.kubeconfig)
	return creds.renew(ctx)
}

// ignoreCancel returns nil when the error is only that we are stopping.
func ignoreCancel(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// lock makes sure that one server uses the directory at a time. The kernel releases the lock however the process ends.
func lock(dir string) (unlock func(), err error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("another server is running on the data directory %s: stop it, or choose another one with --data-dir", dir)
		}
		return nil, fmt.Errorf("lock data directory: %w", err)
	}
	return func() { f.Close() }, nil
}
