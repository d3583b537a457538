/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package kind_test

import (
	"context"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/runtime/serializer/json"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apiserver/pkg/registry/generic"
	genericregistry "k8s.io/apiserver/pkg/registry/generic/registry"
	"k8s.io/apiserver/pkg/storage/storagebackend"
	testingclock "k8s.io/utils/clock/testing"

	clusterv1alpha1 "github.com/manifold-k8s/manifold/apis/cluster/v1alpha1"
	policyv1alpha1 "github.com/manifold-k8s/manifold/apis/policy/v1alpha1"
	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
	"github.com/manifold-k8s/manifold/pkg/etcd"
	"github.com/manifold-k8s/manifold/pkg/registry/cluster"
	"github.com/manifold-k8s/manifold/pkg/registry/policy"
	"github.com/manifold-k8s/manifold/pkg/registry/work"
)

// waitLong bounds every wait of the tests here; they usually take milliseconds.
const waitLong = 30 * time.Second

// backend is the storage of all our kinds on an etcd of its own.
type backend struct {
	client  *clientv3.Client
	work    work.Storage
	policy  policy.Storage
	cluster cluster.Storage
}

func start(t *testing.T) *backend {
	t.Helper()
	server, err := etcd.Start(t.Context(), etcd.Config{Dir: t.TempDir(), NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	config := storagebackend.NewDefaultConfig("/registry", nil)
	config.Transport.ServerList = []string{server.Endpoint()}
	scheme := newScheme()
	getter := options{config: config, scheme: scheme, codecs: serializer.NewCodecFactory(scheme)}

	b := &backend{}
	if b.client, err = clientv3.New(clientv3.Config{Endpoints: config.Transport.ServerList}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.client.Close() })
	if b.work, err = work.NewStorage(scheme, getter); err != nil {
		t.Fatal(err)
	}
	if b.policy, err = policy.NewStorage(scheme, getter); err != nil {
		t.Fatal(err)
	}
	clock := testingclock.NewFakePassiveClock(time.Unix(1000, 0))
	if b.cluster, err = cluster.NewStorage(scheme, getter, clock); err != nil {
		t.Fatal(err)
	}
	for _, s := range []*genericregistry.Store{
		b.work.ResourceBindings.Store, b.work.ClusterResourceBindings.Store, b.cluster.Clusters.Store,
		b.policy.PropagationPolicies.Store, b.policy.ClusterPropagationPolicies.Store,
		b.policy.OverridePolicies.Store, b.policy.ClusterOverridePolicies.Store,
	} {
		t.Cleanup(s.Destroy)
		eventually(t, func() error { return s.ReadinessCheck() })
	}
	return b
}

// revision is etcd's, which every write raises by one.
func (b *backend) revision(t *testing.T) int64 {
	t.Helper()
	response, err := b.client.Get(t.Context(), "none")
	if err != nil {
		t.Fatal(err)
	}
	return response.Header.Revision
}

func eventually(t *testing.T, check func() error) {
	t.Helper()
	var last error
	err := wait.PollUntilContextTimeout(t.Context(), 10*time.Millisecond, waitLong, true, func(context.Context) (bool, error) {
		last = check()
		return last == nil, nil
	})
	if err != nil {
		t.Fatalf("%v; last: %v", err, last)
	}
}

// newScheme has our types as the external and the internal version, as the server's has.
func newScheme() *runtime.Scheme {
	scheme := runtime.NewScheme()
	metav1.AddToGroupVersion(scheme, schema.GroupVersion{Version: "v1"})
	for gv, add := range map[schema.GroupVersion]func(*runtime.Scheme, schema.GroupVersion){
		clusterv1alpha1.SchemeGroupVersion: clusterv1alpha1.AddKnownTypes,
		policyv1alpha1.SchemeGroupVersion:  policyv1alpha1.AddKnownTypes,
		workv1alpha2.SchemeGroupVersion:    workv1alpha2.AddKnownTypes,
	} {
		add(scheme, gv)
		add(scheme, schema.GroupVersion{Group: gv.Group, Version: runtime.APIVersionInternal})
		metav1.AddToGroupVersion(scheme, gv)
	}
	return scheme
}

type options struct {
	config *storagebackend.Config
	scheme *runtime.Scheme
	codecs serializer.CodecFactory
}

func (o options) GetRESTOptions(resource schema.GroupResource, _ runtime.Object) (generic.RESTOptions, error) {
	external := schema.GroupVersions(o.scheme.PrioritizedVersionsForGroup(resource.Group))
	internal := schema.GroupVersion{Group: resource.Group, Version: runtime.APIVersionInternal}
	encoder := json.NewSerializerWithOptions(json.DefaultMetaFactory, o.scheme, o.scheme, json.SerializerOptions{})
	config := *o.config
	config.Codec = o.codecs.CodecForVersions(encoder, o.codecs.UniversalDeserializer(), external, internal)
	return generic.RESTOptions{
		StorageConfig:           config.ForResource(resource),
		Decorator:               genericregistry.StorageWithCacher(),
		EnableGarbageCollection: true,
		DeleteCollectionWorkers: 1,
		ResourcePrefix:          resource.Group + "/" + resource.Resource,
	}, nil
}
