/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package template

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	jsonpatch "gopkg.in/evanphx/json-patch.v4"
)

// Whatever the status was and is to be, the patch makes the one out of the other: nothing stays inside an object that
// remains.
func TestReplacement(t *testing.T) {
	t.Parallel()
	for seed := range uint64(1000) {
		r := rand.New(rand.NewPCG(seed, 0))
		from, to := randomObject(r, 3), randomObject(r, 3)
		doc, patch := marshal(t, from), marshal(t, replacement(from, to))
		out, err := jsonpatch.MergePatch(doc, patch)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		got, want := unmarshal(t, out), unmarshal(t, marshal(t, to))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("seed %d: %s over %s (-want +got):\n%s", seed, patch, doc, diff)
		}
	}
}

func marshal(t *testing.T, v any) []byte {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func unmarshal(t *testing.T, data []byte) (out map[string]any) {
	t.Helper()
	if err := json.Unmarshal(data, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func randomObject(r *rand.Rand, depth int) map[string]any {
	out := map[string]any{}
	for i := range 4 {
		key := fmt.Sprint("k", i)
		switch r.IntN(4) {
		case 0:
			out[key] = r.Int64N(2)
		case 1:
			out[key] = []any{r.Int64N(2)}
		case 2:
			if depth > 0 {
				out[key] = randomObject(r, depth-1)
			}
		}
	}
	return out
}
