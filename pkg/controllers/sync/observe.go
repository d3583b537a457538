/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package sync

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
	"github.com/manifold-k8s/manifold/pkg/binding"
	"github.com/manifold-k8s/manifold/pkg/controllers/loop"
	"github.com/manifold-k8s/manifold/pkg/member"
	"github.com/manifold-k8s/manifold/pkg/render"
)

// maxKept bounds, per member, how many states are kept for steps to look at. What is beyond is read from the member when
// its step comes: whole objects of thousands of copies, as after a start, take more memory than all else.
const maxKept = 256

// observe takes a change of a copy in, and reports whether it is what was expected, and whether the copy is one that was
// looked at or sent since the start.
func (s *syncer) observe(key types.NamespacedName, change member.Change) (expected, known bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.entries[key]
	if e == nil {
		return false, false
	}
	known = e.accepted != 0 || e.unseen != ""
	for _, c := range []*member.Copy{change.Old, change.New} {
		if c != nil && c.Hash == e.unseen {
			e.unseen = ""
		}
	}
	return change.New != nil && e.accepted == change.New.Fingerprint, known
}

// judge looks at once at a copy of which nothing is known yet, and reports whether it is as it should be. After a start,
// nearly all are; they need no step.
func (s *syncer) judge(m *member.Member, key types.NamespacedName, change member.Change) bool {
	b := s.cfg.Bindings.Get(key)
	if change.New == nil || change.New.Deleting || b == nil || b.DeletionTimestamp != nil || binding.TemplateKind(b) != change.Kind ||
		binding.Target(b, s.member) == nil || !s.cfg.Policies.HasSynced() {
		return false
	}
	j := &job{syncer: s, site: m, binding: b, key: key, have: change.New, live: change.Live, meter: s.cfg.Telemetry.Of(s.member)}
	j.again = func() { s.loop.AddBacklog(key) }
	want, _ := j.manifest()
	if want == nil || want.GetAnnotations()[workv1alpha2.ContentHashAnnotation] != change.New.Hash || !render.Holds(want, change.Live) {
		return false
	}
	j.meter.Noop()
	j.accept(want, change.New.Fingerprint)
	return true
}

// keep keeps a state for the next step to look at, unless there are too many.
func (s *syncer) keep(key types.NamespacedName, live *unstructured.Unstructured) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.entries[key]
	if e == nil {
		if live == nil {
			return
		}
		e = &entry{}
		s.entries[key] = e
	}
	if s.kept >= maxKept && e.live == nil {
		return
	}
	s.hold(e, live)
}

// hold must be called with the lock held.
func (s *syncer) hold(e *entry, live *unstructured.Unstructured) {
	if e.live != nil {
		s.kept--
	}
	if live != nil {
		s.kept++
	}
	e.live = live
}

// forget drops all that is known of a binding that is no more.
func (s *syncer) forget(key types.NamespacedName) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.entries[key]; e != nil {
		s.hold(e, nil)
		delete(s.entries, key)
	}
	delete(s.urgent, key)
}

// postpone remembers a fresh change for when the member can be reached.
func (s *syncer) postpone(ctx context.Context, key types.NamespacedName) {
	if loop.Fresh(ctx) {
		s.mu.Lock()
		s.urgent[key] = struct{}{}
		s.mu.Unlock()
	}
}

// isUrgent reports, once, whether a fresh change was postponed.
func (s *syncer) isUrgent(key types.NamespacedName) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, urgent := s.urgent[key]
	delete(s.urgent, key)
	return urgent
}

// settled reports whether the copy in a member is known to be what was last rendered for it, with nothing left to do.
func (c *Controller) settled(m *member.Member, b *binding.Binding) bool {
	s, ok := c.members.Get(m.Name)
	if !ok || b.DeletionTimestamp != nil || binding.Target(b, m.Name) == nil {
		return false
	}
	have, _ := m.Copy(binding.TemplateKind(b), types.NamespacedName{Namespace: b.Spec.Resource.Namespace, Name: b.Spec.Resource.Name})
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.entries[binding.Key(b)]
	return e != nil && have != nil && !have.Deleting && e.accepted != 0 && e.accepted == have.Fingerprint &&
		e.Hash == have.Hash && e.Failed == "" && !e.held
}

// look reads the copy from the member, for a step that has to judge it and was told of it in outline only. ok is false when
// it is not there any more.
func (j *job) look(ctx context.Context) (ok bool, err error) {
	live, err := j.client.Get(ctx, j.binding.Spec.Resource.Name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("read the copy: %w", err)
	}
	live.SetGroupVersionKind(binding.TemplateKind(j.binding))
	j.live = live
	if live.GetLabels()[workv1alpha2.ManagedLabel] == workv1alpha2.ManagedLabelValue {
		j.have = member.CopyOf(live)
	}
	return true, nil
}
