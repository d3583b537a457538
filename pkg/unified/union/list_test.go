/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package union

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/internalversion"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/storage"
	"k8s.io/utils/ptr"
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

// Pages are of one state, whatever happens meanwhile.
func TestPages(t *testing.T) {
	t.Parallel()
	odd := Selection{Labels: labels.SelectorFromSet(labels.Set{"odd": "true"})}
	for name, c := range map[string]struct {
		namespace string
		sel       Selection
		limit     int
		want      int
		remaining bool
	}{
		"all":           {limit: 7, want: 50, remaining: true},
		"a page":        {limit: 50, want: 50, remaining: true},
		"a namespace":   {namespace: "b", limit: 10, want: 25, remaining: true},
		"a selector":    {sel: odd, limit: 5, want: 12},
		"a cluster":     {sel: Selection{Clusters: []string{"m2"}}, limit: 24, want: 25},
		"in other ones": {namespace: "b", sel: odd, limit: 5, want: 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := federate(t, "m1", "m2")
			m1, m2 := f.cluster("m1"), f.cluster("m2")
			for i := range 25 {
				n := "x" + strconv.Itoa(i)
				m1.set("a", n, label("odd", strconv.FormatBool(i%2 == 1)))
				m2.set("b", n, nil)
			}
			var got []string
			for o := (internalversion.ListOptions{Limit: int64(c.limit)}); ; {
				list, _ := f.list(t, c.namespace, c.sel, o)
				got = append(got, podNames(list)...)
				if o.Continue = list.Continue; o.Continue == "" {
					break
				}
				if len(list.Items) != c.limit {
					t.Fatalf("a page of %d", len(list.Items))
				}
				if r := list.RemainingItemCount; c.remaining != (r != nil) || r != nil && int(*r) != c.want-len(got) {
					t.Errorf("after %d of %d objects %d are said to remain", len(got), c.want, ptr.Deref(r, -1))
				}
				m1.set("a", "x3", nil)
				m2.set("b", "new"+strconv.Itoa(len(got)), nil)
				m2.remove("b", "x"+strconv.Itoa(len(got)%25))
				f.Wrote("m2", "b", "", strconv.FormatInt(m2.revision, 10))
			}
			if len(got) != c.want || !slices.IsSortedFunc(got, compareNames) {
				t.Errorf("%d objects, want %d: %q", len(got), c.want, got)
			}
		})
	}
}

