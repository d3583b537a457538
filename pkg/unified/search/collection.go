/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package search

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/internalversion"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/duration"
	"k8s.io/apiserver/pkg/warning"
	"k8s.io/client-go/tools/cache"

	"github.com/manifold-k8s/manifold/pkg/unified/present"
	"github.com/manifold-k8s/manifold/pkg/unified/union"
)

// collection is the objects of one registered resource, of all clusters that registries select for it.
type collection struct {
	resource schema.GroupVersionResource
	kind     schema.GroupVersionKind
	union    *union.Union
	now      func() time.Time
	end      context.CancelFunc // of the union

	mu     sync.RWMutex
	extent extent // guarded by mu
}

// newCollection returns the collection of a resource; s says how long things take and where the members are.
func newCollection(resource schema.GroupVersionResource, e extent, s *Search) *collection {
	c := &collection{resource: resource, kind: e.kind, extent: e, now: s.cfg.Clock.Now}
	c.union = union.New(union.Config{
		Resource: resource,
		New: func() runtime.Object {
			u := &unstructured.Unstructured{Object: map[string]any{}}
			u.SetGroupVersionKind(e.kind)
			return &item{Unstructured: u}
		},
		NewList: func() runtime.Object { return &items{} },
		Codec:   codec{},
		Member: func(cluster string) (cache.ListerWatcher, error) {
			cfg, err := s.cfg.Members.Config(s.running, cluster)
			if err != nil {
				return nil, err
			}
			return source(cfg, resource, c.within(cluster))
		},
		Clusters: c.clusters, Present: show, Stale: stale, Attributes: attributes(e.kind.GroupKind()),
		Patience: s.cfg.Patience, Idle: s.cfg.Idle, Clock: s.cfg.Clock,
	})
	return c
}

// clusters are those that are searched, sorted.
func (c *collection) clusters() []string {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return slices.Sorted(maps.Keys(c.extent.clusters))
}

func (c *collection) within(cluster string) namespaces {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.extent.clusters[cluster]
}

// become takes in what registries say now.
func (c *collection) become(e extent) {
	c.mu.Lock()
	before := c.extent.clusters
	c.extent = e
	c.mu.Unlock()
	for cluster := range before {
		if now, ok := e.clusters[cluster]; !ok || !slices.Equal(now, before[cluster]) || (now == nil) != (before[cluster] == nil) {
			c.union.Changed(cluster)
		}
	}
	for cluster := range e.clusters {
		if _, ok := before[cluster]; !ok {
			c.union.Changed(cluster)
		}
	}
}

// selection translates the selectors of a request. name is the only name that is meant, "" for any.
func (c *collection) selection(o *internalversion.ListOptions) (sel union.Selection, name string, _ error) {
	sel = union.Selection{Labels: o.LabelSelector, Clusters: c.clusters()} // nothing is stored on the hub
	if o.FieldSelector == nil {
		return sel, "", nil
	}
	name, _ = o.FieldSelector.RequiresExactMatch("metadata.name")
	var err error
	sel.Fields, err = o.FieldSelector.Transform(func(field, value string) (string, string, error) {
		if field == "metadata.name" {
			field = ownName
		}
		return field, value, nil
	})
	return sel, name, err
}

// await returns when all clusters that are selected have been asked, as far as they answer in time, and the number of the
// state there is then. What is not known is told as a warning.
func (c *collection) await(ctx context.Context, clusters []string) (number string, lags []union.Lag, err error) {
	nothing := fields.OneTermEqualSelector("metadata.name", "")
	list, lags, err := c.union.List(ctx, "", union.Selection{Fields: nothing, Clusters: clusters}, &internalversion.ListOptions{})
	if err != nil {
		return "", nil, err
	}
	return list.(*items).ResourceVersion, lags, nil
}

// find returns the objects of a name in all clusters, ordered by cluster, after await.
func (c *collection) find(namespace, name string) []*item {
	var found []*item
	for _, cluster := range c.clusters() {
		if obj, _, ok := c.union.Find(namespace, present.Name(name, cluster)); ok {
			found = append(found, obj.(*item))
		}
	}
	return found
}

// one returns the only object of a name. writes says that it is to be changed: then every cluster must have said whether it
// has one of that name.
func (c *collection) one(ctx context.Context, namespace, name string, writes bool) (found *item, number string, _ error) {
	number, lags, err := c.await(ctx, c.clusters())
	if err != nil {
		return nil, "", err
	}
	all := c.find(namespace, name)
	var missing []string
	for _, lag := range lags {
		if lag.Missing {
			missing = append(missing, lag.Cluster)
		}
	}
	resource := c.resource.GroupResource()
	switch {
	case len(all) > 1:
		var clusters []string
		for _, i := range all {
			clusters = append(clusters, i.cluster())
		}
		return nil, "", apierrors.NewConflict(resource, name, fmt.Errorf("ambiguous: it is in several clusters: %s", strings.Join(clusters, ", ")))
	case len(missing) > 0 && (writes || len(all) == 0):
		return nil, "", apierrors.NewServiceUnavailable(fmt.Sprintf("cluster %s does not answer: it is not known whether it has %s %q", missing[0], resource, name))
	case len(all) == 0:
		return nil, "", apierrors.NewNotFound(resource, name)
	}
	for _, lag := range lags {
		if lag.Missing || lag.Cluster == all[0].cluster() {
			c.warn(ctx, lag)
		}
	}
	return all[0], number, nil
}

