/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package schedule

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	clusterv1alpha1 "github.com/manifold-k8s/manifold/apis/cluster/v1alpha1"
	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
)

func resources(cpu, memory, pods string) corev1.ResourceList {
	list := corev1.ResourceList{}
	for name, amount := range map[corev1.ResourceName]string{"cpu": cpu, "memory": memory, "pods": pods} {
		if amount != "" {
			list[name] = resource.MustParse(amount)
		}
	}
	return list
}

func TestRoom(t *testing.T) {
	t.Parallel()
	model := func(grade uint, cpu, memory string) clusterv1alpha1.ResourceModel {
		return clusterv1alpha1.ResourceModel{Grade: grade, Ranges: []clusterv1alpha1.ResourceModelRange{
			{Name: "cpu", Min: resource.MustParse(cpu)}, {Name: "memory", Min: resource.MustParse(memory)},
		}}
	}
	models := []clusterv1alpha1.ResourceModel{model(0, "0", "0"), model(1, "1", "4Gi"), model(2, "2", "16Gi")}
	nodes := []clusterv1alpha1.AllocatableModeling{{Grade: 0, Count: 7}, {Grade: 1, Count: 3}, {Grade: 2, Count: 2}}
	roomy := &clusterv1alpha1.ResourceSummary{
		Allocatable: resources("10", "64Gi", "110"), Allocated: resources("3", "16Gi", "9"), Allocating: resources("500m", "", "1"),
	}
	modelled := roomy.DeepCopy()
	modelled.AllocatableModelings = nodes
	tests := map[string]struct {
		summary *clusterv1alpha1.ResourceSummary
		models  []clusterv1alpha1.ResourceModel
		request corev1.ResourceList
		want    int32
	}{
		"nothing reported":              {nil, nil, nil, 0},
		"nothing requested":             {roomy, nil, nil, 100},
		"by CPU, in thousandths":        {roomy, nil, resources("600m", "", ""), 10},
		"by memory":                     {roomy, nil, resources("100m", "20Gi", ""), 2},
		"never more than pod slots":     {roomy, nil, resources("1m", "", ""), 100},
		"a resource it does not have":   {roomy, nil, corev1.ResourceList{"nvidia.com/gpu": resource.MustParse("1")}, 0},
		"none requested of it":          {roomy, nil, corev1.ResourceList{"nvidia.com/gpu": resource.MustParse("0")}, 100},
		"overcommitted":                 {&clusterv1alpha1.ResourceSummary{Allocatable: resources("1", "", "9"), Allocated: resources("2", "", "1")}, nil, resources("1", "", ""), 0},
		"no pod slots left":             {&clusterv1alpha1.ResourceSummary{Allocatable: resources("9", "", "9"), Allocated: resources("2", "", "10")}, nil, nil, 0},
		"by nodes of each class":        {modelled, models, resources("500m", "4Gi", ""), 3*1 + 2*4},
		"too large for any node":        {modelled, models, resources("3", "1Gi", ""), 0},
		"classes do not cover it":       {modelled, models, corev1.ResourceList{"cpu": resource.MustParse("7"), "pods": resource.MustParse("1")}, 0},
		"classes but nodes not counted": {roomy, models, resources("500m", "4Gi", ""), 12},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := member("A")
			c.Spec.ResourceModels, c.Status.ResourceSummary = tc.models, tc.summary
			if got := Room(c, &workv1alpha2.ReplicaRequirements{ResourceRequest: tc.request}); got != tc.want {
				t.Errorf("got %d, want %d", got, tc.want)
			}
		})
	}
}

func TestRoomOfTheClusterIsUsedWhenNothingElseIsKnown(t *testing.T) {
	t.Parallel()
	sized := func(pods string) func(*clusterv1alpha1.Cluster) {
		return func(c *clusterv1alpha1.Cluster) {
			c.Status.ResourceSummary = &clusterv1alpha1.ResourceSummary{Allocatable: resources("", "", pods)}
		}
	}
	req := deployment(12, *placed(dynamic()))
	req.Available = map[string]int32{"B": 10, "C": -1}
	d := Place(req, []*clusterv1alpha1.Cluster{member("A", sized("20")), member("B", sized("1000")), member("C", sized("30"))})
	if got := countsOf(d.Targets); got != "A4 B2 C6" {
		t.Errorf("got %q (%s)", got, d.Message)
	}
}
