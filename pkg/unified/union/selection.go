/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package union

import (
	"slices"

	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
)

// everything reports whether no selector has to look into the objects.
func (s Selection) everything() bool {
	return (s.Labels == nil || s.Labels.Empty()) && (s.Fields == nil || s.Fields.Empty())
}

// has reports whether a cluster's objects are meant.
func (s Selection) has(cluster string) bool {
	return s.Clusters == nil || slices.Contains(s.Clusters, cluster)
}

// matches reports whether attributes are selected.
func (s Selection) matches(l labels.Set, f fields.Set) bool {
	return (s.Labels == nil || s.Labels.Matches(l)) && (s.Fields == nil || s.Fields.Matches(f))
}

// name returns the only name that can be selected, if it is narrowed to one.
func (s Selection) name() (string, bool) {
	if s.Fields == nil {
		return "", false
	}
	return s.Fields.RequiresExactMatch("metadata.name")
}

// scope is where a list or watch looks: a namespace, or all if it is empty, and what is selected there.
type scope struct {
	namespace string
	Selection
}

// holds reports whether the scope can hold a record, as far as can be said without looking into the object.
func (s scope) holds(r *record) bool {
	if s.namespace != "" && s.namespace != r.namespace || !s.has(r.cluster) {
		return false
	}
	name, one := s.name()
	return !one || name == r.name
}

// selects reports whether a record is in the scope.
func (u *Union) selects(s scope, r *record) (bool, error) {
	if !s.holds(r) {
		return false, nil
	}
	if s.everything() {
		return true, nil
	}
	shown, err := u.show(r)
	if err != nil {
		return false, err
	}
	l, f, err := u.attributes(shown)
	if err != nil {
		return false, err
	}
	return s.matches(l, f), nil
}
