/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package kind

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/uuid"
)

// Identify puts a fresh random UUID into the label key of obj, in place of whatever it has.
func Identify(obj metav1.Object, key string) {
	setLabel(obj, key, string(uuid.NewUUID()))
}

// KeepIdentity gives obj the identity of old in the label key if obj has none, as after a PUT by a client that drops
// labels it does not know. If old has none either, obj gets a fresh one.
func KeepIdentity(obj, old metav1.Object, key string) {
	switch id := old.GetLabels()[key]; {
	case obj.GetLabels()[key] != "":
	case id != "":
		setLabel(obj, key, id)
	default:
		Identify(obj, key)
	}
}

func setLabel(obj metav1.Object, key, value string) {
	labels := obj.GetLabels()
	if labels == nil {
		labels = map[string]string{}
	}
	labels[key] = value
	obj.SetLabels(labels)
}
