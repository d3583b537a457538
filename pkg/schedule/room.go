/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package schedule

import (
	"math"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	clusterv1alpha1 "github.com/manifold-k8s/manifold/apis/cluster/v1alpha1"
	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
)

// podsPerNode is how many pods a node of a resource model is taken to hold: the kubelet's default.
const podsPerNode = 110

// room returns for how many replicas a cluster has room beyond those it holds. None are wanted: unlimited.
func (s *session) room(c *clusterv1alpha1.Cluster) int32 {
	if s.req.Replicas == 0 {
		return math.MaxInt32
	}
	if n, told := s.req.Available[c.Name]; told && n >= 0 {
		return n
	}
	return Room(c, s.req.Requirements)
}

// Room estimates from a cluster's status for how many more replicas it has room. Without a resource summary that is 0.
// It is never more than the free pod slots. If the cluster counts its nodes by size and the sizes cover everything
// requested, it is what fits on that many nodes of the least size of each class; else what fits into the sum of what
// is free. A requested resource that the cluster does not have leaves no room.
func Room(c *clusterv1alpha1.Cluster, requirements *workv1alpha2.ReplicaRequirements) int32 {
	summary := c.Status.ResourceSummary
	if summary == nil {
		return 0
	}
	slots := max(0, free(summary, corev1.ResourcePods, unit(corev1.ResourcePods)))
	if requirements != nil {
		if n, modelled := roomByModel(c, requirements.ResourceRequest); modelled {
			slots = min(slots, n)
		} else {
			slots = min(slots, roomBySum(summary, requirements.ResourceRequest))
		}
	}
	return int32(min(slots, math.MaxInt32))
}

// roomBySum divides what is free in the cluster as a whole.
func roomBySum(summary *clusterv1alpha1.ResourceSummary, request corev1.ResourceList) int64 {
	n := int64(math.MaxInt64)
	for name, amount := range request {
		in := unit(name)
		if want := in(amount); want > 0 {
			n = min(n, max(0, free(summary, name, in))/want)
		}
	}
	return n
}

// roomByModel fills the nodes of each class. modelled is false if nodes are not counted by class or the classes do not
// cover everything requested.
func roomByModel(c *clusterv1alpha1.Cluster, request corev1.ResourceList) (n int64, modelled bool) {
	models := c.Spec.ResourceModels
	counted := c.Status.ResourceSummary.AllocatableModelings
	if len(models) == 0 || len(counted) == 0 || len(request) == 0 {
		return 0, false
	}
	perNode := make(map[uint]int64, len(models))
	for i := range models {
		fits := int64(podsPerNode)
		covered := 0
		for j := range models[i].Ranges {
			r := &models[i].Ranges[j]
			amount, requested := request[r.Name]
			if !requested {
				continue
			}
			covered++
			in := unit(r.Name)
			if want := in(amount); want > 0 {
				fits = min(fits, in(r.Min)/want)
			}
		}
		if covered < len(request) {
			return 0, false
		}
		perNode[models[i].Grade] = fits
	}
	for _, class := range counted {
		n += perNode[class.Grade] * int64(class.Count)
	}
	return n, true
}

// free is allocatable less what is taken or about to be. It may be negative.
func free(s *clusterv1alpha1.ResourceSummary, name corev1.ResourceName, in func(resource.Quantity) int64) int64 {
	return in(s.Allocatable[name]) - in(s.Allocated[name]) - in(s.Allocating[name])
}

// unit returns how to read a quantity: CPU in thousandths, anything else in ones.
func unit(name corev1.ResourceName) func(resource.Quantity) int64 {
	if name == corev1.ResourceCPU {
		return func(q resource.Quantity) int64 { return q.MilliValue() }
	}
	return func(q resource.Quantity) int64 { return q.Value() }
}
