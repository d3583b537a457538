/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

// Package match answers which policy governs a template, which overrides apply to it, and which clusters an affinity
// selects. It is pure: functions from values to values that change nothing they are given. Every "no" comes with its
// reason, a short phrase that is stable for equal input, fit for conditions and for explaining a decision to a user.
package match
