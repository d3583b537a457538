/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package policy

import (
	"fmt"
	"strings"

	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	metav1validation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	policyv1alpha1 "github.com/manifold-k8s/manifold/apis/policy/v1alpha1"
)

// Operators that the kinds of overriders understand.
var (
	addRemove        = []policyv1alpha1.OverriderOperator{policyv1alpha1.OverriderOpAdd, policyv1alpha1.OverriderOpRemove}
	addRemoveReplace = []policyv1alpha1.OverriderOperator{policyv1alpha1.OverriderOpAdd, policyv1alpha1.OverriderOpRemove, policyv1alpha1.OverriderOpReplace}
)

// validateOverrideSpec checks the spec of an override policy in namespace.
func validateOverrideSpec(spec *policyv1alpha1.OverrideSpec, namespace string, path *field.Path) field.ErrorList {
	errs := validateSelectors(spec.ResourceSelectors, namespace, path.Child("resourceSelectors"))
	for i := range spec.OverrideRules {
		rule, path := &spec.OverrideRules[i], path.Child("overrideRules").Index(i)
		if rule.TargetCluster != nil {
			errs = append(errs, ValidateAffinity(rule.TargetCluster, path.Child("targetCluster"))...)
		}
		errs = append(errs, validateOverriders(&rule.Overriders, path.Child("overriders"))...)
	}
	if spec.TargetCluster != nil {
		errs = append(errs, ValidateAffinity(spec.TargetCluster, path.Child("targetCluster"))...)
	}
	errs = append(errs, validateOverriders(&spec.Overriders, path.Child("overriders"))...)
	if len(spec.OverrideRules) > 0 {
		const instead = "must not be combined with overrideRules; make it one of the rules"
		if spec.TargetCluster != nil {
			errs = append(errs, field.Forbidden(path.Child("targetCluster"), instead))
		}
		if !hasNone(&spec.Overriders) {
			errs = append(errs, field.Forbidden(path.Child("overriders"), instead))
		}
	}
	return errs
}

func hasNone(o *policyv1alpha1.Overriders) bool {
	return len(o.Plaintext)+len(o.ImageOverrider)+len(o.CommandOverrider)+len(o.ArgsOverrider)+
		len(o.LabelsOverrider)+len(o.AnnotationsOverrider)+len(o.FieldOverrider) == 0
}

func validateOverriders(o *policyv1alpha1.Overriders, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	for i, p := range o.Plaintext {
		path := path.Child("plaintext").Index(i)
		errs = append(errs, validatePointer(p.Path, path.Child("path"))...)
		errs = append(errs, oneOf(path.Child("operator"), p.Operator, addRemoveReplace...)...)
	}
	for i := range o.ImageOverrider {
		errs = append(errs, validateImageOverrider(&o.ImageOverrider[i], path.Child("imageOverrider").Index(i))...)
	}
	for i := range o.CommandOverrider {
		errs = append(errs, validateCommandArgs(&o.CommandOverrider[i], path.Child("commandOverrider").Index(i))...)
	}
	for i := range o.ArgsOverrider {
		errs = append(errs, validateCommandArgs(&o.ArgsOverrider[i], path.Child("argsOverrider").Index(i))...)
	}
	for i, l := range o.LabelsOverrider {
		path := path.Child("labelsOverrider").Index(i)
		errs = append(errs, validateKeysOverrider(l, path)...)
		errs = append(errs, metav1validation.ValidateLabels(l.Value, path.Child("value"))...)
	}
	for i, a := range o.AnnotationsOverrider {
		path := path.Child("annotationsOverrider").Index(i)
		errs = append(errs, validateKeysOverrider(a, path)...)
		errs = append(errs, apivalidation.ValidateAnnotations(a.Value, path.Child("value"))...)
	}
	for i := range o.FieldOverrider {
		errs = append(errs, validateFieldOverrider(&o.FieldOverrider[i], path.Child("fieldOverrider").Index(i))...)
	}
	return errs
}

