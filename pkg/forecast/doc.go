/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

// Package forecast says what a write would change in the member clusters, by deciding about a template twice: as things
// are, and as they would be. It is pure; pkg/admission asks it about dry runs.
package forecast
