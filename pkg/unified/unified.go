/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package unified

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/registry/rest"
	clientrest "k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/utils/clock"

	"github.com/manifold-k8s/manifold/pkg/local"
	"github.com/manifold-k8s/manifold/pkg/unified/present"
	"github.com/manifold-k8s/manifold/pkg/unified/union"
)

// Members are the connections to the members.
type Members interface {
	// Names are all clusters, sorted.
	Names() []string
	Exists(cluster string) bool
	// Config is how to reach a cluster with Manifold's own rights.
	Config(ctx context.Context, cluster string) (*clientrest.Config, error)
}

// Attributes returns what selectors look at in an object of the internal version of its kind.
type Attributes func(obj runtime.Object) (labels.Set, fields.Set, error)

// Config is what the storage is built from. Everything without a remark must be set.
type Config struct {
	// Scheme knows the kinds in their external and internal versions, and converts between them.
	Scheme *runtime.Scheme
	// Attributes returns the function for a kind.
	Attributes func(schema.GroupKind) Attributes
	// Printer makes tables of any of the kinds.
	Printer rest.TableConvertor
	// Patience is how long a request waits for one member, and Idle how long caches are kept that nobody asks.
	Patience, Idle time.Duration
	Clock          clock.WithTicker
	// Pods are further subresources of pods, by path (pods/log), which find out by resolve what a name means; nil for none.
	Pods func(resolve Resolve) (map[string]rest.Storage, error)
}

// Resolve says which object of which cluster a name on the hub means. write: what is to be done may change something. The
// error is a Status.
type Resolve func(ctx context.Context, namespace, name string, write bool) (cluster, own string, err error)

// Connections is what is known when the API server has been built.
type Connections struct {
	Members Members
	// Templates finds the UIDs of templates on the hub; nil if none can be found.
	Templates present.Templates
}

// Unified makes the storage of the kinds that members own.
type Unified struct {
	cfg         Config
	connections atomic.Pointer[Connections]
	resources   map[schema.GroupVersionResource]*resource // filled while the API server is built
	clients     clients
}

// New returns storage that answers when Use has been called and Run runs.
func New(cfg Config) *Unified {
	return &Unified{cfg: cfg, resources: map[schema.GroupVersionResource]*resource{}}
}

// Use says how to reach the members. It is called once, before Run.
func (u *Unified) Use(c Connections) { u.connections.Store(&c) }

// members are the connections, none before Use.
func (u *Unified) members() Members {
	if c := u.connections.Load(); c != nil {
		return c.Members
	}
	return noMembers{}
}

// noMembers is before the server has been put together.
type noMembers struct{}

func (noMembers) Names() []string    { return nil }
func (noMembers) Exists(string) bool { return false }
func (noMembers) Config(_ context.Context, cluster string) (*clientrest.Config, error) {
	return nil, apierrors.NewServiceUnavailable(fmt.Sprintf("the connection to cluster %s is not known yet", cluster))
}

// Run keeps the caches that are asked for until ctx ends, and returns when they have ended.
func (u *Unified) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	var mu sync.Mutex
	var errs []error
	for _, r := range u.resources {
		wg.Go(func() {
			if err := r.union.Run(ctx); err != nil {
				mu.Lock()
				defer mu.Unlock()
				errs = append(errs, fmt.Errorf("%s of the members: %w", r.kind.resource, err))
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// Changed says that a cluster came, went, or is reached in another way now. It does not block.
func (u *Unified) Changed(cluster string) {
	u.clients.forget(cluster)
	for _, r := range u.resources {
		r.union.Changed(cluster)
	}
}

// Wrap puts the members' objects beside the stored ones, in the storages of a group-version, by resource or
// resource/subresource. It is native.Wrap.
func (u *Unified) Wrap(version schema.GroupVersion, storages map[string]rest.Storage) error {
	for served, k := range kinds {
		if served.GroupVersion() != version {
			continue
		}
		var inner stored
		if s, ok := storages[k.resource]; ok {
			if inner, ok = s.(stored); !ok {
				return fmt.Errorf("the storage of %s, a %T, lacks a verb", k.resource, s)
			}
		}
		r, err := u.resource(k, inner)
		if err != nil {
			return fmt.Errorf("%s: %w", k.resource, err)
		}
		o := &objects{resource: r, served: version, stored: inner}
		storages[k.resource] = o
		if inner != nil {
			storages[k.resource] = &storable{objects: o}
		}
		for _, part := range k.parts {
			path := k.resource + "/" + part
			sub, err := newSubresource(o, part, storages[path])
			if err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
			storages[path] = sub
		}
		if k.kind == "Pod" {
			if err := u.addToPods(o, storages); err != nil {
				return fmt.Errorf("subresources of pods: %w", err)
			}
		}
	}
	return nil
}

// addToPods adds what pods have beyond other kinds.
func (u *Unified) addToPods(pods *objects, storages map[string]rest.Storage) error {
	storages["pods/eviction"] = &evictions{pods}
	if u.cfg.Pods == nil {
		return nil
	}
	more, err := u.cfg.Pods(pods.resolve)
	maps.Copy(storages, more)
	return err
}

// resource returns what is shared by all that serve a kind, over the storage inner.
func (u *Unified) resource(k kind, inner stored) (*resource, error) {
	if r := u.resources[k.gvr()]; r != nil {
		return r, nil // in another version
	}
	internal := schema.GroupVersion{Group: k.version.Group, Version: runtime.APIVersionInternal}
	for _, name := range []string{k.kind, k.kind + "List"} {
		for _, gv := range []schema.GroupVersion{k.version, internal} {
			if !u.cfg.Scheme.Recognizes(gv.WithKind(name)) {
				return nil, fmt.Errorf("the scheme does not know %s", gv.WithKind(name))
			}
		}
	}
	r := &resource{Unified: u, kind: k, internal: internal}
	cfg := union.Config{
		Resource: k.gvr(), New: r.newInternal, NewList: r.newInternalList, Codec: codec{r},
		Member:   func(cluster string) (cache.ListerWatcher, error) { return r.source(cluster), nil },
		Clusters: func() []string { return u.members().Names() }, Example: r.newExternal(),
		Present: r.present, Stale: markStale, Attributes: u.cfg.Attributes(k.gvk().GroupKind()),
		Patience: u.cfg.Patience, Idle: u.cfg.Idle, Clock: u.cfg.Clock,
	}
	if inner != nil {
		cfg.Stored = r.storedSource(local.ListWatch(inner, k.gvr().GroupResource()))
	}
	r.union = union.New(cfg)
	u.resources[k.gvr()] = r
	return r, nil
}
