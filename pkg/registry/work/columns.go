/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package work

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"

	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
	"github.com/manifold-k8s/manifold/pkg/registry/kind"
)

func columns[T kind.Object](spec func(T) *workv1alpha2.ResourceBindingSpec, status func(T) *workv1alpha2.ResourceBindingStatus) []kind.Column[T] {
	condition := func(name, conditionType, description string) kind.Column[T] {
		return kind.Column[T]{Name: name, Description: description, Cell: func(b T) any {
			if c := meta.FindStatusCondition(status(b).Conditions, conditionType); c != nil {
				return string(c.Status)
			}
			return ""
		}}
	}
	return []kind.Column[T]{
		condition("Scheduled", workv1alpha2.Scheduled, "Whether clusters were chosen."),
		condition("FullyApplied", workv1alpha2.FullyApplied, "Whether all chosen clusters have the template as it should be."),
		kind.Age[T](),
		{
			Name:        "Clusters",
			Description: "The chosen clusters, with their replicas where there are any.",
			Wide:        true,
			Cell:        func(b T) any { return targets(spec(b).Clusters) },
		},
	}
}

func targets(clusters []workv1alpha2.TargetCluster) string {
	items := make([]string, len(clusters))
	for i, c := range clusters {
		items[i] = c.Name
		if c.Replicas > 0 {
			items[i] = fmt.Sprintf("%s:%d", c.Name, c.Replicas)
		}
	}
	return strings.Join(items, ",")
}
