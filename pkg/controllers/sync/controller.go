/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

// Package sync makes the members' copies what they should be: it renders a template for each target cluster and applies
// it there, and removes copies for which a binding records that they have to go. Every member has its own queue, workers
// and back-off.
package sync

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/record"
	"k8s.io/utils/clock"

	clusterv1alpha1 "github.com/manifold-k8s/manifold/apis/cluster/v1alpha1"
	"github.com/manifold-k8s/manifold/pkg/binding"
	"github.com/manifold-k8s/manifold/pkg/controllers/loop"
	"github.com/manifold-k8s/manifold/pkg/manifest"
	"github.com/manifold-k8s/manifold/pkg/match"
	"github.com/manifold-k8s/manifold/pkg/member"
	"github.com/manifold-k8s/manifold/pkg/policy"
	"github.com/manifold-k8s/manifold/pkg/telemetry"
	"github.com/manifold-k8s/manifold/pkg/template"
)

// FieldManager owns in the members what Manifold sends.
const FieldManager = "manifold"

// workersPerMember bounds the requests under way to one member.
const workersPerMember = 8

// lastRetry is the longest wait before something that a member refused is tried again. What may have changed in the
// meantime on the hub, or the member's return, is acted on at once.
const lastRetry = time.Minute

// recentManifests is how many manifests are kept for other members that get the same. After a start, all members are looked
// at in the order of the objects' names, some ahead of others.
const recentManifests = 512

// Config is what a Controller needs.
type Config struct {
	Bindings  *binding.Store
	Templates *template.Store
	Policies  *policy.Store
	Clusters  cache.SharedIndexInformer
	Fleet     *member.Fleet
	Events    record.EventRecorder
	Clock     clock.PassiveClock
	Telemetry *telemetry.Recorder // nil: nothing is measured
}

// Outcome is what became of a binding in one member.
type Outcome struct {
	// Hash is the content hash of the manifest that the member should have; empty before it was rendered.
	Hash string
	// Generation is the latest one of the binding of which that is known. That Hash is right says nothing about a later one.
	Generation int64
	// Replicas is that manifest's replica field; nil without one.
	Replicas *int32
	// Failed says why the member has not got it; empty when it has, or when nothing was tried yet.
	Failed string
	// Gone is the revision of the binding (see binding.Revision) for which the member is known to hold no copy, and should
	// not; empty when that is not known. What was true for an earlier revision says nothing about a later one.
	Gone string
}

// entry is the outcome with what only this package needs.
type entry struct {
	Outcome
	// accepted is the fingerprint of the live object that is known to be as it should be.
	accepted uint64
	// sent is when the manifest of that hash was last sent.
	sent  time.Time
	drift drift
	// unseen is the content hash that was last sent and that the member's watch has not reported yet: until then, what
	// the watch does not know of may be there all the same.
	unseen string
	// held says that a step waits for it to be known who decides about the replicas.
	held bool
	// refusal is what the member has refused last; nil for nothing.
	refusal *refusal
	// scaler is the autoscaler in the member to which the number of replicas was left last; empty for none.
	scaler string
	// lingers is since when the copy is seen being deleted, as it should be; zero when it is not.
	lingers time.Time
	// live is a state of the copy that has not been looked at yet.
	live *unstructured.Unstructured
}

// Controller runs a loop for each member.
type Controller struct {
	cfg       Config
	changed   []func(types.NamespacedName)
	members   loop.Members[*syncer]
	manifests *manifest.Recent
}

// syncer is the loop of one member.
type syncer struct {
	*Controller
	member string
	loop   *loop.Loop[types.NamespacedName]

	mu      sync.Mutex
	entries map[types.NamespacedName]*entry
	kept    int // entries with a state that has not been looked at
	// urgent are the changes that came while the member could not be reached. When it can, they go before the rest.
	urgent map[types.NamespacedName]struct{}
}

