/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package member

import (
	"context"
	"hash/maphash"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	clusterv1alpha1 "github.com/manifold-k8s/manifold/apis/cluster/v1alpha1"
	"github.com/manifold-k8s/manifold/pkg/interpret"
)

// Serving says whether a member serves a kind, in exactly one version.
type Serving int

const (
	// Unsure: what the member serves is not known, or not completely. It is asked as if it served the kind.
	Unsure Serving = iota
	// Served: the member lists the kind.
	Served
	// Unserved: the member lists all it serves, and the kind is not among it in this version. It may be stored there all
	// the same, in another version, or its definition may be on its way in or out.
	Unserved
	// Gone: nor is it served in any other version or defined. So there are no objects of it either.
	Gone
)

// Serves says whether the member serves a kind, and as which resource when that is known.
func (m *Member) Serves(gvk schema.GroupVersionKind) (schema.GroupVersionResource, Serving) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.catalogue.serves(gvk)
}

// Another returns a version in which the member serves a kind, if there is one: objects are the same in all versions, so
// what was made in one that is not served any more can be reached through it.
func (m *Member) Another(gk schema.GroupKind) (gvk schema.GroupVersionKind, ok bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.catalogue.another(gk)
}

// catalogue is what a member serves, from one reading of discovery. It is never changed.
type catalogue struct {
	// complete: everything was read, from a member that was ready, and the definitions are known as well. Without, what
	// is not listed may be there.
	complete bool
	*inventory
	defined map[schema.GroupKind]definition // by CustomResourceDefinitions
}

// inventory is what a member lists, in two forms. Members of the same make share it.
type inventory struct {
	apis   []clusterv1alpha1.APIEnablement
	served map[schema.GroupVersionKind]string // the resource's name
}

var inventories = newShared(hashInventory, func(a, b *inventory) bool { return sameAPIs(a.apis, b.apis) })

func hashInventory(seed maphash.Seed, i *inventory) uint64 {
	var h maphash.Hash
	h.SetSeed(seed)
	for _, e := range i.apis {
		maphash.WriteComparable(&h, e.GroupVersion)
		for _, r := range e.Resources {
			maphash.WriteComparable(&h, r)
		}
	}
	return h.Sum64()
}

func sameAPIs(a, b []clusterv1alpha1.APIEnablement) bool {
	return slices.EqualFunc(a, b, func(a, b clusterv1alpha1.APIEnablement) bool {
		return a.GroupVersion == b.GroupVersion && slices.Equal(a.Resources, b.Resources)
	})
}

// newCatalogue indexes a reading of discovery.
func newCatalogue(apis []clusterv1alpha1.APIEnablement, complete bool, defined map[schema.GroupKind]definition) catalogue {
	i := &inventory{apis: apis, served: map[schema.GroupVersionKind]string{}}
	for n := range apis {
		for _, r := range apis[n].Resources {
			i.served[schema.FromAPIVersionAndKind(apis[n].GroupVersion, r.Kind)] = r.Name
		}
	}
	return catalogue{complete: complete, inventory: inventories.get(i), defined: defined}
}

func (c *catalogue) serves(gvk schema.GroupVersionKind) (r schema.GroupVersionResource, s Serving) {
	if name, ok := c.served[gvk]; ok {
		return gvk.GroupVersion().WithResource(name), Served
	}
	if !c.complete {
		return r, Unsure
	}
	if _, defined := c.defined[gvk.GroupKind()]; defined {
		return r, Unserved
	}
	if _, ok := c.another(gvk.GroupKind()); ok {
		return r, Unserved
	}
	return r, Gone
}

func (c *catalogue) another(gk schema.GroupKind) (out schema.GroupVersionKind, ok bool) {
	for gvk := range c.served {
		if gvk.GroupKind() == gk && (!ok || gvk.Version < out.Version) { // always the same one
			out, ok = gvk, true
		}
	}
	return out, ok
}

// behind reports whether the catalogue does not list yet what is established by a definition.
func (c *catalogue) behind(defined map[schema.GroupKind]definition) bool {
	for gk, d := range defined {
		for _, v := range d.versions {
			if _, ok := c.served[gk.WithVersion(v)]; !ok {
				return true
			}
		}
	}
	return false
}

