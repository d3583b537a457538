/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package explain

import (
	"encoding/json"
	"strings"
	"unicode/utf8"

	"k8s.io/apimachinery/pkg/runtime/schema"

	hubv1alpha1 "github.com/manifold-k8s/manifold/apis/hub/v1alpha1"
	"github.com/manifold-k8s/manifold/pkg/render"
)

const (
	// maxValue bounds a value before or after a change, in bytes.
	maxValue = 200
	// hidden stands for what a Secret holds, which is not for screens and logs. That it is changed is said.
	hidden = "(changed)"
)

// fieldChanges puts what overriders do into the form in which it is told.
func fieldChanges(kind schema.GroupKind, changes []render.Change) []hubv1alpha1.FieldChange {
	out := make([]hubv1alpha1.FieldChange, 0, len(changes))
	for _, c := range changes {
		told := hubv1alpha1.FieldChange{Policy: c.Policy, Rule: int32(c.Rule), Overrider: c.Overrider, Path: c.Path}
		text := value
		if secret(kind, c.Path) {
			text = func(any) *string { h := hidden; return &h }
		}
		if !c.Added {
			told.From = text(c.From)
		}
		if !c.Removed {
			told.To = text(c.To)
		}
		out = append(out, told)
	}
	return out
}

// secret reports whether what is at a path of an object must not be shown.
func secret(kind schema.GroupKind, path string) bool {
	if kind != (schema.GroupKind{Kind: "Secret"}) {
		return false
	}
	return within(path, "/data") || within(path, "/stringData")
}

func within(path, field string) bool { return path == field || strings.HasPrefix(path, field+"/") }

// value is a JSON value as text: strings as they are, all others as JSON, cut if it is long.
func value(v any) *string {
	s, ok := v.(string)
	if !ok {
		data, err := json.Marshal(v)
		if err != nil {
			panic(err) // it came from JSON
		}
		s = string(data)
	}
	if len(s) > maxValue {
		cut := maxValue - len("…")
		for !utf8.RuneStart(s[cut]) {
			cut--
		}
		s = s[:cut] + "…"
	}
	return &s
}