// New returns a controller that does nothing until Run.
func New(cfg Config) (*Controller, error) {
	c := &Controller{cfg: cfg, manifests: manifest.NewRecent(recentManifests)}
	cfg.Fleet.Listen(member.Events{
		Changed: c.copyChanged,
		Synced: func(m *member.Member, gvk schema.GroupVersionKind) {
			c.ofMember(m.Name, func(b *binding.Binding) bool {
				// In any version: what has to go may be reached through another one than the template's.
				return binding.TemplateKind(b).GroupKind() == gvk.GroupKind() && !c.settled(m, b)
			}, false)
		},
		Scaling: c.scalingChanged,
		Reachable: func(m *member.Member) {
			c.ofMember(m.Name, func(b *binding.Binding) bool { return !c.settled(m, b) }, true)
		},
	})
	cfg.Templates.OnChange(func(r template.Ref) {
		if b := cfg.Bindings.Get(binding.KeyOf(r.Namespace, r.Name, r.Kind.Kind)); b != nil {
			c.enqueue(b)
		}
	})
	cfg.Templates.OnSynced(func(gvk schema.GroupVersionKind) {
		cfg.Bindings.All(func(b *binding.Binding) {
			if binding.TemplateKind(b) == gvk {
				c.enqueueBacklog(b)
			}
		})
	})
	if err := cfg.Bindings.OnChange(c.bindingChanged); err != nil {
		return nil, err
	}
	if err := cfg.Policies.OnOverrideChange(c.overridesChanged); err != nil {
		return nil, err
	}
	_, err := cfg.Clusters.AddEventHandler(cache.ResourceEventHandlerFuncs{
		UpdateFunc: func(old, now any) {
			a, b := old.(*clusterv1alpha1.Cluster), now.(*clusterv1alpha1.Cluster)
			if a.Generation != b.Generation || !maps.Equal(a.Labels, b.Labels) { // overrides may look at either
				c.ofMember(b.Name, nil, false)
			}
		},
		DeleteFunc: func(obj any) {
			if name, err := cache.DeletionHandlingMetaNamespaceKeyFunc(obj); err == nil {
				c.drop(name)
			}
		},
	})
	return c, err
}

// OnChange calls f when an outcome of a binding has changed. It must be called before Run; f must return quickly.
func (c *Controller) OnChange(f func(types.NamespacedName)) { c.changed = append(c.changed, f) }

