/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package apitest

import (
	"os/exec"
	"runtime"
	"syscall"
)

// process is a child that the kernel kills when this process dies.
type process struct {
	cmd    *exec.Cmd
	exited chan struct{} // closed once it is gone and reaped
	err    error         // how it ended; read after exited is closed
}

// start starts cmd. The kernel's parent-death signal fires when the thread that forked the child ends, not when the
// process does, so each child has a thread that stays until it is gone. It is in a process group of its own: a ^C at the
// terminal reaches us, and through our end the child.
func start(cmd *exec.Cmd) (*process, error) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	p := &process{cmd: cmd, exited: make(chan struct{})}
	started := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with this goroutine
		err := cmd.Start()
		started <- err
		if err == nil {
			p.err = cmd.Wait()
			close(p.exited)
		}
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	return p, nil
}

// signal returns an error when the process has ended already.
func (p *process) signal(sig syscall.Signal) error { return p.cmd.Process.Signal(sig) }

// kill ends the process at once and returns when it is gone.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // the only error is that it has ended already
	<-p.exited
}

func (p *process) alive() bool {
	select {
	case <-p.exited:
		return false
	default:
		return true
	}
}
