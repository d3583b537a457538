/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package local

import (
	"testing"
	"testing/synctest"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
)

// synctest fails a test that leaves a goroutine blocked.
func TestStopEndsAWatchThatNobodyReads(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(*testing.T) {
		source := watch.NewFake()
		w := unwrap(source)
		source.Add(&metav1.Status{})
		synctest.Wait() // the event waits for a reader
		w.Stop()
		w.Stop()
	})
}
