/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

// Package v1alpha2 has the bindings of the group work.karmada.io: for each propagated template, where it was placed and what
// became of it there. The types are wire-compatible with Karmada's.
//
// +k8s:deepcopy-gen=package
// +k8s:openapi-gen=true
// +k8s:openapi-model-package=io.karmada.work.v1alpha2
// +groupName=work.karmada.io
package v1alpha2
