/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

// Command demo starts a federation of real clusters on this machine and shows it at work.
//
//	demo up [--members N]   start what does not run, join the members, apply examples/nginx, verify and show the outcome
//	demo down               stop everything and remove its state
//
// It is run in the checkout's root after the programs in bin/ have been built; `make demo` and `make demo-down` do both.
// State, logs and kubeconfigs lie in .demo/.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return errors.New("want a command: up or down")
	}
	switch args[0] {
	case "up":
		flags := flag.NewFlagSet("up", flag.ContinueOnError)
		members := flags.Int("members", 3, "number of member clusters, at least 1")
		hosted := flags.Bool("host", false, "start one more cluster, and put the hub behind its API server")
		if err := flags.Parse(args[1:]); err != nil {
			return err
		}
		if *members < 1 || flags.NArg() > 0 {
			return fmt.Errorf("want --members of at least 1 and no arguments, got %d and %q", *members, flags.Args())
		}
		d := newDemo(*members)
		d.hosted = *hosted
		return d.up(ctx)
	case "down":
		return newDemo(0).down(ctx)
	}
	return fmt.Errorf("unknown command %q: want up or down", args[0])
}
