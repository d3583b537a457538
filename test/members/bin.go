/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package members

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// binDirEnv names the environment variable that holds the folder of the control plane's binaries. The Makefile sets it.
const binDirEnv = "MANIFOLD_MEMBER_BIN"

// ErrNoBinaries reports that a binary of the members' control plane has not been built.
var ErrNoBinaries = errors.New("member binaries are missing: run `make members-bin`")

// BinDir returns the folder of the members' binaries: the value of MANIFOLD_MEMBER_BIN or, for a test that was not
// started by make, what hack/bin-dir.sh prints, which is also where the Makefile takes it from.
func BinDir() (string, error) {
	if dir := os.Getenv(binDirEnv); dir != "" {
		return dir, nil
	}
	mod, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("find the module's folder (or set %s): %w", binDirEnv, err)
	}
	script := filepath.Join(filepath.Dir(strings.TrimSpace(string(mod))), "hack", "bin-dir.sh")
	out, err := exec.Command(script).Output()
	if err != nil {
		return "", fmt.Errorf("find the member binaries (or set %s): %w", binDirEnv, err)
	}
	return strings.TrimSpace(string(out)), nil
}

// checkBinaries returns an error that wraps [ErrNoBinaries] unless dir holds every component in names.
func checkBinaries(dir string, names []string) error {
	for _, name := range names {
		path := filepath.Join(dir, name)
		if info, err := os.Stat(path); err != nil || info.IsDir() {
			return fmt.Errorf("%w (no %s)", ErrNoBinaries, path)
		}
	}
	return nil
}
