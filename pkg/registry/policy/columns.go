/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package policy

import (
	"fmt"
	"strings"

	policyv1alpha1 "github.com/manifold-k8s/manifold/apis/policy/v1alpha1"
	"github.com/manifold-k8s/manifold/pkg/registry/kind"
)

// maxListed is how many items a cell names before it counts the rest.
const maxListed = 3

func propagationColumns[T kind.Object](spec func(T) *policyv1alpha1.PropagationSpec) []kind.Column[T] {
	return []kind.Column[T]{
		{
			Name:        "Conflict-Resolution",
			Description: "What happens to an unmanaged object of the same name in a member.",
			Cell:        func(p T) any { return string(spec(p).ConflictResolution) },
		}, {
			Name:        "Priority",
			Type:        "integer",
			Description: "The policy with the higher number wins.",
			Cell: func(p T) any {
				if priority := spec(p).Priority; priority != nil {
					return int64(*priority)
				}
				return int64(0)
			},
		},
		kind.Age[T](),
		{
			Name:        "Resources",
			Description: "What the policy selects.",
			Wide:        true,
			Cell:        func(p T) any { return selected(spec(p).ResourceSelectors) },
		}, {
			Name:        "Clusters",
			Description: "The clusters that may be chosen.",
			Wide:        true,
			Cell:        func(p T) any { return candidates(&spec(p).Placement) },
		}, {
			Name:        "Replicas",
			Description: "How replicas are spread over the clusters.",
			Wide:        true,
			Cell:        func(p T) any { return division(spec(p).Placement.ReplicaScheduling) },
		},
	}
}

func overrideColumns[T kind.Object](spec func(T) *policyv1alpha1.OverrideSpec) []kind.Column[T] {
	return []kind.Column[T]{
		kind.Age[T](),
		{
			Name:        "Resources",
			Description: "What the policy selects.",
			Wide:        true,
			Cell:        func(p T) any { return selected(spec(p).ResourceSelectors) },
		}, {
			Name:        "Rules",
			Type:        "integer",
			Description: "Number of override rules.",
			Wide:        true,
			Cell: func(p T) any {
				s := spec(p)
				if len(s.OverrideRules) == 0 && !hasNone(&s.Overriders) {
					return int64(1) // the deprecated form is one rule
				}
				return int64(len(s.OverrideRules))
			},
		},
	}
}

// selected prints selectors as Kind/name, with * for any name and the kind alone where labels decide.
func selected(selectors []policyv1alpha1.ResourceSelector) string {
	items := make([]string, len(selectors))
	for i, s := range selectors {
		switch {
		case s.Name != "":
			items[i] = s.Kind + "/" + s.Name
		case s.LabelSelector != nil:
			items[i] = s.Kind
		default:
			items[i] = s.Kind + "/*"
		}
	}
	if len(items) == 0 {
		return "*"
	}
	return listed(items)
}

func candidates(p *policyv1alpha1.Placement) string {
	if len(p.ClusterAffinities) > 0 {
		names := make([]string, len(p.ClusterAffinities))
		for i, term := range p.ClusterAffinities {
			names[i] = term.AffinityName
		}
		return strings.Join(names, ">")
	}
	switch a := p.ClusterAffinity; {
	case a == nil || isEmpty(a):
		return "*"
	case len(a.ClusterNames) > 0:
		return listed(a.ClusterNames)
	default:
		return "<filtered>"
	}
}

func division(s *policyv1alpha1.ReplicaSchedulingStrategy) string {
	switch {
	case s == nil:
		return string(policyv1alpha1.ReplicaSchedulingTypeDuplicated)
	case s.ReplicaSchedulingType == policyv1alpha1.ReplicaSchedulingTypeDivided:
		return string(s.ReplicaSchedulingType) + "/" + string(s.ReplicaDivisionPreference)
	default:
		return string(s.ReplicaSchedulingType)
	}
}

func listed(items []string) string {
	if len(items) <= maxListed {
		return strings.Join(items, ",")
	}
	return fmt.Sprintf("%s,+%d", strings.Join(items[:maxListed], ","), len(items)-maxListed)
}
