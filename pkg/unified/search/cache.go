/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package search

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/internalversion"
	internalversionscheme "k8s.io/apimachinery/pkg/apis/meta/internalversion/scheme"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/klog/v2"
)

// The segments of a path before the inner request: apis, group, version, resource, name.
const cacheSegments = 5

// Cache answers what is asked below search: the objects of a path, of all clusters, in one list.
type Cache struct{ search *Search }

// Cache returns the backend of the resource search.
func (s *Search) Cache() Cache { return Cache{s} }

// Connect implements the backend. name says what to search: cache is what there is.
func (c Cache) Connect(_ context.Context, name string, _ rest.Responder) (http.Handler, error) {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		switch name {
		case "cache":
			list, err := c.search.list(req)
			if err != nil {
				complain(w, req, err)
				return
			}
			answer(w, req, http.StatusOK, list)
		case "opensearch":
			w.WriteHeader(http.StatusOK) // as ever, nothing
		default:
			complain(w, req, apierrors.NewBadRequest("search "+name+" is not known; there is search/cache"))
		}
	}), nil
}

// list answers a list, or a get, of the inner path with a list.
func (s *Search) list(req *http.Request) (*unstructured.UnstructuredList, error) {
	in, err := within(req, cacheSegments)
	if err != nil {
		return nil, err
	}
	if !in.IsResourceRequest || !in.reads() {
		return nil, apierrors.NewBadRequest("the path below cache must be that of a list of objects or of one, such as /apis/apps/v1/deployments")
	}
	if in.Verb == "watch" {
		return nil, apierrors.NewBadRequest("search/cache cannot be watched; proxying can")
	}
	if err := s.allowed(req, in); err != nil {
		return nil, err
	}
	c := s.collection(in.resource())
	if c == nil {
		return nil, apierrors.NewBadRequest("no ResourceRegistry names " + in.resource().GroupResource().String() + " of " + in.resource().GroupVersion().String())
	}
	var o internalversion.ListOptions
	if err := internalversionscheme.ParameterCodec.DecodeParameters(req.URL.Query(), metav1.SchemeGroupVersion, &o); err != nil {
		return nil, apierrors.NewBadRequest(err.Error())
	}
	o = internalversion.ListOptions{LabelSelector: o.LabelSelector} // the only one that counts
	if in.Name != "" {
		o.FieldSelector = fields.OneTermEqualSelector("metadata.name", in.Name)
	}
	obj, err := (&storage{collection: c, namespace: in.scope()}).List(req.Context(), &o)
	if err != nil {
		return nil, err
	}
	return obj.(*unstructured.UnstructuredList), nil
}

// complain answers an error in the form that search/cache has for it.
func complain(w http.ResponseWriter, req *http.Request, err error) {
	code := http.StatusInternalServerError
	var status apierrors.APIStatus
	if errors.As(err, &status) && status.Status().Code != 0 {
		code = int(status.Status().Code)
	}
	answer(w, req, code, map[string]string{"error": err.Error()})
}

func answer(w http.ResponseWriter, req *http.Request, code int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	if err := json.NewEncoder(w).Encode(body); err != nil {
		klog.FromContext(req.Context()).V(4).Info("The client of a search has gone", "err", err)
	}
}
