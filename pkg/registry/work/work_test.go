/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package work

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	policyv1alpha1 "github.com/manifold-k8s/manifold/apis/policy/v1alpha1"
	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
)

func found(errs field.ErrorList) []string {
	var out []string
	for _, err := range errs {
		out = append(out, strings.TrimPrefix(string(err.Type), "FieldValue")+" "+err.Field)
	}
	return out
}

func validBinding() *workv1alpha2.ResourceBinding {
	return &workv1alpha2.ResourceBinding{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web-deployment"},
		Spec: workv1alpha2.ResourceBindingSpec{
			Resource: workv1alpha2.ObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Namespace: "shop", Name: "web"},
		},
	}
}

func TestSpecValidation(t *testing.T) {
	t.Parallel()
	type binding = workv1alpha2.ResourceBinding
	const dependencies = workv1alpha2.DependenciesAnnotation
	task := func(change func(*workv1alpha2.GracefulEvictionTask)) func(*binding) {
		return func(b *binding) {
			t := workv1alpha2.GracefulEvictionTask{FromCluster: "m1", PurgeMode: policyv1alpha1.PurgeModeNever, Reason: "TaintUntolerated", Producer: "TaintManager"}
			change(&t)
			b.Spec.GracefulEvictionTasks = []workv1alpha2.GracefulEvictionTask{t}
		}
	}
	claim := func(terms ...corev1.NodeSelectorTerm) *workv1alpha2.NodeClaim {
		return &workv1alpha2.NodeClaim{HardNodeAffinity: &corev1.NodeSelector{NodeSelectorTerms: terms}}
	}
	cases := map[string]struct {
		set  func(*binding)
		want []string
	}{
		"minimal": {set: func(*binding) {}},
		"placed": {set: func(b *binding) {
			b.Spec.Clusters = []workv1alpha2.TargetCluster{{Name: "m1", Replicas: 1}, {Name: "m2"}}
			b.Annotations = map[string]string{dependencies: `[{"apiVersion":"v1","kind":"Secret","namespace":"shop","name":"x"}]`}
		}},
		"name":      {set: func(b *binding) { b.Name = "Web" }, want: []string{"Invalid metadata.name"}},
		"resource":  {set: func(b *binding) { b.Spec.Resource = workv1alpha2.ObjectReference{} }, want: []string{"Required spec.resource.apiVersion", "Required spec.resource.kind", "Required spec.resource.name"}},
		"replicas":  {set: func(b *binding) { b.Spec.Replicas = -1 }, want: []string{"Invalid spec.replicas"}},
		"conflicts": {set: func(b *binding) { b.Spec.ConflictResolution = "Merge" }, want: []string{"NotSupported spec.conflictResolution"}},
		"dependencies": {
			set:  func(b *binding) { b.Annotations = map[string]string{dependencies: `{"kind":"Secret"}`} },
			want: []string{"Invalid metadata.annotations[" + dependencies + "]"},
		},
		"target without name": {set: func(b *binding) { b.Spec.Clusters = []workv1alpha2.TargetCluster{{}} }, want: []string{"Required spec.clusters[0].name"}},
		"target twice": {
			set:  func(b *binding) { b.Spec.Clusters = []workv1alpha2.TargetCluster{{Name: "m1"}, {Name: "m1"}} },
			want: []string{"Duplicate spec.clusters[1].name"},
		},
		"target replicas": {
			set: func(b *binding) {
				b.Spec.Clusters = []workv1alpha2.TargetCluster{{Name: "m1", Replicas: -1, Components: []workv1alpha2.ComponentReplicas{{Replicas: -1}}}}
			},
			want: []string{"Invalid spec.clusters[0].replicas", "Required spec.clusters[0].components[0].name", "Invalid spec.clusters[0].components[0].replicas"},
		},
		"components": {
			set: func(b *binding) {
				b.Spec.Components = []workv1alpha2.Component{{Name: "a"}, {}, {Name: "a", Replicas: -1}, {Name: strings.Repeat("x", 33)}}
			},
			want: []string{"Required spec.components[1].name", "Duplicate spec.components[2].name", "Invalid spec.components[2].replicas", "TooLong spec.components[3].name"},
		},
		"component nodes": {
			set: func(b *binding) {
				b.Spec.Components = []workv1alpha2.Component{{Name: "a", ReplicaRequirements: &workv1alpha2.ComponentReplicaRequirements{NodeClaim: claim()}}}
			},
			want: []string{"Required spec.components[0].replicaRequirements.nodeClaim.hardNodeAffinity.nodeSelectorTerms"},
		},
		"nodes": {
			set: func(b *binding) {
				b.Spec.ReplicaRequirements = &workv1alpha2.ReplicaRequirements{NodeClaim: claim(corev1.NodeSelectorTerm{MatchFields: make([]corev1.NodeSelectorRequirement, 1)})}
			},
			want: []string{
				"Required spec.replicaRequirements.nodeClaim.hardNodeAffinity.nodeSelectorTerms[0].matchFields[0].key",
				"Required spec.replicaRequirements.nodeClaim.hardNodeAffinity.nodeSelectorTerms[0].matchFields[0].operator",
			},
		},
		"requiredBy": {
			set: func(b *binding) {
				b.Spec.RequiredBy = []workv1alpha2.BindingSnapshot{{Clusters: make([]workv1alpha2.TargetCluster, 1)}}
			},
			want: []string{"Required spec.requiredBy[0].name", "Required spec.requiredBy[0].clusters[0].name"},
		},
		"placement": {
			set: func(b *binding) {
				b.Spec.Placement = &policyv1alpha1.Placement{SpreadConstraints: []policyv1alpha1.SpreadConstraint{{SpreadByField: "rack"}}}
			},
			want: []string{"NotSupported spec.placement.spreadConstraints[0].spreadByField"},
		},
		"placement is not held to the rules of policies": {
			set: func(b *binding) {
				b.Spec.Placement = &policyv1alpha1.Placement{SpreadConstraints: []policyv1alpha1.SpreadConstraint{{SpreadByField: "region"}}}
			},
		},
		"failover": {
			set: func(b *binding) {
				b.Spec.Failover = &policyv1alpha1.FailoverBehavior{Cluster: &policyv1alpha1.ClusterFailoverBehavior{PurgeMode: "x"}}
			},
			want: []string{"NotSupported spec.failover.cluster.purgeMode"},
		},
		"eviction":                      {set: task(func(*workv1alpha2.GracefulEvictionTask) {})},
		"eviction without anything":     {set: task(func(t *workv1alpha2.GracefulEvictionTask) { *t = workv1alpha2.GracefulEvictionTask{} }), want: []string{"Required spec.gracefulEvictionTasks[0].fromCluster", "Required spec.gracefulEvictionTasks[0].reason", "Required spec.gracefulEvictionTasks[0].producer"}},
		"eviction purge mode":           {set: task(func(t *workv1alpha2.GracefulEvictionTask) { t.PurgeMode = "x" }), want: []string{"NotSupported spec.gracefulEvictionTasks[0].purgeMode"}},
		"eviction reason of many words": {set: task(func(t *workv1alpha2.GracefulEvictionTask) { t.Reason = "two words" }), want: []string{"Invalid spec.gracefulEvictionTasks[0].reason"}},
		"eviction reason too long":      {set: task(func(t *workv1alpha2.GracefulEvictionTask) { t.Reason = strings.Repeat("x", 33) }), want: []string{"TooLong spec.gracefulEvictionTasks[0].reason"}},
		"eviction message too long":     {set: task(func(t *workv1alpha2.GracefulEvictionTask) { t.Message = strings.Repeat("x", 1025) }), want: []string{"TooLong spec.gracefulEvictionTasks[0].message"}},
	}
	k := resourceBinding()
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := validBinding()
			c.set(b)
			k.Default(b, nil)
			if diff := cmp.Diff(c.want, found(k.Validate(b))); diff != "" {
				t.Errorf("errors (-want +got):\n%s", diff)
			}
		})
	}
}

