/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

// Package search stores the ResourceRegistries of search.karmada.io/v1alpha1, and serves the two resources of the group that
// have no objects: search and proxying, whose requests it hands on.
package search

import (
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/generic"
	"k8s.io/apiserver/pkg/registry/rest"

	searchv1alpha1 "github.com/manifold-k8s/manifold/apis/search/v1alpha1"
	"github.com/manifold-k8s/manifold/pkg/registry/kind"
)

// Storage is the storage of all resources of the group.
type Storage struct {
	Registries *kind.REST[*searchv1alpha1.ResourceRegistry]
	// Search and Proxying answer 503 until they are told to whom requests go.
	Search   *Handler
	Proxying *Handler
}

// NewStorage connects the storage to the backend that getter names. scheme must know the group's types.
func NewStorage(scheme *runtime.Scheme, getter generic.RESTOptionsGetter) (Storage, error) {
	registries, err := kind.NewREST(resourceRegistry(), scheme, getter)
	if err != nil {
		return Storage{}, err
	}
	return Storage{Registries: registries, Search: newSearch(), Proxying: newProxying()}, nil
}

// Resources maps resource paths to storage, for the installer of API groups.
func (s Storage) Resources() map[string]rest.Storage {
	resources := map[string]rest.Storage{
		"search":         s.Search,
		"proxying":       proxying{},
		"proxying/proxy": s.Proxying,
	}
	s.Registries.AddTo(resources)
	return resources
}

func resourceRegistry() kind.Kind[*searchv1alpha1.ResourceRegistry] {
	type object = *searchv1alpha1.ResourceRegistry
	return kind.Kind[object]{
		Resource:            searchv1alpha1.Resource("resourceregistries"),
		Version:             searchv1alpha1.SchemeGroupVersion.Version,
		Singular:            "resourceregistry",
		UnconditionalUpdate: true,
		New:                 func() object { return &searchv1alpha1.ResourceRegistry{} },
		NewList:             func() runtime.Object { return &searchv1alpha1.ResourceRegistryList{} },
		Spec:                func(r object) any { return r.Spec },
		CopySpec:            func(to, from object) { to.Spec = from.Spec },
		CopyStatus:          func(to, from object) { to.Status = from.Status },
		Validate:            validate,
		Warnings:            warnings,
		Columns: []kind.Column[object]{{
			Name:        "Created At",
			Type:        "date",
			Description: "When the object was created.",
			Cell:        func(r object) any { return r.CreationTimestamp.UTC().Format("2006-01-02T15:04:05Z") },
		}},
	}
}
