/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

// Package v1alpha1 has the kinds of the group hub.manifold-k8s.io. Federation is the federation that this server is, as one
// object; its subresource proxy is the whole API of the hub at another path, for clients that can only reach that path.
// Explanation is what the subresource explain of every template answers.
//
// +k8s:deepcopy-gen=package
// +k8s:openapi-gen=true
// +k8s:openapi-model-package=io.manifold-k8s.hub.v1alpha1
// +groupName=hub.manifold-k8s.io
package v1alpha1
