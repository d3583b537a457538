/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// flight is how long what was done before a fault may be on its way, and so be met by it.
const flight = 2 * time.Second

// tally sums up what was judged.
type tally struct {
	lives, deeds, sightings int
	coalesced               int // deeds that were not told for themselves, with the right not to be
	marked                  int // times that an object got or lost the mark of a member that does not answer
}

// judge compares what was done with what was told. Every object is told of as added once, then its editions in order and
// each once, then as deleted once, if it was. An edition, a deletion and a new object under the same name, or a whole life
// may be passed over only if it was done while the member could not be followed: Kubernetes' own watches tell the outcome
// alone, too, when they have to list anew. Told twice is wrong at any time, and so is anything that was not done. A change
// of the mark of a member that does not answer is told once each way.
func (l *ledger) judge() (tally, []string) {
	l.light()
	l.mu.Lock()
	defer l.mu.Unlock()
	var t tally
	var wrong []string
	for _, uid := range slices.Sorted(maps.Keys(l.sightings)) {
		t.sightings += len(l.sightings[uid])
		if l.lives[uid] == nil {
			wrong = append(wrong, fmt.Sprintf("%s: told of, but nobody made it: %s", uid, tell(l.sightings[uid])))
		}
	}
	for _, uid := range slices.Sorted(maps.Keys(l.lives)) {
		one := l.lives[uid]
		t.lives++
		t.deeds += len(one.deeds)
		if one.end != nil {
			t.deeds++
		}
		for _, what := range l.judgeLife(one, l.sightings[uid], &t) {
			wrong = append(wrong, fmt.Sprintf("%s %s/%s of %s (%s): %s; told: %s", one.kind, one.namespace, one.name, one.cluster, uid, what, tell(l.sightings[uid])))
		}
	}
	return t, wrong
}

func (l *ledger) judgeLife(one *life, seen []sighting, t *tally) (wrong []string) {
	complain := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	state := sighting{event: deleted}
	told := map[int]bool{}
	for i, s := range seen {
		switch {
		case s.event == added && i > 0:
			complain("added again")
		case s.event != added && i == 0:
			complain("begins with %s", s.event)
		case i > 0 && state.event == deleted:
			complain("%s after it was deleted", s.event)
		case s.event == updated && s.edition == state.edition && s.stale == state.stale && s.ending == state.ending:
			complain("edition %d told twice", s.edition)
		case s.event == updated && s.edition < state.edition:
			complain("edition %d after %d", s.edition, state.edition)
		case s.edition > one.last():
			complain("edition %d was never written", s.edition)
		case s.ending && one.end == nil:
			complain("told as being deleted, but it was not")
		case s.event == deleted && one.end == nil:
			complain("told as deleted, but it was not")
		case i > 0 && s.version <= state.version && s.event != deleted:
			complain("resource version %d after %d", s.version, state.version)
		}
		if i > 0 && s.stale != state.stale && s.event == updated {
			t.marked++
		}
		if s.event != deleted || s.edition > state.edition {
			told[s.edition] = true
		}
		state = s
	}
	for _, d := range one.deeds {
		if told[d.edition] {
			continue
		}
		if !l.inTheDark(one, d) {
			complain("edition %d was not told", d.edition)
		}
		t.coalesced++
	}
	switch {
	case one.end == nil && len(seen) == 0:
		complain("it exists, and was never told of")
	case one.end != nil && len(seen) > 0 && state.event != deleted:
		complain("it was deleted, and that was not told")
	case one.end == nil && state.edition != one.last():
		complain("the last word was edition %d, of %d", state.edition, one.last())
	case one.end == nil && state.stale:
		complain("still marked as of a member that does not answer")
	}
	return wrong
}

// inTheDark reports whether a write may have been done while its member could not be followed.
func (l *ledger) inTheDark(one *life, d deed) bool {
	return slices.ContainsFunc(l.dark, func(dark *darkness) bool {
		if dark.cluster != one.cluster || d.done.Before(dark.from.Add(-flight)) {
			return false
		}
		lit, ok := dark.lit[one.kind]
		return !ok || d.sent.Before(lit)
	})
}

// tell writes sightings down, briefly.
func tell(seen []sighting) string {
	var out []string
	for _, s := range seen {
		mark := ""
		if s.stale {
			mark = "(stale)"
		}
		out = append(out, fmt.Sprintf("%s#%d%s@%d", s.event, s.edition, mark, s.version))
	}
	if len(out) == 0 {
		return "nothing"
	}
	return strings.Join(out, " ")
}

// held is one object of an informer's store or of a member.
type held struct {
	object
	uid     types.UID
	edition int
	stale   bool
}

// differences compares the stores of the informers with what the members have, by name and UID.
func differences(store, truth map[object]held) (out []string) {
	for o, want := range truth {
		switch have, ok := store[o]; {
		case !ok:
			out = append(out, fmt.Sprintf("lacks %v", want))
		case have != want:
			out = append(out, fmt.Sprintf("has %v, the member %v", have, want))
		}
	}
	for o, have := range store {
		if _, ok := truth[o]; !ok {
			out = append(out, fmt.Sprintf("has %v, its member does not", have))
		}
	}
	slices.Sort(out)
	return out
}

// among restricts a store to one cluster.
func among(store map[object]held, cluster string) map[object]held {
	out := map[object]held{}
	for o, h := range store {
		if o.cluster == cluster {
			out[o] = h
		}
	}
	return out
}
