/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package simulated

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
)

// Access is what it takes to join a member.
type Access struct {
	Name     string `json:"name"`
	Endpoint string `json:"endpoint"`
	// ID is the UID of its namespace kube-system, which identifies a cluster.
	ID    string `json:"id"`
	Token string `json:"token"`
	CA    []byte `json:"ca"` // PEM
}

// Stats is what a member was asked and did since it was started.
type Stats struct {
	Name     string `json:"name"`
	Requests int64  `json:"requests"`
	// Writes are changes of objects, by whomever: those of the member's own controllers count.
	Writes int64 `json:"writes"`
	// Sent are changes of objects that a client asked for. What changes nothing is not counted.
	Sent    int64 `json:"sent"`
	Objects int   `json:"objects"`
}

// Sighting is a change of a Deployment in a member.
type Sighting struct {
	Member    string    `json:"member"`
	Namespace string    `json:"namespace"`
	Name      string    `json:"name"`
	UID       types.UID `json:"uid"`
	Version   string    `json:"version"`
	Image     string    `json:"image"` // of the first container
	// Available is the number of replicas, -1 while the status is not that of the current generation.
	Available int32     `json:"available"`
	Gone      bool      `json:"gone"`
	At        time.Time `json:"at"`
}

// Member is one simulated cluster.
type Member struct {
	Access
	index      int
	server     *http.Server
	controller *controller
	seen       func(Sighting)
	faults     atomic.Pointer[faults]
	requests   atomic.Int64

	mu      sync.RWMutex
	version uint64 // of the last write
	made    int    // objects so far, for their UIDs
	tables  map[*kind]*table
	stats   Stats
}

// faults is how a member misbehaves.
type faults struct {
	latency time.Duration
	lifted  chan struct{} // closed when the member answers again; nil while it does
}

func newMember(index int, cfg Config, c *controller) (*Member, error) {
	m := &Member{index: index, controller: c, seen: cfg.Seen, tables: map[*kind]*table{}}
	m.Name = fmt.Sprintf("m%04d", index)
	m.Token = "token-of-" + m.Name
	m.faults.Store(&faults{})
	if err := m.furnish(cfg.Nodes, cfg.Pods); err != nil {
		return nil, err
	}
	system, err := m.table(namespaces).objects[types.NamespacedName{Name: "kube-system"}].decode()
	if err != nil {
		return nil, err
	}
	m.ID = string(system.GetUID())
	m.stats = Stats{} // what a cluster begins with was not asked of it
	return m, nil
}

// furnish makes what every cluster has.
func (m *Member) furnish(nodeCount, podCount int) error {
	put := func(k *kind, name string, more map[string]any) error {
		u := &unstructured.Unstructured{Object: more}
		_, err := m.create(write{kind: k, key: types.NamespacedName{Name: name}, manager: "cluster", body: u})
		return err
	}
	for _, name := range []string{"default", "kube-system", "kube-public", "kube-node-lease"} {
		if err := put(namespaces, name, map[string]any{"status": map[string]any{"phase": "Active"}}); err != nil {
			return err
		}
	}
	if podCount > 0 {
		if err := put(namespaces, podNamespace, map[string]any{"status": map[string]any{"phase": "Active"}}); err != nil {
			return err
		}
		if err := m.populate(podCount, nodeCount); err != nil {
			return err
		}
	}
	for i := range nodeCount {
		err := put(nodes, fmt.Sprintf("node-%d", i), map[string]any{"status": map[string]any{
			"allocatable": map[string]any{"cpu": "32", "memory": "128Gi", "pods": "110"},
			"conditions":  []any{map[string]any{"type": "Ready", "status": "True"}},
		}})
		if err != nil {
			return err
		}
	}
	return nil
}

// uid is unique over all members of a fleet, and the same in every run.
func (m *Member) uid(n int) types.UID {
	return types.UID(fmt.Sprintf("%08x-0000-4000-8000-%012x", m.index, n))
}

// listen starts to serve on a port of its own.
func (m *Member) listen() error {
	ca, pair, err := certificate(m.Name)
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	m.CA, m.Endpoint = ca, "https://"+l.Addr().String()
	m.server = &http.Server{
		Handler:   m,
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS13},
		ErrorLog:  log.New(io.Discard, "", 0), // a client that breaks off a connection is nothing to tell
	}
	go func() { _ = m.server.ServeTLS(l, "", "") }() // ends when close is called; clients see everything else
	return nil
}

// SetLatency makes the member take that much longer to answer any request; what a watch reports is not delayed. It must
// not be called at the same time as Hang or Resume.
func (m *Member) SetLatency(d time.Duration) {
	next := *m.faults.Load()
	next.latency = d
	m.faults.Store(&next)
}

// Hang makes the member accept everything and answer nothing any more, open watches included, until Resume.
func (m *Member) Hang() {
	next := *m.faults.Load()
	if next.lifted == nil {
		next.lifted = make(chan struct{})
		m.faults.Store(&next)
	}
}

// Resume ends what Hang began.
func (m *Member) Resume() {
	next := *m.faults.Load()
	if next.lifted != nil {
		close(next.lifted)
		next.lifted = nil
		m.faults.Store(&next)
	}
}

// answers returns when the member may answer, or the error of a context that ends before.
func (m *Member) answers(ctx context.Context) error {
	if lifted := m.faults.Load().lifted; lifted != nil {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-lifted:
		}
	}
	return nil
}

// delay waits for as long as the member takes to answer, beside its work.
func (m *Member) delay(ctx context.Context) error {
	d := m.faults.Load().latency
	if d == 0 {
		return nil
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// Stats returns what the member has done so far.
func (m *Member) Stats() Stats {
	m.mu.RLock()
	defer m.mu.RUnlock()
	s := m.stats
	s.Name, s.Requests = m.Name, m.requests.Load()
	for _, t := range m.tables {
		s.Objects += len(t.objects)
	}
	return s
}

// observe tells of a change. The lock must be held, so that changes are told in their order.
func (m *Member) observe(t *table, u *unstructured.Unstructured, gone bool) {
	if t.kind != deployments || m.seen == nil {
		return
	}
	s := Sighting{
		Member: m.Name, Namespace: u.GetNamespace(), Name: u.GetName(), UID: u.GetUID(), Version: u.GetResourceVersion(),
		Available: -1, Gone: gone, At: time.Now(),
	}
	// What is not of the expected type is seen as not there.
	if containers, _, _ := unstructured.NestedSlice(u.Object, "spec", "template", "spec", "containers"); len(containers) > 0 {
		if c, ok := containers[0].(map[string]any); ok {
			s.Image, _ = c["image"].(string)
		}
	}
	if observed, has, _ := unstructured.NestedInt64(u.Object, "status", "observedGeneration"); has && observed >= u.GetGeneration() {
		n, _, _ := unstructured.NestedInt64(u.Object, "status", "availableReplicas")
		s.Available = int32(n)
	}
	m.seen(s)
}
