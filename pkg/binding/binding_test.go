/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package binding

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"

	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
)

// The names are part of the wire format: clients look bindings up by them.
func TestName(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ template, kind, want string }{
		"lower case kind":           {"nginx", "Deployment", "nginx-deployment"},
		"colons become dots":        {"system:Foo", "ClusterRole", "system.foo-clusterrole"},
		"upper case in the name":    {"Foo", "Widget", "foo-widget"},
		"several colons":            {"a:b:c", "Role", "a.b.c-role"},
		"colons in a kind stay":     {"a", "b:c", "a-b:c"},
		"namespace as a template":   {"foo", "Namespace", "foo-namespace"},
		"a name that ends the same": {"nginx-deployment", "Deployment", "nginx-deployment-deployment"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := Name(tc.template, tc.kind); got != tc.want {
				t.Errorf("Name(%q, %q) = %q, want %q", tc.template, tc.kind, got, tc.want)
			}
			want := types.NamespacedName{Namespace: "ns", Name: tc.want}
			if got := KeyOf("ns", tc.template, tc.kind); got != want {
				t.Errorf("KeyOf = %v, want %v", got, want)
			}
		})
	}
}

func items(clusters ...string) (out []workv1alpha2.AggregatedStatusItem) {
	for _, c := range clusters {
		out = append(out, workv1alpha2.AggregatedStatusItem{ClusterName: c})
	}
	return out
}

func targets(clusters ...string) (out []workv1alpha2.TargetCluster) {
	for i, c := range clusters {
		out = append(out, workv1alpha2.TargetCluster{Name: c, Replicas: int32(i)})
	}
	return out
}

func TestClusters(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		spec, status []string
		want         []string
	}{
		"new":                               {want: []string{}},
		"targets only":                      {spec: []string{"b", "a"}, want: []string{"b", "a"}},
		"in both counts once":               {spec: []string{"a"}, status: []string{"a"}, want: []string{"a"}},
		"left in the status":                {spec: []string{"b"}, status: []string{"a", "b", "c"}, want: []string{"b", "a", "c"}},
		"no target, and a copy still":       {status: []string{"a"}, want: []string{"a"}},
		"a name that begins like another's": {spec: []string{"a"}, status: []string{"aa"}, want: []string{"a", "aa"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := &Binding{}
			b.Spec.Clusters, b.Status.AggregatedStatus = targets(tc.spec...), items(tc.status...)
			if diff := cmp.Diff(tc.want, Clusters(b)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestTarget(t *testing.T) {
	t.Parallel()
	b := &Binding{}
	b.Spec.Clusters, b.Status.AggregatedStatus = targets("a", "b"), items("c")
	if got := Target(b, "b"); got != &b.Spec.Clusters[1] {
		t.Errorf("Target(b) = %v, want the entry itself", got)
	}
	if got := Target(b, "c"); got != nil {
		t.Errorf("Target(c) = %v, but only the status lists it", got)
	}
}

// Both scopes are one to the controllers: what differs is the identity's label and the finalizer.
func TestScopes(t *testing.T) {
	t.Parallel()
	labels := map[string]string{
		workv1alpha2.ResourceBindingPermanentIDLabel:        "namespaced",
		workv1alpha2.ClusterResourceBindingPermanentIDLabel: "cluster-wide",
	}
	for _, tc := range []struct{ namespace, id, finalizer string }{
		{"ns", "namespaced", workv1alpha2.ResourceBindingFinalizer},
		{"", "cluster-wide", workv1alpha2.ClusterResourceBindingFinalizer},
	} {
		b := &Binding{ObjectMeta: metav1.ObjectMeta{Namespace: tc.namespace, Labels: labels}}
		if got := PermanentID(b); got != tc.id {
			t.Errorf("namespace %q: PermanentID = %q, want %q", tc.namespace, got, tc.id)
		}
		if got := Finalizer(tc.namespace); got != tc.finalizer {
			t.Errorf("namespace %q: Finalizer = %q, want %q", tc.namespace, got, tc.finalizer)
		}
	}
}

func TestView(t *testing.T) {
	t.Parallel()
	meta := metav1.ObjectMeta{Name: "x", UID: "u"}
	wide := &workv1alpha2.ClusterResourceBinding{ObjectMeta: meta}
	wide.Spec.Clusters, wide.Status.AggregatedStatus = targets("a"), items("b")
	b := view(cache.DeletedFinalStateUnknown{Key: "x", Obj: wide})
	if diff := cmp.Diff([]string{"a", "b"}, Clusters(b)); diff != "" {
		t.Errorf("a tombstone of a cluster-wide binding (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(wide, clusterWide(b)); diff != "" {
		t.Errorf("there and back (-want +got):\n%s", diff)
	}
}

func TestSuspended(t *testing.T) {
	t.Parallel()
	yes, no := true, false
	on := func(s *bool, clusters ...string) *workv1alpha2.Suspension {
		out := &workv1alpha2.Suspension{}
		out.Dispatching = s
		if clusters != nil {
			out.DispatchingOnClusters = suspendOn(clusters...)
		}
		return out
	}
	for name, tc := range map[string]struct {
		suspension *workv1alpha2.Suspension
		a, b       bool
	}{
		"nothing said":            {},
		"empty":                   {suspension: on(nil)},
		"everywhere":              {suspension: on(&yes), a: true, b: true},
		"explicitly not":          {suspension: on(&no)},
		"in one":                  {suspension: on(nil, "a"), a: true},
		"not, but in one":         {suspension: on(&no, "b"), b: true},
		"scheduling is no matter": {suspension: &workv1alpha2.Suspension{Scheduling: &yes}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := &Binding{}
			b.Spec.Suspension = tc.suspension
			got := fmt.Sprint(Suspended(b, "a"), Suspended(b, "b"))
			if want := fmt.Sprint(tc.a, tc.b); got != want {
				t.Errorf("suspended in a, b: %s, want %s", got, want)
			}
		})
	}
}
