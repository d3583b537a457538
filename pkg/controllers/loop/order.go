/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package loop

import "sync"

// order is the waiting line of a loop: fresh keys go before those of the backlog, each in the order in which they came. A
// key of the backlog that is asked for again, as fresh, goes to the end of the fresh ones.
type order[K comparable] struct {
	fresh, backlog line[K]
	waits          map[K]struct{} // the keys of the backlog that have not gone over to the fresh ones

	mu    sync.Mutex     // the queue calls its line under a lock of its own, others set levels
	level map[K]bool     // whether a key that was asked for is fresh, until it is taken; unknown ones are
	taken map[K]struct{} // the fresh ones that are being worked on
}

func newOrder[K comparable]() *order[K] {
	return &order[K]{waits: map[K]struct{}{}, level: map[K]bool{}, taken: map[K]struct{}{}}
}

// ask notes how urgent a key is. What is fresh stays so.
func (o *order[K]) ask(key K, fresh bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.level[key] = fresh || o.level[key]
}

func (o *order[K]) isFresh(key K) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	fresh, asked := o.level[key]
	return fresh || !asked
}

// Push implements workqueue.Queue.
func (o *order[K]) Push(key K) {
	if o.isFresh(key) {
		o.fresh.push(key)
		return
	}
	o.waits[key] = struct{}{}
	o.backlog.push(key)
}

// Touch implements workqueue.Queue: it is called for a key that waits and is asked for again.
func (o *order[K]) Touch(key K) {
	if _, waits := o.waits[key]; waits && o.isFresh(key) {
		delete(o.waits, key)
		o.fresh.push(key)
	}
}

// Len implements workqueue.Queue.
func (o *order[K]) Len() int { return o.fresh.len() + len(o.waits) }

// Pop implements workqueue.Queue. It is called only if there is something.
func (o *order[K]) Pop() K {
	key := o.next()
	o.mu.Lock()
	defer o.mu.Unlock()
	if fresh, asked := o.level[key]; fresh || !asked {
		o.taken[key] = struct{}{}
	}
	delete(o.level, key)
	return key
}

// take reports, once, whether a key that was just taken was fresh.
func (o *order[K]) take(key K) (fresh bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	_, fresh = o.taken[key]
	delete(o.taken, key)
	return fresh
}

func (o *order[K]) next() K {
	if o.fresh.len() > 0 {
		return o.fresh.pop()
	}
	for {
		key := o.backlog.pop()
		if _, waits := o.waits[key]; waits {
			delete(o.waits, key)
			return key
		}
	}
}

// line is first in, first out. Its memory is that of the longest line there was since it was last empty.
type line[K comparable] struct {
	keys []K
	head int
}

func (l *line[K]) len() int { return len(l.keys) - l.head }

func (l *line[K]) push(key K) { l.keys = append(l.keys, key) }

func (l *line[K]) pop() K {
	var none K
	key := l.keys[l.head]
	l.keys[l.head] = none
	l.head++
	if l.head == len(l.keys) {
		l.keys, l.head = nil, 0
	}
	return key
}
