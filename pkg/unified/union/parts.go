/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package union

import (
	"context"
	"slices"
	"time"

	"k8s.io/klog/v2"
)

// housework is how often the union looks whether it is still needed.
const housework = 30 * time.Second

// ensure starts the parts of clusters that are not running yet. clusters are names that there are. The lock must be held, and
// Run must be running. It reports whether there are new ones.
func (u *Union) ensure(clusters []string) (started bool) {
	s := &u.state
	for _, name := range clusters {
		if name == Hub && u.cfg.Stored == nil || s.parts[name] != nil {
			continue
		}
		p := &part{cluster: name, objects: map[key]*record{}, writes: map[key]write{}}
		s.parts[name] = p
		u.start(p)
		started = true
	}
	return started
}

// start has a part filled by a new feed. The lock must be held, and Run must be running.
func (u *Union) start(p *part) {
	if p.feed != nil {
		p.feed.stop()
	}
	if p.since.IsZero() {
		p.since = u.cfg.Clock.Now()
	}
	f := &feed{u: u, cluster: p.cluster, poke: make(chan struct{}, 1)}
	p.feed = f
	u.state.spawn(func(ctx context.Context) {
		ctx, stop := context.WithCancel(ctx)
		defer stop()
		if !f.begins(stop) {
			return
		}
		if f.cluster != Hub {
			u.state.tasks.Go(func() { f.attend(ctx) })
		}
		f.follow(ctx)
	})
}

// drop ends a part; its objects are gone. The lock must be held.
func (u *Union) drop(p *part) {
	p.feed.stop()
	for k, r := range p.objects {
		u.state.remove(p, k, r.own)
	}
	delete(u.state.parts, p.cluster)
	u.moved.fire()
}

// forget ends all parts and watches, and makes all numbers that were given out invalid. The lock must be held.
func (u *Union) forget() {
	for _, p := range u.state.parts {
		p.feed.stop()
	}
	u.state.reset()
	u.moved.fire()
	u.news.fire()
}

// Changed says that a cluster came, went (it is not among Config.Clusters), or is reached in another way now. It does not
// wait for what follows from that.
func (u *Union) Changed(cluster string) {
	exists := slices.Contains(u.cfg.Clusters(), cluster)
	u.mu.Lock()
	p := u.state.parts[cluster]
	switch {
	case u.state.spawn == nil || cluster == Hub:
	case p != nil && exists:
		u.start(p)
	case p != nil:
		u.drop(p)
	case exists && u.state.wide:
		u.ensure([]string{cluster})
	}
	u.mu.Unlock()
	u.news.fire()
}

// sweep ends the parts of clusters that there are not.
func (u *Union) sweep() {
	there := u.cfg.Clusters()
	u.mu.Lock()
	for name, p := range u.state.parts {
		if name != Hub && !slices.Contains(there, name) {
			u.drop(p)
		}
	}
	u.mu.Unlock()
	u.news.fire()
}

// keepHouse forgets what is not needed any more, until ctx ends.
func (u *Union) keepHouse(ctx context.Context) {
	every := min(housework, max(u.cfg.Idle/4, 10*time.Millisecond))
	ticker := u.cfg.Clock.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C():
			if u.tidy() {
				klog.FromContext(ctx).V(2).Info("Nobody has asked for the objects of the members for a while; they are not followed any more", "resource", u.cfg.Resource)
			}
			u.sweep()
		}
	}
}

// tidy forgets snapshots that are too old, and everything if nobody has needed anything for Config.Idle; then it is true.
func (u *Union) tidy() bool {
	now := u.cfg.Clock.Now()
	u.mu.Lock()
	defer u.mu.Unlock()
	u.state.expire(now.Add(-u.pace.snapshot))
	if len(u.state.parts) == 0 || u.state.watchers+u.state.requests > 0 || now.Sub(u.state.used) < u.cfg.Idle {
		return false
	}
	u.forget()
	return true
}
