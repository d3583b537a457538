/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package match

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	clusterv1alpha1 "github.com/manifold-k8s/manifold/apis/cluster/v1alpha1"
	policyv1alpha1 "github.com/manifold-k8s/manifold/apis/policy/v1alpha1"
)

func fields(rs ...corev1.NodeSelectorRequirement) *policyv1alpha1.FieldSelector {
	return &policyv1alpha1.FieldSelector{MatchExpressions: rs}
}

func field(key string, op corev1.NodeSelectorOperator, values ...string) corev1.NodeSelectorRequirement {
	return corev1.NodeSelectorRequirement{Key: key, Operator: op, Values: values}
}

func TestCluster(t *testing.T) {
	t.Parallel()
	m1 := &clusterv1alpha1.Cluster{
		ObjectMeta: metav1.ObjectMeta{Name: "m1", Labels: map[string]string{"region": "eu", "tier": "gold"}},
		Spec:       clusterv1alpha1.ClusterSpec{Provider: "p1", Region: "r1", Zones: []string{"z1", "z2"}},
	}
	bare := &clusterv1alpha1.Cluster{ObjectMeta: metav1.ObjectMeta{Name: "m1"}}
	oldZone := &clusterv1alpha1.Cluster{ObjectMeta: metav1.ObjectMeta{Name: "m1"}, Spec: clusterv1alpha1.ClusterSpec{Zone: "z1"}}
	byLabel := func(key string, op metav1.LabelSelectorOperator, values ...string) *metav1.LabelSelector {
		return &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{Key: key, Operator: op, Values: values}}}
	}
	tests := map[string]struct {
		cluster  *clusterv1alpha1.Cluster
		affinity *policyv1alpha1.ClusterAffinity
		why      string // empty: selected
	}{
		"nil":                  {m1, nil, ""},
		"empty":                {m1, &policyv1alpha1.ClusterAffinity{}, ""},
		"named":                {m1, &policyv1alpha1.ClusterAffinity{ClusterNames: []string{"m2", "m1"}}, ""},
		"not named":            {m1, &policyv1alpha1.ClusterAffinity{ClusterNames: []string{"m2"}}, "not in clusterNames"},
		"named and excluded":   {m1, &policyv1alpha1.ClusterAffinity{ClusterNames: []string{"m1"}, ExcludeClusters: []string{"m1"}}, "excluded by name"},
		"other excluded":       {m1, &policyv1alpha1.ClusterAffinity{ExcludeClusters: []string{"m2"}}, ""},
		"labels match":         {m1, &policyv1alpha1.ClusterAffinity{LabelSelector: byLabel("region", "In", "eu", "us")}, ""},
		"labels do not match":  {bare, &policyv1alpha1.ClusterAffinity{LabelSelector: byLabel("region", "In", "eu")}, "labels do not match the selector region in (eu)"},
		"empty label selector": {bare, &policyv1alpha1.ClusterAffinity{LabelSelector: &metav1.LabelSelector{}}, ""},
		"labels before names": {bare, &policyv1alpha1.ClusterAffinity{
			LabelSelector: byLabel("region", "Exists"), ClusterNames: []string{"m2"},
		}, "labels do not match the selector region"},
		"labels match, fields do not": {m1, &policyv1alpha1.ClusterAffinity{
			LabelSelector: byLabel("region", "Exists"), FieldSelector: fields(field("provider", "In", "p3", "p2")),
		}, "fields do not match the selector provider in (p2,p3)"},
		"invalid label selector":      {m1, &policyv1alpha1.ClusterAffinity{LabelSelector: byLabel("region", "Like", "e")}, `invalid label selector: "Like" is not a valid label selector operator`},
		"exclusion before invalidity": {m1, &policyv1alpha1.ClusterAffinity{ExcludeClusters: []string{"m1"}, LabelSelector: byLabel("a", "Like")}, "excluded by name"},
		"invalid field key":           {m1, &policyv1alpha1.ClusterAffinity{FieldSelector: fields(field("planet", "In", "x"))}, `invalid field selector: key "planet" is not one of provider, region, zone`},
		"invalid field operator":      {m1, &policyv1alpha1.ClusterAffinity{FieldSelector: fields(field("zone", "Exists"))}, `invalid field selector: operator "Exists" is not one of In, NotIn`},
		"provider in":                 {m1, &policyv1alpha1.ClusterAffinity{FieldSelector: fields(field("provider", "In", "p1"))}, ""},
		"provider not in":             {m1, &policyv1alpha1.ClusterAffinity{FieldSelector: fields(field("provider", "NotIn", "p1"))}, "fields do not match the selector provider notin (p1)"},
		"no provider, in":             {bare, &policyv1alpha1.ClusterAffinity{FieldSelector: fields(field("provider", "In", ""))}, "fields do not match the selector provider in ()"},
		"no provider, not in":         {bare, &policyv1alpha1.ClusterAffinity{FieldSelector: fields(field("provider", "NotIn", "p1"))}, ""},
		"all requirements":            {m1, &policyv1alpha1.ClusterAffinity{FieldSelector: fields(field("provider", "In", "p1"), field("region", "In", "r2"))}, "fields do not match the selector region in (r2)"},
		"any zone in":                 {m1, &policyv1alpha1.ClusterAffinity{FieldSelector: fields(field("zone", "In", "z2", "z9"))}, ""},
		"no zone in":                  {m1, &policyv1alpha1.ClusterAffinity{FieldSelector: fields(field("zone", "In", "z9"))}, "fields do not match the selector zone in (z9)"},
		"one zone not in":             {m1, &policyv1alpha1.ClusterAffinity{FieldSelector: fields(field("zone", "NotIn", "z2"))}, "fields do not match the selector zone notin (z2)"},
		"without zones, in":           {bare, &policyv1alpha1.ClusterAffinity{FieldSelector: fields(field("zone", "In", "z1"))}, "fields do not match the selector zone in (z1)"},
		"without zones, not in":       {bare, &policyv1alpha1.ClusterAffinity{FieldSelector: fields(field("zone", "NotIn", "z1"))}, ""},
		"the deprecated zone":         {oldZone, &policyv1alpha1.ClusterAffinity{FieldSelector: fields(field("zone", "In", "z1"))}, ""},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ok, why := Cluster(tc.cluster, tc.affinity)
			if why != tc.why || ok != (tc.why == "") {
				t.Errorf("got %v, %q; want %q", ok, why, tc.why)
			}
		})
	}
}
