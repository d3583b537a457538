/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package main

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
)

var (
	thing        = item{configMaps, "ns", "c"}
	notFound     = apierrors.NewNotFound(schema.GroupResource{Resource: "configmaps"}, "c")
	there        = apierrors.NewAlreadyExists(schema.GroupResource{Resource: "configmaps"}, "c")
	errNoAnswer  = errors.New("EOF")
	errNoService = fmt.Errorf("dial: %w", syscall.ECONNREFUSED)
)

func toCreate(value string) change {
	return func(before state) (state, bool) { return state{exists: true, value: value}, !before.exists }
}

func toSet(value string) change {
	return func(before state) (state, bool) { before.value = value; return before, before.exists }
}

func toDelete(before state) (state, bool) { return state{}, before.exists }

func TestLedger(t *testing.T) {
	t.Parallel()
	type request struct {
		c   change
		err error
	}
	is := func(value string) state { return state{exists: true, value: value} }
	gone := state{}
	for name, c := range map[string]struct {
		requests []request
		want     []state // nil: the last answer is a violation
	}{
		"acknowledged":                     {[]request{{toCreate("1"), nil}, {toSet("2"), nil}}, []state{is("2")}},
		"an answer is missing":             {[]request{{toCreate("1"), nil}, {toSet("2"), errNoAnswer}}, []state{is("1"), is("2")}},
		"two answers are missing":          {[]request{{toCreate("1"), errNoAnswer}, {toSet("2"), errNoAnswer}}, []state{gone, is("1"), is("2")}},
		"settled by the next":              {[]request{{toCreate("1"), errNoAnswer}, {toSet("2"), nil}}, []state{is("2")}},
		"settled by a refusal":             {[]request{{toCreate("1"), errNoAnswer}, {toSet("2"), notFound}}, []state{gone}},
		"was there already":                {[]request{{toCreate("1"), errNoAnswer}, {toCreate("2"), there}}, []state{is("1")}},
		"nobody has got it":                {[]request{{toCreate("1"), nil}, {toDelete, errNoService}}, []state{is("1")}},
		"deleted":                          {[]request{{toCreate("1"), nil}, {toDelete, nil}}, []state{gone}},
		"lost: not found":                  {[]request{{toCreate("1"), nil}, {toSet("2"), notFound}}, nil},
		"came back: exists":                {[]request{{toCreate("1"), nil}, {toDelete, nil}, {toCreate("2"), there}}, nil},
		"came back: changed after its end": {[]request{{toCreate("1"), nil}, {toDelete, nil}, {toSet("2"), nil}}, nil},
	} {
		l := newLedger()
		var violation error
		for _, r := range c.requests {
			_, violation = l.do(thing, "request", r.c, func() error { return r.err })
		}
		if (violation != nil) != (c.want == nil) {
			t.Errorf("%s: violation %v", name, violation)
		}
		if diff := cmp.Diff(c.want, l.possible(thing), cmp.AllowUnexported(state{})); c.want != nil && diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestVerify(t *testing.T) {
	t.Parallel()
	l := newLedger()
	if _, err := l.do(thing, "create", toCreate("1"), func() error { return nil }); err != nil {
		t.Fatal(err)
	}
	l.excuse(thing, east)
	right := map[item]state{thing: {exists: true, value: "1"}}
	if wrong := l.verify(right); len(wrong) > 0 {
		t.Errorf("what was acknowledged is wrong: %v", wrong)
	}
	for name, stored := range map[string]state{"lost": {}, "older": {exists: true, value: "0"}} {
		if wrong := l.verify(map[item]state{thing: stored}); len(wrong) != 1 || !strings.Contains(wrong[0], "acknowledged") {
			t.Errorf("%s: %v", name, wrong)
		}
	}
	if n := len(l.reasons(thing, east)); n != 1 {
		t.Errorf("%d reasons", n)
	}
	l.settle(right)
	if n := len(l.reasons(thing, east)); n != 0 {
		t.Errorf("%d reasons from before", n)
	}
}

func TestUnexcused(t *testing.T) {
	t.Parallel()
	at := func(s int) time.Time { return time.Unix(int64(s), 0) }
	deleted := func(s int) event { return event{at: at(s), what: watch.Deleted} }
	added := event{what: watch.Added}
	for name, c := range map[string]struct {
		events  []event
		reasons []time.Time
		wrong   bool
	}{
		"nothing happened":                {},
		"a reason of which nothing came":  {reasons: []time.Time{at(1)}},
		"deleted for a reason":            {events: []event{deleted(2)}, reasons: []time.Time{at(1)}},
		"deleted without":                 {events: []event{deleted(2)}, wrong: true},
		"deleted before there was one":    {events: []event{deleted(2)}, reasons: []time.Time{at(3)}, wrong: true},
		"made anew, and deleted for none": {events: []event{deleted(2), added, deleted(3)}, reasons: []time.Time{at(1)}, wrong: true},
		"twice for two reasons":           {events: []event{deleted(3), added, deleted(4)}, reasons: []time.Time{at(1), at(2)}},
	} {
		if e := unexcused(c.events, c.reasons); (e != nil) != c.wrong {
			t.Errorf("%s: %v", name, e)
		}
	}
}

func TestExpect(t *testing.T) {
	t.Parallel()
	i, policy := item{deployments, "ns", "d"}, policyOf("ns", "first")
	s := state{exists: true, replicas: 6, value: "v"}
	templates := map[item]template{i: {s, "uid", policy}}
	free := func(string, item) bool { return false }
	share := func(n int32) map[item]copied {
		if n == 0 {
			return map[item]copied{}
		}
		return map[item]copied{i: {state{exists: true, replicas: n, value: "v"}, "uid"}}
	}
	for placed, want := range map[string][2]int32{"east": {6, 0}, "west": {0, 6}, "both": {6, 6}, "split": {2, 4}, "unknown": {0, 0}} {
		got := expect(templates, map[item]string{policy: placed}, free)
		diff := cmp.Diff(map[string]map[item]copied{east: share(want[0]), west: share(want[1])}, got,
			cmp.AllowUnexported(state{}, copied{}, item{}))
		if diff != "" {
			t.Errorf("%s (-want +got):\n%s", placed, diff)
		}
	}
	got := expect(templates, map[item]string{policy: "both"}, func(m string, _ item) bool { return m == east })
	if len(got[east]) != 0 || len(got[west]) != 1 {
		t.Errorf("with its place taken in one: %v", got)
	}
}

func TestDiffer(t *testing.T) {
	t.Parallel()
	c := copied{state{exists: true, value: "v"}, "uid"}
	want := map[item]copied{thing: c}
	story := func(item) string { return "" }
	older, another := c, c
	older.value, another.template = "u", types.UID("other")
	for name, x := range map[string]struct {
		got  map[item]copied
		word string
	}{
		"the same":            {want, ""},
		"missing":             {nil, "lacks"},
		"older":               {map[item]copied{thing: older}, "want"},
		"of another template": {map[item]copied{thing: another}, "want"},
		"one too many":        {map[item]copied{thing: c, {configMaps, "ns", "x"}: c}, "want none"},
	} {
		wrong := differ(east, want, x.got, story)
		if (len(wrong) == 1) != (x.word != "") || len(wrong) > 0 && !strings.Contains(wrong[0], x.word) {
			t.Errorf("%s: %v, want one with %q", name, wrong, x.word)
		}
	}
}

func TestLeaves(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		before, next string
		want         []string
	}{
		{"both", "east", []string{west}}, {"split", "west", []string{east}}, {"both", "split", nil}, {"east", "both", nil}, {"east", "west", []string{east}},
	} {
		if diff := cmp.Diff(c.want, leaves(c.before, c.next)); diff != "" {
			t.Errorf("%s to %s (-want +got):\n%s", c.before, c.next, diff)
		}
	}
}
