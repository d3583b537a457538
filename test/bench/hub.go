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
	"path/filepath"
	"strconv"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/manifold-k8s/manifold/test/bench/process"
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

	process *process.Process
	spent   time.Duration // processor time of the processes before
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
	if h.process == nil {
		return 0
	}
	return h.process.PID()
}

// cpu returns the processor time that the server has used, in all its processes.
func (h *hub) cpu() time.Duration {
	if h.process == nil {
		return h.spent
	}
	return h.spent + process.CPU(h.pid())
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
	p, err := process.Start(h.log(), h.binary, "server", "--data-dir", h.dir, "--bind-address", "127.0.0.1", "--secure-port", h.port)
	if err != nil {
		return 0, err
	}
	h.process = p
	err = await(ctx, readyPatience, func() error {
		config, err := clientcmd.BuildConfigFromFlags("", h.kubeconfig())
		if err != nil {
			return err
		}
		config = cheap(config)
		client, err := kubernetes.NewForConfig(config)
		if err != nil {
			return err
		}
		h.config, h.client = config, client
		return client.Discovery().RESTClient().Get().AbsPath("/readyz").Do(ctx).Error()
	})
	if err != nil {
		return 0, fmt.Errorf("wait for the hub: %w\n%s", err, process.Tail(h.log()))
	}
	took := time.Since(begin)
	h.store, err = clientv3.New(clientv3.Config{
		Endpoints: []string{"unix://" + filepath.Join(h.dir, "etcd", "client.sock")}, DialTimeout: readyPatience, Context: ctx,
	})
	return took, err
}

// stop ends the server as a service manager does, and returns when it is gone.
func (h *hub) stop() error {
	if h.process == nil {
		return nil
	}
	if h.store != nil {
		if err := h.store.Close(); err != nil && !errors.Is(err, context.Canceled) {
			return err
		}
		h.store = nil
	}
	p := h.process
	h.spent, h.process = h.cpu(), nil // without what stopping costs
	if err := p.Stop(stopPatience); err != nil {
		return fmt.Errorf("stop the hub: %w", err)
	}
	return nil
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
	memory   process.Memory
	revision int64 // of the store: each write counts one
}

func (h *hub) read(ctx context.Context) (reading, error) {
	r := reading{at: time.Now(), cpu: h.cpu()}
	var err error
	if r.memory, err = process.MemoryOf(h.pid()); err != nil {
		return r, err
	}
	answer, err := h.store.Get(ctx, "none")
	if err != nil {
		return r, fmt.Errorf("read the store's revision: %w", err)
	}
	r.revision = answer.Header.Revision
	return r, nil
}
