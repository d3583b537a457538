/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package server

import (
	"os"
	"path/filepath"
	"testing"
)

// A replica that is started anew has its old name, and two replicas have two.
func TestIdentity(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	name := func(dir string) string {
		t.Helper()
		s, err := identityOf(dir)
		if err != nil || s == "" {
			t.Fatal(s, err)
		}
		return s
	}
	first := name(dir)
	if again := name(dir); again != first {
		t.Errorf("%q became %q", first, again)
	}
	if other := name(t.TempDir()); other == first {
		t.Errorf("two replicas are called %q", other)
	}
	if err := os.WriteFile(filepath.Join(dir, "replica"), nil, 0o600); err != nil { // the disk was full
		t.Fatal(err)
	}
	if name(dir) == "" {
		t.Error("an empty name was taken")
	}
	if _, err := identityOf(filepath.Join(dir, "missing")); err == nil {
		t.Error("a directory that is not there gives a name")
	}
}
