/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package interpret

import (
	"cmp"
	"math"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
)

// at reads a nested field, nil when any part of the path is absent or no object.
func at(obj map[string]any, path ...string) any {
	var v any = obj
	for _, key := range path {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[key]
	}
	return v
}

func mapAt(obj map[string]any, path ...string) map[string]any {
	m, _ := at(obj, path...).(map[string]any) // absent and malformed read the same: nothing there
	return m
}

func stringAt(obj map[string]any, path ...string) string {
	s, _ := at(obj, path...).(string) // as in mapAt
	return s
}

// intAt reads an integer; 0 when it is absent, no integer, or negative, which no number here may be.
func intAt(obj map[string]any, path ...string) int64 {
	n, _ := intOf(at(obj, path...))
	return max(n, 0)
}

func intOf(v any) (int64, bool) {
	switch n := v.(type) {
	case int64:
		return n, true
	case int:
		return int64(n), true
	case int32:
		return int64(n), true
	case float64:
		if n == math.Trunc(n) && math.Abs(n) < 1<<53 {
			return int64(n), true
		}
	}
	return 0, false
}

func objectsAt(obj map[string]any, path ...string) []map[string]any {
	list, _ := at(obj, path...).([]any) // as in mapAt
	out := make([]map[string]any, 0, len(list))
	for _, e := range list {
		if m, ok := e.(map[string]any); ok {
			out = append(out, m)
		}
	}
	return out
}

// setInt writes n the way the API machinery serialises it: zero is left out.
func setInt(m map[string]any, key string, n int64) {
	if n == 0 {
		delete(m, key)
		return
	}
	m[key] = n
}

// pick copies the given fields that are present.
func pick(from map[string]any, keys ...string) map[string]any {
	out := make(map[string]any, len(keys)+2)
	for _, key := range keys {
		if v, ok := from[key]; ok && v != nil {
			out[key] = runtime.DeepCopyJSONValue(v)
		}
	}
	return out
}

// pickOrNothing is pick with nil for an empty result.
func pickOrNothing(from map[string]any, keys ...string) map[string]any {
	if out := pick(from, keys...); len(out) > 0 {
		return out
	}
	return nil
}

func sortedItems(items []Item) []Item {
	return slices.SortedFunc(slices.Values(items), func(a, b Item) int { return cmp.Compare(a.Cluster, b.Cluster) })
}

// sum adds up one field of all collected items.
func sum(items []Item, key string) int64 {
	var n int64
	for _, it := range items {
		n += intAt(it.Status, key)
	}
	return n
}

// latest returns the greater of two RFC 3339 times as they came; the empty string and malformed times are the least.
func latest(a, b string) string {
	if later(b, a) {
		return b
	}
	return a
}

func later(a, b string) bool {
	ta, errA := time.Parse(time.RFC3339, a)
	tb, errB := time.Parse(time.RFC3339, b)
	return errA == nil && (errB != nil || ta.After(tb))
}

// maxClusters bounds how many clusters a condition's message lists, so that it stays short in a large fleet.
const maxClusters = 8
