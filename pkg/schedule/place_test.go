/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package schedule

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	clusterv1alpha1 "github.com/manifold-k8s/manifold/apis/cluster/v1alpha1"
	policyv1alpha1 "github.com/manifold-k8s/manifold/apis/policy/v1alpha1"
	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
)

func tainted(taints ...corev1.Taint) func(*clusterv1alpha1.Cluster) {
	return func(c *clusterv1alpha1.Cluster) { c.Spec.Taints = taints }
}

func deleting(c *clusterv1alpha1.Cluster) {
	c.DeletionTimestamp = &metav1.Time{Time: time.Unix(1, 0)}
}

func withoutAPIs(complete metav1.ConditionStatus) func(*clusterv1alpha1.Cluster) {
	return func(c *clusterv1alpha1.Cluster) {
		c.Status.APIEnablements = c.Status.APIEnablements[1:]
		c.Status.Conditions[0].Status = complete
	}
}

var noSchedule = corev1.Taint{Key: "gpu", Value: "yes", Effect: corev1.TaintEffectNoSchedule}

func TestFilter(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		cluster   *clusterv1alpha1.Cluster
		placement policyv1alpha1.Placement
		evicting  []string
		want      string // the reason if A is no target now; empty if it becomes one
		present   string // the reason if A is a target already; empty if it stays
	}{
		"fits":           {cluster: member("A")},
		"being deleted":  {cluster: member("A", deleting), want: "the cluster is being deleted", present: "the cluster is being deleted"},
		"evicted":        {cluster: member("A"), evicting: []string{"A"}, want: "the template is being evicted from it", present: "the template is being evicted from it"},
		"API missing":    {cluster: member("A", withoutAPIs(metav1.ConditionTrue)), want: "does not serve apps/v1 Deployment"},
		"API unknown":    {cluster: member("A", withoutAPIs(metav1.ConditionFalse)), want: "not known to serve apps/v1 Deployment: the list of its APIs is not complete"},
		"tainted":        {cluster: member("A", tainted(noSchedule)), want: "untolerated taint gpu=yes:NoSchedule"},
		"prefers not to": {cluster: member("A", tainted(corev1.Taint{Key: "gpu", Effect: corev1.TaintEffectPreferNoSchedule}))},
		"tolerated by key and value": {cluster: member("A", tainted(noSchedule)), placement: policyv1alpha1.Placement{
			ClusterTolerations: []corev1.Toleration{{Key: "gpu", Value: "yes"}},
		}},
		"tolerated by existence of anything": {cluster: member("A", tainted(noSchedule)), placement: policyv1alpha1.Placement{
			ClusterTolerations: []corev1.Toleration{{Operator: corev1.TolerationOpExists}},
		}},
		"another value tolerated": {cluster: member("A", tainted(noSchedule)), placement: policyv1alpha1.Placement{
			ClusterTolerations: []corev1.Toleration{{Key: "gpu", Operator: corev1.TolerationOpEqual, Value: "no"}},
		}, want: "untolerated taint gpu=yes:NoSchedule"},
		"another effect tolerated": {cluster: member("A", tainted(noSchedule)), placement: policyv1alpha1.Placement{
			ClusterTolerations: []corev1.Toleration{{Key: "gpu", Operator: corev1.TolerationOpExists, Effect: corev1.TaintEffectNoExecute}},
		}, want: "untolerated taint gpu=yes:NoSchedule"},
		"all that speaks against it, in order": {
			cluster:  member("A", withoutAPIs(metav1.ConditionTrue), tainted(noSchedule, corev1.Taint{Key: "down", Effect: corev1.TaintEffectNoExecute})),
			evicting: []string{"A"},
			want:     "the template is being evicted from it; does not serve apps/v1 Deployment; untolerated taint gpu=yes:NoSchedule; untolerated taint down:NoExecute",
			present:  "the template is being evicted from it",
		},
		"not selected, which is all there is to say": {
			cluster:   member("A", withoutAPIs(metav1.ConditionTrue), tainted(noSchedule)),
			placement: policyv1alpha1.Placement{ClusterAffinity: &policyv1alpha1.ClusterAffinity{ExcludeClusters: []string{"A"}}},
			want:      "excluded by name", present: "excluded by name",
		},
		"no region": {
			cluster:   member("A"),
			placement: policyv1alpha1.Placement{SpreadConstraints: []policyv1alpha1.SpreadConstraint{by("cluster", 1, 1), by("region", 1, 1)}},
			want:      "has no region, by which the template is spread", present: "has no region, by which the template is spread",
		},
	}
	for name, tc := range tests {
		for what, reason := range map[string]string{"": tc.want, "A2": tc.present} {
			t.Run(name+"/previous "+what, func(t *testing.T) {
				t.Parallel()
				req := deployment(2, tc.placement)
				req.Evicting, req.Previous = tc.evicting, counts(what).targets(t)
				v := verdictOn(t, Place(req, []*clusterv1alpha1.Cluster{tc.cluster}), "A")
				if v.Kept != (reason == "") {
					t.Errorf("kept: %v, with reason %q", v.Kept, v.Reason)
				}
				if !v.Kept && v.Reason != reason {
					t.Errorf("got reason %q, want %q", v.Reason, reason)
				}
			})
		}
	}
}

