/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

// Package v1alpha1 has the Cluster of the group cluster.karmada.io: a member of the federation, how it is reached and what
// is known of it. The types are wire-compatible with Karmada's.
//
// +k8s:deepcopy-gen=package
// +k8s:openapi-gen=true
// +k8s:openapi-model-package=io.karmada.cluster.v1alpha1
// +groupName=cluster.karmada.io
package v1alpha1
