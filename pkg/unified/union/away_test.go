/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package union

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/internalversion"
	"k8s.io/apimachinery/pkg/watch"
)

// Members that go away in each of the ways in which that happens: their objects stay, are marked once, and when they are back
// are unmarked once, and what changed meanwhile is told once.
func TestMemberAway(t *testing.T) {
	t.Parallel()
	for name, how := range map[string]mode{"refusing": refuse, "silent": hang, "denying": absent} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := federate(t, "m1", "m2")
			m1 := f.cluster("m1")
			m1.set("a", "same", nil)
			m1.set("a", "changed", nil)
			m1.set("a", "gone", nil)
			f.cluster("m2").set("a", "x", nil)
			w := f.watch(t, "", Selection{}, options(f.all(t).ResourceVersion))
			left := time.Now()
			m1.turn(how)
			expect(t, w, "MODIFIED a/same.m1 stale", "MODIFIED a/changed.m1 stale", "MODIFIED a/gone.m1 stale")

			began := time.Now()
			list, lags := f.list(t, "", Selection{}, internalversion.ListOptions{})
			if d := time.Since(began); d > f.cfg.Patience/2 {
				t.Errorf("a list waited %v for a member that is away", d)
			}
			if len(lags) != 1 || lags[0].Cluster != "m1" || lags[0].Missing || lags[0].Since.Before(left.Add(-10*time.Second)) || lags[0].Since.After(began) {
				t.Errorf("lags: %v", lags)
			}
			if got, want := podNames(list), []string{"a/changed.m1", "a/gone.m1", "a/same.m1", "a/x.m2"}; !slices.Equal(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
			if obj, lag, ok := f.Find("a", "same.m1"); !ok || lag == nil || lag.Missing || numberOf(t, obj) < smallest {
				t.Errorf("found %v, %v, %v", obj, lag, ok)
			}
			if _, lags := f.list(t, "", Selection{Clusters: []string{"m2"}}, internalversion.ListOptions{}); len(lags) > 0 {
				t.Errorf("of the other member: %v", lags)
			}

			m1.set("a", "changed", label("v", "2"))
			m1.remove("a", "gone")
			m1.compact()
			m1.turn(up)
			expectReturn(t, w)
			if list := f.all(t); len(list.Items) != 3 || list.Items[0].Annotations[staleAnnotation] != "" {
				t.Errorf("afterwards: %v", podNames(list))
			}
			f.cluster("m2").set("a", "y", nil)
			expect(t, w, "ADDED a/y.m2") // and nothing before it
		})
	}
}

// expectReturn reads what follows from the return of the member in TestMemberAway.
func expectReturn(t *testing.T, w watch.Interface) {

	t.Helper()
	counts := map[string]int{}
	for counts["MODIFIED a/same.m1"] == 0 || counts["MODIFIED a/changed.m1"] == 0 || counts["DELETED a/gone.m1"] == 0 && counts["DELETED a/gone.m1 stale"] == 0 {
		counts[told(next(t, w, fmt.Sprint(counts)))]++
	}
	if counts["MODIFIED a/same.m1"] != 1 || counts["MODIFIED a/changed.m1"] != 1 {
		t.Errorf("told %v", counts)
	}
	// A member whose list does not stream is known to be followed a moment later than its state: then what changed is told twice.
	if len(counts) > 3 {
		t.Errorf("told %v", counts)
	}
}

// A member that has never answered is missing from the list, which says so, and costs patience only at first.
func TestMemberNeverThere(t *testing.T) {
	t.Parallel()
	for name, how := range map[string]mode{"refusing": refuse, "silent": hang} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := federate(t, "m1", "m2")
			f.cluster("m1").set("a", "x", nil)
			f.cluster("m1").turn(how)
			f.cluster("m2").set("a", "x", nil)
			began := time.Now()
			list, lags := f.list(t, "", Selection{}, internalversion.ListOptions{})
			if d := time.Since(began); d > 2*f.cfg.Patience {
				t.Errorf("the list waited %v", d)
			}
			if len(lags) != 1 || lags[0].Cluster != "m1" || !lags[0].Missing || !lags[0].Since.IsZero() || len(list.Items) != 1 {
				t.Errorf("listed %q, lags %v", podNames(list), lags)
			}
			eventually(t, func() error {
				began := time.Now()
				f.list(t, "", Selection{}, internalversion.ListOptions{})
				if d := time.Since(began); d > f.cfg.Patience/3 {
					return fmt.Errorf("a list waited %v", d)
				}
				return nil
			})
			w := f.watch(t, "", Selection{}, options(list.ResourceVersion))
			f.cluster("m1").turn(up)
			expect(t, w, "ADDED a/x.m1")
			eventually(t, func() error {
				if _, lags := f.list(t, "", Selection{}, internalversion.ListOptions{}); len(lags) > 0 {
					return fmt.Errorf("lags: %v", lags)
				}
				return nil
			})
		})
	}
}

// A short interruption is not told at all.
func TestShortInterruption(t *testing.T) {
	t.Parallel()
	f := federateWith(t, func(_ *Config, p *pace) { p.away = 5 * time.Second }, "m1")
	m1 := f.cluster("m1")
	m1.set("a", "x", nil)
	w := f.watch(t, "", Selection{}, options(f.all(t).ResourceVersion))
	m1.turn(refuse)
	eventually(t, func() error {
		if _, lag, _ := f.Find("a", "x.m1"); lag == nil {
			return fmt.Errorf("it has not been noticed")
		}
		return nil
	})
	m1.turn(up)
	m1.set("a", "y", nil)
	expect(t, w, "ADDED a/y.m1")
}

func TestResourceNotServed(t *testing.T) {
	t.Parallel()
	f := federate(t, "m1")
	m1 := f.cluster("m1")
	m1.turn(absent)
	if list := f.all(t); len(list.Items) > 0 {
		t.Errorf("listed %q", podNames(list))
	}
	w := f.watch(t, "", Selection{}, options("0"))
	m1.turn(up)
	m1.set("a", "x", nil)
	expect(t, w, "ADDED a/x.m1")
}

// Without what is stored on the hub there is no answer: its objects would be taken for deleted.
func TestHubNotThere(t *testing.T) {
	t.Parallel()
	f := federate(t, "m1")
	f.hub.turn(refuse)
	if _, _, err := f.List(t.Context(), "", Selection{}, &internalversion.ListOptions{}); err == nil {
		t.Error("there is a list")
	}
	f.hub.turn(up)
	f.hub.set("a", "stored", nil)
	eventually(t, func() error {
		list, _, err := f.List(t.Context(), "", Selection{}, &internalversion.ListOptions{})
		if err == nil && numberOf(t, list) < smallest {
			t.Error("no number")
		}
		return err
	})
}
