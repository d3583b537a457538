/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

// Package present says what an object that a member owns looks like on the hub, and turns what was made of it there back
// into the member's terms. It is pure: no clock, no I/O.
//
// An object is shown under its own name with the cluster's behind it, like a DNS name: web-0.member1. Cluster names have
// no dots, so the last dot divides. What the object refers to is shown by the name that it has on the hub: another object
// that the member owns (the node of a pod) with the cluster's name behind it, what comes from a template (the Deployment
// of a replica set) by the template's.
package present

const (
	// ClusterLabel names the cluster that owns the object, on every object of a member.
	ClusterLabel = "manifold-k8s.io/cluster"
	// ShortLabel is what selectors may say for ClusterLabel, where an object has no label of that name of its own.
	ShortLabel = "cluster"
	// ClusterAnnotation says the same as ClusterLabel, where clients of Karmada look for it.
	ClusterAnnotation = "resource.karmada.io/cached-from-cluster"
	// StaleAnnotation tells since when (RFC 3339) the member has not answered: the object is as it was then.
	StaleAnnotation = "manifold-k8s.io/stale-since"
)
