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

// Rules are what one layer knows about a kind: a function for each operation, nil where it has no answer. The built-in
// rules of a kind are one layer over the generic ones; With puts another in front, for one operation as well as for all.
type Rules struct {
	// ReplicaPath is where a manifest holds its replicas, CompletionsPath where a Job holds its completions.
	ReplicaPath, CompletionsPath []string
	// Replicas says that the kind is a workload, and how many replicas a template of it asks for.
	Replicas func(tmpl *unstructured.Unstructured) int32
	// Requirements is what one replica of a workload asks of a cluster; see Kind.Requirements.
	Requirements func(tmpl *unstructured.Unstructured) *workv1alpha2.ReplicaRequirements
	// Reflect picks from the status of a member object, which is there and is an object, what is reported of it; nil when
	// there is nothing to report. The result must share nothing with live.
	Reflect func(live *unstructured.Unstructured) map[string]any
	// Health judges a member object.
	Health func(live map[string]any) workv1alpha2.ResourceHealth
	// Aggregate changes status, which is tmpl's own, to what the members make it. Items come sorted by cluster.
	Aggregate func(status map[string]any, tmpl *unstructured.Unstructured, m Members)
	// Dependencies lists what a copy needs beside it, in any order.
	Dependencies func(tmpl *unstructured.Unstructured) ([]Dependency, error)
}

// Kind answers for one kind. The zero value knows nothing of status and health.
type Kind struct{ rules Rules }

// With returns k with r in front of it: what r has a rule for is answered by that, all else as before.
func (k Kind) With(r Rules) Kind {
	if r.ReplicaPath == nil {
		r.ReplicaPath = k.rules.ReplicaPath
	}
	if r.CompletionsPath == nil {
		r.CompletionsPath = k.rules.CompletionsPath
	}
	if r.Replicas == nil {
		r.Replicas = k.rules.Replicas
	}
	if r.Requirements == nil {
		r.Requirements = k.rules.Requirements
	}
	if r.Reflect == nil {
		r.Reflect = k.rules.Reflect
	}
	if r.Health == nil {
		r.Health = k.rules.Health
	}
	if r.Aggregate == nil {
		r.Aggregate = k.rules.Aggregate
	}
	if r.Dependencies == nil {
		r.Dependencies = k.rules.Dependencies
	}
	return Kind{r}
}

// Item is what is known of one target cluster.
type Item struct {
	Cluster string
	// Status is what Reflect returned for the cluster's copy of this very template, which the copy names by its
	// template UID annotation; nil when it was not collected yet. Read back from JSON, it must have been decoded with
	// the API machinery's number types, or Aggregate sees changes where there are none. Items may share one.
	Status map[string]any
	// Applied and Health complete the picture as bindings show it. The rules here go by Status alone.
	Applied bool
	Health  workv1alpha2.ResourceHealth
	// Replicas is the replica field of the manifest rendered last for this cluster, overrides included: what the copy
	// must reach. nil when the member decides itself (retained replicas) or the kind has no such field.
	Replicas *int32
	// Away says that the cluster does not answer: all this is its last known state.
	Away bool
}

// Members is the state that Aggregate adds up. Items holds exactly one item per target cluster, in any order.
type Members struct {
	Items []Item
	// Scheduled says that placement has been decided. It tells "placed in no cluster" from "not placed yet", and
	// matters only while there are no items.
	Scheduled bool
	// Reported says that a cluster that is no target any more, or was not heard of lately, has reported a status before: so
	// the template's status is known to come from members.
	Reported bool
	// Now stamps conditions that change.
	Now time.Time
}

// builtIn is the table of all kinds with rules of their own. It is never changed.
var builtIn = map[schema.GroupVersionKind]Rules{
	{Group: "apps", Version: "v1", Kind: "Deployment"}:                           deployment,
	{Group: "apps", Version: "v1", Kind: "ReplicaSet"}:                           replicaSet,
	{Group: "apps", Version: "v1", Kind: "StatefulSet"}:                          statefulSet,
	{Group: "apps", Version: "v1", Kind: "DaemonSet"}:                            daemonSet,
	{Group: "", Version: "v1", Kind: "ReplicationController"}:                    replicationController,
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

	{Group: "", Version: "v1", Kind: "Namespace"}:                                              hubOwned,
	{Group: "", Version: "v1", Kind: "ResourceQuota"}:                                          hubOwned,
	{Group: "apiextensions.k8s.io", Version: "v1", Kind: "CustomResourceDefinition"}:           hubOwned,
	{Group: "admissionregistration.k8s.io", Version: "v1", Kind: "ValidatingAdmissionPolicy"}:  hubOwned,
	{Group: "flowcontrol.apiserver.k8s.io", Version: "v1", Kind: "FlowSchema"}:                 hubOwned,
	{Group: "flowcontrol.apiserver.k8s.io", Version: "v1", Kind: "PriorityLevelConfiguration"}: hubOwned,
}

