/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

// Package schedule decides which clusters get a template, and how many replicas each. It is pure: no clock, no I/O, no
// change to what it is given, and the order of the clusters given does not matter. A Decision carries a reason for
// every cluster. The rules, with numeric examples, are in docs/scheduling.md.
package schedule
