/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

// Package access is how commands reach the API servers that they work on: the hub, by the flags that kubectl has, and a
// member, by a kubeconfig of its own. It checks rights before a command changes anything, and puts what goes wrong on
// the way into words that say which server was tried and what to do next.
package access