// Want asks for the copies of a kind to be watched, from when the member serves it and for as long as it does. fallback
// is where to look for them as long as it is not known what the member serves; it may be empty. It is cheap to ask again.
func (m *Member) Want(gvk schema.GroupVersionKind, fallback schema.GroupVersionResource) {
	m.mu.RLock()
	_, known := m.kinds[gvk]
	m.mu.RUnlock()
	if known {
		return
	}
	m.mu.Lock()
	_, known = m.kinds[gvk]
	scalable := len(interpret.Of(gvk).ReplicaPath()) > 0
	if !known {
		m.kinds[gvk] = &copies{member: m, kind: gvk, fallback: fallback, scalable: scalable, items: map[types.NamespacedName]*Copy{}}
	}
	m.mu.Unlock()
	if !known {
		if scalable {
			m.autoscalers.want(time.Now())
		}
		signal(m.rewatch)
	}
}

// signal wakes the reader of a channel with room for one; more than one signal at a time says nothing new.
func signal(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// watchKinds runs one watch for each kind that is wanted and may be served, until ctx ends and all have.
func (m *Member) watchKinds(ctx context.Context) {
	running := map[any]func(){} // by kind; autoscalers are watched beside, propagated or not
	defer func() {
		for _, stop := range running {
			stop()
		}
	}()
	for {
		waits := false
		if _, runs := running[m.autoscalers]; !runs && m.autoscalers.isWanted() {
			if _, serving := m.Serves(autoscalerKind); serving == Unserved || serving == Gone {
				m.autoscalers.none()
			} else {
				running[m.autoscalers] = m.watch(ctx, autoscalerResource, "", m.autoscalers)
			}
		}
		for _, s := range m.wanted() {
			if s.scalable && !m.autoscalers.settled(time.Now()) {
				waits = true
				continue
			}
			resource, serving := m.Serves(s.kind)
			if serving == Unsure {
				resource = s.fallback
			}
			stop, runs := running[s.kind]
			switch {
			case serving == Unserved || serving == Gone:
				if runs {
					stop() // before the copies are forgotten: it might put one back
					delete(running, s.kind)
				}
				s.retire(serving)
			case !runs && !resource.Empty():
				s.revive()
				running[s.kind] = m.watch(ctx, resource, managedSelector, s)
			}
		}
		var later <-chan time.Time
		if waits {
			later = time.After(autoscalerPatience)
		}
		select {
		case <-ctx.Done():
			return
		case <-m.rewatch:
		case <-later:
		}
	}
}

func (m *Member) wanted() []*copies {
	m.mu.RLock()
	defer m.mu.RUnlock()
	out := make([]*copies, 0, len(m.kinds))
	for _, s := range m.kinds {
		out = append(out, s)
	}
	return out
}

// watch starts to tell k of the objects of a resource. The function it returns ends that and returns when it has ended.
func (m *Member) watch(ctx context.Context, r schema.GroupVersionResource, selector string, k keeper) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		m.reflect(ctx, r, selector, k)
	}()
	return func() {
		cancel()
		<-done
	}
}

// retire forgets the copies of a kind that the member does not serve. They are known to be gone only if it is Gone.
func (s *copies) retire(serving Serving) {
	s.mu.Lock()
	if s.retired == serving {
		s.mu.Unlock()
		return
	}
	items := s.items
	s.items, s.retired, s.synced = map[types.NamespacedName]*Copy{}, serving, serving == Gone
	s.mu.Unlock()
	for key, old := range items {
		s.tell(Change{Kind: s.kind, Namespace: key.Namespace, Name: key.Name, Old: old})
	}
	s.settled()
}

// revive prepares for a watch: until its first list, nothing is known.
func (s *copies) revive() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.retired, s.synced = Unsure, false
}

// settled tells the listeners that what is known of the kind has another basis.
func (s *copies) settled() {
	for _, e := range s.member.events {
		if e.Synced != nil {
			e.Synced(s.member, s.kind)
		}
	}
}
