/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package sync

import (
	"fmt"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/manifold-k8s/manifold/pkg/member"
)

// whereabouts is where the copies of a kind are in a member.
type whereabouts struct {
	kind     schema.GroupVersionKind // the template's, or another version of it
	resource schema.GroupVersionResource
	serving  member.Serving
}

// whereabouts finds out where the copies of a kind are in a member. The member's own word counts more than where the hub
// serves the templates. A copy that has to go is reached in any version that the member serves. It fails as long as that
// cannot be said; it asks for what it needs to know.
func (s *syncer) whereabouts(m *member.Member, gvk schema.GroupVersionKind, leaving bool) (w whereabouts, ok bool) {
	mapping := s.cfg.Templates.Mapping(gvk)
	if mapping == nil {
		s.cfg.Templates.Want(gvk)
		if !leaving {
			return w, false // there is nothing to send without the template
		}
	}
	w.kind = gvk
	w.resource, w.serving = m.Serves(gvk)
	if w.serving == member.Unserved && leaving {
		if other, found := m.Another(gvk.GroupKind()); found {
			w.kind = other
			w.resource, w.serving = m.Serves(other)
		}
	}
	if w.resource.Empty() && mapping != nil {
		w.resource = mapping.Resource
	}
	m.Want(w.kind, w.resource)
	return w, !w.resource.Empty() || w.serving == member.Gone
}

// unserved records that the member does not serve the kind, and what that waits for.
func (j *job) unserved(leaving bool) {
	r := j.binding.Spec.Resource
	if leaving {
		j.fail("CleanupWorkFailed", fmt.Errorf("the cluster has a definition of %s and does not serve it; the object is removed when it does", r.Kind))
		return
	}
	j.fail("SyncFailed", fmt.Errorf("the cluster does not serve %s %s; it is sent when its CustomResourceDefinition is there", r.APIVersion, r.Kind))
}
