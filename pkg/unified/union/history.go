/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package union

import "sort"

const (
	// minEvents is how many events the history may hold at least; twice the number of objects if that is more, so that a
	// member's going and coming, which is told for each of its objects, drives no watch out.
	minEvents = 8192
	// minHistoryBytes is how much it may hold alive at least, of encoded objects that are not the present state; a quarter
	// of the present state's bytes if that is more.
	minHistoryBytes = 4 << 20
)

// event is one change: an addition if there is no old state, a deletion if the object is gone, else a modification.
type event struct {
	number   int64
	old, now *record // of a deletion, now is the last state under the number of the deletion
	gone     bool
}

// weight is how many bytes of encoded objects only the history keeps.
func (e *event) weight() int {
	if e.old == nil || !e.gone && len(e.old.data) > 0 && len(e.now.data) > 0 && &e.old.data[0] == &e.now.data[0] {
		return 0
	}
	return len(e.old.data)
}

// history holds the latest events in order. An event has a position, which is the number of events before it since the
// process began.
type history struct {
	events []event
	head   int    // of events, the first that is held
	first  uint64 // position of that
	base   int64  // all events with greater numbers are held
	bytes  int    // sum of weights
	// dropped is the highest revision of the hub's store among the events that are not held any more.
	dropped uint64
}

func (h *history) len() int { return len(h.events) - h.head }

// end is the position of the next event.
func (h *history) end() uint64 { return h.first + uint64(h.len()) }

func (h *history) add(e event) {
	h.events = append(h.events, e)
	h.bytes += e.weight()
}

// bound drops the oldest events until the history is as small as it should be beside that many objects of that many bytes.
func (h *history) bound(objects, bytes int) {
	events, weight := max(minEvents, 2*objects), max(minHistoryBytes, bytes/4)
	for h.len() > events || h.bytes > weight {
		h.drop()
	}
	if h.head > len(h.events)/2 {
		n := copy(h.events, h.events[h.head:])
		clear(h.events[n:])
		h.events, h.head = h.events[:n], 0
	}
}

func (h *history) drop() {
	e := &h.events[h.head]
	h.bytes -= e.weight()
	h.base = e.number
	if e.now.cluster == Hub {
		h.dropped = max(h.dropped, revision(e.now.own))
	}
	*e = event{}
	h.head++
	h.first++
}

// forget drops everything: the next event is the first after base.
func (h *history) forget(base int64) {
	*h = history{first: h.end() + 1, base: base} // + 1: no position of before is valid
}

// from returns the events from a position on, at most limit; ok is false if some of them are not held any more. The events
// are the caller's.
func (h *history) from(position uint64, limit int) (events []event, ok bool) {
	if position < h.first {
		return nil, false
	}
	rest := h.events[h.head+int(position-h.first):]
	return append([]event(nil), rest[:min(limit, len(rest))]...), true
}

// after returns the position behind the event of that number; ok is false if there is no such event, and it is not the base.
func (h *history) after(number int64) (position uint64, ok bool) {
	if number == h.base {
		return h.first, true
	}
	e := h.find(number)
	if e == nil {
		return 0, false
	}
	return h.first + uint64(h.index(number)) + 1, true
}

// find returns the event of a number, nil if it is not held.
func (h *history) find(number int64) *event {
	i := h.index(number)
	if i == h.len() || h.events[h.head+i].number != number {
		return nil
	}
	return &h.events[h.head+i]
}

// index is how many of the events that are held have a lower number.
func (h *history) index(number int64) int {
	held := h.events[h.head:]
	return sort.Search(len(held), func(i int) bool { return held[i].number >= number })
}

// backwards calls f for the events and their positions, the latest first, until it returns false.
func (h *history) backwards(f func(position uint64, e *event) bool) {
	for i := len(h.events) - 1; i >= h.head; i-- {
		if !f(h.first+uint64(i-h.head), &h.events[i]) {
			return
		}
	}
}
