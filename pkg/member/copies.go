/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package member

import (
	"sync"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
	"github.com/manifold-k8s/manifold/pkg/interpret"
	"github.com/manifold-k8s/manifold/pkg/render"
)

// managedSelector selects what Manifold keeps in a member.
const managedSelector = workv1alpha2.ManagedLabel + "=" + workv1alpha2.ManagedLabelValue

// Copy is what is known of a managed object in a member: enough to tell whether it is as it should be, and how it does.
// The object itself is not kept.
type Copy struct {
	UID types.UID
	// PermanentID is the identity of the binding the copy belongs to.
	PermanentID string
	// WorkID is the identity of the Work that a user made and the copy belongs to.
	WorkID string
	// TemplateUID is the template it was made from.
	TemplateUID types.UID
	// Hash is the content hash of the manifest it was last made from.
	Hash string
	// Fingerprint identifies everything but status and bookkeeping, within this process.
	Fingerprint uint64
	Deleting    bool
	// Status and Health are interpreted from the object.
	Status Collected
	Health workv1alpha2.ResourceHealth

	origin *origin // holds on to what the strings above share; nil in a Copy made by others
}

// CopyOf reduces a live object to what is known of it.
func CopyOf(live *unstructured.Unstructured) *Copy {
	o := originOf(live)
	c := &Copy{
		UID:         live.GetUID(),
		Fingerprint: render.Fingerprint(live),
		Deleting:    live.GetDeletionTimestamp() != nil,
		TemplateUID: o.templateUID,
		Hash:        o.hash,
		PermanentID: o.permanentID,
		WorkID:      o.workID,
		origin:      o,
	}
	kind := interpret.Of(live.GroupVersionKind())
	status, err := kind.Reflect(live)
	if err == nil {
		c.Status, err = Collect(status)
	}
	if err != nil { // malformed: the API server of the member does not let that happen for kinds it validates
		c.Health = workv1alpha2.ResourceUnknown
		return c
	}
	c.Health = kind.Health(live)
	return c
}

func originOf(live *unstructured.Unstructured) *origin {
	labels, annotations := live.GetLabels(), live.GetAnnotations()
	o := &origin{
		key:         keyOf(live),
		permanentID: labels[workv1alpha2.ResourceBindingPermanentIDLabel],
		workID:      labels[workv1alpha2.WorkPermanentIDLabel],
		templateUID: types.UID(annotations[workv1alpha2.TemplateUIDAnnotation]),
		hash:        annotations[workv1alpha2.ContentHashAnnotation],
	}
	if o.key.Namespace == "" {
		o.permanentID = labels[workv1alpha2.ClusterResourceBindingPermanentIDLabel]
	}
	return origins.get(o)
}

// Change is a change of a copy. Old is nil when it has come, New when it is gone.
type Change struct {
	Kind            schema.GroupVersionKind
	Namespace, Name string
	Old, New        *Copy
	// Live is the object as it is now, nil when it is gone. It has no metadata.managedFields: who wants to know who owns
	// what must read the object.
	Live *unstructured.Unstructured
	// Listed: it is told because the copies are being listed, at the start or after a watch was lost, and not because
	// anything has happened just now. The copy may be as it was.
	Listed bool
}

// copies is the keeper of the copies of one kind.
type copies struct {
	member   *Member
	kind     schema.GroupVersionKind
	fallback schema.GroupVersionResource // where to look while it is not known what the member serves
	scalable bool                        // autoscalers may decide about its objects, so they are to be known first

	mu      sync.RWMutex
	synced  bool
	retired Serving // Unserved or Gone while the kind is not watched for that reason, else Unsure
	items   map[types.NamespacedName]*Copy
}

func (m *Member) copies(gvk schema.GroupVersionKind) *copies {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.kinds[gvk]
}

// Copy returns what is known of a copy, nil if there is none. One that has been seen is known. That there is none is known,
// and so known true, once the copies of that kind have been listed, or when the member has not even the kind itself.
func (m *Member) Copy(gvk schema.GroupVersionKind, key types.NamespacedName) (c *Copy, known bool) {
	s := m.copies(gvk)
	if s == nil {
		return nil, false
	}
	s.mu.RLock()
	c, known, retired := s.items[key], s.synced, s.retired
	s.mu.RUnlock()
	switch {
	case retired == Unsure && c != nil:
		known = true
	case retired == Gone:
		_, serving := m.Serves(gvk)
		known = serving == Gone // still: it may have been away since
	}
	return c, known
}

// Copies is how many copies the member is known to hold.
func (m *Member) Copies() int {
	m.mu.RLock()
	defer m.mu.RUnlock()
	n := 0
	for _, s := range m.kinds {
		s.mu.RLock()
		n += len(s.items)
		s.mu.RUnlock()
	}
	return n
}

func keyOf(u *unstructured.Unstructured) types.NamespacedName {
	return types.NamespacedName{Namespace: u.GetNamespace(), Name: u.GetName()}
}

func (s *copies) seen(u *unstructured.Unstructured, listed bool) {
	c := CopyOf(u)
	key := c.origin.key
	s.mu.Lock()
	old := s.items[key]
	s.items[key] = c // and the key, whose old strings may go with the old origin
	s.mu.Unlock()
	s.tell(Change{Kind: s.kind, Namespace: key.Namespace, Name: key.Name, Old: old, New: c, Live: u, Listed: listed})
}

func (s *copies) gone(key types.NamespacedName) {
	s.mu.Lock()
	old := s.items[key]
	delete(s.items, key)
	s.mu.Unlock()
	s.tell(Change{Kind: s.kind, Namespace: key.Namespace, Name: key.Name, Old: old})
}

// complete: what was known and is not there has gone while nobody watched.
func (s *copies) complete(there map[types.NamespacedName]bool) {
	s.mu.Lock()
	var gone []types.NamespacedName
	for key := range s.items {
		if !there[key] {
			gone = append(gone, key)
		}
	}
	s.synced = true
	s.mu.Unlock()
	for _, key := range gone {
		s.gone(key)
	}
	s.settled()
}

func (s *copies) tell(c Change) {
	for _, e := range s.member.events {
		if e.Changed != nil {
			e.Changed(s.member, c)
		}
	}
}
