/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package schedule

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	clusterv1alpha1 "github.com/manifold-k8s/manifold/apis/cluster/v1alpha1"
	policyv1alpha1 "github.com/manifold-k8s/manifold/apis/policy/v1alpha1"
	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
)

// counts writes a number for each cluster the short way: "A2 B1" for A: 2, B: 1. An empty string is none.
type counts string

var countPattern = regexp.MustCompile(`^([A-Za-z]+)(\d*)$`)

func (s counts) each(t testing.TB, visit func(name string, n int32)) {
	t.Helper()
	for _, word := range strings.Fields(string(s)) {
		m := countPattern.FindStringSubmatch(word)
		if m == nil {
			t.Fatalf("%q is not a name and a number", word)
		}
		n := 0
		if m[2] != "" {
			var err error
			if n, err = strconv.Atoi(m[2]); err != nil {
				t.Fatal(err)
			}
		}
		visit(m[1], int32(n))
	}
}

func (s counts) targets(t testing.TB) (targets []workv1alpha2.TargetCluster) {
	t.Helper()
	s.each(t, func(name string, n int32) {
		targets = append(targets, workv1alpha2.TargetCluster{Name: name, Replicas: n})
	})
	return targets
}

func (s counts) numbers(t testing.TB) map[string]int32 {
	t.Helper()
	m := make(map[string]int32)
	s.each(t, func(name string, n int32) { m[name] = n })
	return m
}

func countsOf(targets []workv1alpha2.TargetCluster) counts {
	words := make([]string, 0, len(targets))
	for _, target := range targets {
		words = append(words, fmt.Sprint(target.Name, target.Replicas))
	}
	return counts(strings.Join(words, " "))
}

// member makes a cluster that serves Deployments and ConfigMaps.
func member(name string, change ...func(*clusterv1alpha1.Cluster)) *clusterv1alpha1.Cluster {
	c := &clusterv1alpha1.Cluster{ObjectMeta: metav1.ObjectMeta{Name: name}}
	c.Status.APIEnablements = []clusterv1alpha1.APIEnablement{
		{GroupVersion: "apps/v1", Resources: []clusterv1alpha1.APIResource{{Name: "deployments", Kind: "Deployment"}}},
		{GroupVersion: "v1", Resources: []clusterv1alpha1.APIResource{{Name: "configmaps", Kind: "ConfigMap"}}},
	}
	c.Status.Conditions = []metav1.Condition{
		{Type: clusterv1alpha1.ClusterConditionCompleteAPIEnablements, Status: metav1.ConditionTrue},
	}
	for _, f := range change {
		f(c)
	}
	return c
}

func inRegion(region string) func(*clusterv1alpha1.Cluster) {
	return func(c *clusterv1alpha1.Cluster) { c.Spec.Region = region }
}

func members(names ...string) (cs []*clusterv1alpha1.Cluster) {
	for _, name := range names {
		cs = append(cs, member(name))
	}
	return cs
}

// deployment asks for a Deployment to be placed.
func deployment(replicas int32, p policyv1alpha1.Placement) Request {
	return Request{APIVersion: "apps/v1", Kind: "Deployment", Workload: true, Replicas: replicas, Placement: &p}
}

// A weight rule is written like "A,B=1": the names it lists, and its weight. "*=1" selects every cluster.
func weighted(t testing.TB, rules ...string) *policyv1alpha1.ReplicaSchedulingStrategy {
	t.Helper()
	prefs := &policyv1alpha1.ClusterPreferences{}
	for _, rule := range rules {
		names, weight, _ := strings.Cut(rule, "=")
		n, err := strconv.ParseInt(weight, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		w := policyv1alpha1.StaticClusterWeight{Weight: n}
		if names != "*" {
			w.TargetCluster.ClusterNames = strings.Split(names, ",")
		}
		prefs.StaticWeightList = append(prefs.StaticWeightList, w)
	}
	return &policyv1alpha1.ReplicaSchedulingStrategy{
		ReplicaSchedulingType:     policyv1alpha1.ReplicaSchedulingTypeDivided,
		ReplicaDivisionPreference: policyv1alpha1.ReplicaDivisionPreferenceWeighted,
		WeightPreference:          prefs,
	}
}

func duplicate() *policyv1alpha1.ReplicaSchedulingStrategy {
	return &policyv1alpha1.ReplicaSchedulingStrategy{ReplicaSchedulingType: policyv1alpha1.ReplicaSchedulingTypeDuplicated}
}

func aggregate() *policyv1alpha1.ReplicaSchedulingStrategy {
	return &policyv1alpha1.ReplicaSchedulingStrategy{
		ReplicaSchedulingType:     policyv1alpha1.ReplicaSchedulingTypeDivided,
		ReplicaDivisionPreference: policyv1alpha1.ReplicaDivisionPreferenceAggregated,
	}
}

func dynamic() *policyv1alpha1.ReplicaSchedulingStrategy {
	return &policyv1alpha1.ReplicaSchedulingStrategy{
		ReplicaSchedulingType:     policyv1alpha1.ReplicaSchedulingTypeDivided,
		ReplicaDivisionPreference: policyv1alpha1.ReplicaDivisionPreferenceWeighted,
		WeightPreference:          &policyv1alpha1.ClusterPreferences{DynamicWeight: policyv1alpha1.DynamicWeightByAvailableReplicas},
	}
}

func verdictOn(t testing.TB, d Decision, cluster string) Verdict {
	t.Helper()
	for _, v := range d.Verdicts {
		if v.Cluster == cluster {
			return v
		}
	}
	t.Fatalf("no verdict on %s in %+v", cluster, d.Verdicts)
	return Verdict{}
}

func placed(strategy *policyv1alpha1.ReplicaSchedulingStrategy) *policyv1alpha1.Placement {
	return &policyv1alpha1.Placement{ReplicaScheduling: strategy}
}
