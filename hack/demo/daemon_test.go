/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// newDaemon returns a daemon that ends with the test. A daemon outlives its starter by design, even one that is killed:
// so no command here takes longer than some twenty seconds by itself.
func newDaemon(t *testing.T, command ...string) daemon {
	t.Helper()
	dir := t.TempDir()
	d := daemon{name: "test", pidFile: filepath.Join(dir, "pid"), log: filepath.Join(dir, "log"), command: command}
	t.Cleanup(func() {
		if err := d.stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return d
}

// ensure calls ensure and returns the process that runs then.
func ensure(t *testing.T, d daemon, wantAlready bool) int {
	t.Helper()
	already, err := d.ensure(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if already != wantAlready {
		t.Errorf("ensure says that it was running: %v, want %v", already, wantAlready)
	}
	r, alive, err := d.running()
	if err != nil || !alive {
		t.Fatalf("not running after ensure: %v", err)
	}
	return r.pid
}

func TestEnsureStartsOnce(t *testing.T) {
	t.Parallel()
	d := newDaemon(t, "sleep", "20")
	first := ensure(t, d, false)
	if again := ensure(t, d, true); again != first {
		t.Errorf("a second ensure started another process")
	}
	d.command = []string{"sleep", "21"}
	if other := ensure(t, d, false); other == first {
		t.Errorf("a new command line left the old process running")
	}
	if _, alive := startOf(first); alive {
		t.Errorf("the process of the old command line still runs")
	}
}

func TestEnsureReplacesOldBuild(t *testing.T) {
	t.Parallel()
	sleep, err := exec.LookPath("sleep")
	if err != nil {
		t.Fatal(err)
	}
	binary, err := os.ReadFile(sleep)
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(t.TempDir(), "sleep")
	install := func() {
		if err := os.WriteFile(program+".new", binary, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(program+".new", program); err != nil {
			t.Fatal(err)
		}
	}
	install()
	d := newDaemon(t, program, "20")
	first := ensure(t, d, false)
	install()
	if second := ensure(t, d, false); second == first {
		t.Error("the old build was left running")
	}
}

func TestStopKillsWhatDoesNotListen(t *testing.T) {
	t.Parallel()
	d := newDaemon(t, "sh", "-c", "trap '' TERM; echo deaf; for i in $(seq 200); do sleep 0.1; done")
	d.patience = 300 * time.Millisecond
	pid := ensure(t, d, false)
	err := d.awaitReady(t.Context(), 10*time.Second, func() error {
		log, err := os.ReadFile(d.log)
		if err == nil && len(log) == 0 {
			err = os.ErrNotExist
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	if err := d.stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, alive := startOf(pid); alive {
		t.Error("still alive after stop")
	}
	if took := time.Since(begin); took < d.patience {
		t.Errorf("killed after %v, want patience of %v", took, d.patience)
	}
}

// TestStopSparesStrangers gives the daemon's process id to another process, as happens when ids are used again.
func TestStopSparesStrangers(t *testing.T) {
	t.Parallel()
	stranger := exec.CommandContext(t.Context(), "sleep", "20")
	if err := stranger.Start(); err != nil {
		t.Fatal(err)
	}
	d := newDaemon(t, "sleep", "20")
	content := strconv.Itoa(stranger.Process.Pid) + "\n1\nsleep\n20\n" // it did not start one tick after the machine
	if err := os.WriteFile(d.pidFile, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := d.stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, alive := startOf(stranger.Process.Pid); !alive {
		t.Error("stop killed a process that is not the daemon's")
	}
	if err := stranger.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = stranger.Wait() // says that it was killed
}

func TestAwaitReadyTellsOfDeath(t *testing.T) {
	t.Parallel()
	d := newDaemon(t, "sh", "-c", "exit 1")
	if err := d.start(); err != nil {
		t.Fatal(err)
	}
	err := d.awaitReady(t.Context(), time.Minute, func() error { return os.ErrNotExist })
	if err == nil || !strings.Contains(err.Error(), "ended before it was ready") {
		t.Errorf("got error %v, want that it ended", err)
	}
}
