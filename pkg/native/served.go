/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package native

import (
	"slices"
	"strings"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apiextensionsinformers "k8s.io/apiextensions-apiserver/pkg/client/informers/externalversions/apiextensions/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	apiregistrationinformers "k8s.io/kube-aggregator/pkg/client/informers/externalversions/apiregistration/v1"

	"github.com/manifold-k8s/manifold/pkg/local"
)

// Kinds knows which kinds the server serves at this moment. It answers from memory: what is compiled in does not change, and
// the definitions of custom resources are watched anyway by those who serve them.
type Kinds struct {
	compiled map[string][]local.Kind // by name in lower case
	custom   apiextensionsinformers.CustomResourceDefinitionInformer
	services apiregistrationinformers.APIServiceInformer
}

func newKinds(resources *local.Resources, custom apiextensionsinformers.CustomResourceDefinitionInformer, services apiregistrationinformers.APIServiceInformer) *Kinds {
	k := &Kinds{compiled: map[string][]local.Kind{}, custom: custom, services: services}
	// These two are served by the servers around the one that has the resources.
	chained := []local.Kind{
		{GroupVersionKind: apiextensionsv1.SchemeGroupVersion.WithKind("CustomResourceDefinition"), Objects: true},
		{GroupVersionKind: apiregistrationv1.SchemeGroupVersion.WithKind("APIService"), Objects: true},
	}
	for _, kind := range slices.Concat(resources.Kinds(), chained) {
		name := strings.ToLower(kind.Kind)
		k.compiled[name] = append(k.compiled[name], kind)
	}
	return k
}

// Named returns what is served under the name of a kind, in any group and version and whatever letters of it are capitals,
// in the order of groups and versions. known is false if that cannot be said of the given version: while the definitions of
// custom resources have not been read, and for a version that an API server beside this one serves.
func (k *Kinds) Named(version schema.GroupVersion, kind string) (served []local.Kind, known bool) {
	if !k.custom.Informer().HasSynced() || !k.services.Informer().HasSynced() {
		return nil, false
	}
	if s, err := k.services.Lister().Get(version.Version + "." + version.Group); err == nil && s.Spec.Service != nil {
		return nil, false
	}
	definitions, err := k.custom.Lister().List(labels.Everything())
	if err != nil {
		return nil, false
	}
	served = slices.Clone(k.compiled[strings.ToLower(kind)])
	for _, d := range definitions {
		if strings.EqualFold(d.Spec.Names.Kind, kind) {
			served = append(served, defined(d)...)
		}
	}
	slices.SortFunc(served, func(a, b local.Kind) int { return strings.Compare(a.String(), b.String()) })
	return served, true
}

// defined returns the kind of a definition in all versions that are served.
func defined(d *apiextensionsv1.CustomResourceDefinition) []local.Kind {
	var out []local.Kind
	for _, version := range d.Spec.Versions {
		if version.Served {
			out = append(out, local.Kind{
				GroupVersionKind: schema.GroupVersionKind{Group: d.Spec.Group, Version: version.Name, Kind: d.Spec.Names.Kind},
				Namespaced:       d.Spec.Scope == apiextensionsv1.NamespaceScoped, Objects: true,
			})
		}
	}
	return out
}
