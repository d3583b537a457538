/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package interpret

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
)

// podSpecAt reads the pod spec of the template at the given path; an empty path means that obj is the Pod.
func podSpecAt(obj map[string]any, podTemplate []string) (*corev1.PodSpec, error) {
	raw := mapAt(obj, append(append([]string{}, podTemplate...), "spec")...)
	spec := &corev1.PodSpec{}
	if raw == nil {
		return spec, nil
	}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(raw, spec); err != nil {
		return nil, err
	}
	return spec, nil
}

// counted is the rule for how many replicas a template asks for.
func counted(replicas func(tmpl map[string]any) int32) func(*unstructured.Unstructured) int32 {
	return func(tmpl *unstructured.Unstructured) int32 { return replicas(tmpl.Object) }
}

// required is the rule for what replicas made from the pod template at that path ask for.
func required(podTemplate ...string) func(*unstructured.Unstructured) *workv1alpha2.ReplicaRequirements {
	return func(tmpl *unstructured.Unstructured) *workv1alpha2.ReplicaRequirements {
		return requirementsOf(tmpl, podTemplate)
	}
}

// requirementsOf is what one replica asks of a cluster, nil when nothing.
func requirementsOf(tmpl *unstructured.Unstructured, podTemplate []string) *workv1alpha2.ReplicaRequirements {
	spec, err := podSpecAt(tmpl.Object, podTemplate)
	if err != nil {
		return nil // see Kind.Requirements
	}
	claim := nodeClaim(spec)
	requests := podRequests(spec)
	if claim == nil && len(requests) == 0 {
		return nil
	}
	return &workv1alpha2.ReplicaRequirements{
		NodeClaim:         claim,
		ResourceRequest:   requests,
		Namespace:         tmpl.GetNamespace(),
		PriorityClassName: spec.PriorityClassName,
	}
}

func nodeClaim(spec *corev1.PodSpec) *workv1alpha2.NodeClaim {
	claim := workv1alpha2.NodeClaim{NodeSelector: spec.NodeSelector, Tolerations: spec.Tolerations}
	if a := spec.Affinity; a != nil && a.NodeAffinity != nil {
		claim.HardNodeAffinity = a.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution
	}
	if claim.HardNodeAffinity == nil && len(claim.NodeSelector) == 0 && len(claim.Tolerations) == 0 {
		return nil
	}
	return &claim
}

// podRequests is what the scheduler of a cluster reserves for the pod. Init containers run one after the other, each
// beside the sidecars started before it, so of them only the greatest need counts; sidecars stay, so they add up.
// Requests on the pod itself replace those of its containers.
func podRequests(spec *corev1.PodSpec) corev1.ResourceList {
	total := corev1.ResourceList{}
	for _, c := range spec.Containers {
		addTo(total, requestsOf(c.Resources))
	}
	sidecars, peak := corev1.ResourceList{}, corev1.ResourceList{}
	for _, c := range spec.InitContainers {
		need := requestsOf(c.Resources)
		if c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways {
			addTo(sidecars, need)
			addTo(total, need)
			raiseTo(peak, sidecars)
			continue
		}
		addTo(need, sidecars)
		raiseTo(peak, need)
	}
	raiseTo(total, peak)
	if spec.Resources != nil {
		for name, q := range requestsOf(*spec.Resources) {
			total[name] = q
		}
	}
	addTo(total, spec.Overhead)
	for name, q := range total {
		if q.IsZero() {
			delete(total, name)
		}
	}
	return total
}

// requestsOf returns a new list: the requests, and for resources without one the limit, as the API server defaults it
// when the pod is created.
func requestsOf(r corev1.ResourceRequirements) corev1.ResourceList {
	out := corev1.ResourceList{}
	for name, q := range r.Limits {
		out[name] = q.DeepCopy()
	}
	for name, q := range r.Requests {
		out[name] = q.DeepCopy()
	}
	return out
}

func addTo(total, more corev1.ResourceList) {
	for name, q := range more {
		s := total[name].DeepCopy()
		s.Add(q)
		total[name] = s
	}
}

func raiseTo(total, least corev1.ResourceList) {
	for name, q := range least {
		if have, ok := total[name]; !ok || have.Cmp(q) < 0 {
			total[name] = q.DeepCopy()
		}
	}
}
