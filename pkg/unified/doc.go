/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

// Package unified serves the kinds whose objects members own (pods, nodes, replica sets, …) over all members, at their
// ordinary URLs. Reads of many come from a union, which is a cache of all members; reads of one, and all writes, go to the
// member that has the object, with Manifold's own rights there: the hub's authorisation has decided before. Objects of such
// kinds that users store on the hub, templates, are served beside them under their plain names.
//
// The hub's own controllers (namespace deletion, garbage collection, quotas) see stored objects only. They would act on
// the absence of what only the members have: collect a pod whose replica set is not theirs.
package unified
