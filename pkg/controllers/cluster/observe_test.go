/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package cluster

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	clusterv1alpha1 "github.com/manifold-k8s/manifold/apis/cluster/v1alpha1"
	"github.com/manifold-k8s/manifold/pkg/member"
)

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

var apis = []clusterv1alpha1.APIEnablement{
	{GroupVersion: "v1", Resources: []clusterv1alpha1.APIResource{{Name: "pods", Kind: "Pod"}}},
}

// up is the state of a member in best order, down of one that does not answer.
func up() member.State {
	return member.State{
		Reachable: true, Probed: true, Ready: true, Reason: clusterv1alpha1.ReasonClusterReady, Message: "ok",
		Version: "v1.36.3", APIs: apis, Complete: true,
		Nodes: &member.NodeSummary{Total: 3, Ready: 2, Allocatable: corev1.ResourceList{"cpu": resource.MustParse("8")}},
	}
}

func down() member.State {
	return member.State{Probed: true, Reason: clusterv1alpha1.ReasonClusterNotReachable, Message: "gone", Version: "v1.36.3"}
}

func fresh() *clusterv1alpha1.Cluster {
	return &clusterv1alpha1.Cluster{ObjectMeta: metav1.ObjectMeta{Name: "m1", Generation: 1}}
}

// observed is a cluster that was seen in those states, one hour after the other.
func observed(states ...member.State) *clusterv1alpha1.Cluster {
	c := fresh()
	for i, s := range states {
		observe(c, s, start.Add(time.Duration(i)*time.Hour), time.Time{})
	}
	return c
}

func tainted(c *clusterv1alpha1.Cluster) bool {
	return slices.ContainsFunc(c.Spec.Taints, func(t corev1.Taint) bool { return t.Key == clusterv1alpha1.TaintClusterNotReady })
}

func TestFirstObservation(t *testing.T) {
	t.Parallel()
	c := fresh()
	if hold := observe(c, up(), start, start); hold != 0 {
		t.Errorf("hold = %v: the first observation counts at once", hold)
	}
	now := metav1.NewTime(start)
	want := fresh()
	want.Finalizers = []string{clusterv1alpha1.ClusterFinalizer}
	want.Status.KubernetesVersion = "v1.36.3"
	want.Status.APIEnablements = apis
	want.Status.NodeSummary = &clusterv1alpha1.NodeSummary{TotalNum: 3, ReadyNum: 2}
	want.Status.ResourceSummary = &clusterv1alpha1.ResourceSummary{Allocatable: corev1.ResourceList{"cpu": resource.MustParse("8")}}
	want.Status.Conditions = []metav1.Condition{
		{Type: clusterv1alpha1.ClusterConditionReady, Status: metav1.ConditionTrue, Reason: clusterv1alpha1.ReasonClusterReady, Message: "ok", LastTransitionTime: now},
		{Type: clusterv1alpha1.ClusterConditionCompleteAPIEnablements, Status: metav1.ConditionTrue, Reason: clusterv1alpha1.ReasonAPIEnablementsComplete, Message: "all served kinds are known", LastTransitionTime: now},
	}
	if diff := cmp.Diff(want, c); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestReadyHolds(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		was, is member.State
		since   time.Duration // how long it has been so
		hold    time.Duration
		ready   metav1.ConditionStatus
		taint   bool
	}{
		"still up":                         {up(), up(), 0, 0, metav1.ConditionTrue, false},
		"down just now":                    {up(), down(), 0, 30 * time.Second, metav1.ConditionTrue, false},
		"down for a while":                 {up(), down(), 12 * time.Second, 18 * time.Second, metav1.ConditionTrue, false},
		"down a moment short of the limit": {up(), down(), 30*time.Second - 1, 1, metav1.ConditionTrue, false},
		"down for as long as that counts":  {up(), down(), 30 * time.Second, 0, metav1.ConditionFalse, true},
		"still down":                       {down(), down(), 0, 0, metav1.ConditionFalse, true},
		"back just now":                    {down(), up(), 0, 30 * time.Second, metav1.ConditionFalse, true},
		"back for good":                    {down(), up(), time.Minute, 0, metav1.ConditionTrue, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := observed(tc.was)
			now := start.Add(time.Hour)
			hold := observe(c, tc.is, now, now.Add(-tc.since))
			if hold != tc.hold {
				t.Errorf("hold = %v, want %v", hold, tc.hold)
			}
			if got := readyOf(c).Status; got != tc.ready {
				t.Errorf("Ready = %s, want %s", got, tc.ready)
			}
			if got := tainted(c); got != tc.taint {
				t.Errorf("tainted = %v, want %v", got, tc.taint)
			}
		})
	}
}

// While a change is held back, the reason stays that of the condition's status: a Ready that is True says why.
func TestHeldReadyKeepsItsReason(t *testing.T) {
	t.Parallel()
	c := observed(up())
	now := start.Add(time.Hour)
	observe(c, down(), now, now)
	if r := readyOf(c); r.Reason != clusterv1alpha1.ReasonClusterReady || r.Message != "ok" {
		t.Errorf("Ready = %+v", r)
	}
}

