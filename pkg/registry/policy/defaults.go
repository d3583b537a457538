/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package policy

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	policyv1alpha1 "github.com/manifold-k8s/manifold/apis/policy/v1alpha1"
)

const (
	// defaultTolerationSeconds and defaultGracePeriodSeconds are the API's documented defaults for application failover.
	defaultTolerationSeconds  = 300
	defaultGracePeriodSeconds = 600
)

// dropFinalizer takes a finalizer off, as a manifest from elsewhere may have it.
func dropFinalizer(obj metav1.Object, finalizer string) {
	if slices.Contains(obj.GetFinalizers(), finalizer) {
		obj.SetFinalizers(slices.DeleteFunc(slices.Clone(obj.GetFinalizers()), func(f string) bool { return f == finalizer }))
	}
}

// defaultSelectors makes selectors without a namespace select in the policy's own.
func defaultSelectors(selectors []policyv1alpha1.ResourceSelector, namespace string) {
	for i := range selectors {
		if selectors[i].Namespace == "" {
			selectors[i].Namespace = namespace
		}
	}
}

func defaultPropagation(spec *policyv1alpha1.PropagationSpec) {
	if spec.Priority == nil {
		spec.Priority = ptr.To[int32](0)
	}
	setIfEmpty(&spec.Preemption, policyv1alpha1.PreemptNever)
	setIfEmpty(&spec.SchedulerName, policyv1alpha1.DefaultSchedulerName)
	setIfEmpty(&spec.ConflictResolution, policyv1alpha1.ConflictAbort)
	for _, selector := range spec.ResourceSelectors {
		// An imported Service is of no use without its endpoints, which follow as dependencies.
		if selector.APIVersion == "multicluster.x-k8s.io/v1alpha1" && selector.Kind == "ServiceImport" {
			spec.PropagateDeps = true
		}
	}
	defaultPlacement(&spec.Placement)
	if spec.Failover != nil {
		defaultFailover(spec.Failover)
	}
}

func defaultPlacement(placement *policyv1alpha1.Placement) {
	for i := range placement.SpreadConstraints {
		constraint := &placement.SpreadConstraints[i]
		if constraint.SpreadByLabel == "" {
			setIfEmpty(&constraint.SpreadByField, policyv1alpha1.SpreadByFieldCluster)
		}
		if constraint.MinGroups == 0 {
			constraint.MinGroups = 1
		}
	}
	if scheduling := placement.ReplicaScheduling; scheduling != nil {
		setIfEmpty(&scheduling.ReplicaSchedulingType, policyv1alpha1.ReplicaSchedulingTypeDivided)
		if scheduling.ReplicaSchedulingType == policyv1alpha1.ReplicaSchedulingTypeDivided {
			setIfEmpty(&scheduling.ReplicaDivisionPreference, policyv1alpha1.ReplicaDivisionPreferenceWeighted)
		}
	}
}

func defaultFailover(failover *policyv1alpha1.FailoverBehavior) {
	if application := failover.Application; application != nil {
		if conditions := application.DecisionConditions; conditions != nil && conditions.TolerationSeconds == nil {
			conditions.TolerationSeconds = ptr.To[int32](defaultTolerationSeconds)
		}
		setIfEmpty(&application.PurgeMode, policyv1alpha1.PurgeModeGracefully)
		if application.PurgeMode == policyv1alpha1.PurgeModeGracefully && application.GracePeriodSeconds == nil {
			application.GracePeriodSeconds = ptr.To[int32](defaultGracePeriodSeconds)
		}
	}
	if failover.Cluster != nil {
		setIfEmpty(&failover.Cluster.PurgeMode, policyv1alpha1.PurgeModeGracefully)
	}
}

func setIfEmpty[T ~string](value *T, to T) {
	if *value == "" {
		*value = to
	}
}
