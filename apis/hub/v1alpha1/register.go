/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// GroupName is the API group of this package.
const GroupName = "hub.manifold-k8s.io"

var (
	// SchemeGroupVersion is the group and version that the types of this package are served under.
	SchemeGroupVersion = schema.GroupVersion{Group: GroupName, Version: "v1alpha1"}

	// SchemeBuilder collects what AddToScheme registers.
	SchemeBuilder = runtime.NewSchemeBuilder(AddToGroupVersion)

	// AddToScheme registers this package's types, and the meta types that go with them, under SchemeGroupVersion.
	AddToScheme = SchemeBuilder.AddToScheme
)

// Kind qualifies a kind with the group.
func Kind(kind string) schema.GroupKind {
	return SchemeGroupVersion.WithKind(kind).GroupKind()
}

// Resource qualifies a resource with the group.
func Resource(resource string) schema.GroupResource {
	return SchemeGroupVersion.WithResource(resource).GroupResource()
}

// AddToGroupVersion is what AddToScheme does, as a plain function: it registers the types under SchemeGroupVersion
// together with the list options, watch events and other meta types that every served version has.
func AddToGroupVersion(s *runtime.Scheme) error {
	AddKnownTypes(s, SchemeGroupVersion)
	metav1.AddToGroupVersion(s, SchemeGroupVersion)
	return nil
}

// AddKnownTypes registers the types under any version of the group. A server calls it a second time for the internal
// version: there is one set of Go types, so that no conversion is needed between the two.
func AddKnownTypes(s *runtime.Scheme, gv schema.GroupVersion) {
	s.AddKnownTypes(gv,
		&Explanation{},
		&Federation{},
		&FederationList{},
	)
}
