/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

// Package fleet runs the member clusters of a measurement in a process of their own, so that what they use is told apart
// from what the load generator uses: real API servers with their store, or simulated members.
package fleet

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/manifold-k8s/manifold/test/bench/process"
	"github.com/manifold-k8s/manifold/test/simulated"
)

// stopPatience is how long the members may take to end.
const stopPatience = 30 * time.Second

// Config says what to start.
type Config struct {
	// Simulated members, or real ones.
	Simulated bool
	Count     int
	// Workloads adds controllers, a scheduler and nodes to real members.
	Workloads bool
	// Available is how long a Deployment takes to become available in a simulated member.
	Available time.Duration
	// Pods is how many pods run in each simulated member.
	Pods int
	// Dir takes data and logs.
	Dir string
	// Seen is told what happens to Deployments in simulated members. It must return quickly.
	Seen func(simulated.Sighting)
}

// Member is one cluster.
type Member struct {
	simulated.Access
	// Kubeconfig is an administrator's; simulated members have none.
	Kubeconfig string `json:"kubeconfig,omitempty"`
}

// Fleet is a number of running members.
type Fleet struct {
	Members []Member // not to be changed

	cfg     Config
	child   *process.Process
	pipes   process.Pipes
	answers chan message
	ended   chan struct{} // the child says nothing any more
	proxies map[string]*proxy
}

// message is what the child says: one JSON document a line.
type message struct {
	Hello []Member            `json:"hello,omitempty"`
	Seen  *simulated.Sighting `json:"seen,omitempty"`
	Stats []simulated.Stats   `json:"stats,omitempty"`
	Error string              `json:"error,omitempty"`
}

// command is what the child is told, likewise.
type command struct {
	Do      string        `json:"do"` // slow, hang, heal or stats
	Member  string        `json:"member,omitempty"`
	Latency time.Duration `json:"latency,omitempty"`
}

// Start starts the members and returns when they are ready. program is one that calls [Child] when its first argument is
// "members".
func Start(ctx context.Context, program string, cfg Config) (*Fleet, error) {
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, err
	}
	log := filepath.Join(cfg.Dir, "members.log")
	child, pipes, err := process.StartPiped(log, program, "members", "--dir", cfg.Dir, "--count", strconv.Itoa(cfg.Count),
		"--simulated="+strconv.FormatBool(cfg.Simulated), "--workloads="+strconv.FormatBool(cfg.Workloads), "--available", cfg.Available.String(), "--pods", strconv.Itoa(cfg.Pods))
	if err != nil {
		return nil, err
	}
	f := &Fleet{
		cfg: cfg, child: child, pipes: pipes, answers: make(chan message), ended: make(chan struct{}), proxies: map[string]*proxy{},
	}
	go f.listen()
	hello, err := f.answer(ctx)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start members: %w\n%s", err, process.Tail(log)), f.Stop())
	}
	f.Members = hello.Hello
	return f, nil
}

// listen takes in what the child says, until it ends.
func (f *Fleet) listen() {
	defer close(f.ended)
	for d := json.NewDecoder(bufio.NewReaderSize(f.pipes.Out, 1<<16)); ; {
		var m message
		if err := d.Decode(&m); err != nil {
			return // it has ended
		}
		if m.Seen != nil {
			f.cfg.Seen(*m.Seen)
			continue
		}
		select {
		case f.answers <- m:
		case <-f.child.Exited():
			return
		}
	}
}

func (f *Fleet) answer(ctx context.Context) (message, error) {
	select {
	case <-ctx.Done():
		return message{}, ctx.Err()
	case <-f.ended:
		return message{}, errors.New("the members have ended")
	case m := <-f.answers:
		if m.Error != "" {
			return m, errors.New(m.Error)
		}
		return m, nil
	}
}

func (f *Fleet) tell(ctx context.Context, c command) (message, error) {
	data, err := json.Marshal(c)
	if err != nil {
		return message{}, err
	}
	if _, err := f.pipes.In.Write(append(data, '\n')); err != nil {
		return message{}, err
	}
	return f.answer(ctx)
}

// Names returns the members' names, in order.
func (f *Fleet) Names() []string {
	out := make([]string, 0, len(f.Members))
	for _, m := range f.Members {
		out = append(out, m.Name)
	}
	return out
}

// CPU returns the processor time that the members have used, with their store.
func (f *Fleet) CPU() (time.Duration, error) {
	sum := process.CPU(f.child.PID())
	files, err := filepath.Glob(filepath.Join(f.cfg.Dir, "*", "*.pid"))
	if err != nil {
		return 0, err
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			continue // it has just ended
		}
		if pid, err := strconv.Atoi(strings.TrimSpace(string(data))); err == nil {
			sum += process.CPU(pid)
		}
	}
	return sum, nil
}

// Memory returns what the members take: with real ones, only their store.
func (f *Fleet) Memory() (process.Memory, error) { return process.MemoryOf(f.child.PID()) }

// Stats returns what each simulated member was asked so far.
func (f *Fleet) Stats(ctx context.Context) ([]simulated.Stats, error) {
	m, err := f.tell(ctx, command{Do: "stats"})
	return m.Stats, err
}

// Interpose puts something between the hub and a real member that Slow and Fail need, at some cost for what passes. It must be called before
// the member is joined. A simulated member needs none.
func (f *Fleet) Interpose(name string) error {
	if f.cfg.Simulated {
		return nil
	}
	for i := range f.Members {
		m := &f.Members[i]
		if m.Name != name {
			continue
		}
		p, err := newProxy(strings.TrimPrefix(m.Endpoint, "https://"))
		if err != nil {
			return err
		}
		f.proxies[name] = p
		m.Endpoint = "https://" + p.address()
		return nil
	}
	return fmt.Errorf("there is no member %s", name)
}

// Slow makes a member take that much longer for each answer.
func (f *Fleet) Slow(ctx context.Context, name string, d time.Duration) error {
	if f.cfg.Simulated {
		_, err := f.tell(ctx, command{Do: "slow", Member: name, Latency: d})
		return err
	}
	return f.proxied(name, func(p *proxy) { p.setDelay(d) })
}

// Fail makes a member die: a simulated one accepts everything and answers nothing, a real one breaks off connections and takes no new ones.
func (f *Fleet) Fail(ctx context.Context, name string) error {
	if f.cfg.Simulated {
		_, err := f.tell(ctx, command{Do: "hang", Member: name})
		return err
	}
	return f.proxied(name, func(p *proxy) { p.setDead(true) })
}

// Heal ends what Slow and Fail began.
func (f *Fleet) Heal(ctx context.Context, name string) error {
	if f.cfg.Simulated {
		_, err := f.tell(ctx, command{Do: "heal", Member: name})
		return err
	}
	return f.proxied(name, func(p *proxy) { p.setDelay(0); p.setDead(false) })
}

func (f *Fleet) proxied(name string, change func(*proxy)) error {
	p := f.proxies[name]
	if p == nil {
		return fmt.Errorf("nothing stands before member %s", name)
	}
	change(p)
	return nil
}

// Stop ends all members.
func (f *Fleet) Stop() error {
	err := f.child.Stop(stopPatience)
	for _, p := range f.proxies {
		err = errors.Join(err, p.close())
	}
	<-f.ended
	return errors.Join(err, f.pipes.Out.Close())
}
