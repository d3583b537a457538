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
	"runtime/pprof"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// profileTime is how much of a phase a CPU profile covers, at most.
const profileTime = 25 * time.Second

// startPatience is how long a hub that is being started may take until it can be profiled.
const startPatience = 30 * time.Second

// startProfile begins to take a CPU profile of the hub, if the settings ask for it. The function it returns waits for
// that, takes profiles of the memory, and may be called twice.
func (b *bench) startProfile(ctx context.Context, phase string, d time.Duration) func() error {
	if b.profile == "" || d < time.Second {
		return func() error { return nil }
	}
	var g errgroup.Group
	begin := time.Now()
	g.Go(func() error {
		for {
			err := b.fetchProfile(ctx, phase+"-cpu", fmt.Sprintf("profile?seconds=%d", int(d.Seconds())))
			if err == nil || ctx.Err() != nil || time.Since(begin) > startPatience {
				return err
			}
			time.Sleep(20 * time.Millisecond) // it is starting
		}
	})
	return sync.OnceValue(func() error {
		if err := g.Wait(); err != nil {
			return err
		}
		for name, query := range map[string]string{"heap": "heap?gc=1", "allocs": "allocs", "goroutine": "goroutine"} {
			if err := b.fetchProfile(ctx, phase+"-"+name, query); err != nil {
				return err
			}
		}
		return nil
	})
}

// fetchProfile writes <folder>/<run>-<name>.pprof.
func (b *bench) fetchProfile(ctx context.Context, name, query string) error {
	data, err := b.hub.client.Discovery().RESTClient().Get().RequestURI("/debug/pprof/" + query).DoRaw(ctx)
	if err != nil {
		return fmt.Errorf("take %s profile: %w", name, err)
	}
	if err := os.MkdirAll(b.profile, 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(b.profile, b.plan.name+"-"+name+".pprof"), data, 0o644)
}

// profileSelf takes a CPU profile of the load generator, which shares the machine with what is measured, until the function it
// returns is called.
func (s settings) profileSelf() (stop func() error, err error) {
	if s.profile == "" {
		return func() error { return nil }, nil
	}
	if err := os.MkdirAll(s.profile, 0o755); err != nil {
		return nil, err
	}
	f, err := os.Create(filepath.Join(s.profile, "generator-cpu.pprof"))
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, err
	}
	return func() error { pprof.StopCPUProfile(); return f.Close() }, nil
}
