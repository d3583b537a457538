/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

// Package placement says which binding a template should have: which policy governs it, which clusters get it, and how many
// replicas each. It is pure; pkg/controllers/placement writes what it says.
package placement
