/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package member

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/discovery"
	"k8s.io/klog/v2"

	clusterv1alpha1 "github.com/manifold-k8s/manifold/apis/cluster/v1alpha1"
)

// settle is how long discovery waits after a change of definitions, so that a batch of them costs one reading.
const settle = 300 * time.Millisecond

// discoverFirst is the first wait before discovery is read anew when it lacks what is defined. It grows with each attempt.
const discoverFirst = 500 * time.Millisecond

// discover reads the served kinds when the member becomes reachable or ready, when its definitions change, and now and
// then; and again and again, ever more rarely, as long as it does not list yet what is defined.
func (m *Member) discover(ctx context.Context) {
	catchUp := discoverFirst
	for {
		wait := discoverEvery
		switch s := m.State(); {
		case !s.Reachable: // its return brings us back
		case !m.read(ctx, s.Ready):
			wait = probeLast
		case m.behind():
			wait, catchUp = catchUp, min(2*catchUp, discoverEvery)
		}
		select {
		case <-ctx.Done():
			return
		case <-m.stale:
			catchUp = discoverFirst
			select {
			case <-ctx.Done():
				return
			case <-time.After(settle):
			}
			select {
			case <-m.stale: // this reading will be after that, too
			default:
			}
		case <-time.After(wait):
		}
	}
}

// read takes in what the member serves, and reports whether there was an answer. ready says that the member was ready
// before: one that is just starting may list less than it has without saying so.
func (m *Member) read(ctx context.Context, ready bool) bool {
	defined, synced := m.definitions.snapshot() // before, so that what is defined meanwhile is not missed
	lists, err := m.served()
	apis := enablements(lists)
	if len(apis) == 0 {
		klog.FromContext(ctx).V(2).Info("Served kinds could not be read", "err", err)
		return false
	}
	next := newCatalogue(apis, err == nil && ready && synced, defined)
	m.mu.Lock()
	m.catalogue = next
	m.mu.Unlock()
	signal(m.rewatch)
	m.update(func(s *State) { s.APIs, s.Complete = next.apis, err == nil })
	return true
}

// behind reports whether discovery lags behind the definitions.
func (m *Member) behind() bool {
	defined, _ := m.definitions.snapshot()
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.catalogue.behind(defined)
}

// enablements puts discovery into the form of the Cluster's status: sorted, without subresources.
func enablements(lists []*metav1.APIResourceList) []clusterv1alpha1.APIEnablement {
	out := make([]clusterv1alpha1.APIEnablement, 0, len(lists))
	for _, l := range lists {
		e := clusterv1alpha1.APIEnablement{GroupVersion: l.GroupVersion}
		for _, r := range l.APIResources {
			if !strings.Contains(r.Name, "/") {
				e.Resources = append(e.Resources, clusterv1alpha1.APIResource{Name: r.Name, Kind: r.Kind})
			}
		}
		slices.SortFunc(e.Resources, func(a, b clusterv1alpha1.APIResource) int { return cmp.Compare(a.Name, b.Name) })
		out = append(out, e)
	}
	slices.SortFunc(out, func(a, b clusterv1alpha1.APIEnablement) int { return cmp.Compare(a.GroupVersion, b.GroupVersion) })
	return out
}

var definitions = schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}

// watchDefinitions asks for discovery whenever a custom resource comes, changes or goes.
func (m *Member) watchDefinitions(ctx context.Context) {
	m.reflect(ctx, definitions, "", m.definitions)
}

// definition is what is kept of a CustomResourceDefinition.
type definition struct {
	versions []string // that are to be served; none before the definition is established
}

// definitionStore is the keeper of what is defined.
type definitionStore struct {
	changed func()

	mu     sync.Mutex
	synced bool
	items  map[string]defined // by name
}

type defined struct {
	kind schema.GroupKind
	definition
}

func definedBy(u *unstructured.Unstructured) defined {
	var d defined
	// The member's API server has validated it: what is not there is not there yet.
	d.kind.Group, _, _ = unstructured.NestedString(u.Object, "spec", "group")
	d.kind.Kind, _, _ = unstructured.NestedString(u.Object, "spec", "names", "kind")
	conditions, _, _ := unstructured.NestedSlice(u.Object, "status", "conditions")
	established := slices.ContainsFunc(conditions, func(c any) bool {
		m, ok := c.(map[string]any)
		return ok && m["type"] == "Established" && m["status"] == string(metav1.ConditionTrue)
	})
	versions, _, _ := unstructured.NestedSlice(u.Object, "spec", "versions")
	for _, v := range versions {
		m, ok := v.(map[string]any)
		if name, _ := m["name"].(string); ok && established && m["served"] == true && u.GetDeletionTimestamp() == nil {
			d.versions = append(d.versions, name)
		}
	}
	return d
}

// snapshot returns what is defined, by kind; synced is false as long as that is not known.
func (s *definitionStore) snapshot() (out map[schema.GroupKind]definition, synced bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	out = make(map[schema.GroupKind]definition, len(s.items))
	for _, d := range s.items {
		out[d.kind] = d.definition
	}
	return out, s.synced
}

func (s *definitionStore) seen(u *unstructured.Unstructured, _ bool) {
	s.mu.Lock()
	s.items[u.GetName()] = definedBy(u)
	synced := s.synced
	s.mu.Unlock()
	if synced { // else complete will tell
		s.changed()
	}
}

func (s *definitionStore) gone(key types.NamespacedName) {
	s.mu.Lock()
	delete(s.items, key.Name)
	s.mu.Unlock()
	s.changed()
}

func (s *definitionStore) complete(there map[types.NamespacedName]bool) {
	s.mu.Lock()
	maps.DeleteFunc(s.items, func(name string, _ defined) bool { return !there[types.NamespacedName{Name: name}] })
	s.synced = true
	s.mu.Unlock()
	s.changed()
}

// served lists all kinds in all versions. With an error, the list lacks the groups that the error names.
func (m *Member) served() ([]*metav1.APIResourceList, error) {
	_, lists, err := discovery.ServerGroupsAndResources(m.discovery)
	return lists, err
}
