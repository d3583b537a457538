/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/sync/errgroup"
)

// profileSeconds is how much of the creation of many the CPU profile covers.
const profileSeconds = 25

// startProfile begins to take a CPU profile of the hub, if the settings ask for it. The function it returns waits for
// that, takes profiles of the memory, and may be called twice.
func (b *bench) startProfile(ctx context.Context) func() error {
	if b.profile == "" {
		return func() error { return nil }
	}
	var g errgroup.Group
	g.Go(func() error { return b.fetchProfile(ctx, "cpu", fmt.Sprintf("profile?seconds=%d", profileSeconds)) })
	return sync.OnceValue(func() error {
		if err := g.Wait(); err != nil {
			return err
		}
		for name, query := range map[string]string{"heap": "heap?gc=1", "allocs": "allocs", "goroutine": "goroutine"} {
			if err := b.fetchProfile(ctx, name, query); err != nil {
				return err
			}
		}
		return nil
	})
}

// fetchProfile writes <folder>/<name>.pprof.
func (b *bench) fetchProfile(ctx context.Context, name, query string) error {
	data, err := b.hub.client.Discovery().RESTClient().Get().RequestURI("/debug/pprof/" + query).DoRaw(ctx)
	if err != nil {
		return fmt.Errorf("take %s profile: %w", name, err)
	}
	if err := os.MkdirAll(b.profile, 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(b.profile, name+".pprof"), data, 0o644)
}
