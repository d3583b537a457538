/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package present

import (
	"fmt"
	"maps"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
)

// Templates finds the UID on the hub of what a member's object of that kind was made from. It is false if the hub has no
// such template, or the kind is none that it can look up cheaply.
type Templates func(apiVersion, kind, namespace, name string) (types.UID, bool)

// Object changes an object of a cluster, of an external version of its kind, to what it looks like on the hub. templates
// may be nil. Who owns which field (managedFields) is kept.
func Object(cluster string, obj runtime.Object, templates Templates) error {
	m, err := meta.Accessor(obj)
	if err != nil {
		return fmt.Errorf("a %T has no metadata: %w", obj, err)
	}
	m.SetName(Name(m.GetName(), cluster))
	m.SetLabels(with(m.GetLabels(), ClusterLabel, cluster))
	m.SetAnnotations(with(m.GetAnnotations(), ClusterAnnotation, cluster))
	m.SetSelfLink("")
	visit(obj, m, func(r reference) {
		switch {
		case Owned(r.apiVersion, r.kind):
			if r.uid != nil && r.kind == "Node" && string(*r.uid) == *r.name { // the kubelet's way to refer to its node
				*r.uid = types.UID(Name(*r.name, cluster))
			}
			*r.name = Name(*r.name, cluster)
		case templates != nil && r.uid != nil && *r.uid != "":
			if uid, ok := templates(r.apiVersion, r.kind, r.namespace, *r.name); ok {
				*r.uid = uid
			}
		}
	})
	return nil
}

// Original changes what was made on the hub of an object as shown back into the cluster's terms. live is the object as the
// member has it, shown is what Object made of that; neither is changed.
func Original(cluster string, obj, live, shown runtime.Object) error {
	m, err := meta.Accessor(obj)
	if err != nil {
		return fmt.Errorf("a %T has no metadata: %w", obj, err)
	}
	was, err := meta.Accessor(live)
	if err != nil {
		return fmt.Errorf("a %T has no metadata: %w", live, err)
	}
	showed, err := meta.Accessor(shown)
	if err != nil {
		return fmt.Errorf("a %T has no metadata: %w", shown, err)
	}
	m.SetName(strings.TrimSuffix(m.GetName(), "."+cluster))
	m.SetLabels(restored(m.GetLabels(), was.GetLabels(), ClusterLabel))
	m.SetAnnotations(restored(restored(m.GetAnnotations(), was.GetAnnotations(), ClusterAnnotation), was.GetAnnotations(), StaleAnnotation))

	var before []types.UID
	visit(live, was, func(r reference) { before = append(before, uidOf(r)) })
	own, i := map[types.UID]types.UID{}, 0
	visit(shown, showed, func(r reference) {
		if i < len(before) && r.uid != nil {
			own[*r.uid] = before[i]
		}
		i++
	})
	visit(obj, m, func(r reference) {
		if Owned(r.apiVersion, r.kind) {
			*r.name = strings.TrimSuffix(*r.name, "."+cluster)
		}
		if uid, ok := own[uidOf(r)]; ok && r.uid != nil {
			*r.uid = uid
		}
	})
	return nil
}

// MarkStale notes on an object as shown since when its member has not answered. Its annotations are copied.
func MarkStale(obj metav1.Object, since string) {
	obj.SetAnnotations(with(obj.GetAnnotations(), StaleAnnotation, since))
}

// ClusterOf is the cluster that owns an object as shown, "" for one that the hub stores.
func ClusterOf(obj metav1.Object) string {
	cluster := obj.GetAnnotations()[ClusterAnnotation]
	if cluster == "" || !strings.HasSuffix(obj.GetName(), "."+cluster) {
		return ""
	}
	return cluster
}

func uidOf(r reference) types.UID {
	if r.uid == nil {
		return ""
	}
	return *r.uid
}

// with returns a copy with one more entry.
func with(m map[string]string, key, value string) map[string]string {
	out := make(map[string]string, len(m)+1)
	maps.Copy(out, m)
	out[key] = value
	return out
}

// restored returns a copy in which key is as it was, and nil for an empty one where there was none.
func restored(m, was map[string]string, key string) map[string]string {
	out := make(map[string]string, len(m))
	maps.Copy(out, m)
	delete(out, key)
	if v, ok := was[key]; ok {
		out[key] = v
	}
	if len(out) == 0 && was == nil {
		return nil
	}
	return out
}
