/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package kubelet

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/creack/pty"
	"k8s.io/cri-streaming/pkg/streaming/remotecommand"
	utilexec "k8s.io/utils/exec"
)

// outputPatience is how long output is waited for after a command has ended: what it left running may hold it open.
const outputPatience = time.Second

// executor runs local commands in place of a container's.
type executor struct {
	server *Server
	container
}

// ExecInContainer runs the command until it ends or the server closes. As in a container runtime, a command outlives a
// client that goes away, but finds its input at an end.
func (e executor) ExecInContainer(_ context.Context, _, _, _ string, command []string, in io.Reader, out, errOut io.WriteCloser,
	tty bool, resize <-chan remotecommand.TerminalSize, _ time.Duration) error {
	e.server.jobs.Add(1)
	defer e.server.jobs.Done()
	dir, err := e.folder()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(e.server.ctx, command[0], command[1:]...)
	cmd.Dir = dir
	cmd.Env = e.environment(dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = outputPatience
	if tty {
		err = e.runInTerminal(cmd, in, out, resize)
	} else {
		err = e.run(cmd, in, out, errOut)
	}
	var notFound *exec.Error
	var exit *exec.ExitError
	switch {
	case errors.As(err, &notFound):
		if errOut != nil {
			_, _ = fmt.Fprintln(errOut, err) // the client may have gone
		}
		return utilexec.CodeExitError{Err: err, Code: 127} // as a shell says it
	case errors.As(err, &exit):
		return utilexec.CodeExitError{Err: err, Code: max(1, exit.ExitCode())}
	case errors.Is(err, exec.ErrWaitDelay):
		return nil
	}
	return err
}

func (e executor) run(cmd *exec.Cmd, in io.Reader, out, errOut io.WriteCloser) error {
	// A typed nil would not be nil to exec.Cmd.
	if out != nil {
		cmd.Stdout = out
	}
	if errOut != nil {
		cmd.Stderr = errOut
	}
	if in == nil {
		if err := e.server.cfg.Start(cmd); err != nil {
			return err
		}
		return cmd.Wait()
	}
	// Not cmd.Stdin, for Wait would then wait for the client to end its input.
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return fmt.Errorf("make a pipe: %w", err)
	}
	if err := e.server.cfg.Start(cmd); err != nil {
		return err
	}
	go func() {
		_, _ = io.Copy(stdin, in) // fails when the command does not want to read more
		_ = stdin.Close()
	}()
	return cmd.Wait()
}

func (e executor) runInTerminal(cmd *exec.Cmd, in io.Reader, out io.WriteCloser, resize <-chan remotecommand.TerminalSize) error {
	user, program, err := pty.Open()
	if err != nil {
		return fmt.Errorf("open a terminal: %w", err)
	}
	defer user.Close()
	cmd.Stdin, cmd.Stdout, cmd.Stderr = program, program, program
	cmd.SysProcAttr.Setctty = true
	err = e.server.cfg.Start(cmd)
	_ = program.Close() // the command has its own
	if err != nil {
		return err
	}
	go func() {
		for size := range resize {
			_ = pty.Setsize(user, &pty.Winsize{Rows: size.Height, Cols: size.Width}) // cosmetic
		}
	}()
	if in != nil {
		go func() {
			_, _ = io.Copy(user, in)
			_, _ = user.Write([]byte{4}) // ^D, the end of input at a terminal
		}()
	}
	shown := make(chan struct{})
	go func() {
		defer close(shown)
		if out != nil {
			_, _ = io.Copy(out, user) // fails when the last user of the terminal has gone
		}
	}()
	err = cmd.Wait()
	select {
	case <-shown:
	case <-time.After(outputPatience):
	}
	return err
}

// folder returns the container's, which is empty at first.
func (e executor) folder() (string, error) {
	dir := filepath.Join(e.server.cfg.Dir, string(e.pod.UID), e.name)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("make the container's folder: %w", err)
	}
	return dir, nil
}

// environment returns the container's variables as far as they are given literally; nothing of the user's own is passed on
// but the search path, for the commands are those of the machine.
func (e executor) environment(dir string) []string {
	env := []string{"HOME=" + dir, "PWD=" + dir, "HOSTNAME=" + e.pod.Name, "TERM=xterm", "PS1=" + e.pod.Name + "$ ", "PATH=" + os.Getenv("PATH")}
	for _, c := range e.pod.Spec.Containers {
		if c.Name != e.name {
			continue
		}
		for _, v := range c.Env {
			if v.ValueFrom == nil {
				env = append(env, v.Name+"="+v.Value)
			}
		}
	}
	return env
}

// attacher shows a container's output as it comes, and repeats what it is told.
type attacher struct {
	server *Server
	container
}

// AttachContainer returns when the container ends, when the input does if there is one, or when the server closes.
func (a attacher) AttachContainer(_ context.Context, _, _, _ string, in io.Reader, out, _ io.WriteCloser, tty bool, resize <-chan remotecommand.TerminalSize) error {
	ctx, cancel := context.WithCancel(a.server.ctx)
	defer cancel()
	go func() {
		for range resize { // nobody looks at the size, but somebody must take it
		}
	}()
	output := make(chan string)
	if in != nil {
		go func() {
			defer cancel()
			for words := bufio.NewScanner(in); words.Scan(); {
				select {
				case output <- "you said: " + words.Text() + "\n":
				case <-ctx.Done():
					return
				}
			}
		}()
	}
	ended := make(chan error, 1)
	go func() {
		ended <- a.server.follow(ctx, a.container, time.Now(), func(lines []line) error {
			for _, l := range lines {
				select {
				case output <- l.text:
				case <-ctx.Done():
				}
			}
			return nil
		})
	}()
	for {
		select {
		case text := <-output:
			if out == nil {
				continue
			}
			if tty {
				text = text[:len(text)-1] + "\r\n"
			}
			if _, err := io.WriteString(out, text); err != nil {
				return nil // the client has gone
			}
		case err := <-ended:
			if errors.Is(err, context.Canceled) {
				return nil
			}
			return err
		}
	}
}
