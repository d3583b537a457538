/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package present

import (
	"slices"

	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"
)

// Selection is what selectors mean for objects as shown.
type Selection struct {
	Labels labels.Selector
	Fields fields.Selector
	// Clusters are those that can have such objects, sorted; "" stands for what the hub stores. nil means all of them.
	Clusters []string
}

// Select works out what selectors mean. Either may be nil, for everything. exists reports whether there is such a cluster.
func Select(byLabel labels.Selector, byField fields.Selector, exists func(cluster string) bool) Selection {
	s := Selection{Labels: byLabel, Fields: byField}
	if byLabel == nil {
		s.Labels = labels.Everything()
	}
	if byField == nil {
		s.Fields = fields.Everything()
	}
	requirements, selectable := s.Labels.Requirements()
	if !selectable {
		s.Clusters = []string{}
		return s
	}
	for _, r := range requirements {
		if r.Key() == ShortLabel {
			s.Labels = aliased{s.Labels}
		}
		if names, ok := named(r, exists); ok {
			s.narrow(names)
		}
	}
	for _, field := range namingFields {
		if name, exact := s.Fields.RequiresExactMatch(field); exact && s.ownedBy(field) {
			if _, cluster, ok := Split(name); ok && exists(cluster) {
				s.narrow([]string{"", cluster})
			}
		}
	}
	slices.Sort(s.Clusters)
	return s
}

// namingFields are those whose value is the name of something that a member owns.
var namingFields = []string{"metadata.name", "spec.nodeName", "involvedObject.name"}

// ownedBy is false if the field may name a template, which every cluster has under the same name.
func (s *Selection) ownedBy(field string) bool {
	if field != "involvedObject.name" {
		return true
	}
	kind, exact := s.Fields.RequiresExactMatch("involvedObject.kind")
	return exact && Owned("", kind)
}

// narrow takes out the clusters that are not among names.
func (s *Selection) narrow(names []string) {
	if s.Clusters == nil {
		s.Clusters = append([]string{}, names...)
		return
	}
	s.Clusters = slices.DeleteFunc(s.Clusters, func(c string) bool { return !slices.Contains(names, c) })
}

// named are the clusters that a requirement narrows to. The short label may be one of the objects' own, so it narrows only
// if it names clusters.
func named(r labels.Requirement, exists func(string) bool) ([]string, bool) {
	if r.Key() != ClusterLabel && r.Key() != ShortLabel {
		return nil, false
	}
	switch r.Operator() {
	case selection.Equals, selection.DoubleEquals, selection.In:
	default:
		return nil, false
	}
	names := r.ValuesUnsorted()
	if r.Key() == ShortLabel && slices.ContainsFunc(names, func(n string) bool { return !exists(n) }) {
		return nil, false
	}
	return names, true
}

// aliased reads the short label as the long one.
type aliased struct{ labels.Selector }

// Matches implements labels.Selector.
func (a aliased) Matches(l labels.Labels) bool {
	if l.Has(ShortLabel) || !l.Has(ClusterLabel) {
		return a.Selector.Matches(l)
	}
	return a.Selector.Matches(short{l})
}

// DeepCopySelector implements labels.Selector.
func (a aliased) DeepCopySelector() labels.Selector { return aliased{a.Selector.DeepCopySelector()} }

// Add implements labels.Selector.
func (a aliased) Add(r ...labels.Requirement) labels.Selector { return aliased{a.Selector.Add(r...)} }

// short are labels with the short one among them.
type short struct{ labels.Labels }

func longer(key string) string {
	if key == ShortLabel {
		return ClusterLabel
	}
	return key
}

// Has implements labels.Labels.
func (s short) Has(key string) bool { return s.Labels.Has(longer(key)) }

// Get implements labels.Labels.
func (s short) Get(key string) string { return s.Labels.Get(longer(key)) }

// Lookup implements labels.Labels.
func (s short) Lookup(key string) (string, bool) { return s.Labels.Lookup(longer(key)) }
