/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package search

import (
	"context"
	"maps"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/internalversion"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/apiserver/pkg/registry/rest"

	"github.com/manifold-k8s/manifold/pkg/unified/union"
)

// storage serves reads of one collection, in the form that proxying has: plain names, and resource versions that are vectors.
type storage struct {
	*collection
	namespace string // "" for all, or for objects that have none
	table     rest.TableConvertor
}

var (
	_ rest.Getter  = &storage{}
	_ rest.Lister  = &storage{}
	_ rest.Watcher = &storage{}
)

// New implements rest.Storage.
func (s *storage) New() runtime.Object { return &unstructured.Unstructured{} }

// Destroy implements rest.Storage.
func (s *storage) Destroy() {}

// NewList implements rest.Lister.
func (s *storage) NewList() runtime.Object { return &unstructured.UnstructuredList{} }

// ConvertToTable implements rest.Lister.
func (s *storage) ConvertToTable(ctx context.Context, obj, options runtime.Object) (*metav1.Table, error) {
	return s.table.ConvertToTable(ctx, obj, options)
}

// Get returns the object of a name if one cluster has it.
func (s *storage) Get(ctx context.Context, name string, _ *metav1.GetOptions) (runtime.Object, error) {
	found, number, err := s.one(ctx, s.namespace, name, false)
	if err != nil {
		return nil, err
	}
	return found.shown(vector{found.cluster(): found.version, position: number}.String()), nil
}

// List returns the objects of all clusters, cluster by cluster.
func (s *storage) List(ctx context.Context, o *internalversion.ListOptions) (runtime.Object, error) {
	sel, name, err := s.selection(o)
	if err != nil {
		return nil, apierrors.NewBadRequest(err.Error())
	}
	if len(sel.Clusters) == 0 {
		return listOf(schema.GroupVersionKind{Version: "v1", Kind: ""}, &items{}), nil
	}
	if o.Limit > 0 && o.ResourceVersion != "0" && name == "" || o.Continue != "" {
		return s.listPage(ctx, sel, o)
	}
	var list *items
	if name != "" {
		list, err = s.named(ctx, s.namespace, name, sel)
	} else {
		list, err = s.all(ctx, s.namespace, sel, wholeAt(o))
	}
	if err != nil {
		return nil, err
	}
	out := listOf(s.kind, list)
	out.SetResourceVersion(s.vector(list.ResourceVersion).String())
	return out, nil
}

// wholeAt is how the union is asked for everything at the state that a client wants.
func wholeAt(o *internalversion.ListOptions) *internalversion.ListOptions {
	out := &internalversion.ListOptions{}
	if number, ok := numberOf(o.ResourceVersion); ok && number != "" {
		out.ResourceVersion, out.ResourceVersionMatch = number, o.ResourceVersionMatch
	}
	return out
}

func (s *storage) listPage(ctx context.Context, sel union.Selection, o *internalversion.ListOptions) (runtime.Object, error) {
	var from token
	if o.Continue != "" {
		var err error
		if from, err = parseToken(o.Continue); err != nil {
			return nil, err
		}
	}
	if o.Limit == 0 {
		o = o.DeepCopy()
		o.Limit = 1 << 40 // the rest, however long
	}
	list, rest, err := s.page(ctx, s.namespace, sel, o, from)
	if err != nil {
		return nil, err
	}
	out := listOf(s.kind, list)
	version := from.ResourceVersion
	if version == "" {
		version = s.vector(list.ResourceVersion).String()
	}
	out.SetResourceVersion(version)
	if rest != nil {
		rest.ResourceVersion = version
		out.SetContinue(rest.String())
	}
	return out, nil
}

// listOf is a list of objects of a kind, each with the resource version of its own cluster.
func listOf(kind schema.GroupVersionKind, list *items) *unstructured.UnstructuredList {
	out := &unstructured.UnstructuredList{Items: make([]unstructured.Unstructured, len(list.Items))}
	out.SetGroupVersionKind(kind.GroupVersion().WithKind(kind.Kind + "List"))
	for i := range list.Items {
		out.Items[i] = *list.Items[i].shown(list.Items[i].version)
	}
	return out
}

// Watch tells of changes in all clusters.
func (s *storage) Watch(ctx context.Context, o *internalversion.ListOptions) (watch.Interface, error) {
	sel, _, err := s.selection(o)
	if err != nil {
		return nil, apierrors.NewBadRequest(err.Error())
	}
	sel.Clusters = nil // those that come later, too
	number, ok := numberOf(o.ResourceVersion)
	if !ok {
		return nil, apierrors.NewResourceExpired("the resource version does not say what was seen last; list again")
	}
	options := *o
	options.ResourceVersion = number
	if number == "" && options.SendInitialEvents == nil {
		options.ResourceVersionMatch = ""
	}
	running, ours := parseVector(o.ResourceVersion)
	if !ours {
		running = vector{}
	}
	w, err := s.union.Watch(ctx, s.namespace, sel, &options)
	if err != nil {
		return nil, err
	}
	running = maps.Clone(running)
	for cluster, own := range s.vector("") {
		if _, ok := running[cluster]; !ok && !ours {
			running[cluster] = own
		}
	}
	return watch.Filter(w, func(e watch.Event) (watch.Event, bool) {
		i, ok := e.Object.(*item)
		if !ok {
			return e, true // an error
		}
		running[position] = i.GetResourceVersion()
		if cluster := i.cluster(); cluster != "" { // bookmarks have none
			running[cluster] = i.version
		}
		e.Object = i.shown(running.String())
		if e.Type == watch.Bookmark {
			e.Object = bookmark(i, running.String())
		}
		return e, true
	}), nil
}

func bookmark(i *item, resourceVersion string) runtime.Object {
	out := i.DeepCopy()
	out.SetResourceVersion(resourceVersion)
	return out
}