// warn tells the client what it gets an old state of, or nothing.
func (c *collection) warn(ctx context.Context, lag union.Lag) {
	text := fmt.Sprintf("%s does not answer; its %s are missing from this list", lag.Cluster, c.resource.Resource)
	if !lag.Missing {
		text = fmt.Sprintf("%s does not answer; its %s are as of %s ago", lag.Cluster, c.resource.Resource, duration.HumanDuration(c.now().Sub(lag.Since)))
	}
	warning.AddWarning(ctx, "", text)
}

// all returns everything that is selected, ordered by cluster, namespace and name.
func (c *collection) all(ctx context.Context, namespace string, sel union.Selection, o *internalversion.ListOptions) (*items, error) {
	obj, lags, err := c.union.List(ctx, namespace, sel, o)
	if err != nil {
		return nil, err
	}
	for _, lag := range lags {
		c.warn(ctx, lag)
	}
	list := obj.(*items)
	slices.SortStableFunc(list.Items, func(a, b item) int { return cmp.Compare(a.cluster(), b.cluster()) })
	return list, nil
}

// named returns what all would if only one name is selected, without looking at anything else.
func (c *collection) named(ctx context.Context, namespace, name string, sel union.Selection) (*items, error) {
	number, lags, err := c.await(ctx, sel.Clusters)
	if err != nil {
		return nil, err
	}
	for _, lag := range lags {
		c.warn(ctx, lag)
	}
	list := &items{}
	list.ResourceVersion = number
	attributes := attributes(c.kind.GroupKind())
	for _, i := range c.find(namespace, name) {
		byLabel, byField, err := attributes(i)
		if err != nil {
			return nil, err
		}
		if (sel.Labels == nil || sel.Labels.Matches(byLabel)) && (sel.Fields == nil || sel.Fields.Matches(byField)) {
			list.Items = append(list.Items, *i)
		}
	}
	return list, nil
}

// page returns the next objects, at most limit, and where the rest begins, if there is one. The objects of one cluster are as
// they were when its first page was made. Those of later clusters are younger than the list's resource version, so who
// watches from that is told again of what happened to them in between, and misses nothing.
func (c *collection) page(ctx context.Context, namespace string, sel union.Selection, o *internalversion.ListOptions, from token) (*items, *token, error) {
	v, _ := parseVector(from.ResourceVersion)
	list, limit := &items{}, o.Limit
	list.ResourceVersion = v[position]
	clusters := slices.DeleteFunc(slices.Clone(sel.Clusters), func(cluster string) bool { return cluster < from.Cluster })
	resume := ""
	if len(clusters) > 0 && clusters[0] == from.Cluster {
		resume = from.Continue
	}
	for n, cluster := range clusters {
		sel.Clusters = []string{cluster}
		part, lags, err := c.union.List(ctx, namespace, sel, &internalversion.ListOptions{Limit: limit - int64(len(list.Items)), Continue: resume})
		if err != nil {
			return nil, nil, expired(err, from.ResourceVersion, cluster)
		}
		for _, lag := range lags {
			c.warn(ctx, lag)
		}
		found := part.(*items)
		if list.ResourceVersion == "" {
			list.ResourceVersion = found.ResourceVersion
		}
		list.Items = append(list.Items, found.Items...)
		resume = found.Continue
		switch full := int64(len(list.Items)) >= limit; {
		case resume != "":
			return list, &token{Cluster: cluster, Continue: resume}, nil
		case full && n+1 < len(clusters):
			return list, &token{Cluster: clusters[n+1]}, nil
		}
	}
	return list, nil, nil
}

// expired puts the token for the rest of a list at its present state, which comes with an error, into our form.
func expired(err error, resourceVersion, cluster string) error {
	status, ok := err.(*apierrors.StatusError)
	if !ok || status.ErrStatus.Continue == "" {
		return err
	}
	out := *status
	out.ErrStatus.Continue = token{ResourceVersion: resourceVersion, Cluster: cluster, Continue: status.ErrStatus.Continue}.String()
	return &out
}

// vector is the resource version of a state of the union.
func (c *collection) vector(number string) vector {
	v := vector{position: number}
	for cluster, own := range c.union.Revisions() {
		v[cluster] = strconv.FormatUint(own, 10)
	}
	return v
}
