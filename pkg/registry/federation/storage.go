/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

// Package federation serves the Federation: what it is, computed on demand, and the subresource by which users of a host cluster
// reach all that the hub serves.
package federation

import (
	"context"
	"sync/atomic"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/internalversion"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/rest"

	hubv1alpha1 "github.com/manifold-k8s/manifold/apis/hub/v1alpha1"
	"github.com/manifold-k8s/manifold/pkg/registry/kind"
)

// Source computes the status of the federation.
type Source func() (hubv1alpha1.FederationStatus, error)

// Storage is the storage of the group.
type Storage struct {
	Federations *Federations
	Proxy       *Proxy
}

// NewStorage returns storage that fails with 503 until both parts have been told what they rest on.
func NewStorage() Storage {
	return Storage{
		Federations: &Federations{TableConvertor: kind.NewTable(columns())},
		Proxy:       &Proxy{},
	}
}

// Resources maps resource paths to storage, for the installer of API groups.
func (s Storage) Resources() map[string]rest.Storage {
	return map[string]rest.Storage{"federations": s.Federations, "federations/proxy": s.Proxy}
}

// Federations serves the one Federation, read-only.
type Federations struct {
	rest.TableConvertor
	source atomic.Pointer[Source]
}

var (
	_ rest.Scoper               = &Federations{}
	_ rest.Getter               = &Federations{}
	_ rest.Lister               = &Federations{}
	_ rest.SingularNameProvider = &Federations{}
)

// Use says where the status comes from.
func (r *Federations) Use(s Source) { r.source.Store(&s) }

// New returns an empty Federation.
func (r *Federations) New() runtime.Object { return &hubv1alpha1.Federation{} }

// NewList returns an empty list.
func (r *Federations) NewList() runtime.Object { return &hubv1alpha1.FederationList{} }

// Destroy has nothing to release.
func (r *Federations) Destroy() {}

// NamespaceScoped says that a Federation is in no namespace.
func (r *Federations) NamespaceScoped() bool { return false }

// GetSingularName returns the name for one.
func (r *Federations) GetSingularName() string { return "federation" }

func (r *Federations) current() (*hubv1alpha1.Federation, error) {
	source := r.source.Load()
	if source == nil {
		return nil, apierrors.NewServiceUnavailable("the server is starting")
	}
	status, err := (*source)()
	if err != nil {
		return nil, err
	}
	return &hubv1alpha1.Federation{ObjectMeta: metav1.ObjectMeta{Name: hubv1alpha1.FederationName}, Status: status}, nil
}

// Get returns the Federation.
func (r *Federations) Get(_ context.Context, name string, _ *metav1.GetOptions) (runtime.Object, error) {
	if name != hubv1alpha1.FederationName {
		return nil, apierrors.NewNotFound(hubv1alpha1.Resource("federations"), name)
	}
	return r.current()
}

// List returns the Federation, if it is selected.
func (r *Federations) List(_ context.Context, options *internalversion.ListOptions) (runtime.Object, error) {
	f, err := r.current()
	if err != nil {
		return nil, err
	}
	byLabel, byField := labels.Everything(), fields.Everything()
	if options != nil && options.LabelSelector != nil {
		byLabel = options.LabelSelector
	}
	if options != nil && options.FieldSelector != nil {
		byField = options.FieldSelector
	}
	list := &hubv1alpha1.FederationList{Items: []hubv1alpha1.Federation{}}
	if byLabel.Matches(labels.Set(f.Labels)) && byField.Matches(fields.Set{"metadata.name": f.Name}) {
		list.Items = append(list.Items, *f)
	}
	return list, nil
}

func columns() []kind.Column[*hubv1alpha1.Federation] {
	type object = *hubv1alpha1.Federation
	return []kind.Column[object]{{
		Name:        "Version",
		Description: "Kubernetes version that the hub speaks.",
		Cell:        func(f object) any { return f.Status.KubernetesVersion },
	}, {
		Name:        "Clusters",
		Type:        "integer",
		Description: "Number of Clusters that have joined.",
		Cell:        func(f object) any { return int64(f.Status.Clusters) },
	}, {
		Name:        "Ready",
		Type:        "integer",
		Description: "Number of Clusters among them that are ready.",
		Cell:        func(f object) any { return int64(f.Status.ReadyClusters) },
	}}
}
