/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

// Package simulated plays many member clusters in one process, for measurements with more of them than a machine can hold
// real ones of.
//
// Each member is an HTTPS server with a port, a certificate authority and a store of its own, so that the hub keeps for it
// what it keeps for a real one: a transport, a connection, watches. It serves what the hub and client-go's reflectors and
// dynamic clients ask for: discovery in both forms, lists, watches with bookmarks and initial events, and writes, of which
// server-side apply is simplified: maps are merged, lists replaced, conflicts forced. There is no validation, no defaulting, no finalizer and no
// access control beyond the token. A Deployment becomes available a moment after each change of its spec, in one write where a real
// member makes several. Figures about it are figures about the hub, never about members.
package simulated
