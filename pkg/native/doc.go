/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

// Package native serves Kubernetes' own kinds with Kubernetes' own code: registries, defaulting, validation, printers,
// admission and the few controllers a hub needs. It is the one place that links k8s.io/kubernetes; everything here is
// assembly of that code, at the version pinned in go.mod.
package native
