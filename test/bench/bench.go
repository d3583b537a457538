/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"k8s.io/client-go/tools/clientcmd"

	"github.com/manifold-k8s/manifold/test/bench/fleet"
	"github.com/manifold-k8s/manifold/test/bench/process"
)

const (
	namespace = "bench"
	// hubName is the hub's name among the clusters that the board follows.
	hubName = "hub"
	// patience bounds every single wait, with patiencePerItem more for each Deployment that is waited for.
	patience        = 3 * time.Minute
	patiencePerItem = 100 * time.Millisecond
)

// bench is a federation under measurement.
type bench struct {
	settings
	plan
	dir    string
	fleet  *fleet.Fleet
	hub    *hub
	board  *board
	report *result
	// What the hub does at rest, per second; taken off what a phase costs.
	idleWrites, idleCPU float64

	stop       context.CancelFunc // ends the watches
	watching   context.Context
	background sync.WaitGroup
}

func newBench(s settings, p plan, dir string) *bench {
	return &bench{
		settings: s, plan: p, dir: dir, board: newBoard(), hub: newHub(filepath.Join(s.bin, "manifold"), filepath.Join(dir, "hub")),
		report: &result{
			Name: p.name, Members: p.members, Count: p.fleet.Count, Deployments: p.deployments, OneAtATime: s.oneAtATime,
			Replicas: s.replicas, LoadBefore: process.LoadAverage(), limits: p.limits,
		},
	}
}

// run does all that the plan says and ends what it has started.
func (b *bench) run(ctx context.Context) (err error) {
	if err := os.MkdirAll(b.dir, 0o700); err != nil {
		return err
	}
	b.watching, b.stop = context.WithCancel(ctx)
	defer func() {
		b.report.LoadAfter = process.LoadAverage()
		err = errors.Join(err, b.close())
	}()
	for _, p := range b.phases {
		fmt.Fprintf(os.Stderr, "==> %s: %s\n", b.plan.name, p.title)
		before, err := b.sample()
		if err != nil {
			return err
		}
		failed := p.run(b, ctx)
		after, err := b.sample()
		if err != nil {
			return errors.Join(failed, err)
		}
		share := after.since(before)
		share.Phase = p.title
		b.report.Shares = append(b.report.Shares, share)
		fmt.Fprintf(os.Stderr, "    %.1f s\n", share.Seconds)
		if failed != nil {
			if cause := context.Cause(ctx); cause != nil && !errors.Is(failed, cause) {
				failed = errors.Join(failed, cause)
			}
			return fmt.Errorf("%s: %w", p.title, failed)
		}
	}
	return nil
}

// close ends everything that was started.
func (b *bench) close() error {
	b.stop()
	b.background.Wait()
	err := b.hub.stop()
	if b.fleet != nil {
		err = errors.Join(err, b.fleet.Stop())
	}
	return err
}

func (b *bench) startMembers(ctx context.Context) error {
	program, err := os.Executable()
	if err != nil {
		return err
	}
	cfg := b.plan.fleet
	cfg.Dir, cfg.Seen = filepath.Join(b.dir, "members"), b.board.seenIn
	if b.fleet, err = fleet.Start(ctx, program, cfg); err != nil {
		return err
	}
	for _, name := range b.proxied {
		if err := b.fleet.Interpose(name); err != nil {
			return err
		}
	}
	for _, m := range b.fleet.Members {
		if m.Kubeconfig == "" {
			continue // it reports by itself
		}
		config, err := clientcmd.BuildConfigFromFlags("", m.Kubeconfig)
		if err != nil {
			return err
		}
		if err := b.follow(ctx, m.Name, config); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) startHub(ctx context.Context) error {
	took, err := b.hub.start(ctx)
	if err != nil {
		return err
	}
	b.report.add(figureStart, took.Seconds(), "s")
	return nil
}

// rest measures what the hub takes when there is nothing to do.
func (b *bench) rest(ctx context.Context) error {
	if err := b.settle(ctx); err != nil {
		return err
	}
	before, err := b.hub.read(ctx)
	if err != nil {
		return err
	}
	stopProfile := b.startProfile(ctx, "rest", min(b.settings.rest, profileTime))
	defer func() { _ = stopProfile() }() // only waits: its error is returned below, unless there is another one
	if err := pause(ctx, b.settings.rest); err != nil {
		return err
	}
	if err := stopProfile(); err != nil {
		return err
	}
	after, err := b.hub.read(ctx)
	if err != nil {
		return err
	}
	seconds := after.at.Sub(before.at).Seconds()
	b.idleWrites = float64(after.revision-before.revision) / seconds
	b.idleCPU = (after.cpu - before.cpu).Seconds() / seconds
	b.report.addMemory(figureRestRSS, after.memory)
	b.report.add(figureRestCPU, b.idleCPU*1000, "ms/s")
	b.report.add("writes at rest", b.idleWrites*60, "/min")
	return nil
}

func itoa(n int) string { return strconv.Itoa(n) }

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// await calls check every few milliseconds until it returns nil, limit has passed or ctx ends.
func await(ctx context.Context, limit time.Duration, check func() error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for {
		err := check()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("after %v: %w", limit, err)
		case <-ticker.C:
		}
	}
}
