/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package host

import (
	"encoding/json"
	"slices"
	"strings"
)

// inJSON returns what to accept instead, so that the answer can be read here: the same kinds, as JSON.
func inJSON(accept []string) []string {
	var out []string
	for _, line := range accept {
		for item := range strings.SplitSeq(line, ",") {
			if media, _, _ := strings.Cut(item, ";"); strings.TrimSpace(media) == "application/json" {
				out = append(out, strings.TrimSpace(item))
			}
		}
	}
	return []string{strings.Join(append(out, "application/json"), ",")}
}

// withoutDelete returns discovery, of one group-version or of all, in which no resource has the verbs delete and
// deletecollection. They work for who uses them; but the host's garbage collector and the deletion of its namespaces go by
// discovery, and know the owners and namespaces of the host only: they would take every binding for an orphan, as its owner
// is a template of the hub, and with a namespace of the host delete the hub's policies in the namespace of that name.
func withoutDelete(body []byte) ([]byte, error) {
	var tree any
	if err := json.Unmarshal(body, &tree); err != nil {
		return nil, err
	}
	dropDelete(tree)
	return json.Marshal(tree)
}

// dropDelete takes the verbs out wherever in the tree verbs are listed.
func dropDelete(tree any) {
	switch node := tree.(type) {
	case []any:
		for _, item := range node {
			dropDelete(item)
		}
	case map[string]any:
		for key, value := range node {
			if verbs, ok := value.([]any); ok && key == "verbs" {
				node[key] = slices.DeleteFunc(verbs, func(v any) bool { return v == "delete" || v == "deletecollection" })
				continue
			}
			dropDelete(value)
		}
	}
}
