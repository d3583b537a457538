/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package simulated

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// ownership are the paths of the fields that a manager owns, in the form of managed fields: "f:name" leads to the fields below, a leaf is empty.
type ownership = map[string]any

// fieldsOf returns what a manifest says, without what identifies the object.
func fieldsOf(manifest map[string]any) ownership {
	out := ownership{}
	for key, value := range manifest {
		switch metadata, isMap := value.(map[string]any); {
		case key == "apiVersion" || key == "kind" || key == "status":
		case key == "metadata" && isMap:
			metadata = maps.Clone(metadata)
			for _, k := range []string{"name", "namespace", "uid", "managedFields", "resourceVersion", "generation", "creationTimestamp"} {
				delete(metadata, k)
			}
			out["f:metadata"] = below(metadata)
		default:
			out["f:"+key] = below(value)
		}
	}
	return out
}

func below(value any) ownership {
	out := ownership{}
	switch value := value.(type) {
	case map[string]any:
		for key, v := range value {
			out["f:"+key] = below(v)
		}
	case []any:
		for _, item := range value {
			entry, ok := item.(map[string]any)
			if !ok || entry["name"] == nil {
				return ownership{} // a list without names is one field
			}
			name, err := json.Marshal(map[string]any{"name": entry["name"]})
			if err != nil {
				return ownership{}
			}
			inner := below(entry)
			inner["."] = ownership{}
			out["k:"+string(name)] = inner
		}
	}
	return out
}

// merge puts a manifest into an object: maps are merged, everything else is replaced.
func merge(into, manifest map[string]any) {
	for key, value := range manifest {
		a, aMap := into[key].(map[string]any)
		b, bMap := value.(map[string]any)
		if aMap && bMap {
			merge(a, b)
			continue
		}
		into[key] = value
	}
}

// prune takes out of an object the fields that a manager owned and that nobody owns now.
func prune(from map[string]any, owned ownership, now []ownership) {
	for path, inner := range owned {
		if len(path) < 2 || path[:2] != "f:" {
			continue
		}
		key := path[2:]
		var kept []ownership
		for _, f := range now {
			if k, ok := f[path].(map[string]any); ok {
				kept = append(kept, k)
			}
		}
		value, isMap := from[key].(map[string]any)
		ownedBelow, _ := inner.(map[string]any)
		switch {
		case isMap && len(ownedBelow) > 0:
			prune(value, ownedBelow, kept)
			if len(value) == 0 && len(kept) == 0 {
				delete(from, key)
			}
		case len(kept) == 0:
			delete(from, key)
		}
	}
}

// managers returns the entries of an object's managed fields.
func managers(u *unstructured.Unstructured) []any {
	list, _, _ := unstructured.NestedSlice(u.Object, "metadata", "managedFields") // a list in all that is stored
	return list
}

func isEntry(entry any, manager, operation string) bool {
	e, ok := entry.(map[string]any)
	return ok && e["manager"] == manager && e["operation"] == operation
}

// own makes manager the owner of what it applies, and takes out of u what nobody owns any more. An entry that stays the
// same keeps its time.
func own(u *unstructured.Unstructured, manager, operation, now string, owned ownership) {
	entries := managers(u)
	i := slices.IndexFunc(entries, func(e any) bool { return isEntry(e, manager, operation) })
	next := map[string]any{
		"manager": manager, "operation": operation, "apiVersion": u.GetAPIVersion(), "time": now,
		"fieldsType": "FieldsV1", "fieldsV1": owned,
	}
	if i < 0 {
		setManagers(u, append(entries, next))
		return
	}
	before, _ := entries[i].(map[string]any)["fieldsV1"].(map[string]any)
	if reflect.DeepEqual(before, owned) {
		return
	}
	entries[i] = next
	var all []ownership
	for _, e := range entries {
		if f, ok := e.(map[string]any)["fieldsV1"].(map[string]any); ok {
			all = append(all, f)
		}
	}
	prune(u.Object, before, all)
	setManagers(u, entries)
}

func setManagers(u *unstructured.Unstructured, entries []any) {
	u.Object["metadata"].(map[string]any)["managedFields"] = entries // all that is stored has metadata
}
