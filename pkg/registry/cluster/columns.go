/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package cluster

import (
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	clusterv1alpha1 "github.com/manifold-k8s/manifold/apis/cluster/v1alpha1"
	"github.com/manifold-k8s/manifold/pkg/registry/kind"
)

func columns() []kind.Column[*clusterv1alpha1.Cluster] {
	type object = *clusterv1alpha1.Cluster
	wide := func(name, description string, cell func(object) string) kind.Column[object] {
		return kind.Column[object]{Name: name, Description: description, Wide: true, Cell: func(c object) any {
			if text := cell(c); text != "" {
				return text
			}
			return "<none>"
		}}
	}
	return []kind.Column[object]{
		{
			Name:        "Version",
			Description: "Kubernetes version of the member.",
			Cell:        func(c object) any { return c.Status.KubernetesVersion },
		}, {
			Name:        "Mode",
			Description: "Whether the hub connects to the member (Push) or its agent to the hub (Pull).",
			Cell:        func(c object) any { return string(c.Spec.SyncMode) },
		}, {
			Name:        "Ready",
			Description: "Whether the member answers and says that it is ready.",
			Cell:        func(c object) any { return string(ready(c)) },
		},
		kind.Age[object](),
		wide("Zones", "Zones that the member spans.", func(c object) string { return strings.Join(c.Spec.Zones, ",") }),
		wide("Region", "Region of the member.", func(c object) string { return c.Spec.Region }),
		wide("Provider", "Provider of the member.", func(c object) string { return c.Spec.Provider }),
		wide("API-Endpoint", "Address of the member's API server.", func(c object) string { return c.Spec.APIEndpoint }),
		wide("Proxy-URL", "Proxy between hub and member.", func(c object) string { return c.Spec.ProxyURL }),
	}
}

func ready(c *clusterv1alpha1.Cluster) metav1.ConditionStatus {
	if condition := meta.FindStatusCondition(c.Status.Conditions, clusterv1alpha1.ClusterConditionReady); condition != nil {
		return condition.Status
	}
	return metav1.ConditionUnknown
}
