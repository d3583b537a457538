/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package placement

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	clusterv1alpha1 "github.com/manifold-k8s/manifold/apis/cluster/v1alpha1"
	policyv1alpha1 "github.com/manifold-k8s/manifold/apis/policy/v1alpha1"
	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
	"github.com/manifold-k8s/manifold/pkg/binding"
	"github.com/manifold-k8s/manifold/pkg/schedule"
)

func sameSpec(a, b *binding.Binding) bool { return equality.Semantic.DeepEqual(a.Spec, b.Spec) }

func TestFirstPlacement(t *testing.T) {
	t.Parallel()
	tmpl := deployment(3)
	next, d := Decide(Input{Template: tmpl, Governor: governed(divided), Clusters: clusters("m1", "m2", "m3"), Now: start})
	if !d.Scheduled || d.Result.Reason != workv1alpha2.BindingReasonSuccess {
		t.Fatalf("decision = %+v", d)
	}
	yes := true
	now := metav1.NewTime(start)
	want := &binding.Binding{}
	want.Namespace, want.Name = "ns", "web-deployment"
	want.Labels = map[string]string{policyv1alpha1.PropagationPolicyPermanentIDLabel: "pid"}
	want.Annotations = map[string]string{
		policyv1alpha1.PropagationPolicyNamespaceAnnotation: "ns", policyv1alpha1.PropagationPolicyNameAnnotation: "p",
		policyv1alpha1.AppliedPlacementAnnotation: encode(&divided),
	}
	want.Finalizers = []string{workv1alpha2.ResourceBindingFinalizer}
	want.OwnerReferences = []metav1.OwnerReference{{
		APIVersion: "apps/v1", Kind: "Deployment", Name: "web", UID: "u1", Controller: &yes, BlockOwnerDeletion: &yes,
	}}
	want.Spec.Resource = workv1alpha2.ObjectReference{
		APIVersion: "apps/v1", Kind: "Deployment", Namespace: "ns", Name: "web", UID: "u1", ResourceVersion: "7",
	}
	want.Spec.Replicas, want.Spec.ReplicaRequirements = 3, next.Spec.ReplicaRequirements
	want.Spec.Placement = divided.DeepCopy()
	want.Spec.SchedulerName, want.Spec.ConflictResolution = policyv1alpha1.DefaultSchedulerName, policyv1alpha1.ConflictAbort
	want.Spec.Clusters = []workv1alpha2.TargetCluster{{Name: "m1", Replicas: 1}, {Name: "m2", Replicas: 1}, {Name: "m3", Replicas: 1}}
	want.Status.SchedulerObservedGeneration, want.Status.LastScheduledTime = 1, &now
	want.Status.Conditions = []metav1.Condition{{
		Type: workv1alpha2.Scheduled, Status: metav1.ConditionTrue, Reason: workv1alpha2.BindingReasonSuccess,
		Message: "3 replicas in 3 clusters", LastTransitionTime: now, ObservedGeneration: 1,
	}}
	if diff := cmp.Diff(want, next); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if next.Spec.ReplicaRequirements == nil {
		t.Error("the requirements of a replica are missing")
	}
}

// Without a reason to change, a decision equals what is stored, so that nothing is written.
func TestNothingNew(t *testing.T) {
	t.Parallel()
	for name, in := range map[string]Input{
		"duplicated":         {Template: deployment(3), Governor: governed(duplicated), Clusters: clusters("m1", "m2")},
		"divided":            {Template: deployment(3), Governor: governed(divided), Clusters: clusters("m1", "m2")},
		"scaled to nothing":  {Template: deployment(0), Governor: governed(divided), Clusters: clusters("m1", "m2")},
		"no cluster":         {Template: deployment(3), Governor: governed(divided)},
		"none fits":          {Template: deployment(3), Governor: governed(policyv1alpha1.Placement{ClusterAffinity: only("x")}), Clusters: clusters("m1")},
		"a namespace":        {Template: namespace("n", nil), Governor: Governor{Namespace: true}, Clusters: clusters("m1", "m2")},
		"without a workload": {Template: configMap(), Governor: governed(divided), Clusters: clusters("m1")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			old, next, _ := place(in, func(in *Input) {
				in.Template = in.Template.DeepCopy()
				in.Template.SetResourceVersion("99") // somebody wrote a label, or the status
			})
			if diff := cmp.Diff(old, next); diff != "" {
				t.Errorf("would be written (-stored +decided):\n%s", diff)
			}
		})
	}
}

