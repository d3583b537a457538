/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package server

import (
	"maps"
	"net/http"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
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
	group := func(gv schema.GroupVersion, priority int32, types func(*runtime.Scheme, schema.GroupVersion), resources []string,
		storage func(*runtime.Scheme, generic.RESTOptionsGetter) (map[string]rest.Storage, error)) native.Group {
		return native.Group{Version: gv, Priority: priority, AddTypes: types, Resources: resources, NewStorage: storage}
	}
	return []native.Group{
		group(policyv1alpha1.SchemeGroupVersion, 1600, policyv1alpha1.AddKnownTypes,
			[]string{"propagationpolicies", "clusterpropagationpolicies", "overridepolicies", "clusteroverridepolicies"},
			func(scheme *runtime.Scheme, getter generic.RESTOptionsGetter) (_ map[string]rest.Storage, err error) {
				s.policy, err = policy.NewStorage(scheme, getter)
				if err != nil {
					return nil, err
				}
				return s.policy.Resources(), nil
			}),
		{
			Version: clusterv1alpha1.SchemeGroupVersion, Priority: 1500, AddTypes: clusterv1alpha1.AddKnownTypes, AddConversions: clusterv1alpha1.AddConversionFuncs,
			Resources: []string{"clusters"},
			NewStorage: func(scheme *runtime.Scheme, getter generic.RESTOptionsGetter) (_ map[string]rest.Storage, err error) {
				s.cluster, err = cluster.NewStorage(scheme, getter, clock.RealClock{})
				if err != nil {
					return nil, err
				}
				return s.cluster.Resources(), nil
			},
		},
		group(workv1alpha2.SchemeGroupVersion, 1400, workv1alpha2.AddKnownTypes,
			[]string{"resourcebindings", "clusterresourcebindings"},
			func(scheme *runtime.Scheme, getter generic.RESTOptionsGetter) (_ map[string]rest.Storage, err error) {
				s.work, err = work.NewStorage(scheme, getter)
				if err != nil {
					return nil, err
				}
				return s.work.Resources(), nil
			}),
		group(searchv1alpha1.SchemeGroupVersion, 1300, searchv1alpha1.AddKnownTypes, []string{"resourceregistries"},
			func(scheme *runtime.Scheme, getter generic.RESTOptionsGetter) (_ map[string]rest.Storage, err error) {
				s.search, err = search.NewStorage(scheme, getter)
				if err != nil {
					return nil, err
				}
				return s.search.Resources(), nil
			}),
		{
			Version: workv1alpha1.SchemeGroupVersion, Priority: 1400, AddTypes: workv1alpha1.AddKnownTypes,
			Resources: []string{"works"}, Uncollected: []string{"works"},
			NewStorage: func(scheme *runtime.Scheme, getter generic.RESTOptionsGetter) (_ map[string]rest.Storage, err error) {
				s.works, err = work.NewWorks(scheme, getter)
				if err != nil {
					return nil, err
				}
				return s.works.Resources(), nil
			},
		},
		{
			// After the native groups, as everywhere: `kubectl get pods` means theirs.
			Version: metrics.SchemeGroupVersion, Priority: 100, AddTypes: metrics.AddKnownTypes,
			Uncollected: []string{"pods", "nodes"},
			NewStorage: func(*runtime.Scheme, generic.RESTOptionsGetter) (map[string]rest.Storage, error) {
				return s.metrics.Resources(), nil
			},
		},
		{
			Version: hubv1alpha1.SchemeGroupVersion, Priority: 1300, AddTypes: hubv1alpha1.AddKnownTypes,
			NewStorage: func(*runtime.Scheme, generic.RESTOptionsGetter) (map[string]rest.Storage, error) {
				return s.hub.Resources(), nil
			},
		},
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
