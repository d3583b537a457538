/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package unified

import (
	"encoding/json"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	appsv1apply "k8s.io/client-go/applyconfigurations/apps/v1"
	corev1apply "k8s.io/client-go/applyconfigurations/core/v1"
	discoveryv1apply "k8s.io/client-go/applyconfigurations/discovery/v1"

	"github.com/manifold-k8s/manifold/pkg/unified/present"
)

// applied returns what a client has applied by server-side apply, in the member's terms, to be applied there by the same
// field manager: nil if that is what the member has. The hub has found out about conflicts. after is the object with it, as
// shown; it says which fields the manager has applied.
func (r *resource) applied(c change, live, shown, before, after runtime.Object) ([]byte, error) {
	same, err := r.difference(c, live, shown, before, after, false)
	if err != nil {
		return nil, err
	}
	if same == nil && equality.Semantic.DeepEqual(appliedFields(before, c.options.FieldManager), appliedFields(after, c.options.FieldManager)) {
		return nil, nil
	}
	external, err := r.external(after)
	if err != nil {
		return nil, err
	}
	if err := present.Original(c.cluster, external, live, shown); err != nil {
		return nil, err
	}
	config, err := extract(external, c.options.FieldManager)
	if err != nil {
		return nil, fmt.Errorf("read what %s applies to %s: %w", c.options.FieldManager, c.name, err)
	}
	patch, err := json.Marshal(config)
	if err != nil {
		return nil, err
	}
	m, err := meta.Accessor(live)
	if err != nil {
		return nil, err
	}
	return withVersion(patch, m.GetResourceVersion())
}

// appliedFields are the fields that a manager has applied to an object itself; nil for none.
func appliedFields(obj runtime.Object, manager string) *metav1.FieldsV1 {
	m, err := meta.Accessor(obj)
	if err != nil {
		return nil
	}
	for _, f := range m.GetManagedFields() {
		if f.Manager == manager && f.Operation == metav1.ManagedFieldsOperationApply && f.Subresource == "" {
			return f.FieldsV1
		}
	}
	return nil
}

// extract returns what a manager has applied to an object.
func extract(obj runtime.Object, manager string) (any, error) {
	switch o := obj.(type) {
	case *corev1.Pod:
		return corev1apply.ExtractPod(o, manager)
	case *corev1.Node:
		return corev1apply.ExtractNode(o, manager)
	case *corev1.PersistentVolume:
		return corev1apply.ExtractPersistentVolume(o, manager)
	case *corev1.Event:
		return corev1apply.ExtractEvent(o, manager)
	case *appsv1.ReplicaSet:
		return appsv1apply.ExtractReplicaSet(o, manager)
	case *appsv1.ControllerRevision:
		return appsv1apply.ExtractControllerRevision(o, manager)
	case *discoveryv1.EndpointSlice:
		return discoveryv1apply.ExtractEndpointSlice(o, manager)
	}
	return nil, fmt.Errorf("server-side apply to a %T is not known here", obj)
}
