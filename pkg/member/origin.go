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

	"k8s.io/apimachinery/pkg/types"
)

// origin is what the copies of a template in all members have in common: mostly the same bytes, from as many connections.
type origin struct {
	key                       types.NamespacedName
	permanentID, workID, hash string
	templateUID               types.UID
}

// origins holds each origin once, as long as something refers to it.
var origins = newOriginTable()

// originTable finds origins by a hash, so that it holds nothing of them itself.
type originTable struct {
	seed maphash.Seed

	mu sync.Mutex
	of map[uint64]weak.Pointer[origin]
}

func newOriginTable() *originTable {
	return &originTable{seed: maphash.MakeSeed(), of: map[uint64]weak.Pointer[origin]{}}
}

// share returns the origin that equals o. Its strings, and copies of them, are the same in memory for all who ask, as
// long as one of them holds on to the origin. Of two different ones with the same hash, only the later is shared.
func (t *originTable) share(o origin) *origin {
	hash := maphash.Comparable(t.seed, o)
	t.mu.Lock()
	defer t.mu.Unlock()
	if p := t.of[hash].Value(); p != nil && *p == o {
		return p
	}
	p := &o
	w := weak.Make(p)
	t.of[hash] = w
	runtime.AddCleanup(p, func(hash uint64) {
		t.mu.Lock()
		defer t.mu.Unlock()
		if t.of[hash] == w { // else it has come again since
			delete(t.of, hash)
		}
	}, hash)
	return p
}

// len is how many there are.
func (t *originTable) len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.of)
}
