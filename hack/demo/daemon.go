/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	pollInterval = 100 * time.Millisecond
	// stopPatience is how long a process may take to end before it is killed, unless it says otherwise.
	stopPatience = 20 * time.Second
)

// daemon is a process that runs on in the background after this one has ended, with its output in a log file.
type daemon struct {
	name    string
	pidFile string
	log     string
	command []string
	// patience is how long it may take to end before it is killed; zero means stopPatience.
	patience time.Duration
}

// record is what the file of a daemon's process id holds, one item a line: the process id, the moment when the process
// started, which tells it from a later process of the same id, and the command line.
type record struct {
	pid     int
	started string
	command []string
}

// running returns the record of the daemon's process, and whether it still runs.
func (d daemon) running() (record, bool, error) {
	data, err := os.ReadFile(d.pidFile)
	if errors.Is(err, os.ErrNotExist) {
		return record{}, false, nil
	}
	if err != nil {
		return record{}, false, err
	}
	lines := strings.Split(strings.TrimSpace(string(data)), "\n")
	pid, err := strconv.Atoi(lines[0])
	if err != nil || len(lines) < 3 {
		return record{}, false, fmt.Errorf("%s does not hold a process id", d.pidFile)
	}
	r := record{pid: pid, started: lines[1], command: lines[2:]}
	started, alive := startOf(pid)
	return r, alive && started == r.started, nil
}

// startOf returns when a process started, in ticks since the machine did, and whether it is alive.
func startOf(pid int) (string, bool) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return "", false
	}
	// The second field, a name in parentheses, may hold anything. These are the third and the 22nd.
	const state, start = 0, 22 - 3
	fields := strings.Fields(string(data[strings.LastIndexByte(string(data), ')')+1:]))
	if len(fields) <= start {
		return "", false
	}
	return fields[start], fields[state] != "Z" && fields[state] != "X"
}

// ensure starts the daemon unless it runs with this command line and the present version of its binary. It reports
// whether it was running already.
func (d daemon) ensure(ctx context.Context) (already bool, err error) {
	r, alive, err := d.running()
	if err != nil {
		return false, err
	}
	if alive {
		// The kernel marks the program of a process as deleted when the file has been replaced by a newer build.
		exe, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", r.pid))
		if err == nil && !strings.HasSuffix(exe, " (deleted)") && slices.Equal(r.command, d.command) {
			return true, nil
		}
		if err := d.stop(ctx); err != nil {
			return false, err
		}
	}
	return false, d.start()
}

func (d daemon) start() error {
	log, err := os.OpenFile(d.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close() // the child has its own descriptor
	cmd := exec.Command(d.command[0], d.command[1:]...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // of no terminal: a ^C does not reach it
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", d.name, err)
	}
	go func() { _ = cmd.Wait() }() // reaps it if it ends before we do; how it ended is in its log
	started, _ := startOf(cmd.Process.Pid)
	lines := append([]string{strconv.Itoa(cmd.Process.Pid), started}, d.command...)
	if err := os.WriteFile(d.pidFile, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		_ = cmd.Process.Kill() // else nobody would ever find it again
		return fmt.Errorf("record process id of %s: %w", d.name, err)
	}
	return nil
}

// signal sends sig if the daemon runs.
func (d daemon) signal(sig syscall.Signal) error {
	r, alive, err := d.running()
	if err != nil || !alive {
		return err
	}
	if err := syscall.Kill(r.pid, sig); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("signal %s: %w", d.name, err)
	}
	return nil
}

// stop ends the daemon, by force if it does not end by itself in time, and returns when it is gone.
func (d daemon) stop(ctx context.Context) error {
	patience := cmp.Or(d.patience, stopPatience)
	deadline := time.Now().Add(patience)
	for sig := syscall.SIGTERM; ; {
		if err := d.signal(sig); err != nil {
			return err
		}
		err := await(ctx, time.Until(deadline), func() error {
			if _, alive, err := d.running(); err != nil || alive {
				return errors.Join(err, fmt.Errorf("%s still runs", d.name))
			}
			return nil
		})
		if err == nil {
			return nil
		}
		if ctx.Err() != nil || sig == syscall.SIGKILL {
			return err
		}
		fmt.Printf("    %s does not end by itself: killing it\n", d.name)
		sig, deadline = syscall.SIGKILL, time.Now().Add(patience)
	}
}

// awaitReady polls check until it returns nil. It fails when time is up or the daemon ends.
func (d daemon) awaitReady(ctx context.Context, limit time.Duration, check func() error) error {
	ended := false
	err := await(ctx, limit, func() error {
		err := check()
		if err == nil {
			return nil
		}
		_, alive, runErr := d.running()
		if ended = runErr == nil && !alive; ended {
			return nil
		}
		return errors.Join(err, runErr)
	})
	if ended {
		return fmt.Errorf("%s ended before it was ready", d.name)
	}
	return err
}

// await polls check until it returns nil, limit has passed or ctx ends.
func await(ctx context.Context, limit time.Duration, check func() error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	for {
		err := check()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("after %v: %w", limit.Round(time.Millisecond), err)
		case <-ticker.C:
		}
	}
}
