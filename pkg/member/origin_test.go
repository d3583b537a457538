/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package member

import (
	"fmt"
	"runtime"
	"testing"
	"time"
	"unsafe"

	"k8s.io/apimachinery/pkg/types"
	utiljson "k8s.io/apimachinery/pkg/util/json"
)

// Copies of a template share their strings, also after one of them has gone, and are forgotten with the last of them.
func TestOriginsAreShared(t *testing.T) {
	t.Parallel()
	table := newShared(origins.hash, origins.equal)
	share := func(name string) *origin {
		return table.get(&origin{key: types.NamespacedName{Name: fmt.Sprint(name)}, hash: fmt.Sprint("hash of ", name)})
	}
	a, again, b := share("a"), share("a"), share("b")
	if a != again || a == b || unsafe.StringData(a.hash) != unsafe.StringData(again.hash) || table.len() != 2 {
		t.Errorf("%p, %p and %p, of %d", a, again, b, table.len())
	}
	deadline := time.Now().Add(30 * time.Second)
	for ; table.len() != 1; runtime.GC() { // cleanups run some time after
		if time.Now().After(deadline) {
			t.Fatalf("there are still %d", table.len())
		}
	}
	if share("a") != a {
		t.Error("the one that is held has been forgotten")
	}
	runtime.KeepAlive(a)
}

// BenchmarkCopies measures what 10,000 copies in each of 10 members take.
func BenchmarkCopies(b *testing.B) {
	const members, each = 10, 10_000
	for b.Loop() {
		var told []string
		fleet := make([]*copies, members)
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		for i := range fleet {
			s := watched(&told)
			s.member.events = nil
			fleet[i] = s
			for n := range each {
				u := managed(fmt.Sprint("application-", n), fmt.Sprintf("%032x", n))
				u.SetUID(types.UID(fmt.Sprintf("%08x-0000-4000-8000-%012x", i, n)))
				labels, annotations := u.GetLabels(), u.GetAnnotations()
				labels["resourcebinding.karmada.io/permanent-id"] = fmt.Sprintf("%08x-0000-4000-8000-%012x", 77, n)
				annotations["resourcetemplate.karmada.io/uid"] = fmt.Sprintf("%08x-0000-4000-8000-%012x", 78, n)
				u.SetLabels(labels)
				u.SetAnnotations(annotations)
				data, err := u.MarshalJSON()
				if err != nil {
					b.Fatal(err)
				}
				u.Object = nil
				if err := utiljson.Unmarshal(data, &u.Object); err != nil {
					b.Fatal(err)
				}
				s.seen(u, true)
			}
		}
		runtime.GC()
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/(members*each), "B/copy")
		runtime.KeepAlive(fleet)
	}
}
