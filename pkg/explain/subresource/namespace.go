/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package subresource

import (
	"net/http"
	"slices"

	"k8s.io/apiserver/pkg/endpoints/request"

	hubv1alpha1 "github.com/manifold-k8s/manifold/apis/hub/v1alpha1"
)

// Resolve reads from the URL of a request what it is about, as inner does, and knows besides that explain is a subresource
// of a namespace. Kubernetes takes what follows the name of a namespace for a resource in it, but for what it has itself.
func Resolve(inner request.RequestInfoResolver) request.RequestInfoResolver { return resolver{inner} }

type resolver struct{ inner request.RequestInfoResolver }

// NewRequestInfo implements request.RequestInfoResolver.
func (r resolver) NewRequestInfo(req *http.Request) (*request.RequestInfo, error) {
	info, err := r.inner.NewRequestInfo(req)
	if err != nil || !info.IsResourceRequest || info.APIGroup != "" || info.Namespace == "" || info.Verb != "list" ||
		!slices.Equal(info.Parts, []string{hubv1alpha1.ExplainSubresource}) {
		return info, err
	}
	info.Resource, info.Name, info.Subresource = "namespaces", info.Namespace, hubv1alpha1.ExplainSubresource
	info.Parts = []string{info.Resource, info.Name, info.Subresource}
	info.Verb, info.FieldSelector, info.LabelSelector = "get", "", ""
	return info, nil
}
