/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

// Package process runs children that end with their parent, and reads from the kernel what a process has used. It is
// Linux only.
package process

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// Process is a child.
type Process struct {
	cmd    *exec.Cmd
	exited chan struct{}
	log    string
	input  io.Closer
}

// Pipes lead to and from a child.
type Pipes struct {
	In  io.WriteCloser
	Out io.ReadCloser
}

// Start starts a program, with its output in the file log, which is appended to. The kernel ends it when this process
// ends.
func Start(log, program string, args ...string) (*Process, error) {
	cmd := exec.Command(program, args...)
	p := &Process{cmd: cmd, exited: make(chan struct{}), log: log}
	return p, p.start(true)
}

// StartPiped is Start for a child that is talked to: log holds what it says on its error output only, and Stop closes its
// input instead of sending a signal.
func StartPiped(log, program string, args ...string) (*Process, Pipes, error) {
	cmd := exec.Command(program, args...)
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, Pipes{}, err
	}
	outRead, outWrite, err := os.Pipe()
	if err != nil {
		return nil, Pipes{}, err
	}
	defer outWrite.Close() // the child has its own
	cmd.Stdout = outWrite
	p := &Process{cmd: cmd, exited: make(chan struct{}), log: log, input: in}
	return p, Pipes{In: in, Out: outRead}, p.start(false)
}

// start starts the child so that the kernel ends it when this process ends. That signal comes when the thread ends that
// forked, so the thread stays as long as the child does.
func (p *Process) start(logOutput bool) error {
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	p.cmd.Stderr = log
	if logOutput {
		p.cmd.Stdout = log
	}
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer close(p.exited)
		defer log.Close()
		err := p.cmd.Start()
		started <- err
		if err == nil {
			_ = p.cmd.Wait() // how it ended is in its log
		}
	}()
	if err := <-started; err != nil {
		return fmt.Errorf("start %s: %w", p.cmd.Path, err)
	}
	return nil
}

// PID returns the child's.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Exited is closed when the child has ended.
func (p *Process) Exited() <-chan struct{} { return p.exited }

// Stop asks the child to end, as a service manager does, and returns when it has. After the time given it is killed, which is
// an error, as it is when it had ended before.
func (p *Process) Stop(patience time.Duration) error {
	select {
	case <-p.exited:
		return fmt.Errorf("%s had ended\n%s", p.cmd.Path, Tail(p.log))
	default:
	}
	if p.input != nil {
		if err := p.input.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
			return err
		}
	} else if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("%s had ended: %w\n%s", p.cmd.Path, err, Tail(p.log))
	}
	select {
	case <-p.exited:
		return nil
	case <-time.After(patience):
		_ = p.cmd.Process.Kill() // the only error is that it has ended now
		<-p.exited
		return fmt.Errorf("%s did not end within %v and was killed", p.cmd.Path, patience)
	}
}

// Tail returns the last lines of a file.
func Tail(file string) string {
	const most = 2000 // bytes
	data, err := os.ReadFile(file)
	if err != nil {
		return err.Error()
	}
	return string(data[max(0, len(data)-most):])
}