func configMap() *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "ConfigMap",
		"metadata": map[string]any{"name": "c", "namespace": "ns", "uid": "u2", "resourceVersion": "1"},
	}}
}

func TestChanges(t *testing.T) {
	t.Parallel()
	with := func(names ...string) func(*Input) {
		return func(in *Input) { in.Clusters = clusters(names...) }
	}
	scaled := func(n int64) func(*Input) { return func(in *Input) { in.Template = deployment(n) } }
	policy := func(p policyv1alpha1.Placement) func(*Input) { return func(in *Input) { in.Governor = governed(p) } }
	dividedIn := func(names ...string) policyv1alpha1.Placement {
		p := *divided.DeepCopy()
		p.ClusterAffinity = only(names...)
		return p
	}
	triggered := func(in *Input) {
		in.Old = in.Old.DeepCopy()
		in.Old.Spec.RescheduleTriggeredAt = &metav1.Time{Time: in.Now.Add(-time.Minute)}
		in.Old.Generation++
	}
	for name, tc := range map[string]struct {
		first policyv1alpha1.Placement
		n     int64
		in    []string
		then  []func(*Input)
		want  string
		left  []string // still in the status
		same  bool     // nothing is written
	}{
		"duplicated follows a new cluster":          {first: duplicated, n: 2, in: []string{"m1"}, then: []func(*Input){with("m1", "m2")}, want: "m1=2 m2=2 "},
		"duplicated follows one that has gone":      {first: duplicated, n: 2, in: []string{"m1", "m2"}, then: []func(*Input){with("m1")}, want: "m1=2 ", left: []string{"m2"}},
		"duplicated follows scaling":                {first: duplicated, n: 2, in: []string{"m1", "m2"}, then: []func(*Input){scaled(5)}, want: "m1=5 m2=5 "},
		"divided does not move to a new cluster":    {first: divided, n: 4, in: []string{"m1", "m2"}, then: []func(*Input){with("m1", "m2", "m3")}, want: "m1=2 m2=2 ", same: true},
		"divided makes up for one that has gone":    {first: divided, n: 4, in: []string{"m1", "m2"}, then: []func(*Input){with("m1", "m3")}, want: "m1=2 m3=2 ", left: []string{"m2"}},
		"divided leaves a cluster under deletion":   {first: divided, n: 4, in: []string{"m1", "m2"}, then: []func(*Input){func(in *Input) { deleting(in.Clusters[0]) }}, want: "m2=4 ", left: []string{"m1"}},
		"divided follows scaling":                   {first: divided, n: 4, in: []string{"m1", "m2"}, then: []func(*Input){scaled(6)}, want: "m1=3 m2=3 "},
		"divided follows the policy":                {first: divided, n: 4, in: []string{"m1", "m2"}, then: []func(*Input){policy(dividedIn("m2"))}, want: "m2=4 ", left: []string{"m1"}},
		"divided to duplicated":                     {first: divided, n: 4, in: []string{"m1", "m2"}, then: []func(*Input){policy(duplicated)}, want: "m1=4 m2=4 "},
		"a taint turns nothing out":                 {first: duplicated, n: 2, in: []string{"m1", "m2"}, then: []func(*Input){func(in *Input) { taint(in.Clusters[0]) }}, want: "m1=2 m2=2 ", same: true},
		"no cluster left":                           {first: divided, n: 2, in: []string{"m1"}, then: []func(*Input){with()}, want: "", left: []string{"m1"}},
		"gone and back before its copy was removed": {first: duplicated, n: 2, in: []string{"m1", "m2"}, then: []func(*Input){with("m1"), with("m1", "m2")}, want: "m1=2 m2=2 ", left: []string{"m2"}},
		"rebalanced on request":                     {first: divided, n: 4, in: []string{"m1"}, then: []func(*Input){with("m1", "m2"), triggered}, want: "m1=2 m2=2 "},
		"rebalanced only once":                      {first: divided, n: 4, in: []string{"m1"}, then: []func(*Input){triggered, with("m1", "m2")}, want: "m1=4 ", same: true},
		"a failure keeps what fits the policy still": {
			first: divided, n: 4, in: []string{"m1", "m2"},
			then: []func(*Input){policy(tooFew())}, want: "m1=2 m2=2 ",
		},
		"a failure withdraws from what the policy excludes": {
			first: divided, n: 4, in: []string{"m1", "m2"}, then: []func(*Input){policy(dividedIn("x"))}, want: "", left: []string{"m1", "m2"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := Input{Template: deployment(tc.n), Governor: governed(tc.first), Clusters: clusters(tc.in...)}
			old, next, _ := place(in, tc.then...)
			if got := shares(next); got != tc.want {
				t.Errorf("targets %q, want %q", got, tc.want)
			}
			var left []string
			for _, i := range next.Status.AggregatedStatus {
				left = append(left, i.ClusterName)
			}
			if diff := cmp.Diff(tc.left, left); diff != "" {
				t.Errorf("in the status (-want +got):\n%s", diff)
			}
			if same := equality.Semantic.DeepEqual(old, next); same != tc.same {
				t.Errorf("nothing to write: %v, want %v\n%s", same, tc.same, cmp.Diff(old, next))
			}
		})
	}
}

