/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package version

import (
	"runtime/debug"
	"testing"
)

func TestDescribe(t *testing.T) {
	for want, info := range map[string]debug.BuildInfo{
		"development build": {},
		"v1.2.3, revision abc with changes, k8s.io v0.36.3, go1.26.8": {
			GoVersion: "go1.26.8",
			Main:      debug.Module{Version: "v1.2.3"},
			Deps:      []*debug.Module{{Path: "k8s.io/client-go", Version: "v0.1.0", Replace: &debug.Module{Version: "v0.36.3"}}},
			Settings:  []debug.BuildSetting{{Key: "vcs.revision", Value: "abc"}, {Key: "vcs.modified", Value: "true"}},
		},
	} {
		if got := describe(&info); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
