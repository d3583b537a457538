/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

// Package work executes the Works that users make: it sends their manifests to the member of their namespace, keeps the
// objects there that way, reports their state in the Work, and removes them with it. Works of bindings are no business
// of it: those are computed from what pkg/controllers/sync does, and stored nowhere.
package work

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/record"
	"k8s.io/utils/clock"

	clusterv1alpha1 "github.com/manifold-k8s/manifold/apis/cluster/v1alpha1"
	workv1alpha1 "github.com/manifold-k8s/manifold/apis/work/v1alpha1"
	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
	"github.com/manifold-k8s/manifold/pkg/controllers/loop"
	"github.com/manifold-k8s/manifold/pkg/member"
	"github.com/manifold-k8s/manifold/pkg/works"
)

const (
	// workersPerMember bounds the Works of one member that are worked on at once.
	workersPerMember = 2
	// lastRetry is the longest wait before something that a member refused is tried again.
	lastRetry = time.Minute
)

// byID indexes Works by their permanent id, which their objects carry.
const byID = "permanent-id"

// Indexers are what the informer of stored Works needs.
func Indexers() cache.Indexers {
	return cache.Indexers{
		cache.NamespaceIndex: cache.MetaNamespaceIndexFunc,
		byID: func(obj any) ([]string, error) {
			if w, ok := obj.(*workv1alpha1.Work); ok {
				return []string{idOf(w)}, nil
			}
			return nil, nil
		},
	}
}

func idOf(w *workv1alpha1.Work) string { return w.Labels[workv1alpha2.WorkPermanentIDLabel] }

// Writer stores Works, spec and status in one write.
type Writer interface {
	Update(ctx context.Context, w *workv1alpha1.Work) (*workv1alpha1.Work, error)
	// Get reads past every cache.
	Get(ctx context.Context, namespace, name string) (*workv1alpha1.Work, error)
}

// Config is what a Controller needs.
type Config struct {
	// Works are the stored ones, with Indexers.
	Works    cache.SharedIndexInformer
	Writer   Writer
	Clusters cache.SharedIndexInformer
	Fleet    *member.Fleet
	Events   record.EventRecorder
	Clock    clock.PassiveClock
}

// Controller runs a loop for each member that has Works.
type Controller struct {
	cfg     Config
	members loop.Members[*executor]
}

// executor is the loop of one member.
type executor struct {
	*Controller
	member string
	loop   *loop.Loop[types.NamespacedName]

	mu      sync.Mutex
	entries map[types.NamespacedName]*memory
}

// memory is what is known of a Work beyond what is stored.
type memory struct {
	objects map[object]*entry
	written time.Time // when its status was last written
}

// entry is what is known of one object.
type entry struct {
	// hash is that of the manifest that was last sent or found, accepted the fingerprint of the live object that was right.
	hash     string
	accepted uint64
	sent     time.Time
	// drifts counts how often the object was found changed by others since driftsSince.
	drifts      int
	driftsSince time.Time
}

// New returns a controller that does nothing until Run.
func New(cfg Config) (*Controller, error) {
	c := &Controller{cfg: cfg}
	cfg.Fleet.Listen(member.Events{
		Changed:   c.copyChanged,
		Synced:    func(m *member.Member, _ schema.GroupVersionKind) { c.ofMember(m.Name) },
		Reachable: func(m *member.Member) { c.ofMember(m.Name) },
	})
	if _, err := cfg.Works.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: func(obj any) { c.add(obj) },
		UpdateFunc: func(old, now any) {
			if !statusOnly(old.(*workv1alpha1.Work), now.(*workv1alpha1.Work)) {
				c.add(now)
			}
		},
		DeleteFunc: func(obj any) { c.add(obj) },
	}); err != nil {
		return nil, err
	}
	_, err := cfg.Clusters.AddEventHandler(cache.ResourceEventHandlerFuncs{
		UpdateFunc: func(old, now any) {
			a, b := old.(*clusterv1alpha1.Cluster), now.(*clusterv1alpha1.Cluster)
			if (a.DeletionTimestamp == nil) != (b.DeletionTimestamp == nil) || !sameAPIs(a, b) {
				c.ofMember(b.Name)
			}
		},
		DeleteFunc: func(obj any) {
			if name, err := cache.DeletionHandlingMetaNamespaceKeyFunc(obj); err == nil {
				c.ofMember(name)
			}
		},
	})
	return c, err
}

