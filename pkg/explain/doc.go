/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

// Package explain says why a template is where it is: which policy governs it and why the others do not, which clusters
// have it and why, and what overrides change there. It asks the functions that decide, and tells what they say beside what
// is in force. It is pure; pkg/explain/subresource serves it.
package explain
