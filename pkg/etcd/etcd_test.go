/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package etcd

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
)

func open(t *testing.T, dir string) *Server {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	s, err := Start(ctx, Config{Dir: dir, NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// with runs f with a client of the store.
func with(t *testing.T, s *Server, f func(ctx context.Context, c *clientv3.Client) error) {
	t.Helper()
	c, err := clientv3.New(clientv3.Config{Endpoints: []string{s.Endpoint()}, DialTimeout: 10 * time.Second, Logger: zap.NewNop()})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := f(ctx, c); err != nil {
		t.Fatal(err)
	}
}

func put(ctx context.Context, c *clientv3.Client) error {
	_, err := c.Put(ctx, "/k", "v")
	return err
}

// What was written is there after the store was closed and opened again, also after one that left its sockets behind.
func TestReopen(t *testing.T) {
	t.Setenv("TMPDIR", shortDir(t)) // nothing may be left there either
	dir := filepath.Join(shortDir(t), "store")
	s := open(t, dir)
	with(t, s, put)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(dir)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("directory %v: %v", info, err)
	}
	if err := os.WriteFile(filepath.Join(dir, "client.sock"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir)
	with(t, s, func(ctx context.Context, c *clientv3.Client) error {
		r, err := c.Get(ctx, "/k")
		if err == nil && (len(r.Kvs) != 1 || string(r.Kvs[0].Value) != "v") {
			t.Errorf("read %v", r.Kvs)
		}
		return err
	})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if left := entries(t, os.Getenv("TMPDIR")); len(left) > 0 {
		t.Errorf("left among the temporary files: %v", left)
	}
}

// A path that is too long for a socket works all the same, and leaves nothing behind.
func TestLongPath(t *testing.T) {
	dir := filepath.Join(t.TempDir(), strings.Repeat("long-", 20))
	tmp := shortDir(t)
	t.Setenv("TMPDIR", tmp)
	s := open(t, dir)
	if path := strings.TrimPrefix(s.Endpoint(), "unix://"); len(path) > maxSocketPath || !strings.HasPrefix(path, tmp) {
		t.Errorf("socket %s", path)
	}
	with(t, s, put)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{}, entries(t, tmp)); diff != "" {
		t.Errorf("left among the temporary files:\n%s", diff)
	}
}

// Only who has the right to the store's directory can reach the store: its sockets are files there, and there are no
// others.
func TestSockets(t *testing.T) {
	t.Setenv("TMPDIR", shortDir(t))
	dir := filepath.Join(shortDir(t), "store")
	before := abstractSockets(t)
	s := open(t, dir)
	for _, name := range []string{"client.sock", "peer.sock"} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode().Type() != os.ModeSocket {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
	if after := abstractSockets(t); after > before {
		t.Errorf("%d sockets that anybody may connect to", after-before)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// abstractSockets counts this process's listening sockets that are no files.
func abstractSockets(t *testing.T) (n int) {
	t.Helper()
	data, err := os.ReadFile("/proc/self/net/unix")
	if err != nil {
		t.Skip("no list of sockets on this system")
	}
	own := map[string]bool{}
	for _, fd := range entries(t, "/proc/self/fd") {
		target, err := os.Readlink("/proc/self/fd/" + fd)
		if err == nil { // else it has been closed meanwhile
			own[strings.TrimSuffix(strings.TrimPrefix(target, "socket:["), "]")] = true
		}
	}
	for line := range strings.Lines(string(data)) {
		// number, references, protocol, flags, type, state, inode, path; an abstract one's path begins with @
		f := strings.Fields(line)
		if len(f) == 8 && strings.HasPrefix(f[7], "@") && own[f[6]] {
			n++
		}
	}
	return n
}

// A start that is broken off fails and leaves the store as it was.
func TestStartBrokenOff(t *testing.T) {
	dir := filepath.Join(t.TempDir(), strings.Repeat("long-", 20))
	tmp := shortDir(t)
	t.Setenv("TMPDIR", tmp)
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if s, err := Start(ctx, Config{Dir: dir, NoSync: true}); err == nil { // it may have been ready at once
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if left := entries(t, tmp); len(left) > 0 {
		t.Errorf("left among the temporary files: %v", left)
	}
	s := open(t, dir)
	with(t, s, put)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestWait(t *testing.T) {
	t.Setenv("TMPDIR", shortDir(t))
	s := open(t, filepath.Join(shortDir(t), "store"))
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- s.Wait(ctx) }()
	stop()
	if err := <-ended; err != nil {
		t.Errorf("Wait: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// shortDir is a directory whose path leaves room for a socket.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "e")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func entries(t *testing.T, dir string) []string {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	names := []string{}
	for _, e := range list {
		names = append(names, e.Name())
	}
	return names
}
