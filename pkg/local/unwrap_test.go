/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package local

import (
	"testing"
	"testing/synctest"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
)

// synctest fails a test that leaves a goroutine blocked.
func TestStopEndsAWatchThatNobodyReads(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(*testing.T) {
		source := watch.NewFake()
		w := unwrap(source, func(metav1.Object) runtime.Object { return nil })
		source.Add(&metav1.Status{})
		synctest.Wait() // the event waits for a reader
		w.Stop()
		w.Stop()
	})
}

// told is an object in the wrapper of a watch cache.
type told struct {
	metav1.Object
	runtime.CacheableObject
	copies *int
}

func (o told) GetObject() runtime.Object {
	*o.copies++
	return &metav1.PartialObjectMetadata{}
}

func (o told) GetObjectKind() schema.ObjectKind { return schema.EmptyObjectKind }
func (o told) DeepCopyObject() runtime.Object   { return o }

// What the cache holds is shared, if it is what it tells of; else the object is copied.
func TestSharedOrCopied(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		kind    watch.EventType
		version string // of what is told; the cache holds version 7
		of      string
		copied  bool
	}{
		"new":            {watch.Added, "7", "web", false},
		"changed":        {watch.Modified, "7", "web", false},
		"gone":           {watch.Deleted, "7", "web", true},
		"changed again":  {watch.Modified, "6", "web", true},
		"gone meanwhile": {watch.Modified, "7", "other", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			held := newDeployment()
			held.ResourceVersion = "7"
			copies := 0
			source := watch.NewFake()
			w := unwrap(source, current(t.Context(), &storage{object: held}))
			defer w.Stop()
			go source.Action(tc.kind, told{Object: &metav1.ObjectMeta{Name: tc.of, ResourceVersion: tc.version}, copies: &copies})
			event := <-w.ResultChan()
			if (event.Object != runtime.Object(held)) != tc.copied || (copies == 1) != tc.copied {
				t.Errorf("copied %d times: %v", copies, event.Object)
			}
		})
	}
}
