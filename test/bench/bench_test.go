/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package main

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestPercentile(t *testing.T) {
	t.Parallel()
	var hundred []time.Duration
	for i := range 100 {
		hundred = append(hundred, time.Duration(100-i)) // 100 down to 1
	}
	for name, c := range map[string]struct {
		values []time.Duration
		p      float64
		want   time.Duration
	}{
		"median of a hundred": {hundred, 50, 50},
		"p99 of a hundred":    {hundred, 99, 99},
		"p99 of few":          {[]time.Duration{3, 1, 2}, 99, 3},
		"median of an odd":    {[]time.Duration{3, 1, 2}, 50, 2},
		"one":                 {[]time.Duration{7}, 50, 7},
	} {
		if got := percentile(c.values, c.p); got != c.want {
			t.Errorf("%s: got %d, want %d", name, got, c.want)
		}
	}
}

func TestLimit(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		limit *limit
		value float64
		want  bool
	}{
		"below":           {below(5), 4.9, true},
		"not below":       {below(5), 5, false},
		"at most, equal":  {atMost(5), 5, true},
		"at most, beyond": {atMost(5), 5.01, false},
		"nothing allowed": {atMost(0), 1, false},
	} {
		if got := c.limit.holds(c.value); got != c.want {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
	}
}

func TestNumber(t *testing.T) {
	t.Parallel()
	for value, want := range map[float64]string{0: "0", 0.0312: "0.031", 3.456: "3.46", 62.14: "62.1", 303.4: "303", 12345: "12345", -2.5: "-2.50"} {
		if got := number(value); got != want {
			t.Errorf("%v: got %s, want %s", value, got, want)
		}
	}
}

// The figures are compared with the kernel's own unit, so the place of the fields matters, whatever the name holds.
func TestParseStat(t *testing.T) {
	t.Parallel()
	const stat = "42 (a ) name) S 1 42 42 0 -1 4194560 900 0 0 0 150 50 7 7 20 0 9 0 123 1000 2000"
	if got, want := parseStat(stat), 2*time.Second; got != want {
		t.Errorf("process: got %v, want %v", got, want)
	}
	const machine = "cpu  100 10 50 9999 8888 5 5 30 777 777\ncpu0 1 1 1 1"
	if got, want := parseMachineStat(machine), 2*time.Second; got != want {
		t.Errorf("machine: got %v, want %v", got, want)
	}
}

func TestOwnProcess(t *testing.T) {
	t.Parallel()
	if mib, err := rssOf(os.Getpid()); err != nil || mib < 1 {
		t.Errorf("resident memory of this process is %v MiB, %v", mib, err)
	}
	for begin := time.Now(); cpuOf(os.Getpid()) == 0; { // works until it shows
		if time.Since(begin) > 10*time.Second {
			t.Fatal("this process uses no processor time")
		}
	}
}

func TestGoal(t *testing.T) {
	t.Parallel()
	b := newBoard()
	b.put(place{"m1", "a"}, &sighting{image: "old"})
	g := b.expect([]string{"a", "b"}, []string{"m1", "m2"}, runs("new"))
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for _, p := range []place{{"m1", "a"}, {"m2", "a"}, {"m1", "b"}} {
		b.put(p, &sighting{image: "new"})
	}
	b.put(place{"m1", "a"}, nil) // reached is reached
	select {
	case <-g.done:
		t.Fatal("done before the last one is there")
	default:
	}
	b.put(place{"m2", "b"}, &sighting{image: "new"})
	if err := g.wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !g.last().Equal(g.at["b"]) || !g.at["a"].Before(g.at["b"]) {
		t.Errorf("moments are wrong: %v, last %v", g.at, g.last())
	}

	never := b.expect([]string{"a"}, []string{"m1", "m2"}, visible)
	err := never.wait(cancelled)
	if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "1 are not there yet, of which m1/a") {
		t.Errorf("error does not say what is missing: %v", err)
	}
	at := b.expect([]string{"a"}, []string{"m1"}, gone)
	if err := at.wait(t.Context()); err != nil {
		t.Errorf("what is so already: %v", err)
	}
	if len(b.goals) != 0 {
		t.Errorf("%d goals are left", len(b.goals))
	}
}

func TestResourceOf(t *testing.T) {
	t.Parallel()
	for key, want := range map[string]string{
		"deployments/bench/a": "deployments",
		"work.karmada.io/resourcebindings/bench/a-deployment": "work.karmada.io/resourcebindings",
		"namespaces/bench": "namespaces",
	} {
		if got := resourceOf(key); got != want {
			t.Errorf("%s: got %s, want %s", key, got, want)
		}
	}
}

func TestChangedFields(t *testing.T) {
	t.Parallel()
	before := map[string]any{
		"metadata": map[string]any{"name": "a", "managedFields": []any{"x"}, "labels": map[string]any{"a": "b"}},
		"spec":     map[string]any{"replicas": int64(1)},
		"data":     "same",
	}
	now := map[string]any{
		"metadata": map[string]any{"name": "a", "managedFields": []any{"y"}},
		"spec":     map[string]any{"replicas": int64(2)},
		"data":     "same",
		"status":   map[string]any{"replicas": int64(1)},
	}
	want := []string{"metadata.labels", "spec.replicas", "status.replicas"}
	if diff := cmp.Diff(want, changedFields(before, now)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	s, err := parse([]string{"--deployments", "7", "--keep"})
	if err != nil || s.deployments != 7 || !s.keep || s.members != 3 || s.oneAtATime != 100 || s.replicas != 1 || s.json != "bench.json" {
		t.Errorf("got %+v, %v", s, err)
	}
	for _, args := range [][]string{{"--members", "0"}, {"--replicas", "-1"}, {"stray"}} {
		if _, err := parse(args); err == nil {
			t.Errorf("%v is accepted", args)
		}
	}
}
