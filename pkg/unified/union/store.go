/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package union

import (
	"errors"
	"time"

	"k8s.io/client-go/tools/cache"
)

// store is a feed as its reflector sees it.
type store struct{ *feed }

var (
	_ cache.TransformingStore      = store{}
	_ cache.ReflectorBookmarkStore = store{}
)

// Transformer turns the objects of a streamed list into records as they come: the whole list in their other form would be
// several times as large.
func (f store) Transformer() cache.TransformFunc {
	return func(object any) (any, error) {
		f.came.Store(f.u.cfg.Clock.Now().UnixNano())
		return f.encode(object)
	}
}

// Add takes in an object.
func (f store) Add(object any) error { return f.Update(object) }

// Update takes in a state of an object.
func (f store) Update(object any) error {
	r, err := f.encode(object)
	if err != nil {
		return err
	}
	f.change(func(s *state, p *part, now time.Time) {
		r.stale = p.stale
		s.put(p, r)
		p.seen(r.own, now)
	})
	return nil
}

// Delete ends an object.
func (f store) Delete(object any) error {
	r, err := f.encode(object)
	if err != nil {
		return err
	}
	f.change(func(s *state, p *part, now time.Time) {
		s.remove(p, r.key, r.own)
		p.seen(r.own, now)
	})
	return nil
}

// Replace takes in a list. Objects that cannot be understood are left out, and reported.
func (f store) Replace(objects []any, resourceVersion string) error {
	var errs []error
	records := make([]*record, 0, len(objects))
	for _, o := range objects {
		r, err := f.encode(o)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		records = append(records, r)
	}
	f.mu.Lock()
	streaming := f.streaming
	f.mu.Unlock()
	f.turn(func(s *state, p *part, now time.Time) {
		p.synced = true
		if streaming || !p.failed {
			p.stale = time.Time{} // so that an object that has changed as well is told of once
		}
		s.replace(p, records, resourceVersion)
		p.seen(resourceVersion, now)
		if p.cluster == Hub {
			// What was deleted meanwhile has been told of under older revisions.
			s.history.dropped = max(s.history.dropped, p.revision)
		}
		if streaming || !p.failed { // else it is followed when the watch is there
			s.followed(p, now)
		}
	})
	return errors.Join(errs...)
}

// replace makes records the objects of a part.
func (s *state) replace(p *part, records []*record, own string) {
	there := make(map[key]bool, len(records))
	for _, r := range records {
		there[r.key] = true
	}
	for k := range p.objects {
		if !there[k] {
			s.remove(p, k, own)
		}
	}
	for _, r := range records {
		r.stale = p.stale
		s.put(p, r)
	}
}

// Bookmark notes how far the watch is.
func (f store) Bookmark(resourceVersion string) error {
	f.change(func(_ *state, p *part, now time.Time) { p.seen(resourceVersion, now) })
	return nil
}

// Resync has nothing to do.
func (f store) Resync() error { return nil }

// change calls a function for the part, unless the part is being filled by another feed by now, and tells everybody.
func (f *feed) change(do func(*state, *part, time.Time)) {
	u := f.u
	u.mu.Lock()
	if p := u.state.parts[f.cluster]; p != nil && p.feed == f {
		before := u.state.history.end()
		do(&u.state, p, u.cfg.Clock.Now())
		if u.state.history.end() != before {
			u.moved.fire()
		}
	}
	u.mu.Unlock()
	u.news.fire()
}

// turn is a change of whether the source is being followed.
func (f *feed) turn(do func(*state, *part, time.Time)) {
	f.change(do)
	select {
	case f.poke <- struct{}{}:
	default: // attend has yet to look
	}
}

// attempted notes that an attempt to reach the source failed.
func (u *Union) attempted(f *feed, began time.Time) {
	f.turn(func(_ *state, p *part, now time.Time) { p.attempted(began, now) })
}

// opened notes that a watch has been opened. If it streams a list, the part is followed when that is there.
func (u *Union) opened(f *feed, streamed bool) {
	f.turn(func(s *state, p *part, now time.Time) {
		if streamed {
			p.heard = now
			return
		}
		s.followed(p, now)
	})
}

// holdsNothing reports whether no objects of a cluster are known.
func (u *Union) holdsNothing(cluster string) bool {
	u.mu.RLock()
	defer u.mu.RUnlock()
	p := u.state.parts[cluster]
	return p == nil || len(p.objects) == 0
}
