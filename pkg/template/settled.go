/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package template

import "k8s.io/apimachinery/pkg/runtime/schema"

// found notes what has become of the search for a kind; k is nil when it is not served.
func (s *Store) found(gvk schema.GroupVersionKind, k *kind) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.looked.Delete(gvk)
	if k != nil {
		s.kinds[gvk] = k
	}
}

// Settled reports whether all that is asked for has been looked for, and every kind that was found in the hub's own storage
// is known as a whole. Custom resources do not count: listing them may need a webhook that is not there.
func (s *Store) Settled() bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.looked.Len() > 0 {
		return false
	}
	for _, k := range s.kinds {
		if k.informer != nil && !k.defined && !k.informer.HasSynced() {
			return false
		}
	}
	return true
}