// hubOwned is for kinds whose status on the hub is the hub's own: its controllers write it, about the hub.
var hubOwned = Rules{Aggregate: func(map[string]any, *unstructured.Unstructured, Members) {}}

// kinds has the built-in rules over the generic ones.
var kinds = func() map[schema.GroupVersionKind]Kind {
	out := make(map[schema.GroupVersionKind]Kind, len(builtIn))
	for gvk, rules := range builtIn {
		out[gvk] = Kind{generic}.With(rules)
	}
	return out
}()

// Of returns the rules for a kind, the generic ones when it has none of its own.
func Of(gvk schema.GroupVersionKind) Kind {
	if k, ok := kinds[gvk]; ok {
		return k
	}
	return Kind{generic}
}

// ReplicaPath is where a manifest of this kind holds its replicas, nil when nowhere. The caller must not change it.
func (k Kind) ReplicaPath() []string { return k.rules.ReplicaPath }

// CompletionsPath is where a Job holds its completions, nil for all other kinds. The caller must not change it.
func (k Kind) CompletionsPath() []string { return k.rules.CompletionsPath }

// Replicas reads how many replicas tmpl asks for in total. workload is false for kinds that have none.
func (k Kind) Replicas(tmpl *unstructured.Unstructured) (n int32, workload bool) {
	if k.rules.Replicas == nil {
		return 0, false
	}
	return k.rules.Replicas(tmpl), true
}

// Requirements reads what each replica of tmpl asks of a cluster. It is nil when that is nothing, for kinds that have no
// replicas, and when the pod template cannot be read, which the API server's validation rules out.
func (k Kind) Requirements(tmpl *unstructured.Unstructured) *workv1alpha2.ReplicaRequirements {
	if k.rules.Requirements == nil {
		return nil
	}
	return k.rules.Requirements(tmpl)
}

// Reflect extracts from a member object what is reported of its status. nil without an error means that there is nothing
// to report yet, for instance because the member's controller has not seen the object. The result shares nothing with
// live. The error says that the object is malformed.
func (k Kind) Reflect(live *unstructured.Unstructured) (map[string]any, error) {
	switch status := live.Object["status"].(type) {
	case nil:
		return nil, nil
	case map[string]any:
		if k.rules.Reflect == nil {
			return nil, nil
		}
		return k.rules.Reflect(live), nil
	default:
		return nil, fmt.Errorf("status of %s %s is no object but %T", live.GetKind(), live.GetName(), status)
	}
}

// Health judges a member object. Unknown means that its status does not tell yet.
func (k Kind) Health(live *unstructured.Unstructured) workv1alpha2.ResourceHealth {
	if k.rules.Health == nil {
		return workv1alpha2.ResourceHealthy
	}
	return k.rules.Health(live.Object)
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
	if k.rules.Aggregate == nil {
		return after, false
	}
	m.Items = sortedItems(m.Items)
	k.rules.Aggregate(after, tmpl, m)
	if len(before) == 0 && len(after) == 0 {
		return after, false
	}
	return after, !reflect.DeepEqual(before, after)
}

// Dependencies lists the objects that a copy of tmpl needs beside it in its cluster, sorted and without duplicates.
func (k Kind) Dependencies(tmpl *unstructured.Unstructured) ([]Dependency, error) {
	if k.rules.Dependencies == nil {
		return nil, nil
	}
	deps, err := k.rules.Dependencies(tmpl)
	if err != nil {
		return nil, fmt.Errorf("dependencies of %s %s/%s: %w", tmpl.GetKind(), tmpl.GetNamespace(), tmpl.GetName(), err)
	}
	return sortedDependencies(deps), nil
}
