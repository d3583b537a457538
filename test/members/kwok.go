/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package members

import (
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
)

// kwokConfig says what becomes of nodes and pods.
//
//go:embed kwok.yaml
var kwokConfig []byte

func (m *Member) kwokConfigFile() string { return filepath.Join(m.dir, "kwok.yaml") }

func (m *Member) writeKwokConfig() error {
	if err := os.WriteFile(m.kwokConfigFile(), kwokConfig, 0o600); err != nil {
		return fmt.Errorf("write configuration of kwok: %w", err)
	}
	return nil
}
