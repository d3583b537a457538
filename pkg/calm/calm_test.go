/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package calm

import (
	"errors"
	"strings"
	"testing"

	"k8s.io/klog/v2"
	"k8s.io/klog/v2/ktesting"
)

func TestContext(t *testing.T) {
	t.Parallel()
	away, wrong := errors.New("away"), errors.New("wrong")
	for name, tc := range map[string]struct {
		err       error
		verbosity int
		want      string // how the line begins; empty for none
	}{
		"expected":            {err: away, verbosity: 2, want: "I"},
		"expected, and quiet": {err: away, verbosity: 1},
		"unexpected":          {err: wrong, verbosity: 0, want: "E"},
		"no error at all":     {verbosity: 0, want: "E"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out ktesting.BufferTL
			logger := ktesting.NewLogger(&out, ktesting.NewConfig(ktesting.Verbosity(tc.verbosity)))
			ctx := Context(klog.NewContext(t.Context(), logger), func(err error) bool { return errors.Is(err, away) })
			klog.LoggerWithName(klog.LoggerWithValues(klog.FromContext(ctx), "member", "m1"), "watch").Error(tc.err, "Failed")
			line := out.String()
			if (line == "") != (tc.want == "") || !strings.HasPrefix(line, tc.want) {
				t.Errorf("logged %q, want a line that begins with %q", line, tc.want)
			}
			if line != "" && (!strings.Contains(line, "m1") || !strings.Contains(line, "watch")) {
				t.Errorf("logged %q without the logger's name and values", line)
			}
		})
	}
}
