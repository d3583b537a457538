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
	copied := t.TempDir()
	if err := os.CopyFS(copied, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	for _, other := range []string{t.TempDir(), copied} {
		if name(other) == first {
			t.Errorf("two replicas are called %q", first)
		}
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
