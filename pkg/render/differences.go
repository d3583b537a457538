/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package render

import (
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Difference is a field in which two manifests differ.
type Difference struct {
	// Path is a JSON pointer to the field. That of an item that was added to a list, or removed, is the place it has, or had.
	Path string
	// From and To are JSON values, before and after. From is nil for what was added, To for what was removed.
	From, To       any
	Added, Removed bool
}

// Differences returns where two manifests differ, each place once, in the order of the keys. What only one of them has is
// named as a whole, but for labels and annotations, which are named one by one. An item that was put into a list, or taken
// out of it, is named by the place that it has there, or had; its neighbours do not count as changed. The values are those
// of the manifests, and must not be changed.
func Differences(before, after *unstructured.Unstructured) []Difference {
	return compare(before.Object, after.Object)
}

func compare(before, after map[string]any) []Difference {
	var d differences
	d.objects("", before, after)
	return d
}

type differences []Difference

func (d *differences) values(path string, before, after any) {
	switch b := before.(type) {
	case map[string]any:
		if a, ok := after.(map[string]any); ok {
			d.objects(path, b, a)
			return
		}
	case []any:
		if a, ok := after.([]any); ok {
			d.lists(path, b, a)
			return
		}
	}
	if !reflect.DeepEqual(before, after) {
		*d = append(*d, Difference{Path: path, From: before, To: after})
	}
}

func (d *differences) added(path string, to any) {
	*d = append(*d, Difference{Path: path, To: to, Added: true})
}

func (d *differences) removed(path string, from any) {
	*d = append(*d, Difference{Path: path, From: from, Removed: true})
}

func (d *differences) objects(path string, before, after map[string]any) {
	keys := make(map[string]any, len(before)+len(after))
	maps.Copy(keys, before)
	maps.Copy(keys, after)
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		b, had := before[key]
		a, has := after[key]
		at := path + "/" + escapeStep.Replace(key)
		switch {
		case had && has:
			d.values(at, b, a)
		case at == "/metadata/labels", at == "/metadata/annotations":
			x, _ := b.(map[string]any) // absent: none
			y, _ := a.(map[string]any)
			d.objects(at, x, y)
		case had:
			d.removed(at, b)
		default:
			d.added(at, a)
		}
	}
}

// lists leaves out what is the same at both ends, and compares what remains item by item.
func (d *differences) lists(path string, before, after []any) {
	first := 0
	for first < len(before) && first < len(after) && reflect.DeepEqual(before[first], after[first]) {
		first++
	}
	b, a := before[first:], after[first:]
	for len(b) > 0 && len(a) > 0 && reflect.DeepEqual(b[len(b)-1], a[len(a)-1]) {
		b, a = b[:len(b)-1], a[:len(a)-1]
	}
	for i := range max(len(b), len(a)) {
		at := path + "/" + strconv.Itoa(first+i)
		switch {
		case i >= len(b):
			d.added(at, a[i])
		case i >= len(a):
			d.removed(at, b[i])
		default:
			d.values(at, b[i], a[i])
		}
	}
}

// escapeStep writes a key as a step of a JSON pointer.
var escapeStep = strings.NewReplacer("~", "~0", "/", "~1")
