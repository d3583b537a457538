/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

// Package interpret knows what each kind means: how many replicas a template asks for, what of a member object's status
// matters, whether it is healthy, how the members' states add up to the template's status, and which other objects a
// template needs. It is pure: no clock, no I/O, and it changes none of its arguments.
//
// Of returns the rules of a kind. Kinds without rules of their own get the generic ones: no replicas, no dependencies, the
// whole status is reported, health and the template's status go by observedGeneration and conditions.
//
// Rules come in layers, operation by operation: the first layer that has a rule for an operation answers. There are two
// here, the built-in rules of a kind and the generic ones; Kind.With puts another in front.
package interpret
