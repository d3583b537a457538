/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package member

import (
	"context"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"

	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
	"github.com/manifold-k8s/manifold/pkg/calm"
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
}

// CopyOf reduces a live object to what is known of it.
func CopyOf(live *unstructured.Unstructured) *Copy {
	c := &Copy{
		UID:         live.GetUID(),
		Fingerprint: render.Fingerprint(live),
		Deleting:    live.GetDeletionTimestamp() != nil,
		TemplateUID: types.UID(live.GetAnnotations()[workv1alpha2.TemplateUIDAnnotation]),
		Hash:        live.GetAnnotations()[workv1alpha2.ContentHashAnnotation],
		PermanentID: live.GetLabels()[workv1alpha2.ResourceBindingPermanentIDLabel],
		WorkID:      live.GetLabels()[workv1alpha2.WorkPermanentIDLabel],
	}
	if live.GetNamespace() == "" {
		c.PermanentID = live.GetLabels()[workv1alpha2.ClusterResourceBindingPermanentIDLabel]
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

// Change is a change of a copy. Old is nil when it has come, New when it is gone; Live is the object as it is now.
type Change struct {
	Kind            schema.GroupVersionKind
	Namespace, Name string
	Old, New        *Copy
	Live            *unstructured.Unstructured
}

// copies is a reflector's store of the copies of one kind.
type copies struct {
	member   *Member
	kind     schema.GroupVersionKind
	fallback schema.GroupVersionResource // where to look while it is not known what the member serves

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

// Copy returns what is known of a copy, nil if there is none. known is false as long as the copies of that kind have not
// been listed, unless the member is known to have none of them, nor the kind itself: then nothing can be said.
func (m *Member) Copy(gvk schema.GroupVersionKind, key types.NamespacedName) (c *Copy, known bool) {
	s := m.copies(gvk)
	if s == nil {
		return nil, false
	}
	s.mu.RLock()
	c, known, retired := s.items[key], s.synced, s.retired
	s.mu.RUnlock()
	if retired == Gone {
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

// relistBackoff is how a watch that fails is tried again; the last wait bounds how late a member that returns is noticed.
var relistBackoff = wait.Backoff{Duration: 200 * time.Millisecond, Factor: 2, Jitter: 0.2, Steps: 5, Cap: 3 * time.Second}

// reflect keeps store like the objects of a resource, until ctx ends. Failures ask for a probe of the member, or for what
// it serves; those are told by what comes of it, and not in the error log.
func (m *Member) reflect(ctx context.Context, r schema.GroupVersionResource, selector string, store cache.ReflectorStore) {
	ctx = calm.Context(ctx, func(err error) bool { return ctx.Err() != nil || Away(err) || apierrors.IsNotFound(err) })
	client := m.Dynamic.Resource(r)
	report := func(err error) {
		switch {
		case Away(err):
			m.Suspect()
		case apierrors.IsNotFound(err):
			signal(m.stale)
		}
		if f, ok := store.(interface{ failed(error) }); ok && err != nil {
			f.failed(err)
		}
	}
	lw := &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			o.LabelSelector = selector
			l, err := client.List(ctx, o)
			report(err)
			return l, err
		},
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			o.LabelSelector = selector
			w, err := client.Watch(ctx, o)
			report(err)
			return w, err
		},
	}
	backoff := relistBackoff
	cache.NewReflectorWithOptions(lw, &unstructured.Unstructured{}, store, cache.ReflectorOptions{
		Name: m.Name + " " + r.Resource, Backoff: &backoff,
	}).RunWithContext(ctx)
}

func (s *copies) Add(obj any) error {
	if u, ok := obj.(*unstructured.Unstructured); ok {
		s.put(u)
	}
	return nil
}

func (s *copies) Update(obj any) error { return s.Add(obj) }

func (s *copies) put(u *unstructured.Unstructured) {
	c, key := CopyOf(u), keyOf(u)
	s.mu.Lock()
	old := s.items[key]
	s.items[key] = c
	s.mu.Unlock()
	s.tell(Change{Kind: s.kind, Namespace: key.Namespace, Name: key.Name, Old: old, New: c, Live: u})
}

func (s *copies) Delete(obj any) error {
	if u, ok := obj.(*unstructured.Unstructured); ok {
		s.remove(keyOf(u))
	}
	return nil
}

func (s *copies) remove(key types.NamespacedName) {
	s.mu.Lock()
	old := s.items[key]
	delete(s.items, key)
	s.mu.Unlock()
	s.tell(Change{Kind: s.kind, Namespace: key.Namespace, Name: key.Name, Old: old})
}

// Replace takes over a complete list. What was known and is not in it has gone while nobody watched.
func (s *copies) Replace(objs []any, _ string) error {
	seen := make(map[types.NamespacedName]bool, len(objs))
	for _, o := range objs {
		if u, ok := o.(*unstructured.Unstructured); ok {
			seen[keyOf(u)] = true
			s.put(u)
		}
	}
	s.mu.Lock()
	var gone []types.NamespacedName
	for key := range s.items {
		if !seen[key] {
			gone = append(gone, key)
		}
	}
	s.synced = true
	s.mu.Unlock()
	for _, key := range gone {
		s.remove(key)
	}
	s.settled()
	return nil
}

// Resync implements cache.ReflectorStore; there is nothing to do.
func (s *copies) Resync() error { return nil }

func (s *copies) tell(c Change) {
	for _, e := range s.member.events {
		if e.Changed != nil {
			e.Changed(s.member, c)
		}
	}
}
