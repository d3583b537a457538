/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package apis_test

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/kube-openapi/pkg/common"
	"k8s.io/kube-openapi/pkg/validation/spec"

	"github.com/manifold-k8s/manifold/pkg/generated/openapi"
)

// foreign are the types of Kubernetes that ours refer to, under the names that Kubernetes' own definitions have.
var foreign = []interface{ OpenAPIModelName() string }{
	corev1.NodeSelector{}, corev1.NodeSelectorRequirement{}, corev1.Taint{}, corev1.Toleration{},
	metav1.Condition{}, metav1.LabelSelector{}, metav1.ListMeta{}, metav1.ObjectMeta{}, metav1.Time{},
	resource.Quantity{}, runtime.RawExtension{}, apiextensionsv1.JSON{},
}

// Every reference leads to one of our definitions or to one of Kubernetes', and every field that users see has a description.
func TestDefinitions(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
	for _, typ := range foreign {
		known[typ.OpenAPIModelName()] = true
	}
	ref := func(name string) spec.Ref {
		return spec.MustCreateRef("#/definitions/" + common.EscapeJsonPointer(name))
	}
	definitions := openapi.GetOpenAPIDefinitions(ref)
	for name := range definitions {
		known[name] = true
	}
	for name, def := range definitions {
		if !strings.HasPrefix(name, "io.karmada.") && !strings.HasPrefix(name, "io.manifold-k8s.") {
			t.Errorf("%s is not a definition of ours", name)
		}
		if def.Schema.Description == "" {
			t.Errorf("%s has no description", name)
		}
		for _, dep := range def.Dependencies {
			if !known[dep] {
				t.Errorf("%s refers to %s, which is not defined", name, dep)
			}
		}
		for field, schema := range def.Schema.Properties {
			if schema.Description == "" {
				t.Errorf("%s: field %s has no description", name, field)
			}
			if schema.Type.Contains("array") && schema.Extensions["x-kubernetes-list-type"] == nil && field != "items" {
				t.Errorf("%s: list %s has no list type", name, field)
			}
		}
	}
}
