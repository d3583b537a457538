/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package match

import (
	"strings"
	"testing"
)

func TestNamespaces(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		patterns []string
		in, out  []string
	}{
		"none":        {out: []string{"", "a"}},
		"a name":      {patterns: []string{"a"}, in: []string{"a"}, out: []string{"", "ab", "ba", "A"}},
		"a prefix":    {patterns: []string{"team-.*"}, in: []string{"team-", "team-a"}, out: []string{"team", "my-team-a"}},
		"several":     {patterns: []string{"a|b", "c+"}, in: []string{"a", "b", "cc"}, out: []string{"ab", "d", "bb"}},
		"all of them": {patterns: []string{".*"}, in: []string{"a"}, out: []string{""}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			set, err := ParseNamespaces(tc.patterns)
			if err != nil {
				t.Fatal(err)
			}
			for want, names := range map[bool][]string{true: tc.in, false: tc.out} {
				for _, n := range names {
					if set.Has(n) != want {
						t.Errorf("%q is in the set: %v, want %v", n, !want, want)
					}
				}
			}
		})
	}
	if _, err := ParseNamespaces([]string{"a", "b("}); err == nil || !strings.Contains(err.Error(), `"b("`) {
		t.Errorf("a pattern that is none: %v", err)
	}
}
