/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package unified

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/internalversion"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	genericapirequest "k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/warning"

	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
	"github.com/manifold-k8s/manifold/pkg/brief"
	"github.com/manifold-k8s/manifold/pkg/unified/present"
	"github.com/manifold-k8s/manifold/pkg/unified/union"
)

// firstOfUnion is below all resource versions of unions and above all those of etcd.
const firstOfUnion = 1 << 50

// own returns a resource version that a store may have given, and "" for one of a union.
func own(resourceVersion string) string {
	if n, err := strconv.ParseUint(resourceVersion, 10, 64); err == nil && n >= firstOfUnion {
		return ""
	}
	return resourceVersion
}

func nameIn(own, cluster string) string { return present.Name(own, cluster) }

func nameOf(obj runtime.Object) string {
	m, err := meta.Accessor(obj)
	if err != nil {
		return ""
	}
	return m.GetName()
}

// elsewhere takes a name apart that names a cluster there is.
func (r *resource) elsewhere(name string) (own, cluster string, ok bool) {
	own, cluster, ok = present.Split(name)
	return own, cluster, ok && r.members().Exists(cluster)
}

// selection is what the options of a request select. A name that stands for a member's object is replaced by the object's.
func (o *objects) selection(ctx context.Context, namespace string, options *internalversion.ListOptions) union.Selection {
	if options == nil {
		return union.Selection{}
	}
	byField := options.FieldSelector
	if byField != nil {
		if name, exact := byField.RequiresExactMatch("metadata.name"); exact {
			byField = o.naming(ctx, namespace, name, byField)
		}
	}
	s := present.Select(options.LabelSelector, byField, o.members().Exists)
	return union.Selection{Labels: s.Labels, Fields: s.Fields, Clusters: s.Clusters}
}

// naming replaces the name in a field selector if it is the plain name of what a member has. Clients that watch what they
// have read by that name say it.
func (o *objects) naming(ctx context.Context, namespace, name string, byField fields.Selector) fields.Selector {
	if _, _, ok := o.elsewhere(name); ok || namespace == "" && o.kind.namespaced {
		return byField
	}
	if _, err := o.getStored(ctx, name, nil); !apierrors.IsNotFound(err) {
		return byField
	}
	cluster, err := o.holder(ctx, namespace, name, reading)
	if err != nil {
		return byField // nothing has that name, or it could be several: a list of it is empty
	}
	replaced, err := byField.Transform(func(field, value string) (string, string, error) {
		if field == "metadata.name" && value == name {
			value = nameIn(name, cluster)
		}
		return field, value, nil
	})
	if err != nil {
		return byField
	}
	return replaced
}

// purpose is what an object is looked for.
type purpose int

const (
	reading purpose = iota
	writing
)

// holder finds the only cluster that has an object of a plain name. Copies of templates do not count: their plain name is
// the template's. To write, all members must have answered, for the one that did not may have such an object, too.
func (r *resource) holder(ctx context.Context, namespace, name string, why purpose) (string, error) {
	clusters, silent := r.holders(ctx, namespace, name, func(obj runtime.Object) bool { return !isCopy(obj) })
	return r.only(ctx, name, clusters, silent, why)
}

// resolve is a Resolve. The name of what is stored, a template, means its copy, if there is one only.
func (o *objects) resolve(ctx context.Context, namespace, name string, write bool) (cluster, own string, err error) {
	ctx = genericapirequest.WithNamespace(ctx, namespace)
	counts := func(runtime.Object) bool { return true }
	_, err = o.getStored(ctx, name, nil)
	template := err == nil
	switch {
	case err != nil && !apierrors.IsNotFound(err):
		return "", "", err
	case err != nil:
		if own, cluster, ok := o.elsewhere(name); ok {
			return cluster, own, nil
		}
		counts = func(obj runtime.Object) bool { return !isCopy(obj) }
	}
	why := reading
	if write {
		why = writing
	}
	clusters, silent := o.holders(ctx, namespace, name, counts)
	if template && len(clusters)+len(silent) == 0 {
		return "", "", notFound(o.groupResource(), name, "the hub stores it as a template, and no cluster has a copy")
	}
	cluster, err = o.only(ctx, name, clusters, silent, why)
	return cluster, name, err
}

// only picks the only one of clusters, or explains why there is none.
func (r *resource) only(ctx context.Context, name string, clusters, silent []string, why purpose) (string, error) {
	switch {
	case len(clusters) > 1:
		return "", notFound(r.groupResource(), name, "it is in several clusters: choose one of "+joined(name, clusters))
	case len(silent) > 0 && why == writing:
		return "", apierrors.NewServiceUnavailable(fmt.Sprintf("whether %s %q is in %s, too, is not known, for there was no answer: name the cluster, as in %s",
			r.kind.resource, name, strings.Join(silent, ", "), nameIn(name, append(clusters, silent...)[0])))
	case len(clusters) == 0 && len(silent) > 0:
		return "", notFound(r.groupResource(), name, "there was no answer from "+strings.Join(silent, ", "))
	case len(clusters) == 0:
		return "", apierrors.NewNotFound(r.groupResource(), name)
	}
	if len(silent) > 0 {
		warning.AddWarning(ctx, "", fmt.Sprintf("%s %q was found in %s; there was no answer from %s", r.kind.resource, name, clusters[0], strings.Join(silent, ", ")))
	}
	return clusters[0], nil
}

// holders are the clusters that have an object of that name which counts, and those that did not say, both sorted.
func (r *resource) holders(ctx context.Context, namespace, name string, counts func(runtime.Object) bool) (has, silent []string) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	for _, cluster := range r.members().Names() {
		wg.Go(func() {
			obj, err := r.ask(ctx, call{cluster: cluster, namespace: namespace, name: name}, http.MethodGet, name)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil && counts(obj):
				has = append(has, cluster)
			case err != nil && !apierrors.IsNotFound(err):
				silent = append(silent, cluster)
			}
		})
	}
	wg.Wait()
	slices.Sort(has)
	slices.Sort(silent)
	return has, silent
}

// isCopy reports whether a member's object was made from a template.
func isCopy(obj runtime.Object) bool {
	m, err := meta.Accessor(obj)
	return err == nil && m.GetLabels()[workv1alpha2.ManagedLabel] == workv1alpha2.ManagedLabelValue
}

// maxCopies bounds how many copies the message of an error names.
const maxCopies = 10

// joined lists the names of what is called name in clusters.
func joined(name string, clusters []string) string {
	names := make([]string, len(clusters))
	for i, c := range clusters {
		names[i] = nameIn(name, c)
	}
	return brief.Names(names, maxCopies)
}

// notFound says more than that something was not found.
func notFound(resource schema.GroupResource, name, more string) error {
	err := apierrors.NewNotFound(resource, name)
	err.ErrStatus.Message += ": " + more
	return err
}
