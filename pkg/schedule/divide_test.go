/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package schedule

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/types"

	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
)

// Two template UIDs, by the parity of their 32-bit FNV-1a hash.
const (
	evenUID = types.UID("a")
	oddUID  = types.UID("b")
)

func TestTieOrder(t *testing.T) {
	t.Parallel()
	// The published test vectors of FNV-1a: "" is 811c9dc5 (odd, but no UID counts as even), "a" is e40c292c,
	// "b" is e70c2de5, "foobar" is bf9cf968.
	for uid, ascending := range map[types.UID]bool{"": true, "a": true, "b": false, "foobar": true} {
		if got := TieOrder(uid)("m1", "m2") < 0; got != ascending {
			t.Errorf("UID %q: ascending is %v, want %v", uid, got, ascending)
		}
	}
}

// divideSlowly is the definition: one replica after the other, always to the best bid.
func divideSlowly(n int32, cs []Candidate) []int32 {
	held := make([]int32, len(cs))
	for range n {
		best := -1
		for i, c := range cs {
			if c.Weight <= 0 {
				continue
			}
			a := bidder{uint64(c.Weight), uint64(held[i]), i}
			if best < 0 || a.outbids(bidder{uint64(cs[best].Weight), uint64(held[best]), best}) {
				best = i
			}
		}
		if best < 0 {
			return held
		}
		held[best]++
	}
	return held
}

func TestBidsAreComparedExactly(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20000) {
		r := rand.New(rand.NewPCG(seed, 2))
		limit := []int64{4, math.MaxInt64}[r.IntN(2)]
		a := bidder{1 + uint64(r.Int64N(limit)), uint64(r.Int64N(4)), 0}
		b := bidder{1 + uint64(r.Int64N(limit)), uint64(r.Int64N(4)), 1}
		value := func(x bidder) *big.Rat {
			return new(big.Rat).SetFrac(new(big.Int).SetUint64(x.weight), new(big.Int).SetUint64(2*x.held+1))
		}
		want := value(a).Cmp(value(b)) > 0 || (value(a).Cmp(value(b)) == 0 && a.held <= b.held)
		if a.outbids(b) != want || b.outbids(a) == want {
			t.Fatalf("seed %d: %+v outbids %+v: %v, %v; want %v", seed, a, b, a.outbids(b), b.outbids(a), want)
		}
	}
}

func randomCandidates(r *rand.Rand) []Candidate {
	limits := []int64{2, 5, 100, 1 << 40, math.MaxInt64}
	limit := limits[r.IntN(len(limits))]
	cs := make([]Candidate, 1+r.IntN(20))
	for i := range cs {
		cs[i] = Candidate{Cluster: fmt.Sprint("m", i), Weight: r.Int64N(limit)}
	}
	return cs
}

func TestDivideEqualsItsDefinition(t *testing.T) {
	t.Parallel()
	for seed := range uint64(5000) {
		r := rand.New(rand.NewPCG(seed, 0))
		cs, n := randomCandidates(r), r.Int32N(300)
		given := slices.Clone(cs)
		if diff := cmp.Diff(divideSlowly(n, cs), Divide(n, cs)); diff != "" {
			t.Fatalf("seed %d: %d over %v (-want +got):\n%s", seed, n, cs, diff)
		}
		if !slices.Equal(given, cs) {
			t.Fatalf("seed %d: the input was changed", seed)
		}
	}
}

func TestDivideSumAndGrowth(t *testing.T) {
	t.Parallel()
	for seed := range uint64(5000) {
		r := rand.New(rand.NewPCG(seed, 1))
		cs, n := randomCandidates(r), r.Int32N(100000)
		cs[0].Weight++ // at least one that counts
		before, after := Divide(n, cs), Divide(n+1, cs)
		sum := int32(0)
		for i := range before {
			sum += before[i]
			if after[i] < before[i] {
				t.Fatalf("seed %d: with one replica more, %s fell from %d to %d", seed, cs[i].Cluster, before[i], after[i])
			}
		}
		if sum != n {
			t.Fatalf("seed %d: the shares of %d add up to %d", seed, n, sum)
		}
	}
}

func TestDivideExtremes(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		n    int32
		cs   []Candidate
		want []int32
	}{
		"nobody":            {5, nil, []int32{}},
		"no weight":         {5, []Candidate{{"a", 0}, {"b", -3}}, []int32{0, 0}},
		"negative count":    {-5, []Candidate{{"a", 1}}, []int32{0}},
		"the largest count": {math.MaxInt32, []Candidate{{"a", 1}, {"b", 1}}, []int32{1 << 30, 1<<30 - 1}},
		"the largest weights": {math.MaxInt32, []Candidate{{"a", math.MaxInt64}, {"b", math.MaxInt64}, {"c", math.MaxInt64}},
			[]int32{715827883, 715827882, 715827882}},
		// In floating point these two are the same number.
		"a difference of one": {1, []Candidate{{"a", math.MaxInt64 - 1}, {"b", math.MaxInt64}}, []int32{0, 1}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tc.want, Divide(tc.n, tc.cs)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestDivideCompletions(t *testing.T) {
	t.Parallel()
	targets := []workv1alpha2.TargetCluster{{Name: "a", Replicas: 1}, {Name: "b", Replicas: 1}, {Name: "c"}}
	tests := map[string]struct {
		uid  types.UID
		want map[string]int32
	}{
		"even": {"a", map[string]int32{"a": 4, "b": 3, "c": 0}},
		"odd":  {"b", map[string]int32{"a": 3, "b": 4, "c": 0}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tc.want, DivideCompletions(7, targets, tc.uid)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func BenchmarkDivide(b *testing.B) {
	for _, size := range []struct {
		n        int32
		clusters int
	}{{3, 3}, {100, 300}, {100000, 500}} {
		b.Run(fmt.Sprintf("replicas=%d/clusters=%d", size.n, size.clusters), func(b *testing.B) {
			r := rand.New(rand.NewPCG(1, 1))
			cs := make([]Candidate, size.clusters)
			for i := range cs {
				cs[i] = Candidate{Weight: 1 + r.Int64N(100)}
			}
			for b.Loop() {
				Divide(size.n, cs)
			}
		})
	}
}
