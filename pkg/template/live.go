/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package template

import (
	"context"
	"fmt"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

// Live reads a template from the API itself, past every cache. The error is one of meta.IsNoMatchError when the kind is
// not served and that does not mean that its objects are gone: it may be served in another version. It means that when
// the kind had a CustomResourceDefinition that is not there any more; then the template is reported as not found.
func (s *Store) Live(ctx context.Context, r Ref) (*unstructured.Unstructured, error) {
	s.mu.RLock()
	var k kind
	if known := s.kinds[r.Kind]; known != nil {
		k = *known
	}
	s.mu.RUnlock()
	unserved := &meta.NoKindMatchError{GroupKind: r.Kind.GroupKind(), SearchedVersions: []string{r.Kind.Version}}
	if k.mapping == nil {
		return nil, unserved
	}
	if u, ok, err := s.local.Get(ctx, k.mapping.Resource, r.Kind, types.NamespacedName{Namespace: r.Namespace, Name: r.Name}); ok {
		return u, err
	}
	u, err := s.client.Resource(k.mapping.Resource).Namespace(r.Namespace).Get(ctx, r.Name, metav1.GetOptions{})
	if !apierrors.IsNotFound(err) || !apierrors.HasStatusCause(err, metav1.CauseTypeUnexpectedServerResponse) {
		return u, err
	}
	// It is the path that was not found.
	if !k.defined {
		return nil, unserved
	}
	_, there := s.definition(ctx, k.mapping)
	switch {
	case apierrors.IsNotFound(there) && !apierrors.HasStatusCause(there, metav1.CauseTypeUnexpectedServerResponse):
		return nil, err
	case there != nil:
		return nil, fmt.Errorf("look for the definition of %s: %w", r.Kind.Kind, there)
	}
	return nil, unserved
}

var definitions = schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}

// definition reads the CustomResourceDefinition of a kind.
func (s *Store) definition(ctx context.Context, m *meta.RESTMapping) (*unstructured.Unstructured, error) {
	return s.client.Resource(definitions).Get(ctx, m.Resource.GroupResource().String(), metav1.GetOptions{})
}

// isDefined reports whether a kind is known to be made by a CustomResourceDefinition.
func (s *Store) isDefined(ctx context.Context, m *meta.RESTMapping) bool {
	if !strings.Contains(m.Resource.Group, ".") {
		return false // such as apps
	}
	_, err := s.definition(ctx, m)
	return err == nil
}
