/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

// Command bench measures the server: how soon and at what cost what is written to the hub is in all members. It does so
// over real members and, as "bench scale", over simulated ones, of which a machine can hold more. Everything runs on this
// machine, so real members take most of its time; the report says how much. It prints tables, writes the same as JSON, and fails
// only when something did not work: a figure outside its allowed range is marked.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"k8s.io/klog/v2"

	"github.com/manifold-k8s/manifold/test/bench/fleet"
	"github.com/manifold-k8s/manifold/test/bench/process"
)

func main() {
	klog.SetOutput(io.Discard) // watches that break when the hub is restarted are part of the measurement
	klog.LogToStderr(false)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) > 0 && args[0] == "members" { // the process of the members, which this program starts
		return fleet.Child(ctx, args[1:], os.Stdin, os.Stdout)
	}
	s, err := parse(args)
	if err != nil {
		return err
	}
	stopProfile, err := s.profileSelf()
	if err != nil {
		return err
	}
	r, err := measure(ctx, s)
	err = errors.Join(err, stopProfile())
	if len(r.Runs) > 0 && len(r.Runs[0].Figures) > 0 { // also those from before something went wrong
		r.print(os.Stdout)
		err = errors.Join(err, r.write(s.json))
	}
	return err
}

// measure does all runs that are asked for, one after the other, each with a hub and members of its own.
func measure(ctx context.Context, s settings) (*report, error) {
	r := &report{
		Title: s.title(), Begin: time.Now(), Cores: cores(), LoadBefore: process.LoadAverage(), Workers: s.workers, Profiled: s.profile != "",
	}
	defer func() { r.Seconds, r.LoadAfter = time.Since(r.Begin).Seconds(), process.LoadAverage() }()
	dir, err := os.MkdirTemp("", "manifold-bench-") // short: etcd's socket is below it
	if err != nil {
		return r, err
	}
	defer os.RemoveAll(dir)
	limited, cancel := context.WithTimeoutCause(ctx, s.limit, fmt.Errorf("not done after %v", s.limit))
	defer cancel()
	for _, plan := range s.plans() {
		b := newBench(s, plan, filepath.Join(dir, plan.name))
		r.Runs = append(r.Runs, b.report)
		if err := b.run(limited); err != nil {
			return r, fmt.Errorf("%s: %w", plan.name, err)
		}
	}
	return r, nil
}