func statusOnly(a, b *workv1alpha1.Work) bool {
	return a.Generation == b.Generation && a.UID == b.UID && (a.DeletionTimestamp == nil) == (b.DeletionTimestamp == nil) &&
		maps.Equal(a.Labels, b.Labels) && maps.Equal(a.Annotations, b.Annotations)
}

func sameAPIs(a, b *clusterv1alpha1.Cluster) bool {
	return slices.EqualFunc(a.Status.APIEnablements, b.Status.APIEnablements, func(a, b clusterv1alpha1.APIEnablement) bool {
		return a.GroupVersion == b.GroupVersion && slices.Equal(a.Resources, b.Resources)
	})
}

// Run works until ctx ends.
func (c *Controller) Run(ctx context.Context) error {
	if !cache.WaitForCacheSync(ctx.Done(), c.cfg.Works.HasSynced, c.cfg.Clusters.HasSynced) {
		return nil
	}
	c.members.Run(ctx)
	return nil
}

// Run implements loop.Runner.
func (e *executor) Run(ctx context.Context) error { return e.loop.Run(ctx) }

// executor returns the loop of a member, which is made when it is first needed.
func (c *Controller) executor(cluster string) *executor {
	e, _ := c.members.Ensure(cluster, func() (*executor, bool) {
		e := &executor{Controller: c, member: cluster, entries: map[types.NamespacedName]*memory{}}
		e.loop = loop.New(loop.Config{Name: "work", Workers: workersPerMember, LastRetry: lastRetry}, e.step)
		return e, true
	})
	return e
}

// retire ends the loop of a cluster that is no part of the federation and has no Works any more.
func (e *executor) retire() {
	if e.cluster() == nil && len(e.works()) == 0 {
		e.members.Drop(e.member, e)
	}
}

func (c *Controller) add(obj any) {
	if d, ok := obj.(cache.DeletedFinalStateUnknown); ok {
		obj = d.Obj
	}
	o, ok := obj.(metav1.Object)
	if !ok {
		return
	}
	if cluster, ok := works.Cluster(o.GetNamespace()); ok {
		c.executor(cluster).loop.Retry(types.NamespacedName{Namespace: o.GetNamespace(), Name: o.GetName()})
	}
}

// ofMember asks for a step on all Works of a member, if there are any.
func (c *Controller) ofMember(cluster string) {
	for _, obj := range c.worksOf(cluster) {
		c.add(obj)
	}
}

func (c *Controller) worksOf(cluster string) []any {
	objs, err := c.cfg.Works.GetIndexer().ByIndex(cache.NamespaceIndex, works.Namespace(cluster))
	if err != nil {
		return nil // the index is made above
	}
	return objs
}

func (e *executor) works() []any { return e.worksOf(e.member) }

// copyChanged follows changes of objects in a member that carry a Work's identity, or did.
func (c *Controller) copyChanged(m *member.Member, change member.Change) {
	for _, have := range []*member.Copy{change.Old, change.New} {
		if have == nil || have.WorkID == "" {
			continue
		}
		objs, err := c.cfg.Works.GetIndexer().ByIndex(byID, have.WorkID)
		if err != nil {
			continue // the index is made above
		}
		for _, obj := range objs {
			if w := obj.(*workv1alpha1.Work); w.Namespace == works.Namespace(m.Name) {
				c.executor(m.Name).loop.Add(types.NamespacedName{Namespace: w.Namespace, Name: w.Name})
			}
		}
	}
}

// cluster returns the Cluster, which must not be changed, or nil.
func (e *executor) cluster() *clusterv1alpha1.Cluster {
	obj, ok, err := e.cfg.Clusters.GetStore().GetByKey(e.member)
	if err != nil || !ok { // an in-memory store gives no errors
		return nil
	}
	return obj.(*clusterv1alpha1.Cluster)
}

// work returns a stored Work, which must not be changed, or nil.
func (e *executor) work(key types.NamespacedName) *workv1alpha1.Work {
	obj, ok, err := e.cfg.Works.GetStore().GetByKey(key.String())
	if err != nil || !ok { // an in-memory store gives no errors
		return nil
	}
	return obj.(*workv1alpha1.Work)
}