func TestStatusValidation(t *testing.T) {
	t.Parallel()
	condition := metav1.Condition{Type: workv1alpha2.Scheduled, Status: "True", Reason: "Success", LastTransitionTime: metav1.NewTime(time.Unix(1, 0))}
	cases := map[string]struct {
		in   workv1alpha2.ResourceBindingStatus
		want []string
	}{
		"empty": {},
		"valid": {in: workv1alpha2.ResourceBindingStatus{
			Conditions:       []metav1.Condition{condition},
			AggregatedStatus: []workv1alpha2.AggregatedStatusItem{{ClusterName: "m1"}, {ClusterName: "m2", Health: workv1alpha2.ResourceHealthy}},
		}},
		"condition twice": {in: workv1alpha2.ResourceBindingStatus{Conditions: []metav1.Condition{condition, condition}}, want: []string{"Duplicate status.conditions[1].type"}},
		"cluster name":    {in: workv1alpha2.ResourceBindingStatus{AggregatedStatus: make([]workv1alpha2.AggregatedStatusItem, 1)}, want: []string{"Required status.aggregatedStatus[0].clusterName"}},
		"health":          {in: workv1alpha2.ResourceBindingStatus{AggregatedStatus: []workv1alpha2.AggregatedStatusItem{{ClusterName: "m1", Health: "Fine"}}}, want: []string{"NotSupported status.aggregatedStatus[0].health"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := &workv1alpha2.ClusterResourceBinding{Status: c.in}
			if diff := cmp.Diff(c.want, found(clusterResourceBinding().ValidateStatus(b))); diff != "" {
				t.Errorf("errors (-want +got):\n%s", diff)
			}
		})
	}
}

