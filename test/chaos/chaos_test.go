/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"

	"k8s.io/klog/v2"

	"github.com/manifold-k8s/manifold/test/apitest"
)

// shared are the members, which all scenarios use at the same time.
var shared *arena

// short is what `make test` can wait for; `make chaos` runs the whole.
var short = settings{rounds: 2, outages: 2, noise: 0.02, seed: uint64(os.Getpid())}

func TestMain(m *testing.M) {
	klog.SetOutput(io.Discard)
	klog.LogToStderr(false)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	if yes, code := isStore(ctx, os.Args[1:], os.Stderr); yes { // the test binary is its own etcd, too
		os.Exit(code)
	}
	stop()
	flag.Parse()
	code, err := runTests(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func runTests(m *testing.M) (int, error) {
	dir, err := os.MkdirTemp("", "manifold-chaos-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	defer func() {
		if err := apitest.RemoveBinary(); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}()
	if shared, err = newArena(context.Background(), dir); err != nil {
		return 0, err
	}
	defer shared.set.Close()
	return m.Run(), nil
}

// play runs one scenario in its short form.
func play(t *testing.T, run func(context.Context, *arena, settings, *board) error) {
	t.Parallel()
	apitest.NoteSources(t)
	var out strings.Builder
	b := &board{out: &out}
	err := run(t.Context(), shared, short, b)
	t.Logf("seed %d\n%s", short.seed, out.String())
	if len(b.violations) > 0 {
		t.Logf("the end of the hub's log:\n%s", b.tail())
	}
	if err != nil {
		t.Fatal(err)
	}
	if len(b.violations) > 0 || b.lines == 0 {
		t.Errorf("%d violations in %d lines", len(b.violations), b.lines)
	}
}

func TestKills(t *testing.T)   { play(t, kills) }
func TestFaults(t *testing.T)  { play(t, faults) }
func TestOutages(t *testing.T) { play(t, outages) }

func TestParse(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]string{
		"--seed 7 --rounds 3 --outages 2 --only kills,outages": "",
		"--rounds 0":   "at least 1",
		"--noise 2":    "between 0 and 1",
		"--only kill":  `no scenario "kill"`,
		"more":         "unexpected argument",
		"--rounds two": "invalid value",
	} {
		s, err := parse(strings.Fields(args))
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", args, err, want)
		}
		if want == "" && (s.seed != 7 || s.rounds != 3 || s.outages != 2 || !s.thorough) {
			t.Errorf("%s gives %+v", args, s)
		}
	}
}