func TestTaint(t *testing.T) {
	t.Parallel()
	own := corev1.Taint{Key: "example.com/x", Effect: corev1.TaintEffectNoSchedule}
	evicts := corev1.Taint{Key: clusterv1alpha1.TaintClusterNotReady, Effect: corev1.TaintEffectNoExecute}
	now := metav1.NewTime(start)
	ours := corev1.Taint{Key: clusterv1alpha1.TaintClusterNotReady, Effect: corev1.TaintEffectNoSchedule, TimeAdded: &now}
	for name, tc := range map[string]struct {
		before []corev1.Taint
		state  member.State
		want   []corev1.Taint
	}{
		"ready":                        {nil, up(), nil},
		"not ready":                    {nil, down(), []corev1.Taint{ours}},
		"not ready beside others":      {[]corev1.Taint{own}, down(), []corev1.Taint{own, ours}},
		"already there":                {[]corev1.Taint{ours, own}, down(), []corev1.Taint{ours, own}},
		"ready again":                  {[]corev1.Taint{ours}, up(), nil},
		"ready again beside others":    {[]corev1.Taint{own, ours, evicts}, up(), []corev1.Taint{own, evicts}},
		"a user's of the same key":     {[]corev1.Taint{evicts}, up(), []corev1.Taint{evicts}},
		"a user's does not replace it": {[]corev1.Taint{evicts}, down(), []corev1.Taint{evicts, ours}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := fresh()
			c.Spec.Taints = slices.Clone(tc.before)
			observe(c, tc.state, start, time.Time{})
			if diff := cmp.Diff(tc.want, c.Spec.Taints); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestAPIs(t *testing.T) {
	t.Parallel()
	partial, unread, silent := up(), up(), down()
	partial.Complete = false
	unread.APIs, unread.Complete = nil, false
	for name, tc := range map[string]struct {
		states []member.State
		known  bool
		reason string // of the condition, empty without
	}{
		"complete":                    {[]member.State{up()}, true, clusterv1alpha1.ReasonAPIEnablementsComplete},
		"partial":                     {[]member.State{partial}, true, clusterv1alpha1.ReasonAPIEnablementsPartial},
		"not read yet":                {[]member.State{unread}, false, ""},
		"never reached":               {[]member.State{silent}, false, clusterv1alpha1.ReasonAPIEnablementsEmpty},
		"kept while away":             {[]member.State{up(), silent}, true, clusterv1alpha1.ReasonAPIEnablementsComplete},
		"kept until read anew":        {[]member.State{up(), unread}, true, clusterv1alpha1.ReasonAPIEnablementsComplete},
		"complete after partial":      {[]member.State{partial, up()}, true, clusterv1alpha1.ReasonAPIEnablementsComplete},
		"reached after it was not":    {[]member.State{silent, up()}, true, clusterv1alpha1.ReasonAPIEnablementsComplete},
		"a partial list while it was": {[]member.State{up(), partial}, true, clusterv1alpha1.ReasonAPIEnablementsPartial},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := observed(tc.states...)
			if got := len(c.Status.APIEnablements) > 0; got != tc.known {
				t.Errorf("known = %v, want %v", got, tc.known)
			}
			reason := ""
			if cond := meta.FindStatusCondition(c.Status.Conditions, clusterv1alpha1.ClusterConditionCompleteAPIEnablements); cond != nil {
				reason = cond.Reason
			}
			if reason != tc.reason {
				t.Errorf("reason %q, want %q", reason, tc.reason)
			}
		})
	}
}

// What is known of an absent member's size and version is kept, and so is what others wrote.
func TestKeptWhileAway(t *testing.T) {
	t.Parallel()
	c := observed(up())
	c.Finalizers = append(c.Finalizers, "example.com/f")
	c.Status.ResourceSummary.Allocated = corev1.ResourceList{"cpu": resource.MustParse("1")}
	before := c.DeepCopy()
	gone := down()
	gone.Version = ""
	observe(c, gone, start.Add(time.Hour), time.Time{})
	for name, pair := range map[string][2]any{
		"version":    {before.Status.KubernetesVersion, c.Status.KubernetesVersion},
		"nodes":      {before.Status.NodeSummary, c.Status.NodeSummary},
		"resources":  {before.Status.ResourceSummary, c.Status.ResourceSummary},
		"finalizers": {before.Finalizers, c.Finalizers},
	} {
		if diff := cmp.Diff(pair[0], pair[1]); diff != "" {
			t.Errorf("%s (-before +after):\n%s", name, diff)
		}
	}
	observe(c, up(), start.Add(2*time.Hour), time.Time{})
	if diff := cmp.Diff(before.Status.ResourceSummary.Allocated, c.Status.ResourceSummary.Allocated); diff != "" {
		t.Errorf("a new summary drops what others wrote:\n%s", diff)
	}
}

// The same observation twice is written once, and the member's state is not changed by it.
func TestObserveTwice(t *testing.T) {
	t.Parallel()
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 0))
		c := fresh()
		for step := range 5 {
			s := up()
			if r.IntN(2) == 0 {
				s = down()
			}
			if r.IntN(3) == 0 {
				s.Nodes, s.APIs = nil, nil
			}
			now := start.Add(time.Duration(step) * time.Minute)
			since := now.Add(-time.Duration(r.IntN(60)) * time.Second)
			observe(c, s, now, since)
			once := c.DeepCopy()
			observe(c, s, now, since)
			if !equality.Semantic.DeepEqual(once, c) {
				t.Fatalf("seed %d, step %d: %s", seed, step, cmp.Diff(once, c))
			}
			if ready := meta.IsStatusConditionTrue(c.Status.Conditions, clusterv1alpha1.ClusterConditionReady); ready == tainted(c) {
				t.Fatalf("seed %d, step %d: ready %v, tainted %v", seed, step, ready, tainted(c))
			}
		}
	}
	if diff := cmp.Diff(corev1.ResourceList{"cpu": resource.MustParse("8")}, up().Nodes.Allocatable); diff != "" {
		t.Error(diff)
	}
}
