/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/types"
)

// sighting is what a watch last said about a Deployment in one cluster.
type sighting struct {
	uid       types.UID
	version   string // resourceVersion
	image     string
	available int32 // replicas of the current generation; unsettled while there are others
}

// unsettled stands for the number of available replicas while a Deployment is still on its way.
const unsettled = -1

// place is a Deployment in a cluster.
type place struct{ cluster, name string }

// board knows what the watches of all clusters said, and when they said what somebody waits for.
type board struct {
	mu    sync.Mutex
	seen  map[place]sighting
	goals map[*goal]struct{}
}

func newBoard() *board {
	return &board{seen: map[place]sighting{}, goals: map[*goal]struct{}{}}
}

// goal is a state that some Deployments are to reach in some clusters.
type goal struct {
	board *board
	// met says whether a Deployment is there yet; it gets nil for one that does not exist.
	met  func(*sighting) bool
	open map[place]struct{}   // those that are not there yet; guarded by the board's lock
	at   map[string]time.Time // by name: when it was there in the last cluster; complete once done is closed
	done chan struct{}
	// patience is how long to wait.
	patience time.Duration
}

// expect sets a goal for all names in all clusters. What is so already counts as reached now.
func (b *board) expect(names, clusters []string, met func(*sighting) bool) *goal {
	g := &goal{board: b, met: met, open: map[place]struct{}{}, at: map[string]time.Time{}, done: make(chan struct{})}
	g.patience = patience + time.Duration(len(names))*patiencePerItem
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, cluster := range clusters {
		for _, name := range names {
			g.open[place{cluster, name}] = struct{}{}
		}
	}
	b.goals[g] = struct{}{}
	now := time.Now()
	for _, cluster := range clusters {
		for _, name := range names {
			b.check(g, place{cluster, name}, now)
		}
	}
	return g
}

// check must be called with the lock held.
func (b *board) check(g *goal, p place, now time.Time) {
	if _, waiting := g.open[p]; !waiting {
		return
	}
	var have *sighting
	if s, ok := b.seen[p]; ok {
		have = &s
	}
	if !g.met(have) {
		return
	}
	delete(g.open, p)
	if now.After(g.at[p.name]) { // clusters may report late, and not in order
		g.at[p.name] = now
	}
	if len(g.open) == 0 {
		delete(b.goals, g)
		close(g.done)
	}
}

// wait returns when the goal is reached everywhere.
func (g *goal) wait(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, g.patience)
	defer cancel()
	select {
	case <-g.done:
		return nil
	case <-ctx.Done():
	}
	g.board.mu.Lock()
	defer g.board.mu.Unlock()
	delete(g.board.goals, g)
	var open []string
	for p := range g.open {
		open = append(open, p.cluster+"/"+p.name)
	}
	slices.Sort(open)
	return fmt.Errorf("%w: %d are not there yet, of which %s", ctx.Err(), len(open), strings.Join(open[:min(3, len(open))], ", "))
}

// last returns when the goal was reached by the last Deployment.
func (g *goal) last() time.Time {
	var last time.Time
	for _, t := range g.at {
		if t.After(last) {
			last = t
		}
	}
	return last
}

// put records what a watch said at a moment; nil means that the Deployment is gone.
func (b *board) put(p place, s *sighting, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if s == nil {
		delete(b.seen, p)
	} else {
		b.seen[p] = *s
	}
	for g := range b.goals {
		b.check(g, p, now)
	}
}

// versions returns uid and resourceVersion of all Deployments in the clusters.
func (b *board) versions(clusters []string) map[place]string {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := map[place]string{}
	for p, s := range b.seen {
		if slices.Contains(clusters, p.cluster) {
			out[p] = string(s.uid) + "@" + s.version
		}
	}
	return out
}

func see(d *appsv1.Deployment) *sighting {
	s := &sighting{uid: d.UID, version: d.ResourceVersion, available: unsettled, image: d.Spec.Template.Spec.Containers[0].Image}
	st := d.Status
	if st.ObservedGeneration >= d.Generation && st.UpdatedReplicas == st.AvailableReplicas && st.Replicas == st.UpdatedReplicas {
		s.available = st.AvailableReplicas
	}
	return s
}

func visible(s *sighting) bool { return s != nil }

func gone(s *sighting) bool { return s == nil }

// runs returns a condition: the image is there.
func runs(image string) func(*sighting) bool {
	return func(s *sighting) bool { return s != nil && s.image == image }
}

// rolledOut returns a condition: so many replicas with that image are available, and no others are left.
func rolledOut(image string, replicas int) func(*sighting) bool {
	return func(s *sighting) bool { return s != nil && s.image == image && s.available == int32(replicas) }
}
