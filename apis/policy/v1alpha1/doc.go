/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

// Package v1alpha1 has the policies of the group policy.karmada.io: which templates go to which member clusters, and how the
// copies differ from cluster to cluster. The types are wire-compatible with Karmada's.
//
// +k8s:deepcopy-gen=package
// +k8s:openapi-gen=true
// +k8s:openapi-model-package=io.karmada.policy.v1alpha1
// +groupName=policy.karmada.io
package v1alpha1
