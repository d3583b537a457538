/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

// Package search answers for search.karmada.io: it shows the objects of kinds that ResourceRegistries name, of all clusters
// that these select, as if they were in one cluster, and passes what changes them on to the cluster that has them.
//
// Each registered resource is a union of its own, which is filled when somebody asks and forgotten some time after nobody
// does. Objects are JSON, whatever their kind: nothing here needs their Go types.
package search

import (
	"context"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/apiserver/pkg/registry/rest"
	clientrest "k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/utils/clock"

	clusterv1alpha1 "github.com/manifold-k8s/manifold/apis/cluster/v1alpha1"
	searchv1alpha1 "github.com/manifold-k8s/manifold/apis/search/v1alpha1"
	"github.com/manifold-k8s/manifold/pkg/local"
)

// settle is how long a change of registries or clusters waits for others, so that many are taken in at once.
const settle = 100 * time.Millisecond

// Members are the ways to members with Manifold's own rights.
type Members interface {
	Config(ctx context.Context, cluster string) (*clientrest.Config, error)
	OnChange(func(cluster string))
}

// Passing hands requests on as the user who sent them: to a member, or to the hub itself.
type Passing interface {
	Proxy(ctx context.Context, cluster, path string, responder rest.Responder) (http.Handler, error)
	ToHub(as user.Info, path string, responder rest.Responder) http.Handler
}

// Config is what a Search needs. All of it must be set.
type Config struct {
	Registries, Clusters cache.SharedIndexInformer
	Members              Members
	Passing              Passing
	// Scheme knows the native kinds in their external and internal versions, and Printer makes tables of the internal ones.
	Scheme  *runtime.Scheme
	Printer rest.TableConvertor
	// Authorizer says what users may do on the hub.
	Authorizer authorizer.Authorizer
	// Patience is how long a request waits for members that have not answered yet, Idle how long objects are kept after the
	// last request and watch.
	Patience, Idle time.Duration
	Clock          clock.WithTicker
}

// Search is the registered resources of all members.
type Search struct {
	cfg     Config
	changed chan struct{}   // something has been noted that reconcile has not seen
	running context.Context // of Run, for what the unions do

	mu          sync.RWMutex
	collections map[schema.GroupVersionResource]*collection // guarded by mu
}

// New returns a Search over informers, which others run. Nothing is served before Run.
func New(cfg Config) (*Search, error) {
	s := &Search{cfg: cfg, changed: make(chan struct{}, 1), collections: map[schema.GroupVersionResource]*collection{}}
	note := cache.ResourceEventHandlerFuncs{
		AddFunc: func(any) { s.note() }, UpdateFunc: func(any, any) { s.note() }, DeleteFunc: func(any) { s.note() },
	}
	for _, informer := range []cache.SharedIndexInformer{cfg.Registries, cfg.Clusters} {
		if _, err := informer.AddEventHandler(note); err != nil {
			return nil, err
		}
	}
	cfg.Members.OnChange(func(cluster string) {
		for _, c := range s.all() {
			c.union.Changed(cluster)
		}
	})
	return s, nil
}

func (s *Search) note() {
	select {
	case s.changed <- struct{}{}:
	default: // it has been noted
	}
}

func (s *Search) all() []*collection {
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := make([]*collection, 0, len(s.collections))
	for _, c := range s.collections {
		out = append(out, c)
	}
	return out
}

// collection returns that of a resource, nil if no registry names it.
func (s *Search) collection(resource schema.GroupVersionResource) *collection {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.collections[resource]
}

// Run follows registries and clusters until ctx ends, and returns when nothing goes on any more.
func (s *Search) Run(ctx context.Context) error {
	if !cache.WaitForCacheSync(ctx.Done(), s.cfg.Registries.HasSynced, s.cfg.Clusters.HasSynced) {
		return nil
	}
	g, ctx := errgroup.WithContext(ctx)
	s.running = ctx
	g.Go(func() error {
		for {
			s.reconcile(ctx, g)
			select {
			case <-ctx.Done():
				return nil
			case <-s.changed:
			}
			select {
			case <-ctx.Done():
				return nil
			case <-s.cfg.Clock.After(settle):
			}
		}
	})
	return g.Wait()
}

// reconcile makes the collections what registries and clusters say.
func (s *Search) reconcile(ctx context.Context, g *errgroup.Group) {
	want := extentsOf(
		local.All[*searchv1alpha1.ResourceRegistry](s.cfg.Registries.GetStore()), local.All[*clusterv1alpha1.Cluster](s.cfg.Clusters.GetStore()))
	for resource, e := range want {
		if c := s.collection(resource); c != nil {
			c.become(e)
			continue
		}
		c := newCollection(resource, e, s)
		var running context.Context
		running, c.end = context.WithCancel(ctx)
		g.Go(func() error { return c.union.Run(running) })
		s.mu.Lock()
		s.collections[resource] = c
		s.mu.Unlock()
	}
	for _, c := range s.all() {
		if _, ok := want[c.resource]; !ok {
			s.mu.Lock()
			delete(s.collections, c.resource)
			s.mu.Unlock()
			c.end()
		}
	}
}
