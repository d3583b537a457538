/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

// Package kind turns the description of one of our API kinds into its REST storage: a generic registry with its
// strategies, a status subresource, printed columns, and what the controllers of this process use of it without HTTP.
//
// The served Go types are also the internal ones, so a description speaks about the versioned type and there is no
// conversion. There is no separate defaulting step either: Default runs before validation on every write, so what is
// served is what is stored.
package kind

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/registry/generic"
	genericregistry "k8s.io/apiserver/pkg/registry/generic/registry"
	"k8s.io/apiserver/pkg/registry/rest"

	"github.com/manifold-k8s/manifold/pkg/local"
)

// Category is the group name under which kubectl finds all kinds that a user works with: kubectl get karmada-io.
const Category = "karmada-io"

// Object is a pointer to an API type.
type Object interface {
	runtime.Object
	metav1.Object
}

// Kind describes how objects of one kind are named, defaulted, validated, printed and stored. T is the pointer type.
// A function that is nil has nothing to say; New, NewList, Spec and Validate are required. None of the functions may
// keep or change an object other than where said.
type Kind[T Object] struct {
	Resource   schema.GroupResource
	Version    string // the served version
	Singular   string
	ShortNames []string
	Categories []string
	Namespaced bool
	// UnconditionalUpdate allows a PUT without resourceVersion: the last write wins.
	UnconditionalUpdate bool
	// Uncollected says that the garbage collector does not look at the kind: no deletion waits for it.
	Uncollected bool

	New     func() T
	NewList func() runtime.Object
	// Spec returns the part whose change raises metadata.generation.
	Spec func(T) any
	// CopySpec and CopyStatus set that part of to, to what from has. Kinds without a status subresource have neither.
	CopySpec   func(to, from T)
	CopyStatus func(to, from T)

	// Default fills in what obj leaves open. old is nil when obj is being created.
	Default func(obj, old T)
	// Validate checks an object after defaulting, on create and update.
	Validate func(obj T) field.ErrorList
	// ValidateUpdate checks only what depends on both; Validate is called as well.
	ValidateUpdate func(obj, old T) field.ErrorList
	// ValidateStatus checks the status in writes that carry one.
	ValidateStatus func(obj T) field.ErrorList
	// Warnings tells the user what the object says in vain. One warning is one line that begins with a field path.
	Warnings func(obj T) []string

	// Columns follow NAME in printed tables.
	Columns []Column[T]
}

// REST is the storage of one kind. The embedded registry serves the main resource.
type REST[T Object] struct {
	*genericregistry.Store
	kind    Kind[T]
	status  *StatusREST // nil without status subresource
	whole   *genericregistry.Store
	written *local.Written
}

var (
	_ rest.ShortNamesProvider = &REST[Object]{}
	_ rest.CategoriesProvider = &REST[Object]{}
	_ rest.StandardStorage    = &REST[Object]{}
)

// NewREST returns the storage of k. It connects to the backend that getter names, which starts the watch cache;
// Destroy ends that. scheme must know the kind's types.
func NewREST[T Object](k Kind[T], scheme *runtime.Scheme, getter generic.RESTOptionsGetter) (*REST[T], error) {
	main := newStrategy(k, scheme)
	store := &genericregistry.Store{
		NewFunc:                   func() runtime.Object { return k.New() },
		NewListFunc:               k.NewList,
		DefaultQualifiedResource:  k.Resource,
		SingularQualifiedResource: schema.GroupResource{Group: k.Resource.Group, Resource: k.Singular},
		CreateStrategy:            main,
		UpdateStrategy:            main,
		DeleteStrategy:            main,
		ResetFieldsStrategy:       main,
		TableConvertor:            tableConvertor[T]{columns: k.Columns},
	}
	if err := store.CompleteWithOptions(&generic.StoreOptions{RESTOptions: getter}); err != nil {
		return nil, fmt.Errorf("set up storage of %s: %w", k.Resource, err)
	}
	r := &REST[T]{Store: store, kind: k, written: &local.Written{}}
	store.Storage.Storage = r.written.Note(store.Storage.Storage)
	if k.CopyStatus == nil {
		return r, nil
	}

	status := *store
	status.CreateStrategy = nil
	status.UpdateStrategy = statusStrategy[T]{main}
	status.DeleteStrategy = nil
	status.ResetFieldsStrategy = statusStrategy[T]{main}
	r.status = &StatusREST{store: &status}

	whole := *store
	whole.CreateStrategy = wholeStrategy[T]{main}
	whole.UpdateStrategy = wholeStrategy[T]{main}
	r.whole = &whole
	return r, nil
}

// ShortNames are the abbreviations that kubectl accepts for the kind.
func (r *REST[T]) ShortNames() []string { return r.kind.ShortNames }

// Categories are the group names under which kubectl lists the kind.
func (r *REST[T]) Categories() []string { return r.kind.Categories }

// Status returns the storage of the status subresource, nil if the kind has none.
func (r *REST[T]) Status() *StatusREST { return r.status }

// AddTo adds the kind's resource, and its status subresource if it has one, to a map from resource path to storage as
// the installer of API groups wants it.
func (r *REST[T]) AddTo(resources map[string]rest.Storage) {
	resources[r.kind.Resource.Resource] = r
	if r.status != nil {
		resources[r.kind.Resource.Resource+"/status"] = r.status
	}
}

// ListWatch gives informers of this process the kind's objects without HTTP (see [local.ListWatch]), and tells what was
// written of them.
func (r *REST[T]) ListWatch() *local.Source {
	source := local.ListWatch(r.Store, r.kind.Resource)
	source.Written = r.written
	return source
}

// Writer returns the way for controllers of this process to write spec and status at once. It is nil for a kind
// without status subresource.
func (r *REST[T]) Writer() *Writer[T] {
	if r.whole == nil {
		return nil
	}
	return &Writer[T]{store: r.whole}
}
