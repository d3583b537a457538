/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package union

import (
	"context"
	"sync"
	"time"

	"k8s.io/utils/third_party/forked/golang/btree"
)

// degree is that of the tree of objects: nodes of up to 63 pointers.
const degree = 32

// state is what a union holds. Its methods are called with the union's lock held.
type state struct {
	sequence sequence
	// spawn starts what ends with Run; nil while Run does not.
	spawn func(func(context.Context))
	tasks sync.WaitGroup

	tree      *btree.BTree[*record] // the present state, by namespace and name
	view      *btree.BTree[*record] // a copy of it for readers; nil after a change
	bytes     int                   // of the encoded objects in it
	history   history
	snapshots []snapshot
	parts     map[string]*part

	wide     bool      // all clusters have been asked for, so those that come are, too
	used     time.Time // when the last request ended, or watch
	watchers int
	requests int // that are being served, beside watches that have begun
}

// reset empties it. What was said before is not known any more.
func (s *state) reset() {
	s.tree, s.view = btree.New(degree, less), nil
	s.bytes = 0
	s.history.forget(s.sequence.next())
	s.snapshots = nil
	s.parts = map[string]*part{}
	s.wide = false
}

// put makes a record the present state of its object in a part. It does nothing if it tells nothing new.
func (s *state) put(p *part, r *record) {
	have := p.objects[r.key]
	if have != nil && have.same(r) {
		return
	}
	p.objects[r.key] = r
	if shadow := s.shadow(r); shadow != nil {
		if r.cluster != Hub {
			return // it is shown when the stored one has gone
		}
		s.gone(shadow, shadow.own)
		have = nil
	}
	switch {
	case have == nil:
		s.add(r)
	case have.uid != r.uid:
		s.gone(have, have.own)
		s.add(r)
	default:
		r.number = s.sequence.next()
		s.tree.ReplaceOrInsert(r)
		s.bytes += len(r.data) - len(have.data)
		s.record(event{number: r.number, old: have, now: r})
	}
}

// remove ends an object of a part. own is the resource version of its deletion as its store counts.
func (s *state) remove(p *part, k key, own string) {
	have := p.objects[k]
	if have == nil {
		return
	}
	delete(p.objects, k)
	if shown, _ := s.tree.Get(have); shown != have {
		return
	}
	s.gone(have, own)
	if p.cluster != Hub {
		return
	}
	for _, other := range s.parts {
		if hidden := other.objects[k]; hidden != nil {
			again := hidden.as(0, hidden.stale)
			other.objects[k] = again
			s.add(again)
			return
		}
	}
}

// shadow returns the object of another cluster that is shown in the place of a record. Names of members' objects name
// their cluster, so it can only be that one of the two is stored on the hub, and that one is shown.
func (s *state) shadow(r *record) *record {
	if shown, ok := s.tree.Get(r); ok && shown.cluster != r.cluster {
		return shown
	}
	return nil
}

func (s *state) add(r *record) {
	r.number = s.sequence.next()
	s.tree.ReplaceOrInsert(r)
	s.bytes += len(r.data)
	s.record(event{number: r.number, now: r})
}

func (s *state) gone(r *record, own string) {
	s.tree.Delete(r)
	s.bytes -= len(r.data)
	last := r.as(s.sequence.next(), r.stale)
	last.own = own
	s.record(event{number: last.number, old: r, now: last, gone: true})
}

func (s *state) record(e event) {
	s.view = nil
	s.history.add(e)
	s.history.bound(s.tree.Len(), s.bytes)
}

// find returns the present state of an object, or nil.
func (s *state) find(namespace, name string) *record {
	r, _ := s.tree.Get(&record{key: key{namespace, name}})
	return r
}

// present is the present state. Copying costs nothing now; what changes later is copied then, node by node.
func (s *state) present() snapshot {
	if s.view == nil {
		s.view = s.tree.Clone()
	}
	return snapshot{number: s.latest(), tree: s.view}
}

// latest is the number of the present state.
func (s *state) latest() int64 { return s.sequence.last }
