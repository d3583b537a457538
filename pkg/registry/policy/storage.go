/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

// Package policy stores the kinds of policy.karmada.io/v1alpha1: propagation and override policies of both scopes.
//
// Policies have no status and no finalizer of their own: a policy's claims on templates and bindings are taken back by
// the controller that made them when it sees the policy gone, so that a deletion never waits for a controller. The
// finalizers that other implementations of the API put on propagation policies are dropped: nobody here would release them.
package policy

import (
	"sync/atomic"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/registry/generic"
	"k8s.io/apiserver/pkg/registry/rest"

	policyv1alpha1 "github.com/manifold-k8s/manifold/apis/policy/v1alpha1"
	"github.com/manifold-k8s/manifold/pkg/registry/kind"
)

// Storage is the storage of all kinds of the group.
type Storage struct {
	PropagationPolicies        *kind.REST[*policyv1alpha1.PropagationPolicy]
	ClusterPropagationPolicies *kind.REST[*policyv1alpha1.ClusterPropagationPolicy]
	OverridePolicies           *kind.REST[*policyv1alpha1.OverridePolicy]
	ClusterOverridePolicies    *kind.REST[*policyv1alpha1.ClusterOverridePolicy]

	around *atomic.Pointer[Surroundings]
}

// NewStorage connects the storage to the backend that getter names. scheme must know the group's types.
func NewStorage(scheme *runtime.Scheme, getter generic.RESTOptionsGetter) (Storage, error) {
	s := Storage{around: &atomic.Pointer[Surroundings]{}}
	var err error
	if s.PropagationPolicies, err = kind.NewREST(propagationPolicy(s.around), scheme, getter); err != nil {
		return Storage{}, err
	}
	if s.ClusterPropagationPolicies, err = kind.NewREST(clusterPropagationPolicy(s.around), scheme, getter); err != nil {
		return Storage{}, err
	}
	if s.OverridePolicies, err = kind.NewREST(overridePolicy(s.around), scheme, getter); err != nil {
		return Storage{}, err
	}
	if s.ClusterOverridePolicies, err = kind.NewREST(clusterOverridePolicy(s.around), scheme, getter); err != nil {
		return Storage{}, err
	}
	return s, nil
}

// Use gives the storage what it warns by. Until then there are no warnings that need it.
func (s Storage) Use(around Surroundings) { s.around.Store(&around) }

// Resources maps resource paths to storage, for the installer of API groups.
func (s Storage) Resources() map[string]rest.Storage {
	resources := map[string]rest.Storage{}
	s.PropagationPolicies.AddTo(resources)
	s.ClusterPropagationPolicies.AddTo(resources)
	s.OverridePolicies.AddTo(resources)
	s.ClusterOverridePolicies.AddTo(resources)
	return resources
}

func propagationPolicy(around *atomic.Pointer[Surroundings]) kind.Kind[*policyv1alpha1.PropagationPolicy] {
	type object = *policyv1alpha1.PropagationPolicy
	const id = policyv1alpha1.PropagationPolicyPermanentIDLabel
	spec := func(p object) *policyv1alpha1.PropagationSpec { return &p.Spec }
	return kind.Kind[object]{
		Resource:   policyv1alpha1.Resource("propagationpolicies"),
		Version:    policyv1alpha1.SchemeGroupVersion.Version,
		Singular:   "propagationpolicy",
		ShortNames: []string{"pp"},
		Categories: []string{kind.Category},
		Namespaced: true,
		New:        func() object { return &policyv1alpha1.PropagationPolicy{} },
		NewList:    func() runtime.Object { return &policyv1alpha1.PropagationPolicyList{} },
		Spec:       func(p object) any { return p.Spec },
		Default: func(p, old object) {
			if old == nil {
				kind.Identify(p, id)
			} else {
				kind.KeepIdentity(p, old, id)
			}
			dropFinalizer(p, policyv1alpha1.PropagationPolicyFinalizer)
			defaultSelectors(p.Spec.ResourceSelectors, p.Namespace)
			defaultPropagation(&p.Spec)
		},
		Validate: func(p object) field.ErrorList {
			return validatePropagationPolicy(p, id, &p.Spec, p.Namespace)
		},
		ValidateUpdate: func(p, old object) field.ErrorList {
			return validatePropagationPolicyUpdate(p, old, id, p.Spec.SchedulerName, old.Spec.SchedulerName)
		},
		Warnings: func(p object) []string {
			return append(propagationWarnings(&p.Spec), around.Load().ofPropagation(&p.Spec, namespacedPropagation)...)
		},
		Columns: propagationColumns(spec),
	}
}

