/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

// Command members runs local member clusters until it is told to stop: SIGTERM and SIGINT end it and everything it
// started, SIGHUP starts again what of it has died. While all members are ready, the file "ready" is in their folder.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"k8s.io/klog/v2"

	"github.com/manifold-k8s/manifold/test/members"
)

// revivePatience bounds the restart of what has died. The members that live are left alone when it fails.
const revivePatience = time.Minute

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "members:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	cfg, err := parse(args)
	if err != nil {
		return err
	}
	revive := make(chan os.Signal, 1)
	signal.Notify(revive, syscall.SIGHUP)
	defer signal.Stop(revive)
	ready := filepath.Join(cfg.Dir, "ready")
	if err := remove(ready); err != nil { // of an earlier process that was killed
		return err
	}
	begin := time.Now()
	set, err := members.Start(ctx, cfg)
	if err != nil {
		return err
	}
	defer set.Close()
	logger := klog.FromContext(ctx)
	for {
		if err == nil {
			if err := os.WriteFile(ready, nil, 0o600); err != nil {
				return fmt.Errorf("tell that the members are ready: %w", err)
			}
			logger.Info("Members are ready", "count", len(set.Members), "after", time.Since(begin).Round(time.Millisecond))
		}
		select {
		case <-ctx.Done():
			return remove(ready)
		case <-revive:
		}
		begin = time.Now()
		if err := remove(ready); err != nil {
			return err
		}
		if err = restart(ctx, set); err != nil {
			logger.Error(err, "Cannot start again what has died")
		}
	}
}

func restart(ctx context.Context, set *members.Set) error {
	ctx, cancel := context.WithTimeout(ctx, revivePatience)
	defer cancel()
	return set.Restart(ctx)
}

func parse(args []string) (members.Config, error) {
	var cfg members.Config
	flags := flag.NewFlagSet("members", flag.ContinueOnError)
	flags.StringVar(&cfg.Dir, "dir", "", "folder for data, certificates, logs and kubeconfigs (required)")
	flags.IntVar(&cfg.Count, "count", 3, "number of members")
	names := flags.String("names", "", "names of the members, separated by commas (default: member1 to member<count>)")
	flags.StringVar(&cfg.BinDir, "bin-dir", "", "folder of the control plane's binaries (default: where `make members-bin` puts them)")
	flags.BoolVar(&cfg.WithWorkloads, "workloads", true, "run controllers, a scheduler and two nodes in each member")
	flags.BoolVar(&cfg.WithMetrics, "metrics", false, "run a metrics-server in each member, for kubectl top; needs --workloads")
	if err := flags.Parse(args); err != nil {
		return cfg, err
	}
	if flags.NArg() > 0 {
		return cfg, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	if cfg.Dir == "" {
		return cfg, errors.New("--dir is required")
	}
	if *names != "" {
		cfg.Names = strings.Split(*names, ",")
	}
	return cfg, nil
}

func remove(file string) error {
	if err := os.Remove(file); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}
