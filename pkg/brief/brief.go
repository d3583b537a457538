/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

// Package brief words what would be too long in full: messages must stay short in a large fleet.
package brief

import (
	"fmt"
	"strings"
)

// Names joins names in the order given, with commas. Of more than most it names the first, and counts the others.
func Names(names []string, most int) string {
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}
