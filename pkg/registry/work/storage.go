/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

// Package work stores the kinds of work.karmada.io: the bindings, which say where a template is placed and what
// has become of it there, and the Works that users make; it serves computed Works beside these.
package work

import (
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/registry/generic"
	"k8s.io/apiserver/pkg/registry/rest"

	policyv1alpha1 "github.com/manifold-k8s/manifold/apis/policy/v1alpha1"
	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
	"github.com/manifold-k8s/manifold/pkg/registry/kind"
)

// Storage is the storage of all kinds of the group. Its Writers let a controller of this process store a placement, and
// what is known of it, in one write.
type Storage struct {
	ResourceBindings        *kind.REST[*workv1alpha2.ResourceBinding]
	ClusterResourceBindings *kind.REST[*workv1alpha2.ClusterResourceBinding]
}

// NewStorage connects the storage to the backend that getter names. scheme must know the group's types.
func NewStorage(scheme *runtime.Scheme, getter generic.RESTOptionsGetter) (Storage, error) {
	namespaced, err := kind.NewREST(resourceBinding(), scheme, getter)
	if err != nil {
		return Storage{}, err
	}
	clusterWide, err := kind.NewREST(clusterResourceBinding(), scheme, getter)
	if err != nil {
		return Storage{}, err
	}
	return Storage{ResourceBindings: namespaced, ClusterResourceBindings: clusterWide}, nil
}

// Resources maps resource paths to storage, for the installer of API groups.
func (s Storage) Resources() map[string]rest.Storage {
	resources := map[string]rest.Storage{}
	s.ResourceBindings.AddTo(resources)
	s.ClusterResourceBindings.AddTo(resources)
	return resources
}

func resourceBinding() kind.Kind[*workv1alpha2.ResourceBinding] {
	type object = *workv1alpha2.ResourceBinding
	const id = workv1alpha2.ResourceBindingPermanentIDLabel
	return kind.Kind[object]{
		Resource:   workv1alpha2.Resource("resourcebindings"),
		Version:    workv1alpha2.SchemeGroupVersion.Version,
		Singular:   "resourcebinding",
		ShortNames: []string{"rb"},
		Categories: []string{kind.Category},
		Namespaced: true,
		New:        func() object { return &workv1alpha2.ResourceBinding{} },
		NewList:    func() runtime.Object { return &workv1alpha2.ResourceBindingList{} },
		Spec:       func(b object) any { return b.Spec },
		CopySpec:   func(to, from object) { to.Spec = from.Spec },
		CopyStatus: func(to, from object) { to.Status = from.Status },
		Default: func(b, old object) {
			if old == nil {
				old = b // an identity that the creator gave is kept
			}
			kind.KeepIdentity(b, old, id)
			setDefaults(&b.Spec)
		},
		Validate: func(b object) field.ErrorList {
			return append(validateMetadata(b), validateSpec(&b.Spec, field.NewPath("spec"))...)
		},
		ValidateStatus: func(b object) field.ErrorList { return validateStatus(&b.Status, field.NewPath("status")) },
		Columns: columns(
			func(b object) *workv1alpha2.ResourceBindingSpec { return &b.Spec },
			func(b object) *workv1alpha2.ResourceBindingStatus { return &b.Status }),
	}
}

func clusterResourceBinding() kind.Kind[*workv1alpha2.ClusterResourceBinding] {
	type object = *workv1alpha2.ClusterResourceBinding
	const id = workv1alpha2.ClusterResourceBindingPermanentIDLabel
	return kind.Kind[object]{
		Resource:   workv1alpha2.Resource("clusterresourcebindings"),
		Version:    workv1alpha2.SchemeGroupVersion.Version,
		Singular:   "clusterresourcebinding",
		ShortNames: []string{"crb"},
		Categories: []string{kind.Category},
		New:        func() object { return &workv1alpha2.ClusterResourceBinding{} },
		NewList:    func() runtime.Object { return &workv1alpha2.ClusterResourceBindingList{} },
		Spec:       func(b object) any { return b.Spec },
		CopySpec:   func(to, from object) { to.Spec = from.Spec },
		CopyStatus: func(to, from object) { to.Status = from.Status },
		Default: func(b, old object) {
			if old == nil {
				old = b // an identity that the creator gave is kept
			}
			kind.KeepIdentity(b, old, id)
			setDefaults(&b.Spec)
		},
		Validate: func(b object) field.ErrorList {
			return append(validateMetadata(b), validateSpec(&b.Spec, field.NewPath("spec"))...)
		},
		ValidateStatus: func(b object) field.ErrorList { return validateStatus(&b.Status, field.NewPath("status")) },
		Columns: columns(
			func(b object) *workv1alpha2.ResourceBindingSpec { return &b.Spec },
			func(b object) *workv1alpha2.ResourceBindingStatus { return &b.Status }),
	}
}

func setDefaults(spec *workv1alpha2.ResourceBindingSpec) {
	if spec.ConflictResolution == "" {
		spec.ConflictResolution = policyv1alpha1.ConflictAbort
	}
}
