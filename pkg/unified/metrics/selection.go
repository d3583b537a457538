/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package metrics

import (
	"slices"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/internalversion"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/manifold-k8s/manifold/pkg/unified/present"
)

const nameField = "metadata.name"

// selection is what the selectors of a request mean. What they say of clusters is decided here; the rest is left to the
// members, for not everything that serves metrics tells the labels of a pod.
type selection struct {
	none     bool              // nothing is selected
	clusters []labels.Selector // on present.ClusterLabel and present.ShortLabel, all of which have to match
	labels   labels.Selector   // on everything else
	fields   fields.Selector   // as said, on names as shown
}

func selectionOf(options *internalversion.ListOptions, exists func(cluster string) bool) selection {
	s := selection{labels: labels.Everything(), fields: fields.Everything()}
	if options == nil {
		return s
	}
	if options.FieldSelector != nil {
		s.fields = options.FieldSelector
	}
	if options.LabelSelector == nil {
		return s
	}
	requirements, selectable := options.LabelSelector.Requirements()
	s.none = !selectable
	for _, r := range requirements {
		if aboutCluster(r, exists) {
			s.clusters = append(s.clusters, labels.NewSelector().Add(r))
			continue
		}
		s.labels = s.labels.Add(r)
	}
	return s
}

// aboutCluster reports whether a requirement is about the cluster. The short label may be one of the pods' own, so it counts
// only if it names clusters.
func aboutCluster(r labels.Requirement, exists func(cluster string) bool) bool {
	if r.Key() == present.ClusterLabel {
		return true
	}
	values := r.ValuesUnsorted()
	return r.Key() == present.ShortLabel && len(values) > 0 && !slices.ContainsFunc(values, func(v string) bool { return !exists(v) })
}

// among returns the clusters that have to be asked.
func (s selection) among(clusters []string) []string {
	var out []string
	for _, c := range clusters {
		if !s.none && s.mayBeIn(c) {
			out = append(out, c)
		}
	}
	return out
}

func (s selection) mayBeIn(cluster string) bool {
	is := labels.Set{present.ClusterLabel: cluster, present.ShortLabel: cluster}
	for _, c := range s.clusters {
		if !c.Matches(is) {
			return false
		}
	}
	name, exact := s.fields.RequiresExactMatch(nameField)
	if !exact {
		return true
	}
	_, of, ok := present.Split(name)
	return ok && of == cluster
}

// query puts the selection into the terms of one cluster. Names that are not of the cluster's objects are left to matches.
func (s selection) query(cluster string) query {
	q := query{labels: s.labels.String()}
	own, err := s.fields.Transform(func(field, value string) (string, string, error) {
		if field != nameField {
			return field, value, nil
		}
		if name, of, ok := present.Split(value); ok && of == cluster {
			return field, name, nil
		}
		return "", "", nil
	})
	if err == nil { // as the function gives none
		q.fields = own.String()
	}
	return q
}

// matches reports whether an object as shown has the name that is asked for.
func (s selection) matches(obj runtime.Object) bool {
	m, err := meta.Accessor(obj)
	return err == nil && s.fields.Matches(fields.Set{nameField: m.GetName(), "metadata.namespace": m.GetNamespace()})
}
