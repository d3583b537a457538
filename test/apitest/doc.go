/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

// Package apitest starts hubs for tests, joins real members to them, and looks at what is stored where.
//
// A hub is a process of its own, the binary that users run, and not a server inside the test: the API server's schemes,
// metrics and feature gates are global, so that one process can hold one hub only, and what happens to a hub that is
// killed can be seen only when there is a process to kill. Nothing outlives the test: the kernel kills the children of a
// test process that dies, however it dies. That makes the package Linux only.
package apitest
