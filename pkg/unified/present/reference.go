/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package present

import (
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
)

// reference is one place in an object that names another one.
type reference struct {
	apiVersion, kind, namespace string
	name                        *string    // not empty
	uid                         *types.UID // nil where the reference has none
}

// visit shows every reference in obj, in a fixed order.
func visit(obj runtime.Object, m metav1.Object, f func(reference)) {
	show := func(r reference) {
		if r.name != nil && *r.name != "" {
			f(r)
		}
	}
	owners := m.GetOwnerReferences() // not a copy: the types here have a metav1.ObjectMeta
	for i := range owners {
		o := &owners[i]
		show(reference{o.APIVersion, o.Kind, m.GetNamespace(), &o.Name, &o.UID})
	}
	node := func(name *string) { show(reference{apiVersion: "v1", kind: "Node", name: name}) }
	object := func(o *corev1.ObjectReference) {
		if o != nil {
			show(reference{o.APIVersion, o.Kind, o.Namespace, &o.Name, &o.UID})
		}
	}
	switch o := obj.(type) {
	case *corev1.Pod:
		node(&o.Spec.NodeName)
		node(&o.Status.NominatedNodeName)
	case *corev1.Event:
		object(&o.InvolvedObject)
		object(o.Related)
	case *discoveryv1.EndpointSlice:
		for i := range o.Endpoints {
			node(o.Endpoints[i].NodeName)
			object(o.Endpoints[i].TargetRef)
		}
	}
}
