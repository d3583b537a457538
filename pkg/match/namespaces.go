/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package match

import (
	"fmt"
	"regexp"
	"slices"
)

// Namespaces is a set of namespaces, given by patterns. The zero value is empty.
type Namespaces struct{ patterns []*regexp.Regexp }

// ParseNamespaces reads regular expressions, each of which has to fit a whole name. The error names the first that is none.
func ParseNamespaces(patterns []string) (Namespaces, error) {
	var out Namespaces
	for _, p := range patterns {
		r, err := regexp.Compile("^(?:" + p + ")$")
		if err != nil {
			return Namespaces{}, fmt.Errorf("%q is no regular expression: %w", p, err)
		}
		out.patterns = append(out.patterns, r)
	}
	return out, nil
}

// Has reports whether the set has a namespace; the empty name, which stands for what is in none, is in no set.
func (n Namespaces) Has(namespace string) bool {
	return namespace != "" && slices.ContainsFunc(n.patterns, func(r *regexp.Regexp) bool { return r.MatchString(namespace) })
}
