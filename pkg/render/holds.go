/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package render

import (
	"fmt"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Holds reports whether live says everything that desired says, so that applying desired would change nothing. What live
// says beyond that is no difference: it belongs to the member. The answer is never yes when a value differs; it may be
// no where a server would see none, which costs one apply without effect.
//
// Objects hold when every field of desired holds in live. Lists hold when they have the same length and all elements
// hold in order; the lists of a pod template that the API server merges by key may have further elements in live.
// Resource quantities of Kubernetes' own kinds are compared as quantities, "1000m" being "1".
func Holds(desired, live *unstructured.Unstructured) bool {
	return comparisonOf(desired).object("", desired.Object, live.Object, false)
}

// comparison is what the kind of the objects says about how to compare them.
type comparison struct {
	quantities bool // knows the fields in which Kubernetes holds quantities
	merges     bool // knows the lists that are merged by key
	isPod      bool
}

// schedulingGates of a Pod are there to be taken away in the member, and cannot be put back.
const schedulingGates = "schedulingGates"

func comparisonOf(desired *unstructured.Unstructured) comparison {
	gvk := desired.GroupVersionKind()
	return comparison{
		quantities: quantityGroups[gvk.Group],
		merges:     mergeKinds[gvk.GroupKind().String()],
		isPod:      gvk.Group == "" && gvk.Kind == "Pod",
	}
}

var quantityGroups = map[string]bool{"": true, "apps": true, "batch": true, "autoscaling": true}

var mergeKinds = map[string]bool{
	"Pod": true, "ReplicationController": true, "PodTemplate": true, "Service": true, "ServiceAccount": true,
	"Deployment.apps": true, "ReplicaSet.apps": true, "StatefulSet.apps": true, "DaemonSet.apps": true,
	"Job.batch": true, "CronJob.batch": true,
}

// quantityMaps are the fields whose value maps resources to quantities, quantityFields the single ones, with the field
// around them.
var (
	quantityMaps = map[string]bool{
		"limits": true, "requests": true, "hard": true, "capacity": true, "overhead": true,
		"min": true, "max": true, "default": true, "defaultRequest": true, "maxLimitRequestRatio": true,
	}
	quantityFields = map[string]bool{
		"emptyDir/sizeLimit": true, "resourceFieldRef/divisor": true, "target/value": true, "target/averageValue": true,
	}
)

// plainMaps are the fields that the API server drops when they are empty. An empty object elsewhere says something:
// emptyDir: {} chooses a kind of volume.
var plainMaps = map[string]bool{
	"labels": true, "annotations": true, "matchLabels": true, "nodeSelector": true,
	"data": true, "binaryData": true, "limits": true, "requests": true,
}

// mergeKeys are the lists of mergeKinds that the API server merges by key, with their keys.
var mergeKeys = map[string][]string{
	"containers":                {"name"},
	"initContainers":            {"name"},
	"ephemeralContainers":       {"name"},
	"env":                       {"name"},
	"volumes":                   {"name"},
	"imagePullSecrets":          {"name"},
	"secrets":                   {"name"},
	"resourceClaims":            {"name"},
	"claims":                    {"name"},
	"volumeMounts":              {"mountPath"},
	"volumeDevices":             {"devicePath"},
	"hostAliases":               {"ip"},
	"topologySpreadConstraints": {"topologyKey", "whenUnsatisfiable"},
}

var (
	containerPortKeys = []string{"containerPort", "protocol"}
	servicePortKeys   = []string{"port", "protocol"}
	tolerationKeys    = []string{"key", "operator", "value", "effect", "tolerationSeconds"}
)

// value compares the values of the field key inside the field parent.
func (c comparison) value(parent, key string, desired, live any, quantity bool) bool {
	switch d := desired.(type) {
	case map[string]any:
		l, ok := live.(map[string]any)
		return ok && c.object(key, d, l, quantity || c.quantities && quantityMaps[key])
	case []any:
		l, ok := live.([]any)
		return ok && c.list(key, d, l)
	}
	if sameScalar(desired, live) {
		return true
	}
	return (quantity || c.quantities && quantityFields[parent+"/"+key]) && sameQuantity(desired, live)
}

func (c comparison) object(key string, desired, live map[string]any, quantity bool) bool {
	for name, d := range desired {
		if c.isPod && name == schedulingGates {
			continue
		}
		l, exists := live[name]
		if !exists || l == nil {
			if !c.saysNothing(name, d) {
				return false
			}
			continue
		}
		if !c.value(key, name, d, l, quantity) {
			return false
		}
	}
	return true
}

// saysNothing holds for values that a server may leave out of what it returns.
func (c comparison) saysNothing(key string, v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case []any:
		return len(v) == 0
	case map[string]any:
		return len(v) == 0 && plainMaps[key] && (c.quantities || key == "labels" || key == "annotations")
	}
	return false
}

