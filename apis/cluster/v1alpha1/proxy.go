/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package v1alpha1

import (
	"net/url"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/conversion"
	"k8s.io/apimachinery/pkg/runtime"
)

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// ClusterProxyOptions are the query parameters of the proxy subresource of a Cluster.
type ClusterProxyOptions struct {
	metav1.TypeMeta `json:",inline"`

	// Path at the member's API server to pass the request to.
	// +optional
	Path string `json:"path,omitempty"`
}

// AddConversionFuncs teaches the scheme to read ClusterProxyOptions from a URL's query, which a server needs in order to
// serve the proxy subresource.
func AddConversionFuncs(s *runtime.Scheme) error {
	return s.AddConversionFunc((*url.Values)(nil), (*ClusterProxyOptions)(nil), func(a, b any, _ conversion.Scope) error {
		b.(*ClusterProxyOptions).Path = a.(*url.Values).Get("path")
		return nil
	})
}
