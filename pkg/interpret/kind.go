/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package interpret

import (
	"fmt"
	"reflect"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
)

// Kind holds the rules of one kind. The zero value has the generic rules.
type Kind struct {
	replicaPath     []string // the field that holds the replicas; nil when a copy has no such number
	completionsPath []string // Jobs only
	replicas        func(tmpl map[string]any) int32
	podTemplate     []string // path of the pod template; nil when there is none
	reflect         func(live *unstructured.Unstructured) map[string]any
	health          func(live map[string]any) workv1alpha2.ResourceHealth
	aggregate       func(status map[string]any, tmpl *unstructured.Unstructured, m Members)
	dependencies    func(tmpl *unstructured.Unstructured) ([]Dependency, error)
}

// Item is what is known of one target cluster.
type Item struct {
	Cluster string
	// Status is what Reflect returned for the cluster's copy of this very template, which the copy names by its
	// template UID annotation; nil when it was not collected yet. Read back from JSON, it must have been decoded with
	// the API machinery's number types, or Aggregate sees changes where there are none.
	Status map[string]any
	// Applied and Health complete the picture as bindings show it. The rules of the built-in kinds go by Status alone.
	Applied bool
	Health  workv1alpha2.ResourceHealth
	// Replicas is the replica field of the manifest rendered last for this cluster, overrides included: what the copy
	// must reach. nil when the member decides itself (retained replicas) or the kind has no such field.
	Replicas *int32
}

// Members is the state that Aggregate adds up. Items holds exactly one item per target cluster, in any order.
type Members struct {
	Items []Item
	// Scheduled says that placement has been decided. It tells "placed in no cluster" from "not placed yet", and
	// matters only while there are no items.
	Scheduled bool
	// Now stamps conditions that change.
	Now time.Time
}

// kinds is the table of all kinds with rules of their own. It is never changed.
var kinds = map[schema.GroupVersionKind]Kind{
	{Group: "apps", Version: "v1", Kind: "Deployment"}:                           deployment,
	{Group: "apps", Version: "v1", Kind: "ReplicaSet"}:                           replicaSet,
	{Group: "apps", Version: "v1", Kind: "StatefulSet"}:                          statefulSet,
	{Group: "apps", Version: "v1", Kind: "DaemonSet"}:                            daemonSet,
	{Group: "batch", Version: "v1", Kind: "Job"}:                                 job,
	{Group: "batch", Version: "v1", Kind: "CronJob"}:                             cronJob,
	{Group: "", Version: "v1", Kind: "Pod"}:                                      pod,
	{Group: "", Version: "v1", Kind: "Service"}:                                  service,
	{Group: "networking.k8s.io", Version: "v1", Kind: "Ingress"}:                 ingress,
	{Group: "", Version: "v1", Kind: "PersistentVolume"}:                         persistentVolume,
	{Group: "", Version: "v1", Kind: "PersistentVolumeClaim"}:                    persistentVolumeClaim,
	{Group: "policy", Version: "v1", Kind: "PodDisruptionBudget"}:                disruptionBudget,
	{Group: "autoscaling", Version: "v2", Kind: "HorizontalPodAutoscaler"}:       podAutoscaler,
	{Group: "autoscaling", Version: "v1", Kind: "HorizontalPodAutoscaler"}:       podAutoscaler,
	{Group: "multicluster.x-k8s.io", Version: "v1alpha1", Kind: "ServiceImport"}: serviceImport,
}

// Of returns the rules for a kind, the generic ones when it has none.
func Of(gvk schema.GroupVersionKind) Kind {
	return kinds[gvk]
}

// ReplicaPath is where a manifest of this kind holds its replicas, nil when nowhere. The caller must not change it.
func (k Kind) ReplicaPath() []string { return k.replicaPath }

// CompletionsPath is where a Job holds its completions, nil for all other kinds. The caller must not change it.
func (k Kind) CompletionsPath() []string { return k.completionsPath }

// Replicas reads how many replicas tmpl asks for in total and what each of them needs. workload is false for kinds that
// have no replicas; then the other results are zero. requirements is nil when nothing is asked of a node, and when the
// pod template cannot be read, which the API server's validation rules out.
func (k Kind) Replicas(tmpl *unstructured.Unstructured) (n int32, requirements *workv1alpha2.ReplicaRequirements, workload bool) {
	if k.replicas == nil {
		return 0, nil, false
	}
	return k.replicas(tmpl.Object), requirementsOf(tmpl, k.podTemplate), true
}

// Reflect extracts from a member object what is reported of its status. nil without an error means that there is nothing
// to report yet, for instance because the member's controller has not seen the object. The result shares nothing with
// live. The error says that the object is malformed.
func (k Kind) Reflect(live *unstructured.Unstructured) (map[string]any, error) {
	switch status := live.Object["status"].(type) {
	case nil:
		return nil, nil
	case map[string]any:
		if k.reflect != nil {
			return k.reflect(live), nil
		}
		if len(status) == 0 {
			return nil, nil
		}
		return runtime.DeepCopyJSON(status), nil
	default:
		return nil, fmt.Errorf("status of %s %s is no object but %T", live.GetKind(), live.GetName(), status)
	}
}

// Health judges a member object. Unknown means that its status does not tell yet.
func (k Kind) Health(live *unstructured.Unstructured) workv1alpha2.ResourceHealth {
	if k.health == nil {
		return workv1alpha2.ResourceHealthy
	}
	return k.health(live.Object)
}

// Aggregate returns the status that tmpl should have, given the state of its members, and whether that differs from the
// status it has. Fields that this package does not derive are kept. The order of the items does not matter, and
// aggregating once more over the result changes nothing. The result shares nothing with the arguments.
func (k Kind) Aggregate(tmpl *unstructured.Unstructured, m Members) (status map[string]any, changed bool) {
	before, _ := tmpl.Object["status"].(map[string]any) // absent on a new object
	after := runtime.DeepCopyJSON(before)
	if after == nil {
		after = map[string]any{}
	}
	if k.aggregate == nil {
		return after, false
	}
	m.Items = sortedItems(m.Items)
	k.aggregate(after, tmpl, m)
	if len(before) == 0 && len(after) == 0 {
		return after, false
	}
	return after, !reflect.DeepEqual(before, after)
}

// Dependencies lists the objects that a copy of tmpl needs beside it in its cluster, sorted and without duplicates.
func (k Kind) Dependencies(tmpl *unstructured.Unstructured) ([]Dependency, error) {
	if k.dependencies == nil {
		return nil, nil
	}
	deps, err := k.dependencies(tmpl)
	if err != nil {
		return nil, fmt.Errorf("dependencies of %s %s/%s: %w", tmpl.GetKind(), tmpl.GetNamespace(), tmpl.GetName(), err)
	}
	return sortedDependencies(deps), nil
}
