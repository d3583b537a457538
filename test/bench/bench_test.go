/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package main

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
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
		"enough":          {atLeast(5), 5, true},
		"not enough":      {atLeast(5), 4.9, false},
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

func TestGoal(t *testing.T) {
	t.Parallel()
	b := newBoard()
	now := time.Now()
	moment := func() time.Time { now = now.Add(time.Second); return now }
	b.put(place{"m1", "a"}, &sighting{image: "old"}, moment())
	g := b.expect([]string{"a", "b"}, []string{"m1", "m2"}, runs("new"))
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for _, p := range []place{{"m1", "a"}, {"m2", "a"}, {"m1", "b"}} {
		b.put(p, &sighting{image: "new"}, moment())
	}
	b.put(place{"m1", "a"}, nil, moment()) // reached is reached
	select {
	case <-g.done:
		t.Fatal("done before the last one is there")
	default:
	}
	b.put(place{"m2", "b"}, &sighting{image: "new"}, moment())
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
	s, err := parse([]string{"--deployments", "7"})
	if err != nil || s.deployments != 7 || s.members != 3 || s.oneAtATime != 100 || s.replicas != 1 || s.json != "bench.json" || s.scale {
		t.Errorf("got %+v, %v", s, err)
	}
	for _, args := range [][]string{{"--members", "0"}, {"--replicas", "-1"}, {"--runs", "load"}, {"scale", "--runs", "full"}, {"stray"}} {
		if _, err := parse(args); err == nil {
			t.Errorf("%v is accepted", args)
		}
	}
}

func TestPlans(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		args []string
		want []string
	}{
		"bench":    {nil, benchRuns},
		"scale":    {[]string{"scale"}, scaleRuns},
		"selected": {[]string{"scale", "--runs", "idle,load"}, []string{"load", "idle"}},
	} {
		s, err := parse(c.args)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, p := range s.plans() {
			got = append(got, p.name)
			if s.scale && !p.fleet.Simulated || p.fleet.Simulated != strings.Contains(p.members, "simulated members") {
				t.Errorf("%s: the members of %s are not what is said of them", name, p.name)
			}
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestMedianAndPercentMore(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		values []float64
		want   float64
	}{"odd": {[]float64{3, 1, 2}, 2}, "even": {[]float64{4, 1, 2, 3}, 2.5}, "one": {[]float64{7}, 7}} {
		if got := median(c.values); got != c.want {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
	}
	if got := percentMore(30, 20); got != 50 {
		t.Errorf("30 is %v %% more than 20", got)
	}
}

func TestInsist(t *testing.T) {
	t.Parallel()
	resource := schema.GroupResource{Group: "apps", Resource: "deployments"}
	slow, exists := apierrors.NewTimeoutError("busy", 1), apierrors.NewAlreadyExists(resource, "a")
	store := &apierrors.StatusError{ErrStatus: metav1.Status{Code: 500, Message: "etcdserver: request timed out"}}
	for name, c := range map[string]struct {
		answers  []error
		repeated int64
		want     error
	}{
		"at once":              {[]error{nil}, 0, nil},
		"there before":         {[]error{exists}, 0, exists},
		"late, but done":       {[]error{slow, exists}, 1, nil},
		"late, and then done":  {[]error{store, nil}, 1, nil},
		"late, and then wrong": {[]error{slow, errWrong}, 1, errWrong},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			calls := 0
			repeated, err := insist(t.Context(), func() error { calls++; return c.answers[calls-1] })
			if repeated != c.repeated || !errors.Is(err, c.want) {
				t.Errorf("got %d, %v, want %d, %v", repeated, err, c.repeated, c.want)
			}
		})
	}
}

var errWrong = errors.New("wrong")
