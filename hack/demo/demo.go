/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	stateDir = ".demo"
	example  = "examples/nginx"
	// logLines is how much of a log is shown after a failure.
	logLines = 40

	membersPatience = 4 * time.Minute  // longer than hack/members tries to start them
	revivePatience  = 90 * time.Second // longer than it tries to start again what has died
	hubPatience     = time.Minute
	rolloutPatience = 2 * time.Minute
)

// demo is a federation on this machine: a background process that runs the members, and one that is the hub.
type demo struct {
	names   []string // of the members
	members daemon
	hub     daemon
	host    daemon // behind whose API server the hub is, if wanted
	hosted  bool
}

// phase is a step of the demo.
type phase struct {
	title string
	logs  []string // worth a look when the phase fails
	run   func(context.Context) error
}

func newDemo(count int) *demo {
	d := &demo{
		members: daemon{
			name:    "members",
			pidFile: state("members.pid"),
			log:     state("members.log"),
			command: []string{"bin/members", "--dir", state("members"), "--count", strconv.Itoa(count), "--metrics"},
		},
		hub: daemon{name: "hub", pidFile: state("hub.pid"), log: state("hub.log")},
		host: daemon{
			name:    "host",
			pidFile: state("host.pid"),
			log:     state("host.log"),
			command: []string{"bin/members", "--dir", state("host"), "--names", "host"},
		},
	}
	for i := range count {
		d.names = append(d.names, fmt.Sprintf("member%d", i+1))
	}
	return d
}

func state(name string) string { return filepath.Join(stateDir, name) }

func kubeconfigOf(cluster string) string { return state(cluster + ".kubeconfig") }

// up is the whole demo. Each phase may be the first to run, or find its work done by an earlier run.
func (d *demo) up(ctx context.Context) error {
	begin := time.Now()
	if err := os.MkdirAll(stateDir, 0o700); err != nil {
		return err
	}
	unlock, err := lock()
	if err != nil {
		return err
	}
	defer unlock()
	if _, err := os.Stat(kubeconfigOf(fmt.Sprintf("member%d", len(d.names)+1))); err == nil {
		return fmt.Errorf("the running demo has more than %d members: run `make demo-down` first", len(d.names))
	}
	phases := []phase{
		{fmt.Sprintf("Start %d member clusters", len(d.names)), []string{d.members.log}, d.startMembers},
		{"Start the hub", []string{d.hub.log}, d.startHub},
		{"Join the members", []string{d.hub.log}, d.join},
		{"Apply " + example + " and wait for its rollout", []string{d.hub.log}, d.rollOut},
		{"Verify where the replicas are", []string{d.hub.log}, d.verify},
	}
	if d.hosted {
		phases = append(phases, d.hostPhases()...)
	}
	for _, p := range phases {
		fmt.Printf("==> %s\n", p.title)
		start := time.Now()
		if err := p.run(ctx); err != nil {
			printTails(p.logs)
			return fmt.Errorf("%s: %w (what runs keeps running: try again, or `make demo-down`)", strings.ToLower(p.title), err)
		}
		fmt.Printf("    %.1f s\n", time.Since(start).Seconds())
	}
	if err := d.show(ctx); err != nil {
		return err
	}
	fmt.Printf("\nThe federation works, after %.1f s, and goes on running.\n", time.Since(begin).Seconds())
	return nil
}

func (d *demo) startMembers(ctx context.Context) error {
	ready := state("members/ready")
	already, err := d.members.ensure(ctx)
	if err != nil {
		return err
	}
	patience := membersPatience
	if already { // it starts again whatever has died, then says once more that all are ready
		if err := os.Remove(ready); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		if err := d.members.signal(syscall.SIGHUP); err != nil {
			return err
		}
		patience = revivePatience
	}
	err = d.members.awaitReady(ctx, patience, func() error { _, err := os.Stat(ready); return err })
	if err != nil {
		return err
	}
	for _, name := range d.names {
		if err := copyFile(state("members/"+name+"/admin.kubeconfig"), kubeconfigOf(name)); err != nil {
			return err
		}
	}
	return nil
}

func (d *demo) startHub(ctx context.Context) error {
	port, err := hubPort()
	if err != nil {
		return err
	}
	d.hub.command = []string{"bin/manifold", "server", "--data-dir", state("hub"), "--bind-address", "127.0.0.1", "--secure-port", port}
	if _, err := os.Stat(hostAccess()); err == nil {
		d.hub.command = append(d.hub.command, "--host-kubeconfig", hostAccess())
	}
	if _, err := d.hub.ensure(ctx); err != nil {
		return err
	}
	return d.hub.awaitReady(ctx, hubPatience, func() error {
		if err := copyFile(state("hub/admin.kubeconfig"), kubeconfigOf("hub")); err != nil {
			return err
		}
		_, err := kubectl(ctx, "hub", "get", "--raw", "/readyz", "--request-timeout", "2s")
		return err
	})
}

