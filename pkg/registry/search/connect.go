/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package search

import (
	"context"
	"net/http"
	"sync/atomic"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/rest"

	searchv1alpha1 "github.com/manifold-k8s/manifold/apis/search/v1alpha1"
	"github.com/manifold-k8s/manifold/pkg/dryrun"
)

// Backend answers requests below one of the resources that have no objects. name is the path segment after the resource.
// It answers errors of its own through responder.
type Backend interface {
	Connect(ctx context.Context, name string, responder rest.Responder) (http.Handler, error)
}

// Handler serves a resource that has no objects: every request below it goes to the backend.
type Handler struct {
	object   func() runtime.Object
	singular string
	methods  []string
	backend  atomic.Pointer[Backend]
}

var (
	_ rest.Connecter            = &Handler{}
	_ rest.Scoper               = &Handler{}
	_ rest.SingularNameProvider = &Handler{}
)

func newSearch() *Handler {
	return &Handler{
		object:   func() runtime.Object { return &searchv1alpha1.Search{} },
		singular: "search", methods: []string{http.MethodGet},
	}
}

func newProxying() *Handler {
	return &Handler{
		object:   func() runtime.Object { return &searchv1alpha1.Proxying{} },
		singular: "proxying",
		methods: []string{
			http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodHead, http.MethodOptions,
		},
	}
}

// Use says who answers. Until it is called, requests fail with 503.
func (h *Handler) Use(b Backend) { h.backend.Store(&b) }

// New implements rest.Storage: it names the kind in discovery.
func (h *Handler) New() runtime.Object { return h.object() }

// Destroy implements rest.Storage.
func (h *Handler) Destroy() {}

// NamespaceScoped implements rest.Scoper.
func (h *Handler) NamespaceScoped() bool { return false }

// GetSingularName implements rest.SingularNameProvider.
func (h *Handler) GetSingularName() string { return h.singular }

// ConnectMethods implements rest.Connecter.
func (h *Handler) ConnectMethods() []string { return h.methods }

// NewConnectOptions implements rest.Connecter. The query belongs to the request that is inside: it is not read here.
func (h *Handler) NewConnectOptions() (options runtime.Object, subpath bool, key string) {
	return nil, true, ""
}

// Connect implements rest.Connecter.
func (h *Handler) Connect(ctx context.Context, name string, _ runtime.Object, responder rest.Responder) (http.Handler, error) {
	backend := h.backend.Load()
	if backend == nil {
		return nil, apierrors.NewServiceUnavailable("the server is starting")
	}
	handler, err := (*backend).Connect(ctx, name, responder)
	if err != nil {
		return nil, err
	}
	return dryrun.Restored(handler), nil
}

// proxying is the resource that the subresource proxy belongs to. It serves nothing itself.
type proxying struct{}

var (
	_ rest.Storage              = proxying{}
	_ rest.Scoper               = proxying{}
	_ rest.SingularNameProvider = proxying{}
)

// New implements rest.Storage: it names the kind in discovery.
func (proxying) New() runtime.Object { return &searchv1alpha1.Proxying{} }

// Destroy implements rest.Storage.
func (proxying) Destroy() {}

// NamespaceScoped implements rest.Scoper.
func (proxying) NamespaceScoped() bool { return false }

// GetSingularName implements rest.SingularNameProvider.
func (proxying) GetSingularName() string { return "proxying" }
