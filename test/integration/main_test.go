/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

// Package integration_test drives the real server over real member clusters. Most tests share one hub with three members
// that run workloads, each in a namespace of its own, at the same time. Those that take something down, or measure, have
// a hub and members without workloads for themselves, and run before the others.
package integration_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/manifold-k8s/manifold/test/apitest"
	"github.com/manifold-k8s/manifold/test/members"
)

// What is shared by tests. Only tests that run alone may touch bare.
var (
	hub   *apitest.Hub
	fleet []*apitest.Member // member1 to member3, joined to hub
	bare  []*apitest.Member // bare1 to bare3, without workloads, joined to no hub
)

func TestMain(m *testing.M) {
	code, err := runTests(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// testsAtOnce is how many parallel tests run at once, unless -parallel says so. Most of what they do is to wait for members: as
// many as there are processors would leave those idle.
const testsAtOnce = "4"

func runTests(m *testing.M) (int, error) {
	flag.Parse()
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "test.parallel" })
	if !given {
		if err := flag.Set("test.parallel", testsAtOnce); err != nil {
			return 0, err
		}
	}
	dir, err := os.MkdirTemp("", "integration-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	defer func() {
		if err := apitest.RemoveBinary(); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}()
	traces, stopCollector, err := collectSpans(dir)
	if err != nil {
		return 0, err
	}
	defer stopCollector()
	ctx := context.Background()
	var set, bareSet *members.Set
	defer func() {
		for _, s := range []*members.Set{set, bareSet} {
			if s != nil {
				s.Close()
			}
		}
		if hub != nil {
			hub.Kill()
		}
	}()
	var g errgroup.Group
	g.Go(func() (err error) {
		set, fleet, err = apitest.StartMembers(ctx, members.Config{Count: 3, Dir: filepath.Join(dir, "members"), WithWorkloads: true})
		return err
	})
	g.Go(func() (err error) {
		bareSet, bare, err = apitest.StartMembers(ctx, members.Config{Names: []string{"bare1", "bare2", "bare3"}, Dir: filepath.Join(dir, "bare")})
		return err
	})
	g.Go(func() (err error) {
		hub, err = apitest.StartHub(ctx, filepath.Join(dir, "hub"), traces)
		return err
	})
	if err := g.Wait(); err != nil {
		return 0, err
	}
	for _, member := range fleet {
		if err := hub.Join(ctx, member); err != nil {
			return 0, err
		}
	}
	code := m.Run()
	if code != 0 {
		fmt.Fprintf(os.Stderr, "the end of the hub's log:\n%s\n", hub.LogTail())
	}
	return code, nil
}