func TestNoClusterFits(t *testing.T) {
	t.Parallel()
	req := deployment(2, policyv1alpha1.Placement{ClusterAffinity: &policyv1alpha1.ClusterAffinity{
		ClusterNames: []string{"A", "Z"},
	}})
	req.Previous = counts("B1 C1").targets(t)
	clusters := append(members("B", "C", "D", "E"), member("A", tainted(noSchedule)))
	d := Place(req, clusters)
	if d.Reason != workv1alpha2.BindingReasonNoClusterFit || len(d.Targets) > 0 {
		t.Errorf("got %s with %v", d.Reason, d.Targets)
	}
	want := "0/5 clusters are available: 4 not in clusterNames (B, C, D and 1 more), 1 untolerated taint gpu=yes:NoSchedule (A)" +
		"; no longer selected and withdrawn from B, C"
	if d.Message != want {
		t.Errorf("got message %q, want %q", d.Message, want)
	}
	if d := Place(deployment(1, policyv1alpha1.Placement{}), nil); d.Message != "no cluster exists" {
		t.Errorf("got message %q", d.Message)
	}
}

func group(name string, clusters ...string) policyv1alpha1.ClusterAffinityTerm {
	return policyv1alpha1.ClusterAffinityTerm{
		AffinityName: name, ClusterAffinity: policyv1alpha1.ClusterAffinity{ClusterNames: clusters},
	}
}

