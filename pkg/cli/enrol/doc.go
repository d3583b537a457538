/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

// Package enrol decides what makes a cluster a member: which objects it gets, which the hub gets, and when a cluster
// must not become a member under a name. It is pure: the commands that read and write are join and unjoin.
package enrol
