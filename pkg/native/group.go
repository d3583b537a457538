/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package native

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/apiserver/pkg/registry/generic"
	"k8s.io/apiserver/pkg/registry/rest"
	genericapiserver "k8s.io/apiserver/pkg/server"
	serverstorage "k8s.io/apiserver/pkg/server/storage"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	controlplane "k8s.io/kubernetes/pkg/controlplane/apiserver"

	"github.com/manifold-k8s/manifold/pkg/local"
)

// Group is one version of an API group served in-process beside the native ones. Its Go types serve as external and as
// internal version at once, so it needs no conversion code. Several Groups of one name are the versions of one API group,
// the preferred one first; for the same reason no kind and no resource may be in two of them.
type Group struct {
	Version schema.GroupVersion
	// AddTypes registers the group's types under the group-version given.
	AddTypes func(*runtime.Scheme, schema.GroupVersion)
	// AddConversions, if not nil, registers how types are read from the query of a request.
	AddConversions func(*runtime.Scheme) error
	// Resources are the plural names that are stored.
	Resources []string
	// NewStorage builds the group's storage, keyed by resource or resource/subresource.
	NewStorage func(*runtime.Scheme, generic.RESTOptionsGetter) (map[string]rest.Storage, error)
	// Priority is the group's place in discovery: higher comes first. Native groups have 15800 to 18000.
	Priority int32
	// Uncollected are the resources among them that garbage collection and quotas pass over, because watching them costs
	// more than a cache. Owner references on their objects have no effect.
	Uncollected []string
}

// register adds the group's types to the one scheme that all storage of the server shares.
func (g Group) register() {
	internal := schema.GroupVersion{Group: g.Version.Group, Version: runtime.APIVersionInternal}
	g.AddTypes(legacyscheme.Scheme, g.Version)
	g.AddTypes(legacyscheme.Scheme, internal)
	metav1.AddToGroupVersion(legacyscheme.Scheme, g.Version)
	if g.AddConversions != nil {
		utilruntime.Must(g.AddConversions(legacyscheme.Scheme))
	}
}

// registerAll registers the groups, and the order of preference of their versions.
func registerAll(groups []Group) {
	for _, g := range groups {
		g.register()
	}
	for _, versions := range byName(groups) {
		var order []schema.GroupVersion
		for _, g := range versions {
			order = append(order, g.Version)
		}
		utilruntime.Must(legacyscheme.Scheme.SetVersionPriority(order...))
	}
}

// byName puts the versions of each API group together, in the order given.
func byName(groups []Group) [][]Group {
	var out [][]Group
	at := map[string]int{}
	for _, g := range groups {
		i, seen := at[g.Version.Group]
		if !seen {
			i = len(out)
			at[g.Version.Group] = i
			out = append(out, nil)
		}
		out[i] = append(out[i], g)
	}
	return out
}

// uncollected are the resources of all groups that collectors pass over.
func uncollected(groups []Group) map[schema.GroupResource]struct{} {
	out := map[schema.GroupResource]struct{}{}
	for _, g := range groups {
		for _, r := range g.Uncollected {
			out[g.Version.WithResource(r).GroupResource()] = struct{}{}
		}
	}
	return out
}

// storeAsJSON makes the group's objects JSON in etcd: our types have no protobuf form.
func (g Group) storeAsJSON(f *serverstorage.DefaultStorageFactory) {
	for _, r := range g.Resources {
		f.SetSerializer(g.Version.WithResource(r).GroupResource(), "application/json", legacyscheme.Codecs)
	}
}

// provider adapts the versions of one API group to the control plane's interface.
type provider struct{ versions []Group }

var _ controlplane.RESTStorageProvider = provider{}

func (p provider) GroupName() string { return p.versions[0].Version.Group }