// Outcome returns what became of a binding in a member. ok is false when nothing is known.
func (c *Controller) Outcome(cluster string, key types.NamespacedName) (o Outcome, ok bool) {
	s, there := c.members.Get(cluster)
	if !there {
		return o, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.entries[key]
	if e == nil {
		return o, false
	}
	return e.Outcome, true
}

// Run works until ctx ends. It begins when all override policies are known: without them, members would get manifests
// that are not meant for them.
func (c *Controller) Run(ctx context.Context) error {
	if !cache.WaitForCacheSync(ctx.Done(), c.cfg.Policies.HasSynced, c.cfg.Bindings.HasSynced, c.cfg.Clusters.HasSynced) {
		return nil
	}
	c.members.Run(ctx)
	return nil
}

// Run implements loop.Runner.
func (s *syncer) Run(ctx context.Context) error { return s.loop.Run(ctx) }

// syncer returns the loop of a member, which is made when it is first needed, or nil for what is no cluster: a binding may
// speak of one that has left. Of one that comes, its connection tells.
func (c *Controller) syncer(cluster string) *syncer {
	s, _ := c.members.Ensure(cluster, func() (*syncer, bool) {
		if _, exists, err := c.cfg.Clusters.GetStore().GetByKey(cluster); err != nil || !exists { // an in-memory store gives no errors
			return nil, false
		}
		return c.newSyncer(cluster), true
	})
	return s
}

func (c *Controller) newSyncer(cluster string) *syncer {
	s := &syncer{Controller: c, member: cluster, entries: map[types.NamespacedName]*entry{}, urgent: map[types.NamespacedName]struct{}{}}
	s.loop = loop.New(loop.Config{Name: "sync", Unmeasured: true, Workers: workersPerMember, LastRetry: lastRetry, Expected: expected}, s.step)
	return s
}

// expected picks errors that pass by themselves: the member is away, or the namespace or the kind is not there yet.
func expected(err error) bool { return member.Away(err) || apierrors.IsNotFound(err) }

// drop forgets a member that is no part of the federation any more.
func (c *Controller) drop(cluster string) {
	if s, ok := c.members.Get(cluster); ok {
		c.members.Drop(cluster, s)
	}
}

// Waiting is how many bindings wait for a step in a member.
func (c *Controller) Waiting(cluster string) int {
	if s, ok := c.members.Get(cluster); ok {
		return s.loop.Len()
	}
	return 0
}

// enqueue asks for a step on b in every cluster that may hold a copy.
func (c *Controller) enqueue(b *binding.Binding) {
	for _, cluster := range binding.Clusters(b) {
		if s := c.syncer(cluster); s != nil {
			s.loop.Retry(binding.Key(b))
		}
	}
}

// enqueueBacklog is enqueue for one of many.
func (c *Controller) enqueueBacklog(b *binding.Binding) {
	for _, cluster := range binding.Clusters(b) {
		if s := c.syncer(cluster); s != nil {
			s.loop.RetryBacklog(binding.Key(b))
		}
	}
}

// add asks for a step on a binding in one cluster.
func (c *Controller) add(cluster string, key types.NamespacedName) {
	if s := c.syncer(cluster); s != nil {
		s.loop.Add(key)
	}
}

// ofMember asks for a step on all bindings of a member that pass the filter.
func (c *Controller) ofMember(cluster string, filter func(*binding.Binding) bool, again bool) {
	s := c.syncer(cluster)
	if s == nil {
		return
	}
	c.cfg.Bindings.OfCluster(cluster, func(b *binding.Binding) {
		switch {
		case filter != nil && !filter(b):
		case s.isUrgent(binding.Key(b)):
			s.loop.Retry(binding.Key(b))
		case again:
			s.loop.RetryBacklog(binding.Key(b))
		default:
			s.loop.AddBacklog(binding.Key(b))
		}
	})
}

// bindingChanged follows changes of a binding other than those of its status. The clusters it had before are asked too:
// one of them may have to give up its copy.
func (c *Controller) bindingChanged(old, now *binding.Binding) {
	switch {
	case now == nil:
		for _, cluster := range binding.Clusters(old) {
			c.add(cluster, binding.Key(old)) // forgets the entry
		}
	case old == nil && !c.cfg.Bindings.HasSynced(): // there before us
		c.enqueueBacklog(now)
	case old == nil:
		c.enqueue(now)
	case old.Generation != now.Generation || (old.DeletionTimestamp == nil) != (now.DeletionTimestamp == nil) ||
		!maps.Equal(old.Labels, now.Labels) || !slices.Equal(binding.Clusters(old), binding.Clusters(now)):
		c.enqueue(now)
		for _, cluster := range binding.Clusters(old) {
			if !slices.Contains(binding.Clusters(now), cluster) {
				c.add(cluster, binding.Key(now))
			}
		}
	}
}

// overridesChanged asks for a step on every binding whose template one of the selections covers.
func (c *Controller) overridesChanged(selections ...policy.Selection) {
	c.cfg.Bindings.All(func(b *binding.Binding) {
		r := b.Spec.Resource
		t := match.Template{APIVersion: r.APIVersion, Kind: r.Kind, Namespace: r.Namespace, Name: r.Name}
		if m := c.cfg.Templates.Metadata(refOf(b)); m != nil {
			t.Labels = m.GetLabels()
		}
		if slices.ContainsFunc(selections, func(s policy.Selection) bool { return s.Covers(t) }) {
			c.enqueueBacklog(b)
		}
	})
}

func refOf(b *binding.Binding) template.Ref {
	return template.Ref{Kind: binding.TemplateKind(b), Namespace: b.Spec.Resource.Namespace, Name: b.Spec.Resource.Name}
}

// copyChanged follows changes in a member. A change of the status alone is no business of this package.
func (c *Controller) copyChanged(m *member.Member, change member.Change) {
	key := binding.KeyOf(change.Namespace, change.Name, change.Kind.Kind)
	s := c.syncer(m.Name)
	if s == nil {
		return
	}
	expected, known := s.observe(key, change)
	if expected || !known && s.judge(m, key, change) {
		return
	}
	s.keep(key, change.Live)
	if change.Listed {
		s.loop.AddBacklog(key)
	} else {
		s.loop.Add(key)
	}
}

// scalingChanged follows who scales workloads in a member. Without targets, that has come to be known: what was held back
// goes on.
func (c *Controller) scalingChanged(m *member.Member, targets []member.Scaled) {
	if s := c.syncer(m.Name); s != nil && targets == nil {
		for _, key := range s.heldBack() {
			s.loop.AddBacklog(key)
		}
	}
	for _, t := range targets {
		key := binding.KeyOf(t.Namespace, t.Name, t.Kind.Kind)
		if b := c.cfg.Bindings.Get(key); b != nil && slices.Contains(binding.Clusters(b), m.Name) {
			c.add(m.Name, key)
		}
	}
}

// heldBack returns, once, the bindings that wait for it to be known who decides about their replicas.
func (s *syncer) heldBack() (keys []types.NamespacedName) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, e := range s.entries {
		if e.held {
			e.held = false
			keys = append(keys, key)
		}
	}
	return keys
}