func TestIdentityAndDefaults(t *testing.T) {
	t.Parallel()
	const id = workv1alpha2.ResourceBindingPermanentIDLabel
	k := resourceBinding()
	b := validBinding()
	k.Default(b, nil)
	if len(b.Labels[id]) != 36 {
		t.Errorf("permanent id is %q, want a UUID", b.Labels[id])
	}
	if b.Spec.ConflictResolution != policyv1alpha1.ConflictAbort {
		t.Errorf("conflict resolution is %q, want Abort", b.Spec.ConflictResolution)
	}
	given := validBinding()
	given.Labels = map[string]string{id: "given"}
	k.Default(given, nil)
	if given.Labels[id] != "given" {
		t.Errorf("permanent id is %q, want the given one", given.Labels[id])
	}
	stripped := b.DeepCopy()
	stripped.Labels = nil
	k.Default(stripped, b)
	if stripped.Labels[id] != b.Labels[id] {
		t.Errorf("permanent id is %q after an update without labels, want %q", stripped.Labels[id], b.Labels[id])
	}
}

func TestColumns(t *testing.T) {
	t.Parallel()
	placed := validBinding()
	placed.Spec.Clusters = []workv1alpha2.TargetCluster{{Name: "member1", Replicas: 1}, {Name: "member2", Replicas: 2}, {Name: "member3"}}
	placed.Status.Conditions = []metav1.Condition{{Type: "Scheduled", Status: "True"}, {Type: "FullyApplied", Status: "False"}}
	cases := map[string]struct {
		in   *workv1alpha2.ResourceBinding
		want []any
	}{
		"placed": {placed, []any{"True", "False", "<unknown>", "member1:1,member2:2,member3"}},
		"new":    {validBinding(), []any{"", "", "<unknown>", ""}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []any
			for _, column := range resourceBinding().Columns {
				got = append(got, column.Cell(c.in))
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("cells (-want +got):\n%s", diff)
			}
		})
	}
}
