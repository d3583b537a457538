/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package main

import (
	"os"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/manifold-k8s/manifold/test/apitest"
)

// short is what `make test` can wait for; `make informers` takes ten minutes.
var short = settings{members: 5, length: 20 * time.Second, pause: 200 * time.Millisecond, seed: uint64(os.Getpid())}

func TestInformers(t *testing.T) {
	apitest.NoteSources(t)
	quiet()
	var out strings.Builder
	err := try(t.Context(), short, t.TempDir(), &out)
	t.Logf("seed %d\n%s", short.seed, out.String())
	if removed := apitest.RemoveBinary(); removed != nil {
		t.Error(removed)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Every kind of mistake that a hub could make is found, and what it may do is not taken for one.
func TestJudge(t *testing.T) {
	t.Parallel()
	at := func(second int) time.Time { return time.Unix(int64(1000+second), 0) }
	// The object is made at 0, changed at 10 and 20, and deleted at 30.
	story := func(l *ledger, deleted bool) {
		o := object{"m1", pods, "ns", "a"}
		for i := range 3 {
			l.did(o, "u", deed{edition: i + 1, sent: at(10 * i), done: at(10 * i)})
		}
		if deleted {
			l.ended("u", deed{edition: 3, sent: at(30), done: at(30)})
		}
	}
	dark := func(from, over int, lit ...int) func(*ledger) {
		return func(l *ledger) {
			d := &darkness{cluster: "m1", from: at(from), over: at(over), lit: map[string]time.Time{}}
			for _, s := range lit {
				d.lit[pods] = at(s)
			}
			l.dark = append(l.dark, d)
		}
	}
	see := func(event string, edition int, version uint64) sighting {
		return sighting{event: event, edition: edition, version: version, at: at(10*edition - 9)}
	}
	ending := func(s sighting) sighting { s.ending = true; return s }
	stale := func(s sighting) sighting { s.stale = true; return s }
	all := []sighting{see(added, 1, 1), see(updated, 2, 2), see(updated, 3, 3)}
	for name, c := range map[string]struct {
		seen  []sighting
		alive bool
		dark  func(*ledger)
		want  string // part of the complaint; "" for none
	}{
		"all told":             {seen: append(all[:3:3], see(deleted, 3, 4))},
		"all told, alive":      {seen: all, alive: true},
		"added twice":          {seen: append(all[:3:3], see(added, 3, 4)), alive: true, want: "added again"},
		"updated first":        {seen: all[1:], alive: true, want: "begins with updated"},
		"told twice":           {seen: append(all[:3:3], see(updated, 3, 4)), alive: true, want: "edition 3 told twice"},
		"back in time":         {seen: append(all[:3:3], see(updated, 2, 4), see(updated, 3, 5)), alive: true, want: "edition 2 after 3"},
		"made up":              {seen: append(all[:3:3], see(updated, 4, 4)), alive: true, want: "never written"},
		"deleted for nothing":  {seen: append(all[:3:3], see(deleted, 3, 4)), alive: true, want: "it was not"},
		"risen":                {seen: append(all[:3:3], see(deleted, 3, 4), see(added, 3, 5)), want: "added again"},
		"deleted twice":        {seen: append(all[:3:3], see(deleted, 3, 4), see(deleted, 3, 5)), want: "deleted after it was deleted"},
		"deletion missed":      {seen: all, want: "was deleted, and that was not told"},
		"change missed":        {seen: []sighting{all[0], all[2]}, alive: true, want: "edition 2 was not told"},
		"end missed":           {seen: all[:2], alive: true, want: "the last word was edition 2"},
		"never told":           {alive: true, want: "never told of"},
		"whole life missed":    {want: "edition 1 was not told"},
		"version falls":        {seen: []sighting{see(added, 1, 5), see(updated, 2, 4), see(updated, 3, 6)}, alive: true, want: "resource version 4 after 5"},
		"change in the dark":   {seen: []sighting{all[0], all[2]}, alive: true, dark: dark(8, 12, 13)},
		"dark is over":         {seen: []sighting{all[0], all[2]}, alive: true, dark: dark(2, 5, 9), want: "edition 2 was not told"},
		"dark is later":        {seen: []sighting{all[0], all[2]}, alive: true, dark: dark(15, 16, 17), want: "edition 2 was not told"},
		"not heard of again":   {seen: []sighting{all[0], all[2]}, alive: true, dark: dark(2, 5)},
		"a life in the dark":   {dark: dark(-1, 40, 41)},
		"twice in the dark":    {seen: append(all[:3:3], see(updated, 3, 4)), alive: true, dark: dark(-1, 40, 41), want: "told twice"},
		"marked and unmarked":  {seen: append(all[:3:3], stale(see(updated, 3, 4)), see(updated, 3, 5)), alive: true},
		"ending":               {seen: append(all[:3:3], ending(see(updated, 3, 4)), ending(see(deleted, 3, 5)))},
		"ending twice":         {seen: append(all[:3:3], ending(see(updated, 3, 4)), ending(see(updated, 3, 5)), see(deleted, 3, 6)), want: "told twice"},
		"ending for nothing":   {seen: append(all[:3:3], ending(see(updated, 3, 4))), alive: true, want: "it was not"},
		"marked twice":         {seen: append(all[:3:3], stale(see(updated, 3, 4)), stale(see(updated, 3, 5)), see(updated, 3, 6)), alive: true, want: "told twice"},
		"marked to the end":    {seen: append(all[:3:3], stale(see(updated, 3, 4))), alive: true, want: "still marked"},
		"deletion in the dark": {seen: all, dark: dark(-1, 40, 41), want: "was deleted, and that was not told"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLedger()
			story(l, !c.alive)
			if c.dark != nil {
				c.dark(l)
			}
			for _, s := range c.seen {
				l.saw("u", s)
			}
			_, wrong := l.judge()
			switch got := strings.Join(wrong, "\n"); {
			case c.want == "" && got != "":
				t.Errorf("complains of nothing: %s", got)
			case !strings.Contains(got, c.want):
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestJudgeStrangers(t *testing.T) {
	t.Parallel()
	l := newLedger()
	l.saw("u", sighting{event: added, edition: 1, version: 1})
	if _, wrong := l.judge(); len(wrong) != 1 || !strings.Contains(wrong[0], "nobody made it") {
		t.Errorf("got %q", wrong)
	}
}

// A member counts as heard of again in a kind when something was told that was done after its failure.
func TestLight(t *testing.T) {
	t.Parallel()
	l := newLedger()
	d := l.darken("m1")
	l.lighten(d)
	for kind, uid := range map[string]types.UID{pods: "p", nodes: "n"} {
		if l.lit(d) {
			t.Fatalf("heard of before anything of %s was told", kind)
		}
		l.did(object{"m1", kind, "", "a"}, uid, deed{edition: 1, sent: d.over.Add(-time.Second)})
		l.saw(uid, sighting{event: added, edition: 1, at: d.over.Add(time.Second)})
		if l.lit(d) {
			t.Fatal("what was done before counts")
		}
		l.did(object{"m1", kind, "", "a"}, uid, deed{edition: 2, sent: d.over.Add(time.Second)})
		l.saw(uid, sighting{event: updated, edition: 2, at: d.over.Add(2 * time.Second)})
	}
	if !l.lit(d) {
		t.Errorf("not heard of: %v", d.lit)
	}
}

func TestDifferences(t *testing.T) {
	t.Parallel()
	a, b := object{"m1", pods, "ns", "a"}, object{"m1", pods, "ns", "b"}
	truth := map[object]held{a: {a, "1", 2, false}}
	for name, c := range map[string]struct {
		store map[object]held
		want  string
	}{
		"the same":        {store: map[object]held{a: {a, "1", 2, false}}},
		"lacks":           {store: map[object]held{}, want: "lacks"},
		"too many":        {store: map[object]held{a: {a, "1", 2, false}, b: {b, "2", 1, false}}, want: "its member does not"},
		"another edition": {store: map[object]held{a: {a, "1", 1, false}}, want: "the member"},
		"another object":  {store: map[object]held{a: {a, "2", 2, false}}, want: "the member"},
		"marked":          {store: map[object]held{a: {a, "1", 2, true}}, want: "the member"},
	} {
		if got := strings.Join(differences(c.store, truth), "\n"); (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]string{
		"--for 1m --members 2 --seed 7": "",
		"--members 0":                   "at least 1",
		"--pause 0s":                    "more than 0",
		"--for soon":                    "invalid value",
		"more":                          "unexpected argument",
	} {
		s, err := parse(strings.Fields(args))
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", args, err, want)
		}
		if want == "" && (s.seed != 7 || s.members != 2 || s.length != time.Minute) {
			t.Errorf("%s gives %+v", args, s)
		}
	}
}
