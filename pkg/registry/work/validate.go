/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package work

import (
	"encoding/json"
	"fmt"
	"regexp"

	corev1 "k8s.io/api/core/v1"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	metav1validation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/validation/field"

	policyv1alpha1 "github.com/manifold-k8s/manifold/apis/policy/v1alpha1"
	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
	"github.com/manifold-k8s/manifold/pkg/registry/policy"
)

// Bounds of the API, in bytes.
const (
	maxComponentName   = 32
	maxEvictionReason  = 32
	maxEvictionMessage = 1024
)

// reasonPattern is that of condition reasons.
var reasonPattern = regexp.MustCompile(`^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$`)

func validateMetadata(obj metav1.Object) field.ErrorList {
	path := field.NewPath("metadata")
	var errs field.ErrorList
	for _, msg := range apivalidation.NameIsDNSSubdomain(obj.GetName(), false) {
		errs = append(errs, field.Invalid(path.Child("name"), obj.GetName(), msg))
	}
	if text, ok := obj.GetAnnotations()[workv1alpha2.DependenciesAnnotation]; ok {
		if err := parseDependencies(text); err != nil {
			errs = append(errs, field.Invalid(path.Child("annotations").Key(workv1alpha2.DependenciesAnnotation), text,
				fmt.Sprintf("must be a JSON list of references to what the template depends on: %v", err)))
		}
	}
	return errs
}

func parseDependencies(text string) error {
	var references []struct {
		APIVersion    string                `json:"apiVersion"`
		Kind          string                `json:"kind"`
		Namespace     string                `json:"namespace"`
		Name          string                `json:"name"`
		LabelSelector *metav1.LabelSelector `json:"labelSelector"`
	}
	return json.Unmarshal([]byte(text), &references)
}

func validateSpec(spec *workv1alpha2.ResourceBindingSpec, path *field.Path) field.ErrorList {
	resource := path.Child("resource")
	errs := required(resource.Child("apiVersion"), spec.Resource.APIVersion, "the template's apiVersion")
	errs = append(errs, required(resource.Child("kind"), spec.Resource.Kind, "the template's kind")...)
	errs = append(errs, required(resource.Child("name"), spec.Resource.Name, "the template's name")...)
	errs = append(errs, notNegative(path.Child("replicas"), spec.Replicas)...)
	if spec.ReplicaRequirements != nil {
		errs = append(errs, validateNodeClaim(spec.ReplicaRequirements.NodeClaim, path.Child("replicaRequirements", "nodeClaim"))...)
	}
	errs = append(errs, validateComponents(spec.Components, path.Child("components"))...)
	errs = append(errs, validateTargets(spec.Clusters, path.Child("clusters"))...)
	if spec.Placement != nil {
		errs = append(errs, policy.ValidatePlacementShape(spec.Placement, path.Child("placement"))...)
	}
	for i := range spec.GracefulEvictionTasks {
		errs = append(errs, validateEviction(&spec.GracefulEvictionTasks[i], path.Child("gracefulEvictionTasks").Index(i))...)
	}
	for i, by := range spec.RequiredBy {
		path := path.Child("requiredBy").Index(i)
		errs = append(errs, required(path.Child("name"), by.Name, "the name of the depending binding")...)
		errs = append(errs, validateTargets(by.Clusters, path.Child("clusters"))...)
	}
	if spec.Failover != nil {
		errs = append(errs, policy.ValidateFailoverShape(spec.Failover, path.Child("failover"))...)
	}
	switch spec.ConflictResolution {
	case policyv1alpha1.ConflictAbort, policyv1alpha1.ConflictOverwrite:
	default:
		errs = append(errs, field.NotSupported(path.Child("conflictResolution"), spec.ConflictResolution,
			[]policyv1alpha1.ConflictResolution{policyv1alpha1.ConflictAbort, policyv1alpha1.ConflictOverwrite}))
	}
	return errs
}

func required(path *field.Path, value, what string) field.ErrorList {
	if value == "" {
		return field.ErrorList{field.Required(path, what)}
	}
	return nil
}

func notNegative(path *field.Path, n int32) field.ErrorList {
	if n < 0 {
		return field.ErrorList{field.Invalid(path, n, "must not be negative")}
	}
	return nil
}

func validateNodeClaim(claim *workv1alpha2.NodeClaim, path *field.Path) field.ErrorList {
	if claim == nil || claim.HardNodeAffinity == nil {
		return nil
	}
	path = path.Child("hardNodeAffinity", "nodeSelectorTerms")
	if claim.HardNodeAffinity.NodeSelectorTerms == nil {
		return field.ErrorList{field.Required(path, "the terms of which a node must meet one")}
	}
	var errs field.ErrorList
	for i, term := range claim.HardNodeAffinity.NodeSelectorTerms {
		errs = append(errs, validateNodeRequirements(term.MatchExpressions, path.Index(i).Child("matchExpressions"))...)
		errs = append(errs, validateNodeRequirements(term.MatchFields, path.Index(i).Child("matchFields"))...)
	}
	return errs
}

