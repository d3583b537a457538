/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

const (
	readyPatience = time.Minute
	// stopPatience is longer than the server waits for its last client, which is a minute.
	stopPatience = 75 * time.Second
)

// hub is the server under measurement, in a process of its own, with its embedded store.
type hub struct {
	binary, dir string
	port        string // the same after a restart

	cmd    *exec.Cmd
	exited chan struct{}
	// What reaches the running server; made anew by start.
	config *rest.Config
	client kubernetes.Interface
	store  *clientv3.Client
}

func newHub(binary, dir string) *hub { return &hub{binary: binary, dir: dir} }

func (h *hub) kubeconfig() string { return filepath.Join(h.dir, "admin.kubeconfig") }

func (h *hub) log() string { return h.dir + ".log" }

// pid returns 0 when the server does not run.
func (h *hub) pid() int {
	if h.cmd == nil {
		return 0
	}
	return h.cmd.Process.Pid
}

// start returns when the server is ready, with the time that this took from the start of its process.
func (h *hub) start(ctx context.Context) (time.Duration, error) {
	if h.port == "" {
		if err := h.choosePort(); err != nil {
			return 0, err
		}
	}
	if err := os.Remove(h.kubeconfig()); err != nil && !errors.Is(err, os.ErrNotExist) {
		return 0, err
	}
	begin := time.Now()
	if err := h.spawn(); err != nil {
		return 0, err
	}
	err := await(ctx, readyPatience, func() error {
		config, err := clientcmd.BuildConfigFromFlags("", h.kubeconfig())
		if err != nil {
			return err
		}
		config.QPS = -1 // no limit
		client, err := kubernetes.NewForConfig(config)
		if err != nil {
			return err
		}
		h.config, h.client = config, client
		return client.Discovery().RESTClient().Get().AbsPath("/readyz").Do(ctx).Error()
	})
	if err != nil {
		return 0, fmt.Errorf("wait for the hub: %w\n%s", err, tail(h.log()))
	}
	took := time.Since(begin)
	h.store, err = clientv3.New(clientv3.Config{
		Endpoints: []string{"unix://" + filepath.Join(h.dir, "etcd", "client.sock")}, DialTimeout: readyPatience, Context: ctx,
	})
	return took, err
}

// spawn starts the process so that the kernel ends it when this one ends. That signal comes when the thread ends that
// forked, so the thread stays as long as the server does.
func (h *hub) spawn() error {
	log, err := os.OpenFile(h.log(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	cmd := exec.Command(h.binary, "server", "--data-dir", h.dir, "--bind-address", "127.0.0.1", "--secure-port", h.port)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	started, exited := make(chan error), make(chan struct{})
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer close(exited)
		defer log.Close()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // how it ended is in its log
		}
	}()
	if err := <-started; err != nil {
		return fmt.Errorf("start the hub: %w", err)
	}
	h.cmd, h.exited = cmd, exited
	return nil
}

// stop ends the server as a service manager does, and returns when it is gone.
func (h *hub) stop() error {
	if h.cmd == nil {
		return nil
	}
	if h.store != nil {
		if err := h.store.Close(); err != nil && !errors.Is(err, context.Canceled) {
			return err
		}
		h.store = nil
	}
	cmd := h.cmd
	h.cmd = nil
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("the hub had ended: %w\n%s", err, tail(h.log()))
	}
	select {
	case <-h.exited:
		return nil
	case <-time.After(stopPatience):
		_ = cmd.Process.Kill() // the only error is that it has ended now
		<-h.exited
		return fmt.Errorf("the hub did not end within %v and was killed", stopPatience)
	}
}

// choosePort picks a port below those that outgoing connections get, so that it is still free after a restart.
func (h *hub) choosePort() error {
	const lowest, highest, attempts = 20000, 32767, 100
	for range attempts {
		port := strconv.Itoa(lowest + rand.IntN(highest-lowest))
		l, err := net.Listen("tcp", "127.0.0.1:"+port)
		if err != nil {
			continue
		}
		h.port = port
		return l.Close()
	}
	return errors.New("no free port for the hub")
}

// reading is what the hub has used and written up to a moment.
type reading struct {
	at       time.Time
	cpu      time.Duration
	rss      float64 // MiB
	revision int64   // of the store: each write counts one
}

func (h *hub) read(ctx context.Context) (reading, error) {
	r := reading{at: time.Now(), cpu: cpuOf(h.pid())}
	var err error
	if r.rss, err = rssOf(h.pid()); err != nil {
		return r, err
	}
	answer, err := h.store.Get(ctx, "none")
	if err != nil {
		return r, fmt.Errorf("read the store's revision: %w", err)
	}
	r.revision = answer.Header.Revision
	return r, nil
}

// tail returns the last lines of a file.
func tail(file string) string {
	const most = 2000 // bytes
	data, err := os.ReadFile(file)
	if err != nil {
		return err.Error()
	}
	return string(data[max(0, len(data)-most):])
}
