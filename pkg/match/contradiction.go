/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package match

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/sets"
)

// Contradiction says why no labels at all satisfy the selector: the first key, in their order, about which it asks for what
// cannot be. It is "" for a selector that some labels satisfy, for nil, and for one that admission refuses.
func Contradiction(s *metav1.LabelSelector) string {
	if s == nil {
		return ""
	}
	if _, err := metav1.LabelSelectorAsSelector(s); err != nil {
		return ""
	}
	demands := map[string]*demand{}
	of := func(key string) *demand {
		if demands[key] == nil {
			demands[key] = &demand{not: sets.New[string]()}
		}
		return demands[key]
	}
	for key, value := range s.MatchLabels {
		of(key).restrict(value)
	}
	for _, r := range s.MatchExpressions {
		switch d := of(r.Key); r.Operator {
		case metav1.LabelSelectorOpIn:
			d.restrict(r.Values...)
		case metav1.LabelSelectorOpNotIn:
			d.not.Insert(r.Values...)
		case metav1.LabelSelectorOpExists:
			d.present = true
		case metav1.LabelSelectorOpDoesNotExist:
			d.absent = true
		}
	}
	for _, key := range slices.Sorted(maps.Keys(demands)) {
		if why := demands[key].contradiction(key); why != "" {
			return why
		}
	}
	return ""
}

// demand is all that a selector says about one key.
type demand struct {
	present, absent bool
	among           sets.Set[string] // nil: any value; else one of these, and present
	not             sets.Set[string] // if present, none of these
}

// restrict adds that the value is one of those.
func (d *demand) restrict(values ...string) {
	d.present = true
	if d.among == nil {
		d.among = sets.New(values...)
		return
	}
	d.among = d.among.Intersection(sets.New(values...))
}

func (d *demand) contradiction(key string) string {
	switch {
	case d.present && d.absent:
		return fmt.Sprintf("label %s is to be there and not to be there", key)
	case d.among == nil:
		return ""
	case d.among.Len() == 0:
		return fmt.Sprintf("label %s is to have several values at once", key)
	case d.not.IsSuperset(d.among):
		return fmt.Sprintf("label %s is to have, and not to have, one of the values %s", key, strings.Join(sets.List(d.among), ", "))
	}
	return ""
}
