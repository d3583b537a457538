/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package policy

import (
	"k8s.io/apimachinery/pkg/util/validation/field"

	policyv1alpha1 "github.com/manifold-k8s/manifold/apis/policy/v1alpha1"
)

// ValidateFailoverShape checks what concerns each field by itself. A binding, which holds a copy of a policy's failover
// settings, is held to this much.
func ValidateFailoverShape(failover *policyv1alpha1.FailoverBehavior, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	if application := failover.Application; application != nil {
		path := path.Child("application")
		if application.DecisionConditions == nil {
			errs = append(errs, field.Required(path.Child("decisionConditions"), "when the workload moves; {} for the defaults"))
		}
		if application.PurgeMode != "" {
			errs = append(errs, oneOf(path.Child("purgeMode"), application.PurgeMode,
				policyv1alpha1.PurgeModeDirectly, policyv1alpha1.PurgeModeGracefully, policyv1alpha1.PurgeModeNever)...)
		}
		errs = append(errs, validateStateShape(application.StatePreservation, path.Child("statePreservation"))...)
	}
	if cluster := failover.Cluster; cluster != nil {
		path := path.Child("cluster")
		if cluster.PurgeMode != "" {
			errs = append(errs, oneOf(path.Child("purgeMode"), cluster.PurgeMode,
				policyv1alpha1.PurgeModeDirectly, policyv1alpha1.PurgeModeGracefully)...)
		}
		errs = append(errs, validateStateShape(cluster.StatePreservation, path.Child("statePreservation"))...)
	}
	return errs
}

func validateStateShape(state *policyv1alpha1.StatePreservation, path *field.Path) field.ErrorList {
	if state == nil {
		return nil
	}
	path = path.Child("rules")
	if state.Rules == nil {
		return field.ErrorList{field.Required(path, "the values to carry over")}
	}
	var errs field.ErrorList
	for i, rule := range state.Rules {
		if rule.AliasLabelName == "" {
			errs = append(errs, field.Required(path.Index(i).Child("aliasLabelName"), "the key of the label that carries the value"))
		}
		if rule.JSONPath == "" {
			errs = append(errs, field.Required(path.Index(i).Child("jsonPath"), "where the value is in the status, such as {.jobStatus.jobID}"))
		}
	}
	return errs
}

// validateFailoverRules checks values, and fields against each other.
func validateFailoverRules(failover *policyv1alpha1.FailoverBehavior, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	if application := failover.Application; application != nil {
		path := path.Child("application")
		if c := application.DecisionConditions; c != nil && c.TolerationSeconds != nil && *c.TolerationSeconds < 0 {
			errs = append(errs, field.Invalid(path.Child("decisionConditions", "tolerationSeconds"), *c.TolerationSeconds, "must not be negative"))
		}
		errs = append(errs, validateGracePeriod(application, path.Child("gracePeriodSeconds"))...)
		errs = append(errs, validateStateLabels(application.StatePreservation, path.Child("statePreservation"))...)
	}
	if failover.Cluster != nil {
		errs = append(errs, validateStateLabels(failover.Cluster.StatePreservation, path.Child("cluster", "statePreservation"))...)
	}
	return errs
}

func validateGracePeriod(application *policyv1alpha1.ApplicationFailoverBehavior, path *field.Path) field.ErrorList {
	graceful := application.PurgeMode == policyv1alpha1.PurgeModeGracefully
	switch seconds := application.GracePeriodSeconds; {
	case seconds == nil && graceful:
		return field.ErrorList{field.Required(path, "with purgeMode Gracefully, how long to wait for the new copy")}
	case seconds == nil:
		return nil
	case !graceful:
		return field.ErrorList{field.Forbidden(path, "only with purgeMode Gracefully")}
	case *seconds <= 0:
		return field.ErrorList{field.Invalid(path, *seconds, "must be greater than 0")}
	}
	return nil
}

func validateStateLabels(state *policyv1alpha1.StatePreservation, path *field.Path) field.ErrorList {
	if state == nil {
		return nil
	}
	var errs field.ErrorList
	for i, rule := range state.Rules {
		if rule.AliasLabelName != "" {
			errs = append(errs, validateLabelKey(rule.AliasLabelName, path.Child("rules").Index(i).Child("aliasLabelName"))...)
		}
	}
	return errs
}
