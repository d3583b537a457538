/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

// Command informers runs shared informers of client-go on pods and nodes of all members at the hub, while the members
// change, restart and are cut off, and while the informers' own connections break. It keeps books of what was done in the
// members and of what the informers' handlers were told, and compares: every addition, change and deletion is told once,
// and at the end the informers hold what the members do. What counts as told is in judge.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/signal"
	"syscall"
	"time"

	"k8s.io/klog/v2"

	"github.com/manifold-k8s/manifold/test/apitest"
)

// settings are the flags.
type settings struct {
	seed    uint64
	members int
	length  time.Duration // of the disturbance
	pause   time.Duration // between two writes to a member
}

func parse(args []string) (settings, error) {
	var s settings
	fs := flag.NewFlagSet("informers", flag.ContinueOnError)
	fs.DurationVar(&s.length, "for", 10*time.Minute, "how long members change and fail; every member fails once at least")
	fs.IntVar(&s.members, "members", 5, "number of members")
	fs.DurationVar(&s.pause, "pause", 200*time.Millisecond, "between two writes to one member")
	fs.Uint64Var(&s.seed, "seed", rand.Uint64N(1_000_000), "of all random choices; the timing of requests is not among them")
	if err := fs.Parse(args); err != nil {
		return s, err
	}
	if fs.NArg() > 0 {
		return s, fmt.Errorf("unexpected argument %q", fs.Arg(0))
	}
	if s.members < 1 || s.length <= 0 || s.pause <= 0 {
		return s, errors.New("--members must be at least 1, --for and --pause more than 0")
	}
	return s, nil
}

func main() {
	quiet()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "informers:", err)
		os.Exit(1)
	}
}

// quiet keeps client-go from telling of connections that break, which is what this is about.
func quiet() {
	klog.SetOutput(io.Discard)
	klog.LogToStderr(false)
}

func run(ctx context.Context, args []string) error {
	s, err := parse(args)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "manifold-informers-") // short: etcd's socket is below it
	if err != nil {
		return err
	}
	fmt.Printf("seed %d\n", s.seed)
	err = try(ctx, s, dir, os.Stdout)
	if err != nil {
		fmt.Println("what there is, logs included, stays in", dir)
		return errors.Join(err, apitest.RemoveBinary())
	}
	return errors.Join(apitest.RemoveBinary(), os.RemoveAll(dir))
}

// try runs the whole once and returns an error if anything was not as it should be.
func try(ctx context.Context, s settings, dir string, out io.Writer) error {
	f := &federation{out: out, seed: s.seed}
	defer f.close()
	begin := time.Now()
	if err := f.found(ctx, dir, s.members, s.pause); err != nil {
		return fmt.Errorf("set up: %w", err)
	}
	f.say("%d members and a hub after %v", s.members, time.Since(begin).Round(100*time.Millisecond))
	t, wrong, err := f.watch(ctx, s.length)
	for _, w := range wrong {
		f.say("  ! %s", w)
	}
	f.say("%d objects, %d writes (%d told by their outcome only), %d calls of handlers, %d marks set or taken off, %d violations, %v",
		t.lives, t.deeds, t.coalesced, t.sightings, t.marked, len(wrong), time.Since(begin).Round(time.Second))
	switch {
	case err != nil:
		return err
	case len(wrong) > 0:
		return fmt.Errorf("%d violations, with seed %d", len(wrong), s.seed)
	case t.deeds < 10*s.members || t.marked == 0:
		return fmt.Errorf("too little has happened to judge: %+v", t)
	}
	return nil
}
