/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

// Package member holds the connections to the member clusters: credentials, clients, health, and what is known of the
// objects that Manifold keeps there. Each member is on its own: a slow or dead one holds up nobody else.
package member

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
)

// Events are what a Fleet tells its listeners. They are called from the goroutines of the member concerned and must
// return quickly. Nil ones are left out.
type Events struct {
	// Changed follows every change of a copy; see Change.
	Changed func(m *Member, c Change)
	// Synced follows when all copies of a kind are known, the first time and after every re-list.
	Synced func(m *Member, gvk schema.GroupVersionKind)
	// Scaling follows when workloads come to be scaled by an autoscaler, or by another or none any more; nil ones when the
	// autoscalers are first known. See Member.Autoscaler.
	Scaling func(m *Member, targets []Scaled)
	// Reachable follows when a member answers again, or for the first time.
	Reachable func(m *Member)
	// State follows when anything of Member.State has changed.
	State func(m *Member)
}

// Fleet is the set of connected members.
type Fleet struct {
	events []Events

	mu      sync.RWMutex
	ctx     context.Context // of Run; nil before
	wg      sync.WaitGroup
	members map[string]*running
}

type running struct {
	*Member
	stop        context.CancelFunc
	fingerprint string
}

// NewFleet returns an empty fleet.
func NewFleet() *Fleet { return &Fleet{members: map[string]*running{}} }

// Listen adds a listener. It must be called before Run.
func (f *Fleet) Listen(e Events) { f.events = append(f.events, e) }

// Run gives members the context they live in, and returns when ctx has ended and all of them have stopped.
func (f *Fleet) Run(ctx context.Context) error {
	f.mu.Lock()
	f.ctx = ctx
	for _, m := range f.members {
		f.start(m)
	}
	f.mu.Unlock()
	<-ctx.Done()
	f.wg.Wait()
	return nil
}

// start must be called with the lock held and the context set.
func (f *Fleet) start(m *running) {
	if f.ctx.Err() != nil {
		return
	}
	ctx, stop := context.WithCancel(klog.NewContext(f.ctx, klog.LoggerWithValues(klog.FromContext(f.ctx), "member", m.Name)))
	m.stop = stop
	f.wg.Go(func() { m.run(ctx) })
}

// Connect makes sure that there is a connection to the cluster with that configuration. fingerprint identifies the
// configuration: with another one than before, the connection is made anew, and what was known of the cluster's objects
// is learned again. cfg.Timeout bounds each request, and how long a watch may take to begin; 0 is no bound.
func (f *Fleet) Connect(name, fingerprint string, cfg *rest.Config) (*Member, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if m := f.members[name]; m != nil {
		if m.fingerprint == fingerprint {
			return m.Member, nil
		}
		f.drop(name)
	}
	m, err := newMember(name, cfg, f.events)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", name, err)
	}
	r := &running{Member: m, fingerprint: fingerprint}
	f.members[name] = r
	if f.ctx != nil {
		f.start(r)
	}
	return m, nil
}

// Disconnect ends the connection to a cluster.
func (f *Fleet) Disconnect(name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.drop(name)
}

func (f *Fleet) drop(name string) {
	if m := f.members[name]; m != nil {
		if m.stop != nil {
			m.stop()
		}
		delete(f.members, name)
	}
}

// Get returns the connection to a cluster, or nil.
func (f *Fleet) Get(name string) *Member {
	f.mu.RLock()
	defer f.mu.RUnlock()
	if m := f.members[name]; m != nil {
		return m.Member
	}
	return nil
}

// All returns all connections, sorted by name.
func (f *Fleet) All() []*Member {
	f.mu.RLock()
	defer f.mu.RUnlock()
	out := make([]*Member, 0, len(f.members))
	for _, name := range slices.Sorted(maps.Keys(f.members)) {
		out = append(out, f.members[name].Member)
	}
	return out
}
