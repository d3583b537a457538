/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package member

import (
	"slices"
	"sync"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

var (
	autoscalerKind     = autoscalingv2.SchemeGroupVersion.WithKind("HorizontalPodAutoscaler")
	autoscalerResource = autoscalingv2.SchemeGroupVersion.WithResource("horizontalpodautoscalers")
)

// Scaled names what an autoscaler scales.
type Scaled struct {
	Namespace string
	Kind      schema.GroupKind
	Name      string
}

// Autoscaler returns the name of the HorizontalPodAutoscaler in the member that scales a workload, whoever made it, or
// "" if there is none. known is false as long as that cannot be said; Events.Scaling tells when it can. The first call
// makes the member's autoscalers be watched: a member without workloads is not asked.
func (m *Member) Autoscaler(s Scaled) (name string, known bool) {
	if m.autoscalers.want(time.Now()) {
		signal(m.rewatch)
	}
	m.autoscalers.mu.Lock()
	defer m.autoscalers.mu.Unlock()
	return firstOf(m.autoscalers.of[s]), m.autoscalers.synced
}

func firstOf(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return names[0]
}

// autoscalers is the keeper of which workloads are scaled, and nothing else.
type autoscalers struct {
	tell func([]Scaled) // see Events.Scaling

	mu             sync.Mutex
	wanted, synced bool
	since          time.Time // when they were first wanted
	targets        map[types.NamespacedName]Scaled
	of             map[Scaled][]string // names of autoscalers, sorted: the other way round
}

func newAutoscalers(tell func([]Scaled)) *autoscalers {
	return &autoscalers{tell: tell, targets: map[types.NamespacedName]Scaled{}, of: map[Scaled][]string{}}
}

func (s *autoscalers) isWanted() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.wanted
}

// want asks for them to be watched, and reports whether nobody had.
func (s *autoscalers) want(now time.Time) (first bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.wanted {
		return false
	}
	s.wanted, s.since = true, now
	return true
}

// autoscalerPatience is how long the copies of workloads are not listed because the autoscalers are not known yet. Without
// them no copy can be judged when it is listed, and each had to be read from the member again later; but a member whose
// autoscalers cannot be listed has to be watched all the same.
const autoscalerPatience = 5 * time.Second

// settled reports whether waiting for the autoscalers to be known is over.
func (s *autoscalers) settled(now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.synced || !s.since.IsZero() && now.Sub(s.since) >= autoscalerPatience
}

func targetOf(u *unstructured.Unstructured) Scaled {
	// The member's API server has validated it.
	apiVersion, _, _ := unstructured.NestedString(u.Object, "spec", "scaleTargetRef", "apiVersion")
	kind, _, _ := unstructured.NestedString(u.Object, "spec", "scaleTargetRef", "kind")
	name, _, _ := unstructured.NestedString(u.Object, "spec", "scaleTargetRef", "name")
	return Scaled{Namespace: u.GetNamespace(), Kind: schema.FromAPIVersionAndKind(apiVersion, kind).GroupKind(), Name: name}
}

// link and unlink must be called with the lock held.
func (s *autoscalers) link(key types.NamespacedName, target Scaled) {
	s.targets[key] = target
	names := append(slices.Clone(s.of[target]), key.Name)
	slices.Sort(names)
	s.of[target] = names
}

func (s *autoscalers) unlink(key types.NamespacedName) (target Scaled, was bool) {
	target, was = s.targets[key]
	if !was {
		return target, false
	}
	delete(s.targets, key)
	names := slices.DeleteFunc(slices.Clone(s.of[target]), func(n string) bool { return n == key.Name })
	if len(names) == 0 {
		delete(s.of, target)
	} else {
		s.of[target] = names
	}
	return target, true
}

func (s *autoscalers) seen(u *unstructured.Unstructured, _ bool) {
	target := targetOf(u)
	s.mu.Lock()
	old, was := s.targets[keyOf(u)]
	if was && old == target { // most updates are about its status
		s.mu.Unlock()
		return
	}
	s.unlink(keyOf(u))
	s.link(keyOf(u), target)
	synced := s.synced
	s.mu.Unlock()
	changed := []Scaled{target}
	if was {
		changed = append(changed, old)
	}
	if synced { // else complete will tell
		s.tell(changed)
	}
}

func (s *autoscalers) gone(key types.NamespacedName) {
	s.mu.Lock()
	target, was := s.unlink(key)
	s.mu.Unlock()
	if was {
		s.tell([]Scaled{target})
	}
}

func (s *autoscalers) complete(there map[types.NamespacedName]bool) {
	s.mu.Lock()
	first := !s.synced
	s.synced = true
	var changed []Scaled
	for key := range s.targets {
		if there[key] {
			continue
		}
		if target, _ := s.unlink(key); !slices.Contains(changed, target) {
			changed = append(changed, target)
		}
	}
	s.mu.Unlock()
	switch {
	case first:
		s.tell(nil)
	case len(changed) > 0:
		s.tell(changed)
	}
}

// failed takes a member whose autoscalers may not be read for one that has none: else its workloads would wait for ever.
func (s *autoscalers) failed(err error) {
	s.mu.Lock()
	done := !apierrors.IsForbidden(err) || s.synced
	s.mu.Unlock()
	if !done {
		s.none()
	}
}

// none takes over that there are no autoscalers.
func (s *autoscalers) none() {
	s.complete(nil)
}
