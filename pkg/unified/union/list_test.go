/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package union

import (
	"slices"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/internalversion"
)

func TestListUnites(t *testing.T) {
	t.Parallel()
	f := federate(t, "m1", "m2")
	f.hub.set("b", "stored", nil)
	f.cluster("m1").set("a", "x", nil)
	f.cluster("m1").set("b", "x", nil)
	f.cluster("m2").set("a", "x", nil)
	list := f.all(t)
	want := []string{"a/x.m1", "a/x.m2", "b/stored", "b/x.m1"}
	if got := podNames(list); !slices.Equal(got, want) {
		t.Fatalf("got %q, want %q", got, want)
	}
	latest := numberOf(t, list)
	for i := range list.Items {
		pod := &list.Items[i]
		if n := numberOf(t, pod); n < smallest || n > latest {
			t.Errorf("%s has number %d, the list %d", pod.Name, n, latest)
		}
		if stored := pod.Name == "stored"; stored != (len(pod.ManagedFields) > 0) {
			t.Errorf("%s has managed fields %v", pod.Name, pod.ManagedFields)
		}
	}
	list, _ = f.list(t, "b", Selection{Clusters: []string{"m1", "none"}}, internalversion.ListOptions{})
	if got := podNames(list); !slices.Equal(got, []string{"b/x.m1"}) {
		t.Errorf("in b and m1: %q", got)
	}
}