// hubPort returns the port that the hub had before, else a free one. Ports below 32768 are never given to outgoing
// connections on Linux.
func hubPort() (string, error) {
	const lowest, highest, attempts = 20000, 32767, 100
	file := state("hub.port")
	if data, err := os.ReadFile(file); err == nil {
		return strings.TrimSpace(string(data)), nil
	}
	for range attempts {
		port := strconv.Itoa(lowest + rand.IntN(highest-lowest))
		if isFree(port) {
			return port, os.WriteFile(file, []byte(port+"\n"), 0o600)
		}
	}
	return "", errors.New("no free port for the hub")
}

func isFree(port string) bool {
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", port))
	if err != nil {
		return false
	}
	return l.Close() == nil
}

func (d *demo) join(ctx context.Context) error {
	for _, name := range d.names {
		known, err := kubectl(ctx, "hub", "get", "cluster", name, "--ignore-not-found", "-o", "name")
		if err != nil {
			return err
		}
		if known != "" {
			continue
		}
		_, err = output(ctx, "bin/kubectl-manifold", "join", name, "--kubeconfig", kubeconfigOf("hub"), "--cluster-kubeconfig", kubeconfigOf(name))
		if err != nil {
			return err
		}
	}
	_, err := kubectl(ctx, "hub", "wait", "cluster", "--all", "--for=condition=Ready", "--timeout="+hubPatience.String())
	return err
}

func (d *demo) rollOut(ctx context.Context) error {
	if _, err := kubectl(ctx, "hub", "apply", "-f", example); err != nil {
		return err
	}
	_, err := kubectl(ctx, "hub", "rollout", "status", "deployment/nginx", "--timeout="+rolloutPatience.String())
	return err
}

// down is safe to repeat, and to run when nothing runs.
func (d *demo) down(ctx context.Context) error {
	if _, err := os.Stat(stateDir); errors.Is(err, os.ErrNotExist) {
		fmt.Println("There is no demo to stop.")
		return nil
	}
	unlock, err := lock()
	if err != nil {
		return err
	}
	defer unlock()
	begin := time.Now()
	ports := usedPorts()
	for _, daemon := range []daemon{d.hub, d.host, d.members} {
		if err := daemon.stop(ctx); err != nil {
			return err
		}
	}
	err = await(ctx, stopPatience, func() error {
		for _, port := range ports {
			if !isFree(port) {
				return fmt.Errorf("port %s is still in use", port)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := os.RemoveAll(stateDir); err != nil {
		return err
	}
	fmt.Printf("Stopped the demo and removed %s/ in %.1f s.\n", stateDir, time.Since(begin).Seconds())
	return nil
}

// usedPorts returns the ports of the hub and of the members, as far as they got one.
func usedPorts() []string {
	files, _ := filepath.Glob(kubeconfigOf("*")) // the pattern is well-formed
	var ports []string
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(data)) {
			server, ok := strings.CutPrefix(strings.TrimSpace(line), "server: ")
			if u, err := url.Parse(server); ok && err == nil && u.Port() != "" {
				ports = append(ports, u.Port())
			}
		}
	}
	return ports
}

// lock keeps two runs from disturbing each other. The lock ends with the process, if not before.
func lock() (unlock func(), err error) {
	f, err := os.OpenFile(state("lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		return nil, errors.New("another `make demo` or `make demo-down` is at work in this checkout")
	}
	return func() { f.Close() }, nil
}

// kubectl runs the real kubectl against one cluster, and returns what it printed.
func kubectl(ctx context.Context, cluster string, args ...string) (string, error) {
	return output(ctx, "bin/kubectl", append([]string{"--kubeconfig", kubeconfigOf(cluster)}, args...)...)
}

func output(ctx context.Context, program string, args ...string) (string, error) {
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s %s: %w\n%s", program, strings.Join(args, " "), err, strings.TrimSpace(stdout.String()+stderr.String()))
	}
	return strings.TrimSpace(stdout.String()), nil
}

func copyFile(from, to string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, data, 0o600)
}

func printTails(logs []string) {
	for _, log := range logs {
		data, err := os.ReadFile(log)
		if err != nil {
			continue // never started
		}
		lines := strings.Split(strings.TrimSpace(string(data)), "\n")
		fmt.Fprintf(os.Stderr, "--- the end of %s:\n%s\n---\n", log, strings.Join(lines[max(0, len(lines)-logLines):], "\n"))
	}
}
