/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package member

import (
	"hash/maphash"
	"runtime"
	"sync"
	"weak"
)

// shared holds values that are the same for many members once, as long as somebody refers to them. It finds them by a
// hash, so that it holds nothing of them itself.
type shared[T any] struct {
	seed  maphash.Seed
	hash  func(maphash.Seed, *T) uint64
	equal func(a, b *T) bool

	mu sync.Mutex
	of map[uint64]weak.Pointer[T]
}

func newShared[T any](hash func(maphash.Seed, *T) uint64, equal func(a, b *T) bool) *shared[T] {
	return &shared[T]{seed: maphash.MakeSeed(), hash: hash, equal: equal, of: map[uint64]weak.Pointer[T]{}}
}

// get returns the value that equals v, which may be v and must not be changed any more. Of two different ones with the
// same hash, only the later is shared.
func (s *shared[T]) get(v *T) *T {
	hash := s.hash(s.seed, v)
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.of[hash].Value(); p != nil && s.equal(p, v) {
		return p
	}
	w := weak.Make(v)
	s.of[hash] = w
	runtime.AddCleanup(v, func(hash uint64) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.of[hash] == w { // else it has come again since
			delete(s.of, hash)
		}
	}, hash)
	return v
}

// len is how many there are.
func (s *shared[T]) len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.of)
}