func TestAffinityGroups(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		groups   []policyv1alpha1.ClusterAffinityTerm
		free     counts
		observed string
		fresh    bool
		previous counts
		want     counts
		affinity string
		message  string
	}{
		"the first that fits": {
			groups: []policyv1alpha1.ClusterAffinityTerm{group("x", "A"), group("y", "B"), group("z", "C")},
			free:   "A1 B5 C9", want: "B4", affinity: "y",
			message: `4 replicas in 1 cluster of affinity group "y"; group "x": room for 1 replica in 1 cluster, 4 wanted`,
		},
		"never back": {
			groups: []policyv1alpha1.ClusterAffinityTerm{group("x", "A"), group("y", "B")},
			free:   "A9 B5", observed: "y", previous: "B4", want: "B4", affinity: "y",
			message: `4 replicas in 1 cluster of affinity group "y"`,
		},
		"back when asked to": {
			groups: []policyv1alpha1.ClusterAffinityTerm{group("x", "A"), group("y", "B")},
			free:   "A9 B5", observed: "y", previous: "B4", fresh: true, want: "A4", affinity: "x",
			message: `4 replicas in 1 cluster of affinity group "x"`,
		},
		"from the start when the group is gone": {
			groups: []policyv1alpha1.ClusterAffinityTerm{group("x", "A"), group("y", "B")},
			free:   "A9 B5", observed: "w", want: "A4", affinity: "x",
			message: `4 replicas in 1 cluster of affinity group "x"`,
		},
		"none: what is there stays": {
			groups: []policyv1alpha1.ClusterAffinityTerm{group("x", "X"), group("y", "B")},
			free:   "A9 B1", observed: "", previous: "A1 B2", want: "B2", affinity: "",
			message: `group "x": 0/2 clusters are available: 2 not in affinity group "x": not in clusterNames (A, B); ` +
				`group "y": room for 1 more replica in 1 cluster, 2 wanted; no longer selected and withdrawn from A`,
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			req := deployment(4, policyv1alpha1.Placement{ClusterAffinities: tc.groups, ReplicaScheduling: dynamic()})
			req.Available, req.Previous = tc.free.numbers(t), tc.previous.targets(t)
			req.ObservedAffinity, req.Fresh = tc.observed, tc.fresh
			var names []string
			tc.free.each(t, func(name string, _ int32) { names = append(names, name) })
			d := Place(req, members(names...))
			if got := countsOf(d.Targets); got != tc.want || d.Affinity != tc.affinity {
				t.Errorf("got %q in group %q, want %q in %q", got, d.Affinity, tc.want, tc.affinity)
			}
			if diff := cmp.Diff(tc.message, d.Message); diff != "" {
				t.Errorf("message (-want +got):\n%s", diff)
			}
		})
	}
}

func TestOverflow(t *testing.T) {
	t.Parallel()
	term := group("home", "A", "B")
	term.OverflowAffinities = []policyv1alpha1.OverflowAffinity{
		{AffinityName: "cloud", ClusterAffinity: policyv1alpha1.ClusterAffinity{ClusterNames: []string{"B", "C"}}},
		{AffinityName: "far"},
	}
	tests := map[string]struct {
		replicas int32
		free     counts
		previous counts
		fresh    bool
		want     counts
		reason   string
	}{
		"all at home":                      {6, "A4 B4 C9 D9", "", false, "A3 B3", "Success"},
		"home is full":                     {10, "A4 B4 C9 D9", "", false, "A4 B4 C2", "Success"},
		"the first overflow is full":       {18, "A4 B4 C9 D9", "", false, "A4 B4 C9 D1", "Success"},
		"everything is full":               {30, "A4 B4 C9 D9", "", false, "", "Unschedulable"},
		"less is taken from overflow":      {7, "A0 B0 C9 D9", "A4 B4 C2", false, "A4 B3", "Success"},
		"room at home moves nothing back":  {10, "A4 B4 C7 D9", "A2 B2 C6", false, "A2 B2 C6", "Success"},
		"a rebalance does":                 {10, "A4 B4 C7 D9", "A2 B2 C6", true, "A5 B5", "Success"},
		"more goes home if there is room":  {12, "A1 B1 C7 D9", "A2 B2 C6", false, "A3 B3 C6", "Success"},
		"more goes on when there is none":  {13, "A0 B1 C1 D9", "A2 B2 C6", false, "A2 B3 C7 D1", "Success"},
		"overflow is not touched at zero":  {0, "A4 B4 C9 D9", "A2", false, "A0", "Success"},
		"home has nothing, overflow helps": {3, "A0 B0 C9 D9", "", false, "C3", "Success"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			req := deployment(tc.replicas, policyv1alpha1.Placement{
				ClusterAffinities: []policyv1alpha1.ClusterAffinityTerm{term}, ReplicaScheduling: dynamic(),
			})
			req.Available, req.Previous, req.Fresh = tc.free.numbers(t), tc.previous.targets(t), tc.fresh
			d := Place(req, members("A", "B", "C", "D"))
			if got := countsOf(d.Targets); got != tc.want || d.Reason != tc.reason {
				t.Errorf("got %q (%s: %s), want %q (%s)", got, d.Reason, d.Message, tc.want, tc.reason)
			}
		})
	}
}