func validateImageOverrider(o *policyv1alpha1.ImageOverrider, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	if o.Predicate != nil {
		errs = append(errs, validatePointer(o.Predicate.Path, path.Child("predicate", "path"))...)
	}
	errs = append(errs, oneOf(path.Child("component"), o.Component,
		policyv1alpha1.ImageComponentRegistry, policyv1alpha1.ImageComponentRepository, policyv1alpha1.ImageComponentTag)...)
	return append(errs, oneOf(path.Child("operator"), o.Operator, addRemoveReplace...)...)
}

func validateCommandArgs(o *policyv1alpha1.CommandArgsOverrider, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	if o.ContainerName == "" {
		errs = append(errs, field.Required(path.Child("containerName"), "the name of the container to change"))
	}
	return append(errs, oneOf(path.Child("operator"), o.Operator, addRemove...)...)
}

func validateKeysOverrider(o policyv1alpha1.LabelAnnotationOverrider, path *field.Path) field.ErrorList {
	errs := oneOf(path.Child("operator"), o.Operator, addRemoveReplace...)
	if o.Value == nil {
		errs = append(errs, field.Required(path.Child("value"), "the keys to change and their values"))
	}
	return errs
}

func validateFieldOverrider(o *policyv1alpha1.FieldOverrider, path *field.Path) field.ErrorList {
	errs := validatePointer(o.FieldPath, path.Child("fieldPath"))
	switch {
	case len(o.JSON) > 0 && len(o.YAML) > 0:
		errs = append(errs, field.Forbidden(path.Child("yaml"), "must not be combined with json: the field holds one document"))
	case len(o.JSON) == 0 && len(o.YAML) == 0:
		errs = append(errs, field.Required(path, "either json or yaml, with the changes to the document"))
	}
	for i, op := range o.JSON {
		errs = append(errs, validateDocumentPatch(op.SubPath, op.Operator, op.Value.Raw != nil, path.Child("json").Index(i))...)
	}
	for i, op := range o.YAML {
		errs = append(errs, validateDocumentPatch(op.SubPath, op.Operator, op.Value.Raw != nil, path.Child("yaml").Index(i))...)
	}
	return errs
}

func validateDocumentPatch(subPath string, operator policyv1alpha1.OverriderOperator, hasValue bool, path *field.Path) field.ErrorList {
	errs := validatePointer(subPath, path.Child("subPath"))
	errs = append(errs, oneOf(path.Child("operator"), operator, addRemoveReplace...)...)
	switch operator {
	case policyv1alpha1.OverriderOpAdd, policyv1alpha1.OverriderOpReplace:
		if !hasValue {
			errs = append(errs, field.Required(path.Child("value"), fmt.Sprintf("what to %s", operator)))
		}
	case policyv1alpha1.OverriderOpRemove:
		if hasValue {
			errs = append(errs, field.Forbidden(path.Child("value"), "remove takes none"))
		}
	}
	return errs
}

// validatePointer checks a JSON pointer (RFC 6901) to something inside of a document.
func validatePointer(pointer string, path *field.Path) field.ErrorList {
	if pointer == "" {
		return field.ErrorList{field.Required(path, "a JSON pointer, such as /spec/replicas")}
	}
	if !strings.HasPrefix(pointer, "/") {
		return field.ErrorList{field.Invalid(path, pointer, "a JSON pointer begins with a slash, as in /spec/replicas")}
	}
	for i := range len(pointer) {
		if pointer[i] != '~' {
			continue
		}
		if i+1 == len(pointer) || (pointer[i+1] != '0' && pointer[i+1] != '1') {
			return field.ErrorList{field.Invalid(path, pointer, "in a JSON pointer ~ stands before 0 or 1 only: ~0 is a tilde, ~1 a slash inside a key")}
		}
	}
	return nil
}
