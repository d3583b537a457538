/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

// Command bench measures the server over real members: how soon and at what cost what is written to the hub is in all
// of them. Everything runs on this machine, so the members take most of its time; the report says how much. It prints a
// table, writes the same as JSON, and fails only when something did not work: a figure outside its allowed range is marked.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"k8s.io/klog/v2"
)

// timeLimit bounds the whole run.
const timeLimit = 10 * time.Minute

// settings are the flags.
type settings struct {
	deployments int    // created, updated and deleted in one go
	members     int    // clusters; each gets every Deployment
	oneAtATime  int    // Deployments created one after the other
	replicas    int    // of each Deployment in each member
	workers     int    // that create, update and delete at the same time
	bin         string // folder of the server and the CLI
	json        string // file for the report
	profile     string // folder for profiles of the server; empty means none
	keep        bool
}

func parse(args []string) (settings, error) {
	var s settings
	fs := flag.NewFlagSet("bench", flag.ContinueOnError)
	fs.IntVar(&s.deployments, "deployments", 500, "Deployments to create, update and delete in one go")
	fs.IntVar(&s.members, "members", 3, "member clusters, each of which gets every Deployment")
	fs.IntVar(&s.oneAtATime, "one-at-a-time", 100, "Deployments to create one after the other")
	fs.IntVar(&s.replicas, "replicas", 1, "pods of each Deployment in each member; with 0 the machine is not busy with making pods")
	fs.IntVar(&s.workers, "workers", 8, "how many requests the load generator has under way at once")
	fs.StringVar(&s.bin, "bin", "bin", "`folder` of manifold and kubectl-manifold")
	fs.StringVar(&s.json, "json", "bench.json", "`file` for the report as JSON")
	fs.StringVar(&s.profile, "profile", "", "`folder` for CPU and heap profiles of the server, taken while many are created; that costs some speed")
	fs.BoolVar(&s.keep, "keep", false, "leave everything running after the measurement, until interrupted")
	if err := fs.Parse(args); err != nil {
		return s, err
	}
	if fs.NArg() > 0 {
		return s, fmt.Errorf("unexpected argument %q", fs.Arg(0))
	}
	if s.deployments < 1 || s.members < 1 || s.oneAtATime < 1 || s.workers < 1 || s.replicas < 0 {
		return s, errors.New("--deployments, --members, --one-at-a-time and --workers must be at least 1, --replicas at least 0")
	}
	return s, nil
}

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
	s, err := parse(args)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "manifold-bench-") // short: etcd's socket is below it
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b := newBench(s, dir)
	defer b.close()

	limited, cancel := context.WithTimeoutCause(ctx, timeLimit, fmt.Errorf("not done after %v", timeLimit))
	defer cancel()
	err = b.measure(limited)
	if len(b.report.Figures) > 0 { // also those from before something went wrong
		b.report.finish()
		b.report.print(os.Stdout)
		if err := b.report.write(s.json); err != nil {
			return err
		}
	}
	if s.keep && ctx.Err() == nil {
		fmt.Printf("\nEverything keeps running in %s until interrupted; KUBECONFIG=%s\n", dir, b.hub.kubeconfig())
		<-ctx.Done()
	}
	return err
}
