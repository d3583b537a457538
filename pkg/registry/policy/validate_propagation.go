/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package policy

import (
	"fmt"

	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	metav1validation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	policyv1alpha1 "github.com/manifold-k8s/manifold/apis/policy/v1alpha1"
)

// anyNamespace, as the namespace of a policy, stands for a cluster-wide one.
const anyNamespace = ""

func validateName(obj metav1.Object) field.ErrorList {
	var errs field.ErrorList
	for _, msg := range apivalidation.NameIsDNSSubdomain(obj.GetName(), false) {
		errs = append(errs, field.Invalid(field.NewPath("metadata", "name"), obj.GetName(), msg))
	}
	return errs
}

func validatePropagationPolicy(obj metav1.Object, idLabel string, spec *policyv1alpha1.PropagationSpec, namespace string) field.ErrorList {
	errs := validateName(obj)
	if obj.GetLabels()[idLabel] == "" {
		errs = append(errs, field.Required(labelPath(idLabel), "the policy's permanent id, which is set on creation"))
	}
	return append(errs, validatePropagationSpec(spec, namespace, field.NewPath("spec"))...)
}

func validatePropagationPolicyUpdate(obj, old metav1.Object, idLabel, scheduler, oldScheduler string) field.ErrorList {
	var errs field.ErrorList
	if id, oldID := obj.GetLabels()[idLabel], old.GetLabels()[idLabel]; oldID != "" && id != oldID {
		errs = append(errs, field.Invalid(labelPath(idLabel), id, fmt.Sprintf("the permanent id is immutable; it is %s", oldID)))
	}
	if oldScheduler != "" && scheduler != oldScheduler {
		errs = append(errs, field.Invalid(field.NewPath("spec", "schedulerName"), scheduler,
			fmt.Sprintf("immutable; it is %q. Delete the policy and create it anew to change it", oldScheduler)))
	}
	return errs
}

func labelPath(key string) *field.Path { return field.NewPath("metadata", "labels").Key(key) }

func validatePropagationSpec(spec *policyv1alpha1.PropagationSpec, namespace string, path *field.Path) field.ErrorList {
	selectors := path.Child("resourceSelectors")
	errs := validateSelectors(spec.ResourceSelectors, namespace, selectors)
	if len(spec.ResourceSelectors) == 0 {
		errs = append(errs, field.Required(selectors, "at least one selector of the resources to propagate"))
	}
	errs = append(errs, ValidatePlacementShape(&spec.Placement, path.Child("placement"))...)
	errs = append(errs, validatePlacementRules(&spec.Placement, path.Child("placement"))...)
	errs = append(errs, oneOf(path.Child("preemption"), spec.Preemption, policyv1alpha1.PreemptAlways, policyv1alpha1.PreemptNever)...)
	if spec.Preemption == policyv1alpha1.PreemptAlways {
		for i, selector := range spec.ResourceSelectors {
			if selector.Name == "" {
				errs = append(errs, field.Required(selectors.Index(i).Child("name"), "a policy with preemption Always must name what it takes over"))
			}
		}
	}
	for i, name := range spec.DependentOverrides {
		if name == "" {
			errs = append(errs, field.Required(path.Child("dependentOverrides").Index(i), "the name of an override policy"))
		}
	}
	if spec.Failover != nil {
		errs = append(errs, ValidateFailoverShape(spec.Failover, path.Child("failover"))...)
		errs = append(errs, validateFailoverRules(spec.Failover, path.Child("failover"))...)
		if spec.Failover.Application != nil && !spec.PropagateDeps {
			errs = append(errs, field.Invalid(path.Child("propagateDeps"), false,
				"must be true when failover.application is set, else the workload would move without what it depends on"))
		}
	}
	errs = append(errs, oneOf(path.Child("conflictResolution"), spec.ConflictResolution,
		policyv1alpha1.ConflictAbort, policyv1alpha1.ConflictOverwrite)...)
	if spec.ActivationPreference != "" {
		errs = append(errs, oneOf(path.Child("activationPreference"), spec.ActivationPreference, policyv1alpha1.LazyActivation)...)
	}
	if spec.Suspension != nil {
		errs = append(errs, validateSuspension(spec.Suspension, path.Child("suspension"))...)
	}
	if spec.SchedulePriority != nil {
		errs = append(errs, validateSchedulePriority(spec.SchedulePriority, path.Child("schedulePriority"))...)
	}
	return errs
}

// validateSuspension rejects the suspension of all clusters together with that of some.
func validateSuspension(suspension *policyv1alpha1.Suspension, path *field.Path) field.ErrorList {
	some := suspension.DispatchingOnClusters != nil && len(suspension.DispatchingOnClusters.ClusterNames) > 0
	if suspension.Dispatching != nil && *suspension.Dispatching && some {
		return field.ErrorList{field.Invalid(path.Child("dispatching"), true,
			"suspends every cluster already; leave it out or leave dispatchingOnClusters.clusterNames empty")}
	}
	return nil
}

func validateSchedulePriority(priority *policyv1alpha1.SchedulePriority, path *field.Path) field.ErrorList {
	errs := oneOf(path.Child("priorityClassSource"), priority.PriorityClassSource, policyv1alpha1.KubePriorityClass)
	if priority.PriorityClassName == "" {
		errs = append(errs, field.Required(path.Child("priorityClassName"), "the name of a PriorityClass"))
	}
	return errs
}

// validateSelectors checks the selectors of a policy in namespace.
func validateSelectors(selectors []policyv1alpha1.ResourceSelector, namespace string, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	for i, selector := range selectors {
		path := path.Index(i)
		if selector.APIVersion == "" {
			errs = append(errs, field.Required(path.Child("apiVersion"), "such as apps/v1"))
		}
		if selector.Kind == "" {
			errs = append(errs, field.Required(path.Child("kind"), "such as Deployment"))
		}
		if namespace != anyNamespace && selector.Namespace != namespace {
			errs = append(errs, field.Invalid(path.Child("namespace"), selector.Namespace,
				fmt.Sprintf("must be the policy's own namespace, %q, or be left out", namespace)))
		}
		errs = append(errs, validateLabelSelector(selector.LabelSelector, path.Child("labelSelector"))...)
	}
	return errs
}

func validateLabelSelector(selector *metav1.LabelSelector, path *field.Path) field.ErrorList {
	return metav1validation.ValidateLabelSelector(selector, metav1validation.LabelSelectorValidationOptions{}, path)
}

// oneOf checks a string that must have one of the allowed values.
func oneOf[T ~string](path *field.Path, value T, allowed ...T) field.ErrorList {
	for _, a := range allowed {
		if value == a {
			return nil
		}
	}
	if value == "" {
		return field.ErrorList{field.Required(path, fmt.Sprintf("one of %q", allowed))}
	}
	return field.ErrorList{field.NotSupported(path, value, allowed)}
}
