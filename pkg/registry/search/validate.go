/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package search

import (
	"net/url"

	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	searchv1alpha1 "github.com/manifold-k8s/manifold/apis/search/v1alpha1"
	"github.com/manifold-k8s/manifold/pkg/registry/policy"
)

func validate(r *searchv1alpha1.ResourceRegistry) field.ErrorList {
	var errs field.ErrorList
	for _, msg := range apivalidation.NameIsDNSSubdomain(r.Name, false) {
		errs = append(errs, field.Invalid(field.NewPath("metadata", "name"), r.Name, msg))
	}
	path := field.NewPath("spec")
	errs = append(errs, policy.ValidateAffinity(&r.Spec.TargetCluster, path.Child("targetCluster"))...)
	selectors := path.Child("resourceSelectors")
	if len(r.Spec.ResourceSelectors) == 0 {
		errs = append(errs, field.Required(selectors, "at least one kind to search, such as {apiVersion: apps/v1, kind: Deployment}"))
	}
	for i := range r.Spec.ResourceSelectors {
		errs = append(errs, validateSelector(&r.Spec.ResourceSelectors[i], selectors.Index(i))...)
	}
	if store := r.Spec.BackendStore; store != nil && store.OpenSearch != nil {
		errs = append(errs, validateOpenSearch(store.OpenSearch, path.Child("backendStore", "openSearch"))...)
	}
	return errs
}

func validateSelector(s *searchv1alpha1.ResourceSelector, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	gv, err := schema.ParseGroupVersion(s.APIVersion)
	switch {
	case s.APIVersion == "":
		errs = append(errs, field.Required(path.Child("apiVersion"), "such as apps/v1"))
	case err != nil || gv.Version == "":
		errs = append(errs, field.Invalid(path.Child("apiVersion"), s.APIVersion, "must be group/version, such as apps/v1, or v1"))
	}
	switch {
	case s.Kind == "":
		errs = append(errs, field.Required(path.Child("kind"), "such as Deployment"))
	case gv.Group == "" && s.Kind == "Secret":
		errs = append(errs, field.Forbidden(path.Child("kind"), "Secrets of members are neither kept nor shown here; read them in the member"))
	}
	if s.Namespace != "" {
		for _, msg := range validation.IsDNS1123Label(s.Namespace) {
			errs = append(errs, field.Invalid(path.Child("namespace"), s.Namespace, msg))
		}
	}
	return errs
}

func validateOpenSearch(c *searchv1alpha1.OpenSearchConfig, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	if len(c.Addresses) == 0 {
		errs = append(errs, field.Required(path.Child("addresses"), "at least one URL, such as https://10.0.0.1:9200"))
	}
	for i, address := range c.Addresses {
		path := path.Child("addresses").Index(i)
		u, err := url.Parse(address)
		switch {
		case err != nil:
			// The text, which err repeats, may contain a password.
			errs = append(errs, field.Invalid(path, field.OmitValueType{}, "not a URL; expected one such as https://10.0.0.1:9200"))
		case u.Scheme != "http" && u.Scheme != "https", u.Hostname() == "":
			errs = append(errs, field.Invalid(path, u.Redacted(), "must have the scheme http or https and a host, as in https://10.0.0.1:9200"))
		}
	}
	if c.SecretRef.Namespace == "" {
		errs = append(errs, field.Required(path.Child("secretRef", "namespace"), "the namespace of the Secret"))
	}
	if c.SecretRef.Name == "" {
		errs = append(errs, field.Required(path.Child("secretRef", "name"), "the name of the Secret"))
	}
	return errs
}

// warnings names what is accepted and stored but not acted upon.
func warnings(r *searchv1alpha1.ResourceRegistry) []string {
	if store := r.Spec.BackendStore; store != nil && store.OpenSearch != nil {
		return []string{"spec.backendStore.openSearch: has no effect; searches are answered from the server's memory"}
	}
	return nil
}
