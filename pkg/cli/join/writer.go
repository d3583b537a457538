/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package join

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/utils/ptr"

	"github.com/manifold-k8s/manifold/pkg/cli/access"
	"github.com/manifold-k8s/manifold/pkg/cli/enrol"
)

// fieldManager is the field manager of all that the command applies.
const fieldManager = "kubectl-manifold"

// writer applies objects to one server and prints what it does.
type writer struct {
	where  string // the server, for the reader of the output
	server *access.Server
	dryRun bool // look, print, and leave everything as it is
	out    io.Writer
}

func (w *writer) say(kind, name, outcome string) {
	fmt.Fprintf(w.out, "%-8s %s/%s %s\n", w.where, strings.ToLower(kind), name, outcome)
}

func (w *writer) resource(obj enrol.Object) dynamic.ResourceInterface {
	return w.server.Resource(obj.GetObjectKind().GroupVersionKind(), obj.GetNamespace())
}

// apply makes obj or brings it up to date, and prints which.
func (w *writer) apply(ctx context.Context, obj enrol.Object) error {
	kind := obj.GetObjectKind().GroupVersionKind().Kind
	before, err := w.resource(obj).Get(ctx, obj.GetName(), metav1.GetOptions{})
	exists := !apierrors.IsNotFound(err)
	if exists && err != nil {
		return fmt.Errorf("read %s %s: %w", strings.ToLower(kind), obj.GetName(), err)
	}
	switch {
	case w.dryRun && exists:
		w.say(kind, obj.GetName(), "would be brought up to date")
		return nil
	case w.dryRun:
		w.say(kind, obj.GetName(), "would be created")
		return nil
	}
	version, err := w.send(ctx, obj)
	switch {
	case err != nil:
		return err
	case !exists:
		w.say(kind, obj.GetName(), "created")
	case before.GetResourceVersion() == version:
		w.say(kind, obj.GetName(), "unchanged")
	default:
		w.say(kind, obj.GetName(), "updated")
	}
	return nil
}

// send applies obj without a word and returns its new resource version.
func (w *writer) send(ctx context.Context, obj enrol.Object) (string, error) {
	kind := strings.ToLower(obj.GetObjectKind().GroupVersionKind().Kind)
	body, err := json.Marshal(obj)
	if err != nil {
		return "", fmt.Errorf("encode %s %s: %w", kind, obj.GetName(), err)
	}
	opts := metav1.PatchOptions{FieldManager: fieldManager, Force: ptr.To(true)}
	after, err := w.resource(obj).Patch(ctx, obj.GetName(), types.ApplyPatchType, body, opts)
	if err != nil {
		return "", fmt.Errorf("apply %s %s: %w", kind, obj.GetName(), err)
	}
	return after.GetResourceVersion(), nil
}

// ensureNamespace makes the namespace if it is missing, and never changes one that exists.
func (w *writer) ensureNamespace(ctx context.Context, name string) error {
	ns, err := w.server.Namespace(ctx, name)
	switch {
	case err != nil:
		return err
	case ns != nil && ns.DeletionTimestamp != nil:
		return fmt.Errorf("namespace %s of %s is being deleted; run the same command again when it is gone", name, w.server.Host)
	case ns != nil:
		w.say("Namespace", name, "unchanged")
		return nil
	case w.dryRun:
		w.say("Namespace", name, "would be created")
		return nil
	}
	opts := metav1.CreateOptions{FieldManager: fieldManager}
	if _, err := w.server.Kube.CoreV1().Namespaces().Create(ctx, enrol.Namespace(name), opts); err != nil {
		return fmt.Errorf("create namespace %s: %w", name, err)
	}
	w.say("Namespace", name, "created")
	return nil
}
