/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package search

import (
	"context"
	"errors"
	"net/http"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	internalversionscheme "k8s.io/apimachinery/pkg/apis/meta/internalversion/scheme"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/runtime/serializer/protobuf"
	"k8s.io/apiserver/pkg/endpoints/handlers"
	"k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/rest"
)

const (
	// proxyingSegments are those before the inner request: apis, group, version, resource, name, proxy.
	proxyingSegments = 6
	// minWatch is the least time after which a watch ends that the client sets no end to.
	minWatch = 30 * time.Minute
)

// Proxying answers what is asked below proxying: the API of all clusters as if they were one.
type Proxying struct {
	search     *Search
	serializer runtime.NegotiatedSerializer // of answers
	protobuf   runtime.Decoder              // of native kinds in requests
}

// Proxying returns the backend of the subresource proxy of proxying.
func (s *Search) Proxying() Proxying {
	scheme := runtime.NewScheme()
	metav1.AddToGroupVersion(scheme, schema.GroupVersion{Version: "v1"})
	return Proxying{
		search: s, serializer: jsonOnly{serializer.NewCodecFactory(scheme).WithoutConversion()},
		protobuf: protobuf.NewSerializer(s.cfg.Scheme, s.cfg.Scheme),
	}
}

// Connect implements the backend. Any name will do.
func (p Proxying) Connect(_ context.Context, _ string, responder rest.Responder) (http.Handler, error) {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if err := p.serve(w, req, responder); err != nil {
			responder.Error(err)
		}
	}), nil
}

// serve answers reads of registered resources from the members' objects at hand, passes other requests for them on to the
// cluster that has the object, and everything else to the hub.
func (p Proxying) serve(w http.ResponseWriter, req *http.Request, responder rest.Responder) error {
	as, ok := request.UserFrom(req.Context())
	if !ok {
		return apierrors.NewInternalError(errors.New("no user in context"))
	}
	in, err := within(req, proxyingSegments)
	if err != nil {
		return err
	}
	var c *collection
	if in.IsResourceRequest {
		c = p.search.collection(in.resource())
	}
	switch {
	case c == nil:
		p.search.cfg.Passing.ToHub(as, in.path, responder).ServeHTTP(w, req)
		return nil
	case in.reads():
		if err := p.search.allowed(req, in); err != nil {
			return err
		}
		p.read(c, in).ServeHTTP(w, req.WithContext(request.WithRequestInfo(req.Context(), in.RequestInfo)))
		return nil
	case in.Name == "":
		return apierrors.NewMethodNotSupported(in.resource().GroupResource(), in.Verb)
	}
	return p.change(w, req, c, in, responder)
}

// read returns the handler that Kubernetes' own reads have.
func (p Proxying) read(c *collection, in inner) http.Handler {
	table := p.search.columns(c)
	s := &storage{collection: c, namespace: in.scope(), table: table}
	scope := &handlers.RequestScope{
		Namer:            handlers.ContextBasedNaming{Namer: meta.NewAccessor(), ClusterScoped: in.scope() == ""},
		Serializer:       p.serializer,
		ParameterCodec:   internalversionscheme.ParameterCodec,
		Convertor:        selectors{kind: c.kind.GroupKind()},
		TableConvertor:   table,
		Resource:         c.resource,
		Kind:             c.kind,
		HubGroupVersion:  c.kind.GroupVersion(),
		MetaGroupVersion: metav1.SchemeGroupVersion,
	}
	if in.Verb == "get" {
		return handlers.GetResource(s, scope)
	}
	return handlers.ListResource(s, s, scope, false, minWatch)
}

// selectors knows by which fields objects of a kind can be selected. It converts nothing else.
type selectors struct {
	runtime.ObjectConvertor
	kind schema.GroupKind
}

// ConvertFieldLabel implements runtime.ObjectConvertor.
func (s selectors) ConvertFieldLabel(_ schema.GroupVersionKind, label, value string) (string, string, error) {
	return fieldOf(s.kind, label, value)
}

// jsonOnly offers no other form than JSON and YAML, as objects without Go types have none.
type jsonOnly struct{ runtime.NegotiatedSerializer }

// SupportedMediaTypes implements runtime.NegotiatedSerializer.
func (j jsonOnly) SupportedMediaTypes() []runtime.SerializerInfo {
	var out []runtime.SerializerInfo
	for _, t := range j.NegotiatedSerializer.SupportedMediaTypes() {
		if t.MediaType == runtime.ContentTypeJSON || t.MediaType == runtime.ContentTypeYAML {
			out = append(out, t)
		}
	}
	return out
}
