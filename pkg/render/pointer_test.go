/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package render

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	utiljson "k8s.io/apimachinery/pkg/util/json"

	policyv1alpha1 "github.com/manifold-k8s/manifold/apis/policy/v1alpha1"
)

func TestPatch(t *testing.T) {
	t.Parallel()
	const doc = `{"a":{"b":[1,2,3]},"x/y":1,"m~n":2,"":3,"null":null}`
	for name, tc := range map[string]struct {
		op, pointer, value, want string
	}{
		"add field":             {"add", "/a/c", `true`, `{"a":{"b":[1,2,3],"c":true},"x/y":1,"m~n":2,"":3,"null":null}`},
		"add overwrites":        {"add", "/a", `1`, `{"a":1,"x/y":1,"m~n":2,"":3,"null":null}`},
		"add element":           {"add", "/a/b/1", `9`, `{"a":{"b":[1,9,2,3]},"x/y":1,"m~n":2,"":3,"null":null}`},
		"add behind the last":   {"add", "/a/b/3", `9`, `{"a":{"b":[1,2,3,9]},"x/y":1,"m~n":2,"":3,"null":null}`},
		"append":                {"add", "/a/b/-", `9`, `{"a":{"b":[1,2,3,9]},"x/y":1,"m~n":2,"":3,"null":null}`},
		"add null":              {"add", "/c", `null`, `{"a":{"b":[1,2,3]},"x/y":1,"m~n":2,"":3,"null":null,"c":null}`},
		"escaped slash":         {"replace", "/x~1y", `5`, `{"a":{"b":[1,2,3]},"x/y":5,"m~n":2,"":3,"null":null}`},
		"escaped tilde":         {"replace", "/m~0n", `5`, `{"a":{"b":[1,2,3]},"x/y":1,"m~n":5,"":3,"null":null}`},
		"empty key":             {"replace", "/", `5`, `{"a":{"b":[1,2,3]},"x/y":1,"m~n":2,"":5,"null":null}`},
		"remove element":        {"remove", "/a/b/0", ``, `{"a":{"b":[2,3]},"x/y":1,"m~n":2,"":3,"null":null}`},
		"remove from the end":   {"remove", "/a/b/-1", ``, `{"a":{"b":[1,2]},"x/y":1,"m~n":2,"":3,"null":null}`},
		"remove null":           {"remove", "/null", ``, `{"a":{"b":[1,2,3]},"x/y":1,"m~n":2,"":3}`},
		"replace element":       {"replace", "/a/b/2", `{"k":1.5}`, `{"a":{"b":[1,2,{"k":1.5}]},"x/y":1,"m~n":2,"":3,"null":null}`},
		"large numbers survive": {"replace", "/a", `9007199254740993`, `{"a":9007199254740993,"x/y":1,"m~n":2,"":3,"null":null}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := patch(decodeTest(t, doc), policyv1alpha1.OverriderOperator(tc.op), tc.pointer, decodeTest(t, tc.value))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(decodeTest(t, tc.want), got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestPatchAgainstLibrary holds our operations against those of the library that Kubernetes uses.
func TestPatchAgainstLibrary(t *testing.T) {
	t.Parallel()
	pointers := []string{"/a", "/a/b", "/a/b/0", "/a/b/-", "/a/b/3", "/a/b/-1", "/a/b/-4", "/a/b/1/c", "/a/b/1/d", "/z", "/z/y", "/s", "/s/t", "/l/0/0", "/l/0/-"}
	values := []string{`1`, `"t"`, `{"c":2}`, `[1]`, `null`, `[]`}
	ops := []string{"add", "remove", "replace"}
	for seed := range uint64(3000) {
		r := rand.New(rand.NewPCG(seed, 0))
		ours, library := decodeTest(t, patchDoc), []byte(patchDoc)
		for range 1 + r.IntN(4) {
			op, pointer, value := ops[r.IntN(3)], pointers[r.IntN(len(pointers))], values[r.IntN(len(values))]
			text := fmt.Sprintf(`[{"op":%q,"path":%q,"value":%s}]`, op, pointer, value)
			p, err := jsonpatch.DecodePatch([]byte(text))
			if err != nil {
				t.Fatal(err)
			}
			next, libraryErr := p.Apply(library)
			got, err := patch(ours, policyv1alpha1.OverriderOperator(op), pointer, decodeTest(t, value))
			if op == "replace" && errors.Is(err, errNotFound) {
				break // where RFC 6902 demands an error, as we give, this version of the library may add the field
			}
			if (err == nil) != (libraryErr == nil) {
				t.Fatalf("seed %d: %s on %s: ours %v, library's %v", seed, text, library, err, libraryErr)
			}
			if err != nil {
				break
			}
			library, ours = next, got
			if diff := cmp.Diff(decodeTest(t, string(library)), ours); diff != "" {
				t.Fatalf("seed %d: %s (-library +ours):\n%s", seed, text, diff)
			}
		}
	}
}

const patchDoc = `{"a":{"b":[1,{"c":2},"x"]},"s":"t","l":[[1,2],3]}`

func decodeTest(t testing.TB, text string) any {
	t.Helper()
	var v any
	if text == "" {
		return nil
	}
	if err := utiljson.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	return v
}