func TestListAtResourceVersion(t *testing.T) {
	t.Parallel()
	f := federate(t, "m1")
	for i := range 3 {
		f.cluster("m1").set("a", strconv.Itoa(i), nil)
	}
	list := f.all(t)
	n := numberOf(t, list)
	future, foreign := strconv.FormatInt(n+1<<tagBits, 10), strconv.FormatInt(n^1, 10)
	first, _ := f.list(t, "", Selection{}, internalversion.ListOptions{Limit: 1})
	exact, atLeast := metav1.ResourceVersionMatchExact, metav1.ResourceVersionMatchNotOlderThan
	for name, c := range map[string]struct {
		o    internalversion.ListOptions
		want int
		err  func(error) bool
	}{
		"any":                    {internalversion.ListOptions{ResourceVersion: "0"}, 3, nil},
		"any is not paged":       {internalversion.ListOptions{ResourceVersion: "0", Limit: 1}, 3, nil},
		"at least":               {internalversion.ListOptions{ResourceVersion: list.ResourceVersion}, 3, nil},
		"at least, explicitly":   {internalversion.ListOptions{ResourceVersion: list.ResourceVersion, ResourceVersionMatch: atLeast, Limit: 2}, 2, nil},
		"at least a store's own": {internalversion.ListOptions{ResourceVersion: "101"}, 3, nil},
		"exactly":                {internalversion.ListOptions{ResourceVersion: list.ResourceVersion, ResourceVersionMatch: exact}, 3, nil},
		"exactly, as of old":     {internalversion.ListOptions{ResourceVersion: list.ResourceVersion, Limit: 2}, 2, nil},
		"at least the future":    {internalversion.ListOptions{ResourceVersion: future}, 0, storage.IsTooLargeResourceVersion},
		"exactly the future":     {internalversion.ListOptions{ResourceVersion: future, ResourceVersionMatch: exact}, 0, storage.IsTooLargeResourceVersion},
		"another process's":      {internalversion.ListOptions{ResourceVersion: foreign}, 0, apierrors.IsResourceExpired},
		"exactly another's":      {internalversion.ListOptions{ResourceVersion: foreign, ResourceVersionMatch: exact}, 0, apierrors.IsResourceExpired},
		"exactly a store's own":  {internalversion.ListOptions{ResourceVersion: "101", ResourceVersionMatch: exact}, 0, apierrors.IsResourceExpired},
		"no version":             {internalversion.ListOptions{ResourceVersion: "x"}, 0, apierrors.IsBadRequest},
		"no match":               {internalversion.ListOptions{ResourceVersion: "0", ResourceVersionMatch: "x"}, 0, apierrors.IsInvalid},
		"exactly nothing":        {internalversion.ListOptions{ResourceVersionMatch: exact}, 0, apierrors.IsInvalid},
		"no token":               {internalversion.ListOptions{Continue: "x"}, 0, apierrors.IsBadRequest},
		"token and version":      {internalversion.ListOptions{Continue: first.Continue, ResourceVersion: list.ResourceVersion}, 0, apierrors.IsBadRequest},
		"token":                  {internalversion.ListOptions{Continue: first.Continue}, 2, nil},
	} {
		got, _, err := f.List(t.Context(), "", Selection{}, &c.o)
		switch {
		case c.err != nil && !c.err(err):
			t.Errorf("%s: %v", name, err)
		case c.err == nil && err != nil:
			t.Errorf("%s: %v", name, err)
		case c.err == nil && len(got.(*corev1.PodList).Items) != c.want:
			t.Errorf("%s: %q", name, podNames(got.(*corev1.PodList)))
		}
	}
}

// A state that is not kept any more can be gone on from all the same.
func TestExpiredPage(t *testing.T) {
	t.Parallel()
	f := federateWith(t, func(c *Config, p *pace) { p.snapshot, c.Idle = time.Nanosecond, time.Minute }, "m1")
	for i := range 3 {
		f.cluster("m1").set("a", strconv.Itoa(i), nil)
	}
	first, _ := f.list(t, "", Selection{}, internalversion.ListOptions{Limit: 1})
	f.cluster("m1").set("a", "3", nil)
	f.Wrote("m1", "a", "3.m1", strconv.FormatInt(f.cluster("m1").revision, 10))
	f.all(t)
	f.tidy()
	_, _, err := f.List(t.Context(), "", Selection{}, &internalversion.ListOptions{Limit: 1, Continue: first.Continue})
	var status apierrors.APIStatus
	if !apierrors.IsResourceExpired(err) || !errors.As(err, &status) {
		t.Fatal(err)
	}
	rest, _ := f.list(t, "", Selection{}, internalversion.ListOptions{Continue: status.Status().ListMeta.Continue})
	if got := podNames(rest); !slices.Equal(got, []string{"a/1.m1", "a/2.m1", "a/3.m1"}) {
		t.Errorf("the rest is %q", got)
	}
}

// The first list of a member that has much to tell is waited for as long as it is coming in.
func TestListWaitsForWhatIsComing(t *testing.T) {
	t.Parallel()
	const pods = 20
	f := federateWith(t, func(c *Config, _ *pace) {
		present := c.Present
		c.Present = func(cluster string, obj runtime.Object) error {
			time.Sleep(c.Patience / 5) // what it takes to read something large
			return present(cluster, obj)
		}
	}, "m1")
	for i := range pods {
		f.cluster("m1").set("a", fmt.Sprint("p", i), nil)
	}
	list, lags := f.list(t, "", Selection{}, internalversion.ListOptions{})
	if len(lags) > 0 || len(list.Items) != pods {
		t.Errorf("%d of %d pods are there; lags: %v", len(list.Items), pods, lags)
	}
}
