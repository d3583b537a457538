/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package search

import (
	"bytes"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/json" // keeps large integers as they are
	"k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/rest"
	"sigs.k8s.io/yaml"
)

// largestBody is how much a request may bring along, in bytes; what API servers take.
const largestBody = 3 << 20

// change passes a request on to the cluster that has the object.
func (p Proxying) change(w http.ResponseWriter, req *http.Request, c *collection, in inner, responder rest.Responder) error {
	reads := (req.Method == http.MethodGet || req.Method == http.MethodHead) && req.Header.Get("Upgrade") == ""
	found, _, err := c.one(req.Context(), in.scope(), in.Name, !reads)
	if err != nil {
		// Who may not look must not learn from the error what there is.
		look := inner{&request.RequestInfo{}, in.path}
		*look.RequestInfo = *in.RequestInfo
		look.Verb, look.Subresource = "get", ""
		if refused := p.search.allowed(req, look); refused != nil {
			return refused
		}
		return err
	}
	if !reads && req.Header.Get("Upgrade") == "" {
		if err := p.localise(req, found.cluster()); err != nil {
			return err
		}
	}
	next, err := p.search.cfg.Passing.Proxy(req.Context(), found.cluster(), in.path, responder)
	if err != nil {
		return err
	}
	next.ServeHTTP(w, req)
	return nil
}

// localise puts what a request says about an object into the terms of its cluster: resource versions, and that an object that
// is replaced does not say where it is from.
func (p Proxying) localise(req *http.Request, cluster string) error {
	if req.Body == nil {
		return nil
	}
	body, err := io.ReadAll(io.LimitReader(req.Body, largestBody+1))
	switch {
	case err != nil:
		return apierrors.NewBadRequest("read the body: " + err.Error())
	case len(body) > largestBody:
		return apierrors.NewRequestEntityTooLargeError(fmt.Sprintf("limit is %d", largestBody))
	}
	media, err := mediaType(req.Header.Get("Content-Type"))
	if err != nil {
		return err
	}
	if media == runtime.ContentTypeProtobuf && len(body) > 0 {
		if body, err = p.asJSON(body); err != nil {
			return err
		}
		media = runtime.ContentTypeJSON
		req.Header.Set("Content-Type", media)
	}
	out, err := localised(body, req.Method, media, cluster)
	if err != nil {
		return err
	}
	req.Body = io.NopCloser(bytes.NewReader(out))
	req.ContentLength = int64(len(out))
	req.Header.Set("Content-Length", strconv.Itoa(len(out)))
	return nil
}

func mediaType(contentType string) (string, error) {
	if contentType == "" {
		return runtime.ContentTypeJSON, nil
	}
	media, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		return "", apierrors.NewBadRequest(fmt.Sprintf("content type %q: %v", contentType, err))
	}
	return media, nil
}

// asJSON reads an object of a native kind, or the options of a deletion, in protobuf.
func (p Proxying) asJSON(body []byte) ([]byte, error) {
	obj, kind, err := p.protobuf.Decode(body, nil, nil)
	if err != nil {
		return nil, apierrors.NewBadRequest("the body is not understood: " + err.Error())
	}
	obj.GetObjectKind().SetGroupVersionKind(*kind)
	return json.Marshal(obj)
}

// localised returns a body in the terms of a cluster. One that needs no change comes back as it is.
func localised(body []byte, method, media, cluster string) ([]byte, error) {
	text := body
	switch media {
	case runtime.ContentTypeJSON, string(types.MergePatchType), string(types.StrategicMergePatchType):
	case string(types.ApplyYAMLPatchType), runtime.ContentTypeYAML:
		var err error
		if text, err = yaml.YAMLToJSON(body); err != nil {
			return nil, apierrors.NewBadRequest("the body is not understood: " + err.Error())
		}
	default: // JSON patches name paths, and other forms are no text
		if method == http.MethodPut {
			return nil, apierrors.NewGenericServerResponse(http.StatusUnsupportedMediaType, "put", schema.GroupResource{}, "",
				fmt.Sprintf("the body is %q, and only JSON, YAML and protobuf are understood here", media), 0, true)
		}
		return body, nil
	}
	if len(bytes.TrimSpace(body)) == 0 {
		return body, nil
	}
	var object map[string]any
	if err := json.Unmarshal(text, &object); err != nil {
		return nil, apierrors.NewBadRequest("the body is not understood: " + err.Error())
	}
	if !localiseObject(object, method == http.MethodPut, cluster) {
		return body, nil
	}
	return json.Marshal(object) // which is YAML, too
}

// localiseObject reports whether it has changed something. whole says that the object is all there is to be.
func localiseObject(object map[string]any, whole bool, cluster string) (changed bool) {
	for _, at := range []string{"metadata", "preconditions"} { // of an object, and of the options of a deletion
		part, ok := object[at].(map[string]any)
		if !ok {
			continue
		}
		if own, ok := ownVersion(part["resourceVersion"], cluster); ok {
			part["resourceVersion"], changed = own, true
		}
		annotations, ok := part["annotations"].(map[string]any)
		if !ok || !whole {
			continue
		}
		for _, ours := range []string{clusterAnnotation, staleAnnotation} {
			if _, ok := annotations[ours]; ok {
				delete(annotations, ours)
				changed = true
			}
		}
	}
	return changed
}

// ownVersion returns what a cluster's resource version is in one that a client sends back.
func ownVersion(value any, cluster string) (string, bool) {
	text, ok := value.(string)
	if !ok {
		return "", false
	}
	v, ours := parseVector(text)
	own, ok := v[cluster]
	return own, ours && ok
}
