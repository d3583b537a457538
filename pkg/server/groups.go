/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package server

import (
	"maps"
	"net/http"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/generic"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/client-go/tools/cache"
	openapi "k8s.io/kube-openapi/pkg/common"
	"k8s.io/utils/clock"

	clusterv1alpha1 "github.com/manifold-k8s/manifold/apis/cluster/v1alpha1"
	hubv1alpha1 "github.com/manifold-k8s/manifold/apis/hub/v1alpha1"
	policyv1alpha1 "github.com/manifold-k8s/manifold/apis/policy/v1alpha1"
	searchv1alpha1 "github.com/manifold-k8s/manifold/apis/search/v1alpha1"
	workv1alpha1 "github.com/manifold-k8s/manifold/apis/work/v1alpha1"
	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
	"github.com/manifold-k8s/manifold/pkg/dryrun"
	"github.com/manifold-k8s/manifold/pkg/explain/subresource"
	generatedopenapi "github.com/manifold-k8s/manifold/pkg/generated/openapi"
	"github.com/manifold-k8s/manifold/pkg/native"
	"github.com/manifold-k8s/manifold/pkg/registry/cluster"
	"github.com/manifold-k8s/manifold/pkg/registry/federation"
	"github.com/manifold-k8s/manifold/pkg/registry/policy"
	"github.com/manifold-k8s/manifold/pkg/registry/search"
	"github.com/manifold-k8s/manifold/pkg/registry/work"
	"github.com/manifold-k8s/manifold/pkg/unified"
	"github.com/manifold-k8s/manifold/pkg/unified/metrics"
)

// ourGroups is the storage of our API groups, filled in while the API server is built.
type ourGroups struct {
	policy  policy.Storage
	cluster cluster.Storage
	search  search.Storage
	work    work.Storage
	works   *work.Works
	metrics metrics.Storage
	hub     federation.Storage
}

func newGroups() *ourGroups {
	return &ourGroups{hub: federation.NewStorage(), metrics: metrics.NewStorage()}
}

// groups describes our API groups to the API server.
func (s *ourGroups) groups() []native.Group {
	return []native.Group{
		{
			Version: policyv1alpha1.SchemeGroupVersion, Priority: 1600, AddTypes: policyv1alpha1.AddKnownTypes,
			Resources:  []string{"propagationpolicies", "clusterpropagationpolicies", "overridepolicies", "clusteroverridepolicies"},
			NewStorage: storage(&s.policy, policy.NewStorage),
		},
		{
			Version: clusterv1alpha1.SchemeGroupVersion, Priority: 1500, AddTypes: clusterv1alpha1.AddKnownTypes, AddConversions: clusterv1alpha1.AddConversionFuncs,
			Resources: []string{"clusters"},
			NewStorage: storage(&s.cluster, func(scheme *runtime.Scheme, getter generic.RESTOptionsGetter) (cluster.Storage, error) {
				return cluster.NewStorage(scheme, getter, clock.RealClock{})
			}),
		},
		{
			Version: workv1alpha2.SchemeGroupVersion, Priority: 1400, AddTypes: workv1alpha2.AddKnownTypes,
			Resources:  []string{"resourcebindings", "clusterresourcebindings"},
			NewStorage: storage(&s.work, work.NewStorage),
		},
		{
			Version: searchv1alpha1.SchemeGroupVersion, Priority: 1300, AddTypes: searchv1alpha1.AddKnownTypes,
			Resources:  []string{"resourceregistries"},
			NewStorage: storage(&s.search, search.NewStorage),
		},
		{
			Version: workv1alpha1.SchemeGroupVersion, Priority: 1400, AddTypes: workv1alpha1.AddKnownTypes,
			Resources: []string{"works"}, Uncollected: []string{"works"},
			NewStorage: storage(&s.works, work.NewWorks),
		},
		{
			// After the native groups, as everywhere: `kubectl get pods` means theirs.
			Version: metrics.SchemeGroupVersion, Priority: 100, AddTypes: metrics.AddKnownTypes,
			Uncollected: []string{"pods", "nodes"},
			NewStorage:  unstored(s.metrics),
		},
		{
			Version: hubv1alpha1.SchemeGroupVersion, Priority: 1300, AddTypes: hubv1alpha1.AddKnownTypes,
			NewStorage: unstored(s.hub),
		},
	}
}

// served is the storage of a group.
type served interface {
	Resources() map[string]rest.Storage
}

type newStorage = func(*runtime.Scheme, generic.RESTOptionsGetter) (map[string]rest.Storage, error)

// storage returns what makes the storage of a group, and keeps it.
func storage[S served](keep *S, build func(*runtime.Scheme, generic.RESTOptionsGetter) (S, error)) newStorage {
	return func(scheme *runtime.Scheme, getter generic.RESTOptionsGetter) (_ map[string]rest.Storage, err error) {
		*keep, err = build(scheme, getter)
		if err != nil {
			return nil, err
		}
		return (*keep).Resources(), nil
	}
}

// unstored is NewStorage for a group that stores nothing.
func unstored(s served) newStorage {
	return func(*runtime.Scheme, generic.RESTOptionsGetter) (map[string]rest.Storage, error) {
		return s.Resources(), nil
	}
}

// surroundings are what the warnings about policies rest on.
func surroundings(cfg hubConfig, clusters cache.SharedIndexInformer) policy.Surroundings {
	joined := func(name string) (joined, known bool) {
		_, joined, err := clusters.GetStore().GetByKey(name)
		return joined, err == nil && clusters.HasSynced()
	}
	return policy.Surroundings{Kinds: cfg.kinds.Named, Joined: joined, Skipped: cfg.skipped}
}

// definitions are the OpenAPI definitions of our types.
func definitions(ref openapi.ReferenceCallback) map[string]openapi.OpenAPIDefinition {
	return maps.Clone(generatedopenapi.GetOpenAPIDefinitions(ref))
}

// prepare returns what looks at requests that have been authorized before they are answered.
func prepare(explained *subresource.Subresource) func(http.Handler) http.Handler {
	passing := dryrun.Pass(clusterv1alpha1.GroupName, searchv1alpha1.GroupName, hubv1alpha1.GroupName)
	return func(next http.Handler) http.Handler {
		return explained.Wrap(passing(unified.NoteEncoding(next)))
	}
}