func validateNodeRequirements(requirements []corev1.NodeSelectorRequirement, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	for i, r := range requirements {
		errs = append(errs, required(path.Index(i).Child("key"), r.Key, "a label key or field")...)
		errs = append(errs, required(path.Index(i).Child("operator"), string(r.Operator), "such as In")...)
	}
	return errs
}

func validateComponents(components []workv1alpha2.Component, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	seen := sets.New[string]()
	for i, component := range components {
		path := path.Index(i)
		errs = append(errs, required(path.Child("name"), component.Name, "a name that is unique among the components")...)
		if len(component.Name) > maxComponentName {
			errs = append(errs, field.TooLong(path.Child("name"), component.Name, maxComponentName))
		}
		if component.Name != "" && seen.Has(component.Name) {
			errs = append(errs, field.Duplicate(path.Child("name"), component.Name))
		}
		seen.Insert(component.Name)
		errs = append(errs, notNegative(path.Child("replicas"), component.Replicas)...)
		if component.ReplicaRequirements != nil {
			errs = append(errs, validateNodeClaim(component.ReplicaRequirements.NodeClaim, path.Child("replicaRequirements", "nodeClaim"))...)
		}
	}
	return errs
}

func validateTargets(targets []workv1alpha2.TargetCluster, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	seen := sets.New[string]()
	for i, target := range targets {
		path := path.Index(i)
		errs = append(errs, required(path.Child("name"), target.Name, "the name of a cluster")...)
		if target.Name != "" && seen.Has(target.Name) {
			errs = append(errs, field.Duplicate(path.Child("name"), target.Name))
		}
		seen.Insert(target.Name)
		errs = append(errs, notNegative(path.Child("replicas"), target.Replicas)...)
		for j, component := range target.Components {
			path := path.Child("components").Index(j)
			errs = append(errs, required(path.Child("name"), component.Name, "the name of a component")...)
			errs = append(errs, notNegative(path.Child("replicas"), component.Replicas)...)
		}
	}
	return errs
}

func validateEviction(task *workv1alpha2.GracefulEvictionTask, path *field.Path) field.ErrorList {
	errs := required(path.Child("fromCluster"), task.FromCluster, "the cluster that the template leaves")
	switch task.PurgeMode {
	case "", policyv1alpha1.PurgeModeDirectly, policyv1alpha1.PurgeModeGracefully, policyv1alpha1.PurgeModeNever:
	default:
		errs = append(errs, field.NotSupported(path.Child("purgeMode"), task.PurgeMode,
			[]policyv1alpha1.PurgeMode{policyv1alpha1.PurgeModeDirectly, policyv1alpha1.PurgeModeGracefully, policyv1alpha1.PurgeModeNever}))
	}
	reason := path.Child("reason")
	switch {
	case task.Reason == "":
		errs = append(errs, field.Required(reason, "why the template leaves, in one word such as TaintUntolerated"))
	case len(task.Reason) > maxEvictionReason:
		errs = append(errs, field.TooLong(reason, task.Reason, maxEvictionReason))
	case !reasonPattern.MatchString(task.Reason):
		errs = append(errs, field.Invalid(reason, task.Reason, "must be one word such as TaintUntolerated, matching "+reasonPattern.String()))
	}
	if len(task.Message) > maxEvictionMessage {
		errs = append(errs, field.TooLong(path.Child("message"), task.Message, maxEvictionMessage))
	}
	return append(errs, required(path.Child("producer"), task.Producer, "who asks for the eviction")...)
}

func validateStatus(status *workv1alpha2.ResourceBindingStatus, path *field.Path) field.ErrorList {
	errs := metav1validation.ValidateConditions(status.Conditions, path.Child("conditions"))
	for i, item := range status.AggregatedStatus {
		path := path.Child("aggregatedStatus").Index(i)
		errs = append(errs, required(path.Child("clusterName"), item.ClusterName, "the name of a cluster")...)
		switch item.Health {
		case "", workv1alpha2.ResourceHealthy, workv1alpha2.ResourceUnhealthy, workv1alpha2.ResourceUnknown:
		default:
			errs = append(errs, field.NotSupported(path.Child("health"), item.Health, []workv1alpha2.ResourceHealth{
				workv1alpha2.ResourceHealthy, workv1alpha2.ResourceUnhealthy, workv1alpha2.ResourceUnknown}))
		}
	}
	return errs
}
