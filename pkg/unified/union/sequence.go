/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package union

import (
	"math/rand/v2"

	"k8s.io/utils/clock"
)

const (
	// tagBits are the lowest bits of a number. They are the same in all numbers of a union, and hardly in those of another
	// process, which are recognised by them.
	tagBits = 10
	tagMask = 1<<tagBits - 1
	// smallest is less than every number of a union: one made a microsecond after 2^40 µs, in January 1970. Resource versions
	// of etcd, those of the hub and of members, do not get that far.
	smallest = 1 << 50
)

// sequence makes the numbers that are the union's resource versions. They are positive and rise strictly. They come from
// the clock (microseconds since 1970, shifted by tagBits), so that they also rise over a restart; a burst may run ahead of
// it, by a microsecond for each change.
type sequence struct {
	clock clock.PassiveClock
	tag   int64
	last  int64 // the latest number
}

func newSequence(c clock.PassiveClock) sequence {
	return sequence{clock: c, tag: rand.Int64N(tagMask + 1)}
}

// next makes a number.
func (s *sequence) next() int64 {
	now := s.clock.Now().UnixMicro()<<tagBits | s.tag
	s.last = max(now, s.last+1<<tagBits)
	return s.last
}

// own reports whether a number can be one of this sequence.
func (s *sequence) own(n int64) bool { return n&tagMask == s.tag }