func clusterPropagationPolicy(around *atomic.Pointer[Surroundings]) kind.Kind[*policyv1alpha1.ClusterPropagationPolicy] {
	type object = *policyv1alpha1.ClusterPropagationPolicy
	const id = policyv1alpha1.ClusterPropagationPolicyPermanentIDLabel
	spec := func(p object) *policyv1alpha1.PropagationSpec { return &p.Spec }
	return kind.Kind[object]{
		Resource:   policyv1alpha1.Resource("clusterpropagationpolicies"),
		Version:    policyv1alpha1.SchemeGroupVersion.Version,
		Singular:   "clusterpropagationpolicy",
		ShortNames: []string{"cpp"},
		Categories: []string{kind.Category},
		New:        func() object { return &policyv1alpha1.ClusterPropagationPolicy{} },
		NewList:    func() runtime.Object { return &policyv1alpha1.ClusterPropagationPolicyList{} },
		Spec:       func(p object) any { return p.Spec },
		Default: func(p, old object) {
			if old == nil {
				kind.Identify(p, id)
			} else {
				kind.KeepIdentity(p, old, id)
			}
			dropFinalizer(p, policyv1alpha1.ClusterPropagationPolicyFinalizer)
			defaultPropagation(&p.Spec)
		},
		Validate: func(p object) field.ErrorList {
			return validatePropagationPolicy(p, id, &p.Spec, anyNamespace)
		},
		ValidateUpdate: func(p, old object) field.ErrorList {
			return validatePropagationPolicyUpdate(p, old, id, p.Spec.SchedulerName, old.Spec.SchedulerName)
		},
		Warnings: func(p object) []string {
			return append(propagationWarnings(&p.Spec), around.Load().ofPropagation(&p.Spec, clusterPropagation)...)
		},
		Columns: propagationColumns(spec),
	}
}

func overridePolicy(around *atomic.Pointer[Surroundings]) kind.Kind[*policyv1alpha1.OverridePolicy] {
	type object = *policyv1alpha1.OverridePolicy
	return kind.Kind[object]{
		Resource:   policyv1alpha1.Resource("overridepolicies"),
		Version:    policyv1alpha1.SchemeGroupVersion.Version,
		Singular:   "overridepolicy",
		ShortNames: []string{"op"},
		Categories: []string{kind.Category},
		Namespaced: true,
		New:        func() object { return &policyv1alpha1.OverridePolicy{} },
		NewList:    func() runtime.Object { return &policyv1alpha1.OverridePolicyList{} },
		Spec:       func(p object) any { return p.Spec },
		Default:    func(p, _ object) { defaultSelectors(p.Spec.ResourceSelectors, p.Namespace) },
		Validate: func(p object) field.ErrorList {
			return append(validateName(p), validateOverrideSpec(&p.Spec, p.Namespace, field.NewPath("spec"))...)
		},
		Warnings: func(p object) []string {
			return append(overrideWarnings(&p.Spec), around.Load().ofOverrides(&p.Spec, namespacedOverride)...)
		},
		Columns: overrideColumns(func(p object) *policyv1alpha1.OverrideSpec { return &p.Spec }),
	}
}

func clusterOverridePolicy(around *atomic.Pointer[Surroundings]) kind.Kind[*policyv1alpha1.ClusterOverridePolicy] {
	type object = *policyv1alpha1.ClusterOverridePolicy
	return kind.Kind[object]{
		Resource:   policyv1alpha1.Resource("clusteroverridepolicies"),
		Version:    policyv1alpha1.SchemeGroupVersion.Version,
		Singular:   "clusteroverridepolicy",
		ShortNames: []string{"cop"},
		Categories: []string{kind.Category},
		New:        func() object { return &policyv1alpha1.ClusterOverridePolicy{} },
		NewList:    func() runtime.Object { return &policyv1alpha1.ClusterOverridePolicyList{} },
		Spec:       func(p object) any { return p.Spec },
		Validate: func(p object) field.ErrorList {
			return append(validateName(p), validateOverrideSpec(&p.Spec, anyNamespace, field.NewPath("spec"))...)
		},
		Warnings: func(p object) []string {
			return append(overrideWarnings(&p.Spec), around.Load().ofOverrides(&p.Spec, clusterOverride)...)
		},
		Columns: overrideColumns(func(p object) *policyv1alpha1.OverrideSpec { return &p.Spec }),
	}
}
