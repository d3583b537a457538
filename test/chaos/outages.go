/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"time"

	"go.etcd.io/etcd/server/v3/embed"

	"github.com/manifold-k8s/manifold/test/apitest"
)

// storeCommand is the argument with which this program is an etcd and nothing else: one that can be killed.
const storeCommand = "serve-etcd"

// outages stops the external etcd of a hub under load, in turn by SIGTERM and by SIGKILL, and starts it again.
func outages(ctx context.Context, a *arena, s settings, b *board) error {
	db, err := newStore(filepath.Join(a.dir, "store"))
	if err != nil {
		return err
	}
	defer db.kill()
	if err := db.start(ctx); err != nil {
		return err
	}
	f, err := a.found(ctx, "outages", s.seed, []string{"outages-a", "outages-b"}, "--etcd-servers", db.endpoint)
	if err != nil {
		return fmt.Errorf("set up: %w", err)
	}
	defer f.close()
	b.watch(f.hub.LogTail)
	r := rand.New(rand.NewPCG(s.seed, 200))
	for round := 1; round <= s.outages; round++ {
		begin := time.Now()
		l := f.press(ctx, s.seed+uint64(round)<<20)
		pause(ctx, between(r, 200*time.Millisecond, 2*time.Second))
		note := db.end(round)
		down := between(r, 200*time.Millisecond, 4*time.Second)
		if s.longOutages && round%4 == 0 {
			down = between(r, 12*time.Second, 25*time.Second) // longer than the controllers' lease
		}
		pause(ctx, down)
		if err := db.start(ctx); err != nil {
			return err
		}
		note = fmt.Sprintf("etcd down for %v after %s", down.Round(time.Millisecond), note)
		again, err := restartIfEnded(ctx, f)
		if err != nil {
			return err
		}
		pause(ctx, between(r, 500*time.Millisecond, 2*time.Second))
		done, lost, violations := l.release()
		violations = append(violations, f.settle(ctx, settleLimit, round == s.outages)...)
		if again {
			note += "; the hub had ended and was started anew"
		}
		b.line("outages", fmt.Sprintf("round %d/%d", round, s.outages), begin, done, lost, note, violations)
		if ctx.Err() != nil || len(violations) > 0 {
			break
		}
	}
	return ctx.Err()
}

// restartIfEnded does what a service manager does: a replica that has lost its lease ends itself. It waits until the hub
// answers, and reports whether it had to be started.
func restartIfEnded(ctx context.Context, f *federation) (again bool, err error) {
	err = apitest.Await(settleLimit, func() error {
		if !f.hub.Running() {
			again = true
			if err := f.hub.Start(ctx); err != nil {
				return err
			}
		}
		short, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		return f.api.Kube.Discovery().RESTClient().Get().AbsPath("/readyz").Do(short).Error()
	})
	return again, err
}

// store is an etcd in a process of its own.
type store struct {
	endpoint, dir string
	process       *exec.Cmd
	exited        chan struct{}
}

func newStore(dir string) (*store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	const lowest, highest, attempts = 10000, 14999, 100 // below those of outgoing connections: still free after an outage
	for range attempts {
		port := lowest + rand.IntN(highest-lowest)
		l, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(port))
		if err == nil {
			return &store{endpoint: "http://" + l.Addr().String(), dir: dir}, l.Close()
		}
	}
	return nil, errors.New("no free port for etcd")
}

// start starts the process and returns when it serves.
func (s *store) start(ctx context.Context) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	log, err := os.OpenFile(filepath.Join(s.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close() // the child has its own descriptor
	cmd := exec.Command(self, storeCommand, s.endpoint, filepath.Join(s.dir, "data"))
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	s.process, s.exited = cmd, make(chan struct{})
	exited, started := s.exited, make(chan error)
	go func() {
		runtime.LockOSThread() // the kernel kills the child when this thread ends: it stays until then
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // it ends by a signal
			close(exited)
		}
	}()
	if err := <-started; err != nil {
		return fmt.Errorf("start etcd: %w", err)
	}
	u, err := url.Parse(s.endpoint)
	if err != nil {
		return err
	}
	return apitest.Await(time.Minute, func() error {
		select {
		case <-exited:
			text, err := os.ReadFile(log.Name())
			return fmt.Errorf("etcd has ended: %w\n%s", err, last(text, 2000))
		default:
		}
		c, err := net.DialTimeout("tcp", u.Host, time.Second)
		if err == nil {
			err = c.Close()
		}
		return err
	})
}

// end ends the process by SIGTERM in odd rounds and by SIGKILL in even ones, and returns how.
func (s *store) end(round int) string {
	if round%2 == 0 {
		s.kill()
		return "SIGKILL"
	}
	_ = s.process.Process.Signal(syscall.SIGTERM) // the only error is that it has ended already
	select {
	case <-s.exited:
		return "SIGTERM"
	case <-time.After(10 * time.Second):
		s.kill()
		return "SIGTERM without effect"
	}
}

func (s *store) kill() {
	if s.process == nil || s.process.Process == nil {
		return
	}
	_ = s.process.Process.Kill() // the only error is that it has ended already
	<-s.exited
}

// serveStore is the store's process. It runs until ctx ends. The data survive the end of the process, not of the machine.
func serveStore(ctx context.Context, endpoint, dir string) error {
	client, err := url.Parse(endpoint)
	if err != nil {
		return err
	}
	sockets, err := os.MkdirTemp("", "chaos-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(sockets)
	cfg := embed.NewConfig()
	cfg.Dir = dir
	cfg.ListenClientUrls, cfg.AdvertiseClientUrls = []url.URL{*client}, []url.URL{*client}
	cfg.ListenPeerUrls = []url.URL{{Scheme: "unix", Path: filepath.Join(sockets, "peer")}}
	cfg.UnsafeNoFsync = true
	cfg.LogLevel = "error"
	e, err := embed.StartEtcd(cfg)
	if err != nil {
		return fmt.Errorf("start etcd: %w", err)
	}
	defer e.Close()
	select {
	case <-ctx.Done():
		return nil
	case err := <-e.Err():
		return err
	}
}

// isStore reports whether this process is to be an etcd, and is it until it ends.
func isStore(ctx context.Context, args []string, errOut io.Writer) (yes bool, code int) {
	if len(args) != 3 || args[0] != storeCommand {
		return false, 0
	}
	if err := serveStore(ctx, args[1], args[2]); err != nil {
		fmt.Fprintln(errOut, err)
		return true, 1
	}
	return true, 0
}
