/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package unified

import (
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// kind is one whose objects members own.
type kind struct {
	version    schema.GroupVersion // in which members are asked
	resource   string
	kind       string
	singular   string
	shortNames []string
	namespaced bool
	// parts are the subresources that are read and changed as the object itself is.
	parts []string
}

func (k kind) gvr() schema.GroupVersionResource { return k.version.WithResource(k.resource) }
func (k kind) gvk() schema.GroupVersionKind     { return k.version.WithKind(k.kind) }

// kinds are all, by the name under which the hub serves them.
var kinds = func() map[schema.GroupVersionResource]kind {
	core, apps := corev1.SchemeGroupVersion, appsv1.SchemeGroupVersion
	event := kind{core, "events", "Event", "event", []string{"ev"}, true, nil}
	out := map[schema.GroupVersionResource]kind{
		// The same objects in another form.
		{Group: "events.k8s.io", Version: "v1", Resource: "events"}: event,
	}
	for _, k := range []kind{
		{core, "pods", "Pod", "pod", []string{"po"}, true, []string{"status", "ephemeralcontainers", "resize"}},
		{core, "nodes", "Node", "node", []string{"no"}, false, []string{"status"}},
		{core, "persistentvolumes", "PersistentVolume", "persistentvolume", []string{"pv"}, false, []string{"status"}},
		event,
		{apps, "replicasets", "ReplicaSet", "replicaset", []string{"rs"}, true, []string{"status", "scale"}},
		{apps, "controllerrevisions", "ControllerRevision", "controllerrevision", nil, true, nil},
		{discoveryv1.SchemeGroupVersion, "endpointslices", "EndpointSlice", "endpointslice", nil, true, nil},
	} {
		out[k.gvr()] = k
	}
	return out
}()

// Unstored are the resources among them of which the hub stores nothing.
var Unstored = []schema.GroupResource{{Resource: "nodes"}}
