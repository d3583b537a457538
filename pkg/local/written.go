/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package local

import (
	"context"
	"sync/atomic"

	"k8s.io/apimachinery/pkg/runtime"
	etcdstorage "k8s.io/apiserver/pkg/storage"
)

// Written is the highest resource version that this process has written of one resource. A cache that has seen it knows
// all that clients of this process have been told is stored. What other processes write to the same store it does not
// know of. The zero value is ready.
type Written struct{ revision atomic.Uint64 }

// Revision returns it; 0 when nothing was written yet.
func (w *Written) Revision() uint64 { return w.revision.Load() }

// Raise notes a write of that resource version.
func (w *Written) Raise(revision uint64) {
	for old := w.revision.Load(); revision > old; old = w.revision.Load() {
		if w.revision.CompareAndSwap(old, revision) {
			return
		}
	}
}

// Note returns the storage with a memory: before a write returns, w has its resource version. Dry runs, which never get as
// far as the storage, leave no trace.
func (w *Written) Note(s etcdstorage.Interface) etcdstorage.Interface { return noting{s, w} }

type noting struct {
	etcdstorage.Interface
	written *Written
}

func (n noting) Create(ctx context.Context, key string, obj, out runtime.Object, ttl uint64) error {
	if err := n.Interface.Create(ctx, key, obj, out, ttl); err != nil {
		return err
	}
	return n.note(out)
}

func (n noting) Delete(ctx context.Context, key string, out runtime.Object, preconditions *etcdstorage.Preconditions,
	validate etcdstorage.ValidateObjectFunc, cached runtime.Object, o etcdstorage.DeleteOptions) error {
	if err := n.Interface.Delete(ctx, key, out, preconditions, validate, cached, o); err != nil {
		return err
	}
	return n.note(out) // of the deletion, not of the object's last state
}

func (n noting) GuaranteedUpdate(ctx context.Context, key string, out runtime.Object, ignoreNotFound bool,
	preconditions *etcdstorage.Preconditions, update etcdstorage.UpdateFunc, cached runtime.Object) error {
	if err := n.Interface.GuaranteedUpdate(ctx, key, out, ignoreNotFound, preconditions, update, cached); err != nil {
		return err
	}
	return n.note(out)
}

func (n noting) note(stored runtime.Object) error {
	revision, err := n.Versioner().ObjectResourceVersion(stored)
	if err != nil {
		return err
	}
	n.written.Raise(revision)
	return nil
}
