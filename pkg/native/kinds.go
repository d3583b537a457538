/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package native

import (
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/apiserver/pkg/storage"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	"k8s.io/kubernetes/pkg/apis/apps"
	api "k8s.io/kubernetes/pkg/apis/core"
	"k8s.io/kubernetes/pkg/printers"
	printersinternal "k8s.io/kubernetes/pkg/printers/internalversion"
	printerstorage "k8s.io/kubernetes/pkg/printers/storage"
	"k8s.io/kubernetes/pkg/registry/apps/replicaset"
	"k8s.io/kubernetes/pkg/registry/core/event"
	"k8s.io/kubernetes/pkg/registry/core/node"
	"k8s.io/kubernetes/pkg/registry/core/persistentvolume"
	"k8s.io/kubernetes/pkg/registry/core/pod"
)

// Scheme knows every native kind in its external versions and in the internal one, which storage handles, and converts
// between them. It must not be changed.
func Scheme() *runtime.Scheme { return legacyscheme.Scheme }

// Printer makes the table of objects of any native kind, of the internal version, as kubectl prints it.
func Printer() rest.TableConvertor {
	return printerstorage.TableConvertor{TableGenerator: printers.NewTableGenerator().With(printersinternal.AddHandlers)}
}

// Attributes returns what selectors look at in an object of the internal version.
type Attributes func(obj runtime.Object) (labels.Set, fields.Set, error)

// AttributesOf returns the function of one of Kubernetes' kinds. Those not listed are selected by name and namespace.
func AttributesOf(kind schema.GroupKind) Attributes {
	switch kind {
	case api.Kind("Pod"):
		return pod.GetAttrs
	case api.Kind("Node"):
		return node.GetAttrs
	case api.Kind("Event"):
		return event.GetAttrs
	case api.Kind("PersistentVolume"):
		return persistentvolume.GetAttrs
	case apps.Kind("ReplicaSet"):
		return replicaset.GetAttrs
	}
	return storage.DefaultNamespaceScopedAttr
}