func (p provider) NewRESTStorage(_ serverstorage.APIResourceConfigSource, getter generic.RESTOptionsGetter) (genericapiserver.APIGroupInfo, error) {
	info := genericapiserver.NewDefaultAPIGroupInfo(p.GroupName(), legacyscheme.Scheme, legacyscheme.ParameterCodec,
		serializer.NewCodecFactory(legacyscheme.Scheme, serializer.WithStreamingCollectionEncodingToJSON()))
	info.NegotiatedSerializer = withoutProtobuf{info.NegotiatedSerializer}
	info.VersionedResourcesStorageMap = map[string]map[string]rest.Storage{}
	for _, g := range p.versions {
		storage, err := g.NewStorage(legacyscheme.Scheme, getter)
		if err != nil {
			return info, err
		}
		info.VersionedResourcesStorageMap[g.Version.Version] = storage
	}
	return info, nil
}

// withoutProtobuf offers no protobuf. A client that accepts protobuf first would otherwise be promised it, and then hang
// on a type that has no such form.
type withoutProtobuf struct{ runtime.NegotiatedSerializer }

func (s withoutProtobuf) SupportedMediaTypes() []runtime.SerializerInfo {
	var out []runtime.SerializerInfo
	for _, t := range s.NegotiatedSerializer.SupportedMediaTypes() {
		if t.MediaType != runtime.ContentTypeProtobuf {
			out = append(out, t)
		}
	}
	return out
}

// priorities returns the discovery order of every group-version that may be served. One that is missing here would
// silently not be registered.
func priorities(groups []Group) map[schema.GroupVersion]controlplane.APIServicePriority {
	all := controlplane.DefaultGenericAPIServicePriorities()
	// The order in which kube-apiserver lists the groups that its generic part does not know.
	for i, gvs := range [][]string{
		{"apps/v1"}, {"autoscaling/v1", "autoscaling/v2"}, {"batch/v1"}, {"networking.k8s.io/v1beta1", "networking.k8s.io/v1"},
		{"policy/v1"}, {"storage.k8s.io/v1alpha1", "storage.k8s.io/v1beta1", "storage.k8s.io/v1"},
		{"scheduling.k8s.io/v1alpha2", "scheduling.k8s.io/v1"}, {"node.k8s.io/v1"},
		{"resource.k8s.io/v1alpha3", "resource.k8s.io/v1beta1", "resource.k8s.io/v1beta2", "resource.k8s.io/v1"},
	} {
		for j, s := range gvs {
			gv, err := schema.ParseGroupVersion(s)
			utilruntime.Must(err)
			all[gv] = controlplane.APIServicePriority{Group: 17800 - int32(i)*180, Version: int32(10 + j)}
		}
	}
	for _, versions := range byName(groups) {
		for i, g := range versions { // the first is preferred
			all[g.Version] = controlplane.APIServicePriority{Group: g.Priority, Version: int32(10 + len(versions) - 1 - i)}
		}
	}
	return all
}

// Wrap may change the storages of a group-version, by resource or resource/subresource, before they are served: replace
// some, add others. What the storage itself holds is recorded before.
type Wrap func(version schema.GroupVersion, storages map[string]rest.Storage) error

// recording notes the storage that a provider builds, for the use of this process, and has it wrapped for all others.
type recording struct {
	controlplane.RESTStorageProvider
	into *local.Resources
	wrap Wrap
}

// NewRESTStorage implements the storage provider interface of the control plane.
func (r recording) NewRESTStorage(enabled serverstorage.APIResourceConfigSource, getter generic.RESTOptionsGetter) (genericapiserver.APIGroupInfo, error) {
	info, err := r.RESTStorageProvider.NewRESTStorage(enabled, getter)
	if err != nil {
		return info, err
	}
	for name, storages := range info.VersionedResourcesStorageMap {
		version := schema.GroupVersion{Group: r.GroupName(), Version: name}
		r.into.Add(version, storages)
		if r.wrap == nil {
			continue
		}
		if err := r.wrap(version, storages); err != nil {
			return info, fmt.Errorf("%s: %w", version, err)
		}
	}
	return info, nil
}

// recordingWithHook is one whose provider also has something to do when the server has started.
type recordingWithHook struct {
	recording
	genericapiserver.PostStartHookProvider
}

func record(p controlplane.RESTStorageProvider, into *local.Resources, wrap Wrap) controlplane.RESTStorageProvider {
	if hook, ok := p.(genericapiserver.PostStartHookProvider); ok {
		return recordingWithHook{recording{p, into, wrap}, hook}
	}
	return recording{p, into, wrap}
}
