/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

// Command chaos breaks things under load and checks that the federation keeps its promises: what was acknowledged is
// never lost, every member holds what it must and nothing else, no copy that should stay is ever deleted, and objects of
// others are not touched. It kills the hub, lets members fail in every way that a network and an API server know, and
// takes away the hub's etcd. It prints a line for each round or fault, details of what went wrong, and a summary.
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
	"slices"
	"strings"
	"syscall"
	"time"

	"k8s.io/klog/v2"

	"github.com/manifold-k8s/manifold/test/apitest"
)

// settings are the flags.
type settings struct {
	seed        uint64
	rounds      int // of kills
	outages     int // rounds of outages of etcd
	longOutages bool
	thorough    bool    // members fail in all ways, and everything is waited for that takes half a minute
	noise       float64 // share of the members' answers that are lost while the hub is killed
	only        string
}

// scenario is one way to break things.
type scenario struct {
	name string
	run  func(context.Context, *arena, settings, *board) error
}

var scenarios = []scenario{{"kills", kills}, {"faults", faults}, {"outages", outages}}

func parse(args []string) (settings, error) {
	s := settings{longOutages: true, thorough: true}
	fs := flag.NewFlagSet("chaos", flag.ContinueOnError)
	fs.Uint64Var(&s.seed, "seed", rand.Uint64N(1_000_000), "of all random choices; the timing of requests is not among them")
	fs.IntVar(&s.rounds, "rounds", 50, "how often the hub is killed")
	fs.IntVar(&s.outages, "outages", 12, "how often the external etcd is stopped")
	fs.Float64Var(&s.noise, "noise", 0.02, "share of the members' answers to writes that are lost while the hub is killed")
	fs.StringVar(&s.only, "only", "", "run just these scenarios, separated by commas: kills, faults, outages")
	if err := fs.Parse(args); err != nil {
		return s, err
	}
	if fs.NArg() > 0 {
		return s, fmt.Errorf("unexpected argument %q", fs.Arg(0))
	}
	if s.rounds < 1 || s.outages < 1 || s.noise < 0 || s.noise > 1 {
		return s, errors.New("--rounds and --outages must be at least 1, --noise between 0 and 1")
	}
	for name := range strings.SplitSeq(s.only, ",") {
		if name != "" && !slices.ContainsFunc(scenarios, func(sc scenario) bool { return sc.name == name }) {
			return s, fmt.Errorf("--only: there is no scenario %q", name)
		}
	}
	return s, nil
}

func main() {
	klog.SetOutput(io.Discard) // connections that break are what this is about
	klog.LogToStderr(false)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	if yes, code := isStore(ctx, os.Args[1:], os.Stderr); yes {
		os.Exit(code)
	}
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "chaos:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	s, err := parse(args)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "manifold-chaos-") // short: etcd's socket is below it
	if err != nil {
		return err
	}
	b := &board{out: os.Stdout}
	defer func() {
		err := apitest.RemoveBinary()
		if len(b.violations) == 0 {
			err = errors.Join(err, os.RemoveAll(dir))
		} else {
			fmt.Println("what there is, logs included, stays in", dir)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "chaos:", err)
		}
	}()
	begin := time.Now()
	fmt.Printf("seed %d\n", s.seed)
	a, err := newArena(ctx, dir)
	if err != nil {
		return err
	}
	defer a.set.Close()
	for _, sc := range scenarios {
		if s.only != "" && !slices.Contains(strings.Split(s.only, ","), sc.name) {
			continue
		}
		if err := sc.run(ctx, a, s, b); err != nil {
			return fmt.Errorf("%s (seed %d): %w", sc.name, s.seed, err)
		}
	}
	fmt.Printf("seed %d: %d rounds and faults, %d acknowledged requests, %d violations, %v\n",
		s.seed, b.lines, b.acknowledged, len(b.violations), time.Since(begin).Round(time.Second))
	if n := len(b.violations); n > 0 {
		return fmt.Errorf("%d violations", n)
	}
	return nil
}
