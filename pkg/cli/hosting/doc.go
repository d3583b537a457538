/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

// Package hosting says what a host cluster holds for a hub that stands behind its API server: a namespace, an account, a
// Service, the APIServices and roles. It decides names and content, and talks to nobody.
package hosting
