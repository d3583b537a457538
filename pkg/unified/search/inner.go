/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package search

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/apiserver/pkg/endpoints/request"
)

// infos reads paths of the Kubernetes API.
var infos = request.RequestInfoFactory{APIPrefixes: sets.NewString("api", "apis"), GrouplessAPIPrefixes: sets.NewString("api")}

// inner is the request that the rest of a path stands for.
type inner struct {
	*request.RequestInfo
	path string // of the Kubernetes API, with a slash at its beginning
}

// within takes the request out of a path, behind so many segments of it.
func within(req *http.Request, segments int) (inner, error) {
	parts := strings.SplitN(req.URL.Path, "/", segments+2) // the first is empty
	path := "/"
	if len(parts) == segments+2 {
		path += parts[segments+1]
	}
	if slices.ContainsFunc(strings.Split(path, "/"), func(part string) bool { return part == "." || part == ".." }) {
		return inner{}, apierrors.NewBadRequest("the path has a part that is . or ..")
	}
	info, err := infos.NewRequestInfo(&http.Request{Method: req.Method, URL: &url.URL{Path: path, RawQuery: req.URL.RawQuery}})
	if err != nil {
		return inner{}, apierrors.NewBadRequest(err.Error())
	}
	return inner{info, path}, nil
}

func (i inner) resource() schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: i.APIGroup, Version: i.APIVersion, Resource: i.Resource}
}

// scope is the namespace that is asked for. That of a Namespace is none, whatever its path says.
func (i inner) scope() string {
	if i.Resource == "namespaces" {
		return ""
	}
	return i.Namespace
}

// reads reports whether objects are read, which the collections answer.
func (i inner) reads() bool {
	return i.Subresource == "" && (i.Verb == "get" || i.Verb == "list" || i.Verb == "watch")
}

// allowed returns an error unless the user may do on the hub what the inner request is about: who may search sees by it
// nothing that he could not read if it were there.
func (s *Search) allowed(req *http.Request, i inner) error {
	as, ok := request.UserFrom(req.Context())
	if !ok {
		return apierrors.NewInternalError(errors.New("no user in context"))
	}
	decision, reason, err := s.cfg.Authorizer.Authorize(req.Context(), authorizer.AttributesRecord{
		User: as, Verb: i.Verb, Namespace: i.Namespace, APIGroup: i.APIGroup, APIVersion: i.APIVersion,
		Resource: i.Resource, Name: i.Name, ResourceRequest: true, Path: i.path,
	})
	if decision == authorizer.DecisionAllow {
		return nil
	}
	where := "in all namespaces"
	if i.Namespace != "" {
		where = fmt.Sprintf("in the namespace %q", i.Namespace)
	}
	text := fmt.Sprintf("user %q may not %s %s of the API group %q %s on the hub", as.GetName(), i.Verb, i.Resource, i.APIGroup, where)
	if reason != "" {
		text += ": " + reason
	}
	if err != nil {
		text += ": " + err.Error()
	}
	return apierrors.NewForbidden(i.resource().GroupResource(), i.Name, errors.New(text))
}
