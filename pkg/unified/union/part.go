/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package union

import (
	"strconv"
	"time"
)

// pace is how fast things go. Tests go faster.
type pace struct {
	away         time.Duration // how long a member may fail before its objects are marked stale
	check        time.Duration // how long a member may be silent before it is asked whether it is there
	recheck      time.Duration // how often one that fails is asked
	checkTimeout time.Duration // how long the answer may take
	absent       time.Duration // how often a member is asked for a resource that it does not serve
	retry        time.Duration // before the second attempt to list and watch; later ones wait longer
	retryMost    time.Duration // the longest wait between attempts
	write        time.Duration // how long lists wait for a write to be seen
	unsure       time.Duration // the same if the write's resource version is not known, so that it may have been seen already
	bookmark     time.Duration // how often watches get bookmarks
	snapshot     time.Duration // how long the rest of a list in pages stays to be had
}

var defaultPace = pace{
	away:         5 * time.Second,
	check:        10 * time.Second,
	recheck:      3 * time.Second,
	checkTimeout: 5 * time.Second,
	absent:       30 * time.Second,
	retry:        500 * time.Millisecond,
	retryMost:    8 * time.Second,
	write:        2 * time.Second,
	unsure:       300 * time.Millisecond,
	bookmark:     time.Minute,
	snapshot:     3 * time.Minute,
}

// part is what is known of one cluster's objects, or of those that are stored on the hub. Its fields are guarded by the
// union's lock.
type part struct {
	cluster string
	objects map[key]*record
	feed    *feed // fills the part; others, of before, have no say

	synced bool      // the objects are, or were, all that there are
	failed bool      // what is known may be old: the source did not answer
	since  time.Time // since when the source has not been followed, for failing or not having been reached yet; zero: it is
	heard  time.Time // when the source was last heard of; zero: never
	stale  time.Time // the objects are marked as unheard of since then; zero: they are not
	// failedAttempt is when the latest attempt to reach the source began that failed.
	failedAttempt time.Time

	revision uint64 // the source's own, up to which the part has followed it
	writes   map[key]write
}

// write is a write through the hub that the part may not have seen yet.
type write struct {
	revision uint64  // of the source; 0: not known
	before   *record // what the part held when the write was done
	until    time.Time
}

// current reports whether the part is being kept up to date.
func (p *part) current() bool { return p.synced && p.since.IsZero() }

// behind reports whether a write is yet to be seen, and until when at most that counts.
func (p *part) behind(now time.Time) (until time.Time, yes bool) {
	for k, w := range p.writes {
		seen := w.revision > 0 && p.revision >= w.revision || w.revision == 0 && p.objects[k] != w.before
		if seen || !now.Before(w.until) {
			delete(p.writes, k)
			continue
		}
		yes = true
		if w.until.After(until) {
			until = w.until
		}
	}
	return until, yes
}

// lag says what a list is to tell about the part, which is not current.
func (p *part) lag() Lag { return Lag{Cluster: p.cluster, Since: p.heard, Missing: !p.synced} }

// seen notes a resource version of the source, from which the part is now up to date.
func (p *part) seen(own string, now time.Time) {
	p.heard = now
	p.revision = max(p.revision, revision(own))
}

// revision is a store's own resource version as a number, 0 if it is none. Within one resource of one server they rise.
func revision(own string) uint64 {
	n, err := strconv.ParseUint(own, 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// attempted notes that an attempt to reach the source failed.
func (p *part) attempted(began, now time.Time) {
	p.failed = true
	if p.since.IsZero() {
		p.since = now
	}
	if began.After(p.failedAttempt) {
		p.failedAttempt = began
	}
}

// mark puts the mark of a member that is not heard of onto the part's objects, or takes it off if since is zero.
func (s *state) mark(p *part, since time.Time) {
	p.stale = since
	for _, r := range p.objects {
		if !r.stale.Equal(since) {
			s.put(p, r.as(0, since))
		}
	}
}

// followed notes that the source is being followed without a gap.
func (s *state) followed(p *part, now time.Time) {
	p.heard = now
	if !p.synced {
		return
	}
	p.failed, p.since = false, time.Time{}
	if !p.stale.IsZero() {
		s.mark(p, time.Time{})
	}
}
