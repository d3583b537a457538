/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

// Package v1alpha1 has the API of the group search.karmada.io: which kinds of the members can be searched, and the two ways
// to do so. The types are wire-compatible with Karmada's.
//
// +k8s:deepcopy-gen=package
// +k8s:openapi-gen=true
// +k8s:openapi-model-package=io.karmada.search.v1alpha1
// +groupName=search.karmada.io
package v1alpha1
