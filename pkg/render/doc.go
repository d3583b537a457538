/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

// Package render makes the manifest that one member cluster gets of a template: what belongs to the hub alone is pruned,
// the cluster's share of the replicas is written, the overrides that match the cluster are applied, and the result is
// stamped as ours. It also compares manifests with live objects. It is pure: no clock, no I/O, and it changes none of
// its arguments.
//
// Replicas are written before the overrides, so an override has the last word; stamps come after them, so no override
// can make an object look unmanaged.
package render
