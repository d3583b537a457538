/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package cluster

import (
	"fmt"
	"net/url"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	clusterv1alpha1 "github.com/manifold-k8s/manifold/apis/cluster/v1alpha1"
)

// maxIDLength is the documented bound of spec.id.
const maxIDLength = 128000

func validate(c *clusterv1alpha1.Cluster) field.ErrorList {
	errs := validateName(c.Name, field.NewPath("metadata", "name"))
	path, spec := field.NewPath("spec"), &c.Spec
	if len(spec.ID) > maxIDLength {
		errs = append(errs, field.TooLong(path.Child("id"), spec.ID, maxIDLength))
	}
	modes := []clusterv1alpha1.SyncMode{clusterv1alpha1.Push, clusterv1alpha1.Pull}
	switch spec.SyncMode {
	case clusterv1alpha1.Push, clusterv1alpha1.Pull:
	case "":
		errs = append(errs, field.Required(path.Child("syncMode"), fmt.Sprintf("one of %q", modes)))
	default:
		errs = append(errs, field.NotSupported(path.Child("syncMode"), spec.SyncMode, modes))
	}
	if spec.APIEndpoint != "" {
		errs = append(errs, validateEndpoint(spec.APIEndpoint, path.Child("apiEndpoint"))...)
	}
	errs = append(errs, validateSecret(spec.SecretRef, path.Child("secretRef"))...)
	errs = append(errs, validateSecret(spec.ImpersonatorSecretRef, path.Child("impersonatorSecretRef"))...)
	if spec.ProxyURL != "" {
		errs = append(errs, validateProxy(spec.ProxyURL, path.Child("proxyURL"))...)
	}
	errs = append(errs, validateLabelValue(spec.Provider, path.Child("provider"))...)
	errs = append(errs, validateLabelValue(spec.Region, path.Child("region"))...)
	errs = append(errs, validateZones(spec, path)...)
	errs = append(errs, validateTaints(spec.Taints, path.Child("taints"))...)
	return append(errs, validateModels(spec.ResourceModels, path.Child("resourceModels"))...)
}

func validateName(name string, path *field.Path) field.ErrorList {
	switch {
	case name == "":
		return field.ErrorList{field.Required(path, fmt.Sprintf("a DNS label of 1 to %d characters", clusterv1alpha1.MaxClusterNameLength))}
	case len(name) > clusterv1alpha1.MaxClusterNameLength:
		return field.ErrorList{field.TooLong(path, name, clusterv1alpha1.MaxClusterNameLength)}
	}
	var errs field.ErrorList
	for _, msg := range validation.IsDNS1123Label(name) {
		errs = append(errs, field.Invalid(path, name, msg))
	}
	return errs
}

func validateEndpoint(endpoint string, path *field.Path) field.ErrorList {
	u, errs := parseURL(endpoint, path, "https", "http")
	if u == nil {
		return errs
	}
	if u.User != nil {
		errs = append(errs, field.Invalid(path, u.Redacted(), "must not contain user information; credentials belong into secretRef"))
	}
	if u.RawQuery != "" || u.ForceQuery {
		errs = append(errs, field.Invalid(path, u.Redacted(), "must not contain a query"))
	}
	if u.Fragment != "" {
		errs = append(errs, field.Invalid(path, u.Redacted(), "must not contain a fragment"))
	}
	return errs
}

func validateProxy(proxy string, path *field.Path) field.ErrorList {
	_, errs := parseURL(proxy, path, "http", "https", "socks5")
	return errs
}

// parseURL returns nil and errors unless text is an absolute URL with one of the schemes and a host. Values in errors
// have no password in them.
func parseURL(text string, path *field.Path, schemes ...string) (*url.URL, field.ErrorList) {
	u, err := url.Parse(text)
	if err != nil {
		// The text, which err repeats, may contain a password.
		return nil, field.ErrorList{field.Invalid(path, field.OmitValueType{}, "not a URL; expected one such as https://10.0.0.1:6443")}
	}
	var errs field.ErrorList
	if !sets.New(schemes...).Has(u.Scheme) {
		errs = append(errs, field.Invalid(path, u.Redacted(), fmt.Sprintf("the scheme must be one of %q", schemes)))
	}
	if u.Hostname() == "" {
		errs = append(errs, field.Invalid(path, u.Redacted(), "must contain a host, as in https://10.0.0.1:6443"))
	}
	if len(errs) > 0 {
		return nil, errs
	}
	return u, nil
}

func validateSecret(ref *clusterv1alpha1.LocalSecretReference, path *field.Path) field.ErrorList {
	if ref == nil {
		return nil
	}
	var errs field.ErrorList
	if ref.Namespace == "" {
		errs = append(errs, field.Required(path.Child("namespace"), "the namespace of the Secret"))
	}
	if ref.Name == "" {
		errs = append(errs, field.Required(path.Child("name"), "the name of the Secret"))
	}
	return errs
}

func validateZones(spec *clusterv1alpha1.ClusterSpec, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	if spec.Zone != "" {
		errs = append(errs, validateLabelValue(spec.Zone, path.Child("zone"))...)
		errs = append(errs, field.Forbidden(path.Child("zone"), "deprecated, must not be combined with zones; add it to zones"))
	}
	for i, zone := range spec.Zones {
		errs = append(errs, validateLabelValue(zone, path.Child("zones").Index(i))...)
	}
	return errs
}

func validateLabelValue(value string, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	for _, msg := range validation.IsValidLabelValue(value) {
		errs = append(errs, field.Invalid(path, value, msg))
	}
	return errs
}

func validateTaints(taints []corev1.Taint, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	effects := []corev1.TaintEffect{corev1.TaintEffectNoSchedule, corev1.TaintEffectNoExecute}
	type identity struct {
		key    string
		effect corev1.TaintEffect
	}
	seen := sets.New[identity]()
	for i, taint := range taints {
		path := path.Index(i)
		if taint.Key == "" {
			errs = append(errs, field.Required(path.Child("key"), "a label key"))
		} else {
			for _, msg := range validation.IsQualifiedName(taint.Key) {
				errs = append(errs, field.Invalid(path.Child("key"), taint.Key, msg))
			}
		}
		errs = append(errs, validateLabelValue(taint.Value, path.Child("value"))...)
		switch taint.Effect {
		case corev1.TaintEffectNoSchedule, corev1.TaintEffectNoExecute:
		case "":
			errs = append(errs, field.Required(path.Child("effect"), fmt.Sprintf("one of %q", effects)))
		default:
			errs = append(errs, field.NotSupported(path.Child("effect"), taint.Effect, effects))
		}
		id := identity{taint.Key, taint.Effect}
		if seen.Has(id) {
			errs = append(errs, field.Duplicate(path, fmt.Sprintf("%s:%s", taint.Key, taint.Effect)))
		}
		seen.Insert(id)
	}
	return errs
}
