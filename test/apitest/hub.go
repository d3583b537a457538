/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package apitest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"syscall"
	"testing"
	"time"
)

const (
	// startPatience bounds the start of a hub on a busy machine; an idle one needs 3 s.
	startPatience = 90 * time.Second
	stopPatience  = 30 * time.Second
)

// Hub is a running server. Its API is that of an administrator.
type Hub struct {
	*API
	// Dir is the server's data directory, Log the file with its output.
	Dir, Log string

	port    int
	args    []string
	process *process
}

// NewHub starts a hub for one test, which ends with it.
func NewHub(t *testing.T, args ...string) *Hub {
	t.Helper()
	NoteSources(t)
	h, err := StartHub(t.Context(), t.TempDir(), args...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		h.Kill()
		if t.Failed() {
			t.Logf("the end of the hub's log:\n%s", h.LogTail())
		}
	})
	return h
}

// StartHub starts a hub with its data in dir and returns when it is ready. args are more flags for it. The caller has to
// Kill or Stop it.
func StartHub(ctx context.Context, dir string, args ...string) (*Hub, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	h := &Hub{Dir: filepath.Join(dir, "data"), Log: filepath.Join(dir, "hub.log"), port: port, args: args}
	if err := h.Start(ctx); err != nil {
		return nil, err
	}
	return h, nil
}

// freePort picks a free port. Ports below 32768 are never given to outgoing connections on Linux, so one that was free
// once is still free when a stopped hub comes back.
func freePort() (int, error) {
	const lowest, highest, attempts = 15000, 19999, 100 // members take theirs from 20000 on
	for range attempts {
		port := lowest + rand.IntN(highest-lowest)
		l, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(port))
		if err != nil {
			continue
		}
		return port, l.Close()
	}
	return 0, fmt.Errorf("no free port after %d attempts between %d and %d", attempts, lowest, highest)
}

// Second runs another server on the same data directory and returns what it wrote and how it ended. It is killed when it
// does not end by itself.
func (h *Hub) Second(ctx context.Context) (string, error) {
	port, err := freePort()
	if err != nil {
		return "", err
	}
	cmd, err := h.command(ctx, port)
	if err != nil {
		return "", err
	}
	var out Output
	cmd.Stdout, cmd.Stderr = &out, &out
	p, err := start(cmd)
	if err != nil {
		return "", err
	}
	select {
	case <-p.exited:
		return out.String(), p.err
	case <-time.After(stopPatience):
		p.kill()
		return out.String(), fmt.Errorf("the second server still ran after %v", stopPatience)
	}
}

// command returns the command line of a server on this hub's data directory.
func (h *Hub) command(ctx context.Context, port int) (*exec.Cmd, error) {
	binary, err := Binary(ctx)
	if err != nil {
		return nil, err
	}
	args := append([]string{"server", "--data-dir", h.Dir, "--bind-address", "127.0.0.1", "--secure-port", strconv.Itoa(port),
		"--unsafe-etcd-no-fsync", "-v", "2"}, h.args...)
	return exec.Command(binary, args...), nil
}

// Start starts the server, again after Kill or Stop, on the same port and data, and returns when it is ready.
func (h *Hub) Start(ctx context.Context) error {
	cmd, err := h.command(ctx, h.port)
	if err != nil {
		return err
	}
	log, err := os.OpenFile(h.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close() // the child has its own descriptor
	cmd.Stdout, cmd.Stderr = log, log
	kubeconfig := filepath.Join(h.Dir, "admin.kubeconfig")
	// What an earlier process left would look like a sign that this one is ready.
	if err := os.Remove(kubeconfig); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if h.process, err = start(cmd); err != nil {
		return fmt.Errorf("start the hub: %w", err)
	}
	err = await(func() error {
		if !h.process.alive() || ctx.Err() != nil {
			return nil
		}
		_, err := os.Stat(kubeconfig)
		return err
	}, startPatience)
	switch {
	case err != nil:
	case !h.process.alive():
		err = fmt.Errorf("it ended: %w", h.process.err)
	default:
		err = ctx.Err()
	}
	if err == nil {
		h.API, err = NewAPI("hub", kubeconfig)
	}
	if err != nil {
		h.Kill()
		return fmt.Errorf("start the hub: %w\n%s", err, h.LogTail())
	}
	return nil
}

// AddArgs adds flags, which count from the next Start.
func (h *Hub) AddArgs(args ...string) { h.args = append(h.args, args...) }

// Kill ends the server as a power failure does, and returns when it is gone.
func (h *Hub) Kill() { h.process.kill() }

// Running reports whether the server has not ended.
func (h *Hub) Running() bool { return h.process.alive() }

// Stop asks the server to end, and returns how it did.
func (h *Hub) Stop() error {
	if err := h.process.signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("stop the hub: %w", err)
	}
	select {
	case <-h.process.exited:
		return h.process.err
	case <-time.After(stopPatience):
		h.Kill()
		return fmt.Errorf("the hub did not end within %v of SIGTERM", stopPatience)
	}
}

// noise is what the server writes often and what tells nothing about a federation, by the source file of the line.
var noise = regexp.MustCompile(`(?m)^.* (apf_controller|cacher|reflector|garbagecollector|shared_informer|httplog|namespace_controller)\.go:.*\n`)

// LogTail returns the last lines of what the server wrote.
func (h *Hub) LogTail() string {
	const most = 20000 // bytes
	data, err := os.ReadFile(h.Log)
	if err != nil {
		return err.Error()
	}
	data = noise.ReplaceAll(data, nil)
	return string(data[max(0, len(data)-most):])
}
