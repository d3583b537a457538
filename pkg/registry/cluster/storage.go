/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

// Package cluster stores the Clusters of cluster.karmada.io/v1alpha1, the members of the federation.
package cluster

import (
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/generic"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/utils/clock"

	clusterv1alpha1 "github.com/manifold-k8s/manifold/apis/cluster/v1alpha1"
	"github.com/manifold-k8s/manifold/pkg/registry/kind"
)

// Storage is the storage of all kinds of the group.
type Storage struct {
	Clusters *kind.REST[*clusterv1alpha1.Cluster]
	Proxy    *ProxyREST
}

// NewStorage connects the storage to the backend that getter names. scheme must know the group's types; clock gives the
// time at which a NoExecute taint was added.
func NewStorage(scheme *runtime.Scheme, getter generic.RESTOptionsGetter, clock clock.PassiveClock) (Storage, error) {
	clusters, err := kind.NewREST(cluster(clock), scheme, getter)
	if err != nil {
		return Storage{}, err
	}
	return Storage{Clusters: clusters, Proxy: &ProxyREST{}}, nil
}

// Resources maps resource paths to storage, for the installer of API groups.
func (s Storage) Resources() map[string]rest.Storage {
	resources := map[string]rest.Storage{}
	s.Clusters.AddTo(resources)
	resources["clusters/proxy"] = s.Proxy
	return resources
}

func cluster(clock clock.PassiveClock) kind.Kind[*clusterv1alpha1.Cluster] {
	type object = *clusterv1alpha1.Cluster
	return kind.Kind[object]{
		Resource:            clusterv1alpha1.Resource("clusters"),
		Version:             clusterv1alpha1.SchemeGroupVersion.Version,
		Singular:            "cluster",
		UnconditionalUpdate: true,
		New:                 func() object { return &clusterv1alpha1.Cluster{} },
		NewList:             func() runtime.Object { return &clusterv1alpha1.ClusterList{} },
		Spec:                func(c object) any { return c.Spec },
		CopySpec:            func(to, from object) { to.Spec = from.Spec },
		CopyStatus:          func(to, from object) { to.Status = from.Status },
		Default:             func(c, old object) { setDefaults(c, old, clock.Now()) },
		Validate:            validate,
		Warnings:            warnings,
		Columns:             columns(),
	}
}
