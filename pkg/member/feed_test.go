/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package member

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
)

// list feeds a complete list to k, as a reflector does that gets it as a stream.
func list(k keeper, objs ...*unstructured.Unstructured) error {
	f := &feed{keeper: k}
	held := make([]any, len(objs))
	for i, o := range objs {
		var err error
		if held[i], err = f.Transformer()(o); err != nil {
			return err
		}
	}
	return f.Replace(held, "")
}

func change(k keeper, o *unstructured.Unstructured) error { return (&feed{keeper: k}).Update(o) }

func remove(k keeper, o *unstructured.Unstructured) error { return (&feed{keeper: k}).Delete(o) }

// notes is a keeper that writes down what it is told.
type notes []string

func (n *notes) seen(u *unstructured.Unstructured, listed bool) {
	*n = append(*n, fmt.Sprintf("seen %s listed=%v", keyOf(u), listed))
}

func (n *notes) gone(key types.NamespacedName) { *n = append(*n, fmt.Sprintf("gone %s", key)) }

func (n *notes) complete(there map[types.NamespacedName]bool) {
	var keys []string
	for key := range there {
		keys = append(keys, key.String())
	}
	slices.Sort(keys)
	*n = append(*n, fmt.Sprintf("complete %v", keys))
}

func TestFeed(t *testing.T) {
	t.Parallel()
	var told notes
	f := &feed{keeper: &told}
	wide := managed("wide", "1")
	wide.SetNamespace("")
	page := names(&unstructured.UnstructuredList{
		Object: map[string]any{"metadata": map[string]any{"resourceVersion": "7", "continue": "c", "remainingItemCount": int64(3)}},
		Items:  []unstructured.Unstructured{*managed("b", "1"), *wide},
	})
	if page.ResourceVersion != "7" || page.Continue != "c" || *page.RemainingItemCount != 3 {
		t.Errorf("the page became %+v", page.ListMeta)
	}
	held, err := f.Transformer()(wide)
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{
		change(&told, managed("a", "1")), remove(&told, managed("a", "1")),
		f.Replace([]any{held, &page.Items[0]}, ""), f.Resync(),
	} {
		if err != nil {
			t.Error(err)
		}
	}
	f.end()
	if err := f.Add(managed("late", "1")); err != nil {
		t.Error(err)
	}
	want := notes{"seen /wide listed=true", "seen ns/a listed=false", "gone ns/a", "complete [/wide ns/b]"}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if _, err := f.Transformer()(&metav1.Status{}); err != nil {
		t.Error(err)
	}
}

// A copy that has been seen is known before the list is complete; that there is none, only afterwards.
func TestCopyBeforeTheListIsComplete(t *testing.T) {
	t.Parallel()
	var told []string
	s := watched(&told)
	s.seen(managed("a", "1"), true)
	for name, want := range map[string]bool{"a": true, "b": false} {
		if c, known := s.member.Copy(configMaps, types.NamespacedName{Namespace: "ns", Name: name}); known != want || (c != nil) != want {
			t.Errorf("%s: known %v, copy %v", name, known, c)
		}
	}
	if err := list(s, managed("b", "1")); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{"a": false, "b": true} {
		if c, known := s.member.Copy(configMaps, types.NamespacedName{Namespace: "ns", Name: name}); !known || (c != nil) != want {
			t.Errorf("after the list, %s: known %v, copy %v", name, known, c)
		}
	}
}
