/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package members

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"sync/atomic"
	"syscall"

	"k8s.io/klog/v2"
)

// spawner starts processes that cannot outlive this one. The kernel's parent-death signal fires when the thread that
// forked the child ends, not when the process does, so all children are forked by one thread that stays until close.
type spawner struct {
	requests chan spawnRequest
	stop     chan struct{}
	done     chan struct{}
}

type spawnRequest struct {
	cmd    *exec.Cmd
	result chan error
}

func newSpawner() *spawner {
	s := &spawner{requests: make(chan spawnRequest), stop: make(chan struct{}), done: make(chan struct{})}
	go s.run()
	return s
}

func (s *spawner) run() {
	defer close(s.done)
	runtime.LockOSThread() // never unlocked: the thread ends with this goroutine
	for {
		select {
		case r := <-s.requests:
			r.result <- r.cmd.Start()
		case <-s.stop:
			return
		}
	}
}

// start returns an error after close.
func (s *spawner) start(cmd *exec.Cmd) error {
	r := spawnRequest{cmd: cmd, result: make(chan error, 1)}
	select {
	case s.requests <- r:
		return <-r.result
	case <-s.done:
		return errors.New("the members are closed")
	}
}

// close ends the thread, and with it whatever process is left.
func (s *spawner) close() {
	close(s.stop)
	<-s.done
}

// command is one process to start. Its output and its process id go to files next to each other, <dir>/<name>.log,
// which is appended to, and <dir>/<name>.pid, which exists only while the process does.
type command struct {
	name string // base name of the binary
	bin  string // folder of the binary
	dir  string
	args []string
}

func (c command) logFile() string { return filepath.Join(c.dir, c.name+".log") }

// process is a started command. All methods may be called at any time by any goroutine.
type process struct {
	command
	cmd      *exec.Cmd
	expected atomic.Bool   // whoever ends it on purpose sets this first
	exited   chan struct{} // closed once it is gone and reaped
	err      error         // how it ended; read after exited is closed
}

func (s *spawner) spawn(logger klog.Logger, c command) (*process, error) {
	log, err := os.OpenFile(c.logFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open log: %w", err)
	}
	defer log.Close() // the child has its own descriptor
	cmd := exec.Command(filepath.Join(c.bin, c.name), c.args...)
	cmd.Dir = c.dir
	cmd.Env = []string{"HOME=" + c.dir, "PATH=" + os.Getenv("PATH")} // no user's settings, no proxies
	cmd.Stdout, cmd.Stderr = log, log
	// Its own process group, so that a ^C at the terminal reaches only us, and we decide.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := s.start(cmd); err != nil {
		return nil, fmt.Errorf("start %s: %w", c.name, err)
	}
	p := &process{command: c, cmd: cmd, exited: make(chan struct{})}
	pidFile := filepath.Join(c.dir, c.name+".pid")
	err = os.WriteFile(pidFile, []byte(strconv.Itoa(cmd.Process.Pid)+"\n"), 0o600)
	go p.reap(logger, pidFile)
	if err != nil {
		p.kill()
		return nil, fmt.Errorf("write process id: %w", err)
	}
	return p, nil
}

func (p *process) reap(logger klog.Logger, pidFile string) {
	p.err = p.cmd.Wait()
	if err := os.Remove(pidFile); err != nil && !errors.Is(err, os.ErrNotExist) {
		logger.Error(err, "Cannot remove a process id file")
	}
	if !p.expected.Load() {
		logger.Error(p.err, "A component of a member has exited", "component", p.name, "log", p.logFile())
	}
	close(p.exited)
}

func (p *process) alive() bool {
	select {
	case <-p.exited:
		return false
	default:
		return true
	}
}

// kill ends the process at once, even a suspended one, and returns when it is gone.
func (p *process) kill() {
	p.expected.Store(true)
	_ = p.cmd.Process.Kill() // the only error is that it has ended already
	<-p.exited
}

// logTail returns the last few lines of what the process wrote.
func (p *process) logTail() string {
	const most = 2000 // bytes
	data, err := os.ReadFile(p.logFile())
	if err != nil {
		return err.Error()
	}
	return string(data[max(0, len(data)-most):])
}