func taint(c *clusterv1alpha1.Cluster) {
	c.Spec.Taints = []corev1.Taint{{Key: clusterv1alpha1.TaintClusterNotReady, Effect: corev1.TaintEffectNoSchedule}}
}

// tooFew asks for more clusters than there are.
func tooFew() policyv1alpha1.Placement {
	p := *divided.DeepCopy()
	p.SpreadConstraints = []policyv1alpha1.SpreadConstraint{{SpreadByField: policyv1alpha1.SpreadByFieldCluster, MinGroups: 9, MaxGroups: 9}}
	return p
}

// A rebalance that finds nothing to move is over all the same: else every later change of the fleet would move replicas.
func TestRebalanceEnds(t *testing.T) {
	t.Parallel()
	for name, ahead := range map[string]time.Duration{"in the past": -time.Minute, "by a clock that is ahead": 5 * time.Second} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := Input{Template: deployment(4), Governor: governed(divided), Clusters: clusters("m1", "m2"), Now: start}
			next, _ := Decide(in)
			in.Old = stored(nil, next)
			in.Now = start.Add(time.Hour)
			at := metav1.NewTime(in.Now.Add(ahead))
			in.Old.Spec.RescheduleTriggeredAt = &at
			in.Old.Generation = 2
			next, d := Decide(in)
			if !d.Scheduled || shares(next) != shares(in.Old) {
				t.Fatalf("scheduled %v: %s after %s", d.Scheduled, shares(next), shares(in.Old))
			}
			in.Old = stored(in.Old, next)
			in.Clusters = clusters("m1", "m2", "m3")
			if next, d = Decide(in); d.Scheduled || shares(next) != shares(in.Old) {
				t.Errorf("a new cluster moved replicas: %s after %s", shares(next), shares(in.Old))
			}
		})
	}
}

func TestObservedGeneration(t *testing.T) {
	t.Parallel()
	scaled := func(in *Input) { in.Template = deployment(9) }
	lost := func(in *Input) { in.Clusters = nil }
	nothing := func(*Input) {}
	relabelled := func(in *Input) { in.Governor.Policy.PermanentID = "other" }
	for name, tc := range map[string]struct {
		steps            []func(*Input)
		observed, stamps int64 // status.schedulerObservedGeneration, the condition's
	}{
		"first":                         {nil, 1, 1},
		"nothing new":                   {[]func(*Input){nothing}, 1, 1},
		"the spec changes":              {[]func(*Input){scaled}, 2, 2},
		"the spec changes, then not":    {[]func(*Input){scaled, nothing}, 2, 2},
		"only labels change":            {[]func(*Input){relabelled}, 1, 1},
		"a failure is no success":       {[]func(*Input){lost}, 1, 2},
		"a failure stays one":           {[]func(*Input){lost, nothing}, 1, 2},
		"a failure on the way of scale": {[]func(*Input){lost, scaled}, 1, 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := Input{Template: deployment(3), Governor: governed(divided), Clusters: clusters("m1")}
			old, next, _ := place(in, tc.steps...)
			c := meta.FindStatusCondition(next.Status.Conditions, workv1alpha2.Scheduled)
			if c == nil {
				t.Fatal("no condition Scheduled")
			}
			got := fmt.Sprint(next.Status.SchedulerObservedGeneration, c.ObservedGeneration)
			if want := fmt.Sprint(tc.observed, tc.stamps); got != want {
				t.Errorf("observed, condition = %s, want %s", got, want)
			}
			if after := stored(old, next); c.ObservedGeneration > after.Generation {
				t.Errorf("the condition speaks of generation %d, and the write makes %d", c.ObservedGeneration, after.Generation)
			}
		})
	}
}

