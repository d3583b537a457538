/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package member

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
)

// Objects returns the client for the objects of a resource in a namespace, which is empty for cluster-wide ones. What
// Apply returns has no managedFields.
func (m *Member) Objects(r schema.GroupVersionResource, namespace string) dynamic.ResourceInterface {
	path := pathOf(r)
	if namespace != "" {
		path = []string{path[0], path[1], "namespaces", namespace, r.Resource}
		if r.Group != "" {
			path = []string{"apis", r.Group, r.Version, "namespaces", namespace, r.Resource}
		}
	}
	return objects{m.Dynamic.Resource(r).Namespace(namespace), m.requests, path}
}

// objects is a dynamic client that does what is done most, applying, with half of the work: the answer is decoded once, and
// without what is not read.
type objects struct {
	dynamic.ResourceInterface
	requests rest.Interface
	path     []string
}

// Apply implements dynamic.ResourceInterface.
func (o objects) Apply(ctx context.Context, name string, obj *unstructured.Unstructured, opts metav1.ApplyOptions, subresources ...string) (*unstructured.Unstructured, error) {
	if len(subresources) > 0 {
		return o.ResourceInterface.Apply(ctx, name, obj, opts, subresources...)
	}
	body, err := obj.MarshalJSON()
	if err != nil {
		return nil, err
	}
	patch := opts.ToPatchOptions()
	result := o.requests.Patch(types.ApplyYAMLPatchType).AbsPath(append(o.path, name)...).
		SpecificallyVersionedParams(&patch, metav1.ParameterCodec, schema.GroupVersion{Version: "v1"}).Body(body).Do(ctx)
	if err := result.Error(); err != nil {
		return nil, err
	}
	answer, err := result.Raw()
	if err != nil {
		return nil, err
	}
	decoded, err := decodeObject(answer)
	if err != nil {
		return nil, fmt.Errorf("decode the answer: %w", err)
	}
	u, ok := decoded.(*unstructured.Unstructured)
	if !ok {
		return nil, fmt.Errorf("the answer is a %T", decoded)
	}
	return u, nil
}