func (c comparison) list(key string, desired, live []any) bool {
	if keys := c.keysFor(key, desired); keys != nil {
		if want, ok := identities(desired, keys); ok {
			if have, ok := identities(live, keys); ok {
				return c.merged(key, desired, live, want, have)
			}
		}
	}
	if len(desired) != len(live) {
		return false
	}
	for i := range desired {
		if !c.value("", key, desired[i], live[i], false) {
			return false
		}
	}
	return true
}

// merged finds each element of desired in live by its key. Their order must be the same: init containers run in order.
func (c comparison) merged(key string, desired, live []any, want, have []string) bool {
	next := 0
	for i, id := range want {
		for next < len(have) && have[next] != id {
			next++
		}
		if next == len(have) || !c.value("", key, desired[i], live[next], false) {
			return false
		}
		next++
	}
	return true
}

// keysFor returns the merge keys of a list, nil when it is not merged.
func (c comparison) keysFor(key string, list []any) []string {
	if !c.merges || len(list) == 0 {
		return nil
	}
	switch key {
	case "tolerations":
		if c.isPod { // admission adds tolerations to pods, and they cannot be taken away again
			return tolerationKeys
		}
		return nil
	case "ports":
		if first, ok := list[0].(map[string]any); ok && first["containerPort"] != nil {
			return containerPortKeys
		}
		return servicePortKeys
	}
	return mergeKeys[key]
}

// identities returns the identity of each element under the given keys. It fails when an element is no object or when two
// have the same identity; such a list is compared as it stands.
func identities(list []any, keys []string) ([]string, bool) {
	ids := make([]string, len(list))
	seen := make(map[string]bool, len(list))
	for i, e := range list {
		m, ok := e.(map[string]any)
		if !ok || m[keys[0]] == nil && keys[0] != tolerationKeys[0] { // a toleration without key tolerates all
			return nil, false
		}
		id := identity(m, keys)
		if seen[id] {
			return nil, false
		}
		seen[id] = true
		ids[i] = id
	}
	return ids, true
}

func identity(m map[string]any, keys []string) string {
	if len(keys) == 1 {
		if s, ok := m[keys[0]].(string); ok {
			return s
		}
	}
	var b strings.Builder
	for _, key := range keys {
		v := m[key]
		if v == nil && key == "protocol" {
			v = "TCP" // the API server's default
		}
		fmt.Fprintf(&b, "%v\x00", v)
	}
	return b.String()
}

func sameScalar(a, b any) bool {
	switch a := a.(type) {
	case string:
		s, ok := b.(string)
		return ok && a == s
	case bool:
		t, ok := b.(bool)
		return ok && a == t
	case int64:
		switch b := b.(type) {
		case int64:
			return a == b
		case float64:
			return sameNumber(a, b)
		}
	case float64:
		switch b := b.(type) {
		case int64:
			return sameNumber(b, a)
		case float64:
			return a == b
		}
	case nil:
		return b == nil
	}
	return false
}

func sameNumber(i int64, f float64) bool {
	const exact = 1 << 53 // integers up to here are exact as floats
	return -exact < i && i < exact && float64(i) == f
}

// sameQuantity compares two values that Kubernetes reads as quantities: texts, or whole numbers as YAML may have them.
func sameQuantity(a, b any) bool {
	qa, okA := quantityOf(a)
	qb, okB := quantityOf(b)
	return okA && okB && qa.Cmp(qb) == 0
}

func quantityOf(v any) (resource.Quantity, bool) {
	var text string
	switch v := v.(type) {
	case string:
		text = v
	case int64:
		text = strconv.FormatInt(v, 10)
	case float64:
		text = strconv.FormatFloat(v, 'f', -1, 64)
	default:
		return resource.Quantity{}, false
	}
	q, err := resource.ParseQuantity(text)
	return q, err == nil
}
