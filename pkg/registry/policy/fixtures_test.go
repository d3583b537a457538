/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package policy

import (
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	policyv1alpha1 "github.com/manifold-k8s/manifold/apis/policy/v1alpha1"
)

// found prints errors as "type path", in order.
func found(errs field.ErrorList) []string {
	var out []string
	for _, err := range errs {
		out = append(out, strings.TrimPrefix(string(err.Type), "FieldValue")+" "+err.Field)
	}
	return out
}

func validPolicy() *policyv1alpha1.PropagationPolicy {
	return &policyv1alpha1.PropagationPolicy{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web"},
		Spec: policyv1alpha1.PropagationSpec{
			ResourceSelectors: []policyv1alpha1.ResourceSelector{{APIVersion: "apps/v1", Kind: "Deployment", Name: "web"}},
		},
	}
}

func weighted(s *policyv1alpha1.PropagationSpec, dynamic policyv1alpha1.DynamicWeightFactor) {
	s.Placement.ReplicaScheduling = &policyv1alpha1.ReplicaSchedulingStrategy{
		WeightPreference: &policyv1alpha1.ClusterPreferences{DynamicWeight: dynamic},
	}
}

func term(name string, clusters ...string) policyv1alpha1.ClusterAffinityTerm {
	return policyv1alpha1.ClusterAffinityTerm{AffinityName: name, ClusterAffinity: policyv1alpha1.ClusterAffinity{ClusterNames: clusters}}
}

func application(s *policyv1alpha1.PropagationSpec) *policyv1alpha1.ApplicationFailoverBehavior {
	s.PropagateDeps = true
	s.Failover = &policyv1alpha1.FailoverBehavior{Application: &policyv1alpha1.ApplicationFailoverBehavior{DecisionConditions: &policyv1alpha1.DecisionConditions{}}}
	return s.Failover.Application
}
