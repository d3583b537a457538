/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

// Package v1alpha1 has the kind Work of the group work.karmada.io: what one member cluster gets. Works of propagated templates
// are computed when they are read; those that users make are stored. The types are wire-compatible with Karmada's.
//
// +k8s:deepcopy-gen=package
// +k8s:openapi-gen=true
// +k8s:openapi-model-package=io.karmada.work.v1alpha1
// +groupName=work.karmada.io
package v1alpha1
