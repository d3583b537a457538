/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package main

import (
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// The kinds that are watched.
const (
	pods  = "pods"
	nodes = "nodes"
)

// object is where an object of a member is. Several may have lived there, one after the other.
type object struct{ cluster, kind, namespace, name string }

// deed is a write to a member that the member has acknowledged.
type deed struct {
	edition int // number of the write in the object's life, from 1
	sent    time.Time
	done    time.Time
}

// life is all that was done to an object from its creation to its end.
type life struct {
	object
	uid   types.UID
	deeds []deed // the editions, in order, without gaps
	end   *deed  // the deletion; nil while it lives
}

// last is the present edition.
func (l *life) last() int { return l.deeds[len(l.deeds)-1].edition }

// The events that a handler is told.
const (
	added   = "added"
	updated = "updated"
	deleted = "deleted"
)

// sighting is one call of an informer's handler.
type sighting struct {
	event   string
	edition int
	version uint64 // the resourceVersion on the hub
	stale   bool   // marked as of a member that does not answer
	ending  bool   // marked as being deleted, which members do with some pods immediately before they go
	at      time.Time
}

// darkness is a time in which a member, or the way to it, was not working. What happens in it may be told as its outcome
// only, as a list tells it.
type darkness struct {
	cluster string
	from    time.Time
	// over is when the fault ended; zero while it lasts. lit is, by kind, when something was seen first that was done after
	// that.
	over time.Time
	lit  map[string]time.Time
}

// ledger has what was done in the members, and what the informers were told. It may be used concurrently.
type ledger struct {
	mu        sync.Mutex
	lives     map[types.UID]*life
	sightings map[types.UID][]sighting
	dark      []*darkness
}

func newLedger() *ledger {
	return &ledger{lives: map[types.UID]*life{}, sightings: map[types.UID][]sighting{}}
}

// did notes a write. Of a new object it is the first edition.
func (l *ledger) did(o object, uid types.UID, d deed) {
	l.mu.Lock()
	defer l.mu.Unlock()
	one := l.lives[uid]
	if one == nil {
		one = &life{object: o, uid: uid}
		l.lives[uid] = one
	}
	one.deeds = append(one.deeds, d)
}

// ended notes a deletion.
func (l *ledger) ended(uid types.UID, d deed) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lives[uid].end = &d
}

// saw notes a call of a handler. The object may be seen before its creation has been acknowledged.
func (l *ledger) saw(uid types.UID, s sighting) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sightings[uid] = append(l.sightings[uid], s)
}

// darken notes that a fault is about to begin.
func (l *ledger) darken(cluster string) *darkness {
	l.mu.Lock()
	defer l.mu.Unlock()
	d := &darkness{cluster: cluster, from: time.Now(), lit: map[string]time.Time{}}
	l.dark = append(l.dark, d)
	return d
}

// lighten notes that a fault has ended.
func (l *ledger) lighten(d *darkness) {
	l.mu.Lock()
	defer l.mu.Unlock()
	d.over = time.Now()
}

// light sets, for darknesses whose faults have ended, when the first thing was seen that was done after that. It must be
// called before anything is judged, and to find out whether a member is back.
func (l *ledger) light() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, d := range l.dark {
		if d.over.IsZero() {
			continue
		}
		for uid, one := range l.lives {
			if one.cluster == d.cluster {
				d.noteSight(one, l.sightings[uid])
			}
		}
	}
}

func (d *darkness) noteSight(one *life, seen []sighting) {
	for _, s := range seen {
		if s.edition < 1 || s.edition > len(one.deeds) || s.event == deleted || s.stale {
			continue
		}
		if !one.deeds[s.edition-1].sent.After(d.over) {
			continue
		}
		if lit, ok := d.lit[one.kind]; !ok || s.at.Before(lit) {
			d.lit[one.kind] = s.at
		}
	}
}

// lit reports whether a member is being heard of again after a fault, in all kinds.
func (l *ledger) lit(d *darkness) bool {
	l.light()
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(d.lit) == len([]string{pods, nodes})
}
