/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

// Package etcd runs the embedded store: one etcd member, listening on unix sockets in its own directory only.
package etcd

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"go.etcd.io/etcd/server/v3/embed"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// Config says where and how the store runs.
type Config struct {
	// Dir holds the store; it is created with mode 0700.
	Dir string
	// QuotaBytes is the largest size of the database; 0 means 8 GiB, etcd's recommended maximum.
	QuotaBytes int64
	// NoSync leaves out fsync: faster, and a crash of the machine may lose the store. For tests.
	NoSync bool
}

// Server is a running store.
type Server struct {
	etcd     *embed.Etcd
	endpoint string
	sockets  string // directory of the sockets, if it has to be removed; empty if it is the store's own
	level    zap.AtomicLevel
}

const (
	defaultQuotaBytes = 8 << 30
	// compactEvery bounds the history kept for watchers, in the same span as kube-apiserver's own compaction.
	compactEvery = "5m"
	// snapshotEvery is how many writes lie between two snapshots of the raft log. The log is held in memory up to then,
	// so this bounds memory; a single member never sends its log to anyone.
	snapshotEvery = 5000
	never         = time.Duration(math.MaxInt64)
	// maxSocketPath is the longest path that a unix socket may have, on every system we run on.
	maxSocketPath = 100
)

// Start opens the store in cfg.Dir, or makes a new one, and returns when it takes requests. ctx bounds only the start.
func Start(ctx context.Context, cfg Config) (*Server, error) {
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, err
	}
	socket, temporary, err := socketDir(cfg.Dir)
	if err != nil {
		return nil, err
	}
	s := &Server{}
	if temporary {
		s.sockets = socket
	}
	if err := s.start(ctx, cfg, socket); err != nil {
		return nil, errors.Join(err, s.removeSockets())
	}
	return s, nil
}

// start runs the store with its sockets in that directory.
func (s *Server) start(ctx context.Context, cfg Config, socket string) error {
	client := url.URL{Scheme: "unix", Path: filepath.Join(socket, "client.sock")}
	// Of a peer URL etcd looks at the host only. An empty one would become an abstract socket, which every user of the
	// machine may connect to.
	peer := url.URL{Scheme: "unix", Host: filepath.Join(socket, "peer.sock")}
	for _, path := range []string{client.Path, peer.Host} { // left over after a crash; the data directory's lock says nobody uses them
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}

	e := embed.NewConfig()
	e.Dir = cfg.Dir
	e.ListenClientUrls, e.ListenPeerUrls = []url.URL{client}, []url.URL{peer}
	// etcd insists on host:port in what it advertises. Nobody ever dials these.
	advertised := url.URL{Scheme: "http", Host: "localhost:2380"}
	e.AdvertiseClientUrls, e.AdvertisePeerUrls = []url.URL{advertised}, []url.URL{advertised}
	e.InitialCluster = e.Name + "=" + advertised.String()
	e.QuotaBackendBytes = cfg.QuotaBytes
	if e.QuotaBackendBytes == 0 {
		e.QuotaBackendBytes = defaultQuotaBytes
	}
	e.SnapshotCount, e.SnapshotCatchUpEntries = snapshotEvery, snapshotEvery/5
	e.AutoCompactionMode, e.AutoCompactionRetention = "periodic", compactEvery
	e.UnsafeNoFsync = cfg.NoSync
	e.EnableGRPCGateway = false
	// Warnings are not logged, and these would put every slow request into words first.
	e.WarningApplyDuration, e.WarningUnaryRequestDuration = never, never
	level := zap.NewAtomicLevelAt(zap.ErrorLevel)
	e.ZapLoggerBuilder = embed.NewZapLoggerBuilder(logger(level))

	running, err := embed.StartEtcd(e)
	if err != nil {
		return err
	}
	s.etcd, s.endpoint, s.level = running, client.String(), level
	select {
	case <-running.Server.ReadyNotify():
		return nil
	case err := <-running.Err():
		running.Close()
		return err
	case <-ctx.Done():
		running.Close()
		return ctx.Err()
	}
}

// logger lets errors through to standard error.
func logger(level zap.AtomicLevel) *zap.Logger {
	core := zapcore.NewCore(zapcore.NewConsoleEncoder(zap.NewProductionEncoderConfig()), zapcore.Lock(os.Stderr), level)
	return zap.New(core).Named("etcd")
}

// socketDir returns the directory for the sockets: the store's own, or, where that makes a path too long for a socket, a
// private one among the temporary files.
func socketDir(dir string) (path string, temporary bool, err error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", false, err
	}
	if len(abs) < maxSocketPath-len("/client.sock") {
		return abs, false, nil
	}
	short, err := os.MkdirTemp("", "manifold-etcd-")
	if err != nil {
		return "", false, fmt.Errorf("the data directory's path is too long for a socket, and: %w", err)
	}
	return short, true, nil
}

// removeSockets takes away a directory that was made for the sockets alone.
func (s *Server) removeSockets() error {
	if s.sockets == "" {
		return nil
	}
	return os.RemoveAll(s.sockets)
}

// Endpoint is what a client in this process, or a tool on this machine with the right to the directory, connects to.
func (s *Server) Endpoint() string { return s.endpoint }

// Wait returns nil after ctx has ended, or the error with which the store died before that.
func (s *Server) Wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case err := <-s.etcd.Err():
		return fmt.Errorf("embedded etcd stopped: %w", err)
	}
}

// Close stops the store, after what it has accepted is on disk.
func (s *Server) Close() error {
	s.level.SetLevel(zap.FatalLevel) // it reports each of its own listeners' closing as an error
	s.etcd.Close()
	select {
	case <-s.etcd.Server.StopNotify():
		return s.removeSockets()
	case <-time.After(10 * time.Second):
		return errors.New("embedded etcd did not stop within 10s")
	}
}
