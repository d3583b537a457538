/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package members

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	"go.etcd.io/etcd/server/v3/embed"
)

// etcd is the store that the members of a set share. It listens on a Unix socket only.
type etcd struct {
	server   *embed.Etcd
	sockets  string // folder of the socket
	endpoint string
}

// startEtcd opens the store in dir, creating it if needed. The data survive the end of the process, not of the machine:
// nothing is flushed to disk, which makes the members several times faster.
func startEtcd(ctx context.Context, dir string) (*etcd, error) {
	// Not in dir: the path of a socket is limited to about a hundred bytes, and test folders have long names.
	sockets, err := os.MkdirTemp("", "members-")
	if err != nil {
		return nil, fmt.Errorf("make a folder for etcd's socket: %w", err)
	}
	e := &etcd{sockets: sockets, endpoint: "unix://" + filepath.Join(sockets, "client")}
	cfg := embed.NewConfig()
	cfg.Dir = filepath.Join(dir, "etcd")
	cfg.ListenClientUrls = []url.URL{{Scheme: "unix", Path: filepath.Join(sockets, "client")}}
	cfg.ListenPeerUrls = []url.URL{{Scheme: "unix", Path: filepath.Join(sockets, "peer")}}
	cfg.UnsafeNoFsync = true
	cfg.QuotaBackendBytes = 8 << 30
	cfg.AutoCompactionRetention = "0" // the API servers compact their own history
	cfg.LogLevel = "warn"
	cfg.LogOutputs = []string{filepath.Join(dir, "etcd.log")}
	if e.server, err = embed.StartEtcd(cfg); err != nil {
		_ = os.RemoveAll(sockets)
		return nil, fmt.Errorf("start etcd: %w", err)
	}
	select {
	case <-e.server.Server.ReadyNotify():
		return e, nil
	case err = <-e.server.Err():
	case <-ctx.Done():
		err = ctx.Err()
	}
	e.close()
	return nil, fmt.Errorf("wait for etcd: %w", err)
}

func (e *etcd) close() {
	e.server.Close()
	_ = os.RemoveAll(e.sockets) // in the system's folder for temporary files; a left-over socket harms nobody
}
