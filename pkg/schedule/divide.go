/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package schedule

import (
	"cmp"
	"hash/fnv"
	"math/big"
	"math/bits"
	"slices"

	"k8s.io/apimachinery/pkg/types"

	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
)

// Candidate is a cluster that takes part in a division.
type Candidate struct {
	Cluster string
	Weight  int64 // relative preference; <= 0 never gets anything
}

// Divide hands out n replicas in proportion to the weights, by Webster's method: each goes to the candidate with the
// highest Weight/(2*held+1), where held is what it got so far. So one replica more takes none away from anybody. Of
// equals, the one that holds fewer wins, then the earlier in cs, whose order is therefore the caller's tie-break
// (see TieOrder). It returns what each candidate gets, in the order of cs; the sum is n, or 0 if n is not positive or
// no weight is. Comparisons are exact for all weights. Cost: O(m log m) for m candidates, whatever n is.
func Divide(n int32, cs []Candidate) []int32 {
	shares := make([]int32, len(cs))
	queue := make([]bidder, 0, len(cs))
	for i, c := range cs {
		if c.Weight > 0 {
			queue = append(queue, bidder{weight: uint64(c.Weight), index: i})
		}
	}
	if n <= 0 || len(queue) == 0 {
		return shares
	}
	left := n - headStart(n, queue)
	for i := len(queue)/2 - 1; i >= 0; i-- {
		sink(queue, i)
	}
	for ; left > 0; left-- {
		queue[0].held++
		sink(queue, 0)
	}
	for _, b := range queue {
		shares[b.index] = int32(b.held)
	}
	return shares
}

// bidder is a candidate during the hand-out.
type bidder struct {
	weight uint64
	held   uint64
	index  int // in the caller's list
}

// outbids reports whether the next replica goes to a rather than to b. It is a strict total order.
func (a bidder) outbids(b bidder) bool {
	// a.weight/(2*a.held+1) against b.weight/(2*b.held+1), multiplied out in 128 bits.
	ahi, alo := bits.Mul64(a.weight, 2*b.held+1)
	bhi, blo := bits.Mul64(b.weight, 2*a.held+1)
	switch {
	case ahi != bhi:
		return ahi > bhi
	case alo != blo:
		return alo > blo
	case a.held != b.held:
		return a.held < b.held
	}
	return a.index < b.index
}

// headStart gives every bidder the replicas that are certainly among the first n, and returns how many those are; at
// most len(queue) remain. With total weight W over m bidders, take the bids above t = W/(2n-m). A bidder of weight w
// makes at most w/2t+1/2 of them and at least w/2t-1/2, so all together make at most (2n-m)/2+m/2 = n and at least
// n-m. Higher bids are served first, hence replica by replica would have reached exactly this state.
func headStart(n int32, queue []bidder) int32 {
	rounds := 2*int64(n) - int64(len(queue))
	if rounds <= 0 {
		return 0
	}
	total, w, scale := new(big.Int), new(big.Int), big.NewInt(rounds)
	for _, b := range queue {
		total.Add(total, w.SetUint64(b.weight))
	}
	given, one := int32(0), big.NewInt(1)
	for i := range queue {
		// The k-th bid, k from 0, is above t if (2k+1)*W < w*rounds: count the odd numbers up to (w*rounds-1)/W.
		w.SetUint64(queue[i].weight)
		w.Mul(w, scale).Sub(w, one).Quo(w, total)
		queue[i].held = (w.Uint64() + 1) / 2
		given += int32(queue[i].held)
	}
	return given
}

// sink restores the heap, best bid first, below position i.
func sink(queue []bidder, i int) {
	for {
		best := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(queue); child++ {
			if queue[child].outbids(queue[best]) {
				best = child
			}
		}
		if best == i {
			return
		}
		queue[i], queue[best] = queue[best], queue[i]
		i = best
	}
}

// TieOrder returns the order of cluster names that decides ties for the template with this UID: ascending if the
// 32-bit FNV-1a hash of the UID is even or the UID is empty, descending if it is odd. So the odd replicas of many
// templates do not all end in the cluster that comes first in the alphabet.
func TieOrder(uid types.UID) func(a, b string) int {
	h := fnv.New32a()
	h.Write([]byte(uid)) // a hash.Hash never returns an error
	if uid == "" || h.Sum32()%2 == 0 {
		return cmp.Compare[string]
	}
	return func(a, b string) int { return cmp.Compare(b, a) }
}

// DivideCompletions divides a Job's spec.completions over its targets in proportion to the parallelism each of them
// was given (its Replicas), with the tie-break of the template's UID. Targets without replicas get none and are
// present in the result with 0. If no target has replicas, all are 0.
func DivideCompletions(completions int32, targets []workv1alpha2.TargetCluster, uid types.UID) map[string]int32 {
	cs := make([]Candidate, 0, len(targets))
	for _, t := range targets {
		cs = append(cs, Candidate{Cluster: t.Name, Weight: int64(t.Replicas)})
	}
	order := TieOrder(uid)
	slices.SortFunc(cs, func(a, b Candidate) int { return order(a.Cluster, b.Cluster) })
	shares := make(map[string]int32, len(cs))
	for i, n := range Divide(completions, cs) {
		shares[cs[i].Cluster] = n
	}
	return shares
}
