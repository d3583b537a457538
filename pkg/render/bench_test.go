/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package render

import (
	"encoding/json"
	"hash/fnv"
	"testing"
)

func BenchmarkRender(b *testing.B) {
	tmpl, overrides := readTemplate(b, "testdata/deployment"), readOverrides(b, "testdata/deployment")
	target := goldenTarget(tmpl)
	for name, n := range map[string]int{"overrides=0": 0, "overrides=2": len(overrides)} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Render(tmpl, target, overrides[:n]); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkHolds(b *testing.B) {
	tmpl := readTemplate(b, "testdata/deployment")
	desired, err := Render(tmpl, goldenTarget(tmpl), nil)
	if err != nil {
		b.Fatal(err)
	}
	live := desired.DeepCopy()
	b.ReportAllocs()
	for b.Loop() {
		if !Holds(desired, live) {
			b.Fatal("does not hold")
		}
	}
}

func BenchmarkHash(b *testing.B) {
	tmpl := readTemplate(b, "testdata/deployment")
	b.ReportAllocs()
	for b.Loop() {
		Hash(tmpl)
	}
}

// BenchmarkFingerprint compares the walk with hashing the JSON text.
func BenchmarkFingerprint(b *testing.B) {
	live := readTemplate(b, "testdata/deployment")
	b.Run("walk", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			Fingerprint(live)
		}
	})
	b.Run("json", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			text, err := json.Marshal(live.Object)
			if err != nil {
				b.Fatal(err)
			}
			h := fnv.New64a()
			h.Write(text)
			h.Sum64()
		}
	})
}
