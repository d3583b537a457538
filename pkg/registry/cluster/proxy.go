/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package cluster

import (
	"context"
	"net/http"
	"sync/atomic"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/rest"

	clusterv1alpha1 "github.com/manifold-k8s/manifold/apis/cluster/v1alpha1"
	"github.com/manifold-k8s/manifold/pkg/dryrun"
)

// Proxier passes requests on to a path of the API server of a cluster; * stands for all clusters. Its errors are Statuses.
type Proxier interface {
	Proxy(ctx context.Context, cluster, path string, responder rest.Responder) (http.Handler, error)
}

// ProxyREST is the subresource proxy of Clusters. It is authorized like any subresource: by the name of the cluster, and
// the verb that goes with the HTTP method.
type ProxyREST struct{ to atomic.Pointer[Proxier] }

var _ rest.Connecter = &ProxyREST{}

// Use says who passes requests on; until then they are refused.
func (r *ProxyREST) Use(p Proxier) { r.to.Store(&p) }

// New implements rest.Storage.
func (r *ProxyREST) New() runtime.Object { return &clusterv1alpha1.ClusterProxyOptions{} }

// Destroy implements rest.Storage.
func (r *ProxyREST) Destroy() {}

// ConnectMethods implements rest.Connecter.
func (r *ProxyREST) ConnectMethods() []string {
	return []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodHead, http.MethodOptions}
}

// NewConnectOptions implements rest.Connecter.
func (r *ProxyREST) NewConnectOptions() (runtime.Object, bool, string) {
	return &clusterv1alpha1.ClusterProxyOptions{}, true, "path"
}

// Connect implements rest.Connecter.
func (r *ProxyREST) Connect(ctx context.Context, name string, options runtime.Object, responder rest.Responder) (http.Handler, error) {
	to := r.to.Load()
	if to == nil {
		return nil, apierrors.NewServiceUnavailable("the server has not started yet")
	}
	h, err := (*to).Proxy(ctx, name, options.(*clusterv1alpha1.ClusterProxyOptions).Path, responder)
	if err != nil {
		return nil, err
	}
	return dryrun.Restored(h), nil
}
