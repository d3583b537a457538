/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

// Package host lets the users of a host cluster in: the hub as an aggregated API server behind the host's kube-apiserver.
// The host says who they are (its front-proxy certificate and headers) and what they may do (SubjectAccessReviews). On the
// hub they are users with prefixed names, marked by a type of their own that no header can make, and reach nothing but our
// API groups and the proxying subresource; through that, the hub's own RBAC decides.
package host
