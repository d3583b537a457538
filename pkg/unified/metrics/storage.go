/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

// Package metrics serves metrics.k8s.io: what pods and nodes of all members use. Nothing is kept; every request asks the
// members' own metrics APIs, all at once.
package metrics

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/internalversion"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/apiserver/pkg/warning"
	clientrest "k8s.io/client-go/rest"
	"k8s.io/metrics/pkg/apis/metrics/v1beta1"

	"github.com/manifold-k8s/manifold/pkg/unified/present"
)

// SchemeGroupVersion is what is served.
var SchemeGroupVersion = v1beta1.SchemeGroupVersion

// AddKnownTypes registers the types under the group-version given.
func AddKnownTypes(s *runtime.Scheme, gv schema.GroupVersion) {
	s.AddKnownTypes(gv, &v1beta1.PodMetrics{}, &v1beta1.PodMetricsList{}, &v1beta1.NodeMetrics{}, &v1beta1.NodeMetricsList{})
}

// Members are the connections to the members.
type Members interface {
	// Names are all clusters, sorted.
	Names() []string
	Exists(cluster string) bool
	// Config is how to reach a cluster with Manifold's own rights.
	Config(ctx context.Context, cluster string) (*clientrest.Config, error)
}

// Config is what the storage needs to answer.
type Config struct {
	Members Members
	// Patience is how long one member is waited for; more than 0.
	Patience time.Duration
}

// Storage is that of the API group.
type Storage struct{ pods, nodes *resource }

// NewStorage returns storage that is unavailable until Use has been called.
func NewStorage() Storage {
	shared := &atomic.Pointer[Config]{}
	return Storage{
		pods: &resource{
			config: shared, name: "pods", singular: "pod", namespaced: true,
			item: func() runtime.Object { return &v1beta1.PodMetrics{} },
			list: func() runtime.Object { return &v1beta1.PodMetricsList{} },
		},
		nodes: &resource{
			config: shared, name: "nodes", singular: "node",
			item: func() runtime.Object { return &v1beta1.NodeMetrics{} },
			list: func() runtime.Object { return &v1beta1.NodeMetricsList{} },
		},
	}
}

// Use says how to reach the members.
func (s Storage) Use(cfg Config) { s.pods.config.Store(&cfg) }

// Resources maps resource paths to storage, for the installer of API groups.
func (s Storage) Resources() map[string]rest.Storage {
	return map[string]rest.Storage{s.pods.name: s.pods, s.nodes.name: s.nodes}
}

// resource is one of the two.
type resource struct {
	config         *atomic.Pointer[Config]
	name, singular string
	namespaced     bool
	item, list     func() runtime.Object // new and empty
}

var (
	_ rest.Getter               = &resource{}
	_ rest.Lister               = &resource{}
	_ rest.Scoper               = &resource{}
	_ rest.SingularNameProvider = &resource{}
)

func (r *resource) groupResource() schema.GroupResource { return v1beta1.Resource(r.name) }

// New returns an empty object.
func (r *resource) New() runtime.Object { return r.item() }

// NewList returns an empty list.
func (r *resource) NewList() runtime.Object { return r.list() }

// Destroy has nothing to release.
func (r *resource) Destroy() {}

// NamespaceScoped reports whether the objects are in namespaces.
func (r *resource) NamespaceScoped() bool { return r.namespaced }

// GetSingularName returns the name of one.
func (r *resource) GetSingularName() string { return r.singular }

// Get returns what one pod or node uses. A name without a cluster will do if only one cluster has such an object.
func (r *resource) Get(ctx context.Context, name string, _ *metav1.GetOptions) (runtime.Object, error) {
	f, err := r.fleet(ctx)
	if err != nil {
		return nil, err
	}
	if own, cluster, ok := present.Split(name); ok && f.Members.Exists(cluster) {
		a := f.ask(ctx, []string{cluster}, func(string) query { return query{name: own} })[0]
		switch {
		case apierrors.IsNotFound(a.err):
			return nil, apierrors.NewNotFound(r.groupResource(), name)
		case a.err != nil:
			return nil, apierrors.NewServiceUnavailable(fmt.Sprintf("cluster %s cannot be asked about %s %q: %v", cluster, r.name, name, a.err))
		}
		return a.items[0], nil
	}
	return r.only(ctx, name, f.ask(ctx, f.Members.Names(), func(string) query { return query{name: name} }))
}

// only picks the one object of that name among the answers, or explains why there is none.
func (r *resource) only(ctx context.Context, name string, answers []answer) (runtime.Object, error) {
	var has, silent []string
	var found runtime.Object
	for _, a := range answers {
		switch {
		case a.err == nil:
			has, found = append(has, present.Name(name, a.cluster)), a.items[0]
		case !apierrors.IsNotFound(a.err):
			silent = append(silent, a.cluster)
		}
	}
	switch {
	case len(has) > 1:
		return nil, notFound(r.groupResource(), name, "it is in several clusters: choose one of "+strings.Join(has, ", "))
	case len(has) == 0 && len(silent) > 0:
		return nil, notFound(r.groupResource(), name, "there was no answer from "+strings.Join(silent, ", "))
	case len(has) == 0:
		return nil, apierrors.NewNotFound(r.groupResource(), name)
	case len(silent) > 0:
		warning.AddWarning(ctx, "", fmt.Sprintf("%s was found; there was no answer from %s", has[0], strings.Join(silent, ", ")))
	}
	return found, nil
}

func notFound(resource schema.GroupResource, name, more string) error {
	err := apierrors.NewNotFound(resource, name)
	err.ErrStatus.Message += ": " + more
	return err
}

// List returns what the pods or nodes of all members use, those of members that answer in time. What is missing is named
// in warnings; if no member that was asked has answered, it is an error.
func (r *resource) List(ctx context.Context, options *internalversion.ListOptions) (runtime.Object, error) {
	f, err := r.fleet(ctx)
	if err != nil {
		return nil, err
	}
	s := selectionOf(options, f.Members.Exists)
	answers := f.ask(ctx, s.among(f.Members.Names()), s.query)
	var items []runtime.Object
	var failed []answer
	for _, a := range answers {
		if a.err != nil {
			failed = append(failed, a)
			continue
		}
		for _, obj := range a.items {
			if s.matches(obj) {
				items = append(items, obj)
			}
		}
	}
	if len(failed) > 0 && len(failed) == len(answers) {
		return nil, apierrors.NewServiceUnavailable(fmt.Sprintf("no cluster says what its %s use: %s", r.name, explain(failed)))
	}
	for _, a := range failed {
		warning.AddWarning(ctx, "", fmt.Sprintf("%s; its %s are missing from this list", a.problem(), r.name))
	}
	sortByName(items)
	list := r.list()
	if err := meta.SetList(list, items); err != nil {
		return nil, fmt.Errorf("make a list: %w", err)
	}
	return list, nil
}

// fleet returns the members as a request sees them.
func (r *resource) fleet(ctx context.Context) (*fleet, error) {
	cfg := r.config.Load()
	if cfg == nil {
		return nil, apierrors.NewServiceUnavailable("the connections to the clusters are not known yet")
	}
	return &fleet{Config: *cfg, resource: r, namespace: request.NamespaceValue(ctx)}, nil
}
