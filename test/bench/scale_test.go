/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/manifold-k8s/manifold/test/apitest"
)

// The members run in a process of their own, which is this program again.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "members" {
		main()
		return
	}
	code := m.Run()
	if err := apitest.RemoveBinary(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// TestScaleInSmall is bench scale in a form that takes seconds. Times say nothing here: the machine does other things. What must
// hold on any machine is that it ends, how much is written, and that a restart leaves alone what is as it should be.
func TestScaleInSmall(t *testing.T) {
	apitest.NoteSources(t)
	binary, err := apitest.Binary(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "bench.json")
	const deployments, members, single = 60, 3, 5
	err = run(t.Context(), []string{
		"scale", "--runs", "load", "--bin", filepath.Dir(binary), "--json", file, "--deployments", fmt.Sprint(deployments), "--members", fmt.Sprint(members),
		"--one-at-a-time", fmt.Sprint(single), "--rest", "500ms", "--calm", "600ms",
	})
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var r report
	if err := json.Unmarshal(data, &r); err != nil {
		t.Fatal(err)
	}
	if len(r.Runs) != 1 || r.Runs[0].Members != "simulated members" || r.Cores < 1 || len(strings.Fields(r.LoadBefore)) != 3 {
		t.Fatalf("the report does not say what was measured on what: %s", data)
	}
	found := map[string]figure{}
	for _, f := range r.Runs[0].Figures {
		found[f.Name] = f
	}
	for _, name := range []string{figureCreateWrite, figureUnchanged} {
		if f := found[name]; f.OK == nil || !*f.OK {
			t.Errorf("%s: %+v", name, f)
		}
	}
	for _, name := range []string{figureSingle50, figureCreateRate, figureCreateCPU, figureRSS, figureFresh, figureProbe} {
		if f := found[name]; f.Value <= 0 {
			t.Errorf("%s is %v", name, f.Value)
		}
	}
	if got, want := len(r.Runs[0].Shares), len(settings{}.load().phases); got != want {
		t.Errorf("the report says of %d phases who used the machine's time, want %d", got, want)
	}
}