func TestSuspendedScheduling(t *testing.T) {
	t.Parallel()
	yes := true
	suspend := func(in *Input) {
		in.Old = in.Old.DeepCopy()
		in.Old.Spec.Suspension = &workv1alpha2.Suspension{Scheduling: &yes}
		in.Old.Generation++
	}
	in := Input{Template: deployment(4), Governor: governed(divided), Clusters: clusters("m1", "m2")}
	_, next, d := place(in, suspend, func(in *Input) {
		in.Template = deployment(8)
		in.Governor = governed(policyv1alpha1.Placement{ClusterAffinity: only("m1")}, func(s *policyv1alpha1.PropagationSpec) {
			s.Suspension = &policyv1alpha1.Suspension{DispatchingOnClusters: &policyv1alpha1.SuspendClusters{ClusterNames: []string{"m2"}}}
		})
	})
	if d.Scheduled || shares(next) != "m1=2 m2=2 " {
		t.Errorf("scheduled %v, targets %s", d.Scheduled, shares(next))
	}
	if s := next.Spec.Suspension; s == nil || s.Scheduling == nil || !*s.Scheduling || !binding.Suspended(next, "m2") {
		t.Errorf("suspension = %+v, want the policy's and the old one's", s)
	}
	if next.Spec.Replicas != 8 {
		t.Errorf("replicas = %d: what the template wants is told all the same", next.Spec.Replicas)
	}
	if g := next.Status.SchedulerObservedGeneration; g != 1 {
		t.Errorf("schedulerObservedGeneration = %d, but nothing was scheduled since 1", g)
	}
}

func TestNamespacePlacement(t *testing.T) {
	t.Parallel()
	next, _ := Decide(Input{Template: namespace("team", nil), Governor: Governor{Namespace: true}, Clusters: clusters("m2", "m1"), Now: start})
	if next.Namespace != "" || next.Name != "team-namespace" || shares(next) != "m1=0 m2=0 " {
		t.Errorf("%s/%s in %s", next.Namespace, next.Name, shares(next))
	}
	if !binding.Claimed(next) || next.Labels[workv1alpha2.BindingManagedByLabel] != binding.ManagedByNamespace {
		t.Errorf("labels = %v", next.Labels)
	}
	if diff := cmp.Diff([]string{workv1alpha2.ClusterResourceBindingFinalizer}, next.Finalizers); diff != "" {
		t.Errorf("finalizers (-want +got):\n%s", diff)
	}
}

// What others have put on a binding stays.
func TestForeignMetadataStays(t *testing.T) {
	t.Parallel()
	in := Input{Template: deployment(1), Governor: governed(duplicated), Clusters: clusters("m1")}
	_, next, _ := place(in, func(in *Input) {
		in.Old = in.Old.DeepCopy()
		in.Old.Labels["team"], in.Old.Annotations["note"] = "a", "b"
		in.Old.Finalizers = append(in.Old.Finalizers, "example.com/f")
		in.Template = deployment(2)
	})
	if next.Labels["team"] != "a" || next.Annotations["note"] != "b" || !slices.Contains(next.Finalizers, "example.com/f") || len(next.Finalizers) != 2 {
		t.Errorf("metadata = %+v", next.ObjectMeta)
	}
	if len(next.OwnerReferences) != 1 {
		t.Errorf("owners = %+v", next.OwnerReferences)
	}
}

func TestMessageIsBounded(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{"plain": strings.Repeat("x", 5000), "of wide letters": strings.Repeat("ü", 2500) + "x"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for shift := range 4 { // the cut falls on every byte of a letter
				next := &binding.Binding{}
				d := Decision{Scheduled: true, Result: schedule.Decision{Reason: workv1alpha2.BindingReasonNoClusterFit}}
				d.Result.Message = strings.Repeat("y", shift) + text
				report(Input{Template: deployment(1), Now: start}, next, d)
				m := meta.FindStatusCondition(next.Status.Conditions, workv1alpha2.Scheduled).Message
				if len(m) > maxMessage || len(m) < maxMessage-8 || !utf8.ValidString(m) || !strings.HasSuffix(m, "...") {
					t.Errorf("%d bytes, valid %v: %q", len(m), utf8.ValidString(m), m[len(m)-12:])
				}
			}
		})
	}
}
