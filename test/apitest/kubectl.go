/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package apitest

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/manifold-k8s/manifold/test/members"
)

// Output is what a command writes, standard output and errors in one. It may be read while the command runs.
type Output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *Output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(p)
}

func (o *Output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

// Command is a running kubectl.
type Command struct {
	Output
	args    []string
	process *process
}

// StartKubectl starts the real kubectl, which ends with the test if it does not before.
func (a *API) StartKubectl(t testing.TB, stdin string, args ...string) *Command {
	t.Helper()
	bin, err := members.BinDir()
	if err != nil {
		t.Fatal(err)
	}
	c := &Command{args: args}
	cmd := exec.Command(filepath.Join(bin, "kubectl"), append([]string{"--kubeconfig", a.Kubeconfig}, args...)...)
	home := t.TempDir() // no user's settings, and a cache of its own
	cmd.Env = []string{"HOME=" + home, "PATH=" + os.Getenv("PATH")}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &c.Output, &c.Output
	if c.process, err = start(cmd); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.process.kill)
	return c
}

// Wait returns when the command has ended, with how it did and what it wrote.
func (c *Command) Wait() error {
	<-c.process.exited
	if c.process.err != nil {
		return fmt.Errorf("kubectl %s: %w\n%s", strings.Join(c.args, " "), c.process.err, c.String())
	}
	return nil
}

// Running reports whether the command has not ended.
func (c *Command) Running() bool { return c.process.alive() }

// Kubectl runs the real kubectl, which has to succeed, and returns what it wrote.
func (a *API) Kubectl(t testing.TB, stdin string, args ...string) string {
	t.Helper()
	c := a.StartKubectl(t, stdin, args...)
	if err := c.Wait(); err != nil {
		t.Fatal(err)
	}
	return c.String()
}

// As returns access to the same server as a service account, which must exist.
func (a *API) As(ctx context.Context, t testing.TB, namespace, name string) *API {
	t.Helper()
	token, err := requestToken(ctx, a, namespace, name)
	if err != nil {
		t.Fatal(err)
	}
	return a.With(t, clientcmdapi.AuthInfo{Token: token})
}

// With returns access to the same server with other credentials.
func (a *API) With(t testing.TB, user clientcmdapi.AuthInfo) *API {
	t.Helper()
	k, err := clientcmd.LoadFromFile(a.Kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	for name := range k.AuthInfos {
		k.AuthInfos[name] = &user
	}
	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(*k, path); err != nil {
		t.Fatal(err)
	}
	out, err := NewAPI(a.Name, path)
	if err != nil {
		t.Fatal(err)
	}
	return out
}
