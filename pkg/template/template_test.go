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
	schedulingv1 "k8s.io/api/scheduling/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
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

// A change that is taken for one of the status only never reaches the members.
func TestStatusOnly(t *testing.T) {
	t.Parallel()
	object := func(generation int64, more map[string]any) *unstructured.Unstructured {
		o := map[string]any{"kind": "X", "metadata": map[string]any{"name": "x", "uid": "u", "resourceVersion": "1"}, "spec": map[string]any{"a": int64(1)}}
		for k, v := range more {
			o[k] = v
		}
		u := &unstructured.Unstructured{Object: o}
		u.SetGeneration(generation)
		return u
	}
	labelled := object(1, nil)
	labelled.SetLabels(map[string]string{"a": "b"})
	written := object(1, map[string]any{"status": map[string]any{"b": "c"}})
	written.SetResourceVersion("2")
	for name, tc := range map[string]struct {
		old, now *unstructured.Unstructured
		want     bool
	}{
		"nothing":                         {object(1, nil), object(1, nil), true},
		"status":                          {object(1, map[string]any{"status": map[string]any{"b": "d"}}), written, true},
		"first status":                    {object(1, nil), written, true},
		"no generation":                   {object(0, nil), object(0, map[string]any{"status": map[string]any{}}), false},
		"generation":                      {object(1, nil), object(2, nil), false},
		"label":                           {object(1, nil), labelled, false},
		"content, same generation":        {object(1, map[string]any{"description": "a"}), object(1, map[string]any{"description": "b"}), false},
		"content added":                   {object(1, nil), object(1, map[string]any{"description": "b"}), false},
		"content removed":                 {object(1, map[string]any{"description": "a"}), object(1, nil), false},
		"content inside, same generation": {object(1, nil), object(1, map[string]any{"spec": map[string]any{"a": int64(2)}}), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := statusOnly(tc.old, tc.now); got != tc.want {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
}

// The same for what is kept as the storage holds it.
func TestStatusOnlyOfStored(t *testing.T) {
	t.Parallel()
	class := func(resourceVersion string, value int32) *stored {
		c := &schedulingv1.PriorityClass{ObjectMeta: metav1.ObjectMeta{Name: "x", Generation: 1, ResourceVersion: resourceVersion}, Value: value}
		return &stored{c, c}
	}
	if !statusOnly(class("1", 5), class("2", 5)) {
		t.Error("another resource version is taken for a change of the content")
	}
	if statusOnly(class("1", 5), class("2", 6)) {
		t.Error("a change of the content is not seen")
	}
}
