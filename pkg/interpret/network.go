/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package interpret

import (
	"encoding/json"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
)

var service = Rules{
	Reflect: func(live *unstructured.Unstructured) map[string]any {
		if !isLoadBalancer(live.Object) {
			return nil
		}
		return pickOrNothing(mapAt(live.Object, "status"), "loadBalancer")
	},
	Health: func(live map[string]any) workv1alpha2.ResourceHealth {
		return healthIf(!isLoadBalancer(live) || hasIngressPoint(live))
	},
	Aggregate: func(status map[string]any, tmpl *unstructured.Unstructured, m Members) {
		if isLoadBalancer(tmpl.Object) {
			joinIngressPoints(status, m.Items)
		}
	},
}

var ingress = Rules{
	Dependencies: ingressDependencies,
	Reflect:      wholeStatus,
	Health: func(live map[string]any) workv1alpha2.ResourceHealth {
		return healthIf(hasIngressPoint(live))
	},
	Aggregate: func(status map[string]any, _ *unstructured.Unstructured, m Members) {
		joinIngressPoints(status, m.Items)
	},
}

var serviceImport = Rules{Dependencies: importDependencies}

func isLoadBalancer(obj map[string]any) bool {
	return stringAt(obj, "spec", "type") == "LoadBalancer"
}

func hasIngressPoint(live map[string]any) bool {
	for _, p := range objectsAt(live, "status", "loadBalancer", "ingress") {
		if stringAt(p, "ip") != "" || stringAt(p, "hostname") != "" {
			return true
		}
	}
	return false
}

// joinIngressPoints sets status.loadBalancer.ingress to the points of all members, each once, in a stable order.
func joinIngressPoints(status map[string]any, items []Item) {
	points := map[string]any{}
	for _, it := range items {
		for _, p := range objectsAt(it.Status, "loadBalancer", "ingress") {
			key, err := json.Marshal(p)
			if err != nil {
				continue // a value that JSON cannot hold came from no API server
			}
			points[string(key)] = runtime.DeepCopyJSON(p)
		}
	}
	keys := make([]string, 0, len(points))
	for key := range points {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	list := make([]any, 0, len(keys))
	for _, key := range keys {
		list = append(list, points[key])
	}
	balancer := mapAt(status, "loadBalancer")
	if balancer == nil {
		if len(list) == 0 {
			return
		}
		balancer = map[string]any{}
		status["loadBalancer"] = balancer
	}
	setList(balancer, "ingress", list)
}
