/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package member

import (
	"hash/maphash"

	"k8s.io/apimachinery/pkg/types"
)

// origin is what the copies of a template in all members have in common: mostly the same bytes, from as many connections.
// Its strings, and copies of them, are shared by all who hold on to the origin.
type origin struct {
	key                       types.NamespacedName
	permanentID, workID, hash string
	templateUID               types.UID
}

var origins = newShared(
	func(seed maphash.Seed, o *origin) uint64 { return maphash.Comparable(seed, *o) },
	func(a, b *origin) bool { return *a == *b },
)
