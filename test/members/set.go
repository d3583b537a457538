/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package members

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"k8s.io/klog/v2"
)

// startTimeout bounds the start of a whole set. Three members with workloads need about 7s on two fast idle cores.
const startTimeout = 3 * time.Minute

// Config describes a set of members.
type Config struct {
	// Names of the members, unique, each a DNS label. Empty means member1 to member<Count>.
	Names []string
	// Count is how many members to start when Names is empty; at least 1.
	Count int
	// Dir takes the data, certificates and logs, one folder for each member. It is created if needed. Members that were
	// started in it before come back with their objects, certificates and ports.
	Dir string
	// BinDir holds the control plane's binaries. Empty means what [BinDir] returns.
	BinDir string
	// WithWorkloads adds controllers, a scheduler and two nodes to each API server, at about four times the memory and twice the
	// time to start. Without, objects are stored and nothing happens to them: no service account appears in a new namespace,
	// no token in a token Secret, and a deleted namespace stays Terminating.
	WithWorkloads bool
	// WithMetrics adds a metrics-server to each member with workloads. It serves when Start returns, and knows
	// of pods and nodes 20 seconds later.
	WithMetrics bool
}

func (c *Config) complete() error {
	if len(c.Names) == 0 {
		for i := range c.Count {
			c.Names = append(c.Names, fmt.Sprintf("member%d", i+1))
		}
	}
	if len(c.Names) == 0 {
		return errors.New("a set needs a member: neither Names nor Count is set")
	}
	if c.Dir == "" {
		return errors.New("a set needs a folder: Dir is not set")
	}
	dir, err := filepath.Abs(c.Dir) // the children have working folders of their own
	if err != nil {
		return fmt.Errorf("resolve folder: %w", err)
	}
	c.Dir = dir
	if c.BinDir == "" {
		if c.BinDir, err = BinDir(); err != nil {
			return err
		}
	}
	return checkBinaries(c.BinDir, c.components())
}

func (c *Config) components() []string {
	names := []string{apiServer}
	if c.WithWorkloads {
		names = append(names, workloadComponents...)
		if c.WithMetrics {
			names = append(names, metricsServer)
		}
	}
	return names
}

// Set is a group of running members and the etcd they share. Its methods and those of its members may be called by
// several goroutines, but nothing can be started again after Close.
type Set struct {
	Members []*Member // in the order of Config.Names; not to be changed

	store *etcd
	spawn *spawner
	once  sync.Once // of Close
}

// Start starts the members that cfg describes, all at once, and returns when every one is ready for use: its API server
// answers, and with workloads its nodes are ready and its namespace default has a service account. ctx bounds only the
// start. After an error nothing is left running.
func Start(ctx context.Context, cfg Config) (*Set, error) {
	cfg.Names = slices.Clone(cfg.Names)
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("make folder: %w", err)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, startTimeout, fmt.Errorf("members not ready after %v", startTimeout))
	defer cancel()
	store, err := startEtcd(ctx, cfg.Dir)
	if err != nil {
		return nil, err
	}
	s := &Set{store: store, spawn: newSpawner()}
	for i, name := range cfg.Names {
		m, err := newMember(name, i, cfg, klog.FromContext(ctx))
		if err != nil {
			s.Close()
			return nil, fmt.Errorf("prepare %s: %w", name, err)
		}
		m.store, m.spawn = store.endpoint, s.spawn
		s.Members = append(s.Members, m)
	}
	if err := s.Restart(ctx); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// Member returns the member of that name, or nil.
func (s *Set) Member(name string) *Member {
	for _, m := range s.Members {
		if m.Name == name {
			return m
		}
	}
	return nil
}

// Restart calls Restart of every member, all at once.
func (s *Set) Restart(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, m := range s.Members {
		g.Go(func() error { return m.Restart(ctx) })
	}
	return g.Wait()
}

// Close ends all processes of the set at once and returns when they are gone. The folder stays. A second call does nothing.
func (s *Set) Close() { s.once.Do(s.close) }

func (s *Set) close() {
	var g errgroup.Group
	for _, m := range s.Members {
		g.Go(func() error { m.close(); return nil })
	}
	_ = g.Wait() // nothing in it fails
	s.spawn.close()
	s.store.close()
}
