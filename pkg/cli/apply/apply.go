/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

// Package apply writes objects to an API server by server-side apply, and tells a user what became of each.
package apply

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/utils/ptr"

	"github.com/manifold-k8s/manifold/pkg/cli/access"
	"github.com/manifold-k8s/manifold/pkg/cli/enrol"
)

// FieldManager is the field manager of all that commands apply.
const FieldManager = "kubectl-manifold"

// Writer applies objects to one server and prints what it does.
type Writer struct {
	Where  string // the server, for the reader of the output
	Server *access.Server
	DryRun bool // look, print, and leave everything as it is
	Out    io.Writer
}

// Say prints what became of an object.
func (w *Writer) Say(kind, name, outcome string) {
	fmt.Fprintf(w.Out, "%-8s %s/%s %s\n", w.Where, strings.ToLower(kind), name, outcome)
}

func (w *Writer) resource(obj enrol.Object) dynamic.ResourceInterface {
	return w.Server.Resource(obj.GetObjectKind().GroupVersionKind(), obj.GetNamespace())
}

// Apply makes obj or brings it up to date, and prints which.
func (w *Writer) Apply(ctx context.Context, obj enrol.Object) error {
	kind := obj.GetObjectKind().GroupVersionKind().Kind
	before, err := w.resource(obj).Get(ctx, obj.GetName(), metav1.GetOptions{})
	exists := !apierrors.IsNotFound(err)
	if exists && err != nil {
		return fmt.Errorf("read %s %s: %w", strings.ToLower(kind), obj.GetName(), err)
	}
	switch {
	case w.DryRun && exists:
		w.Say(kind, obj.GetName(), "would be brought up to date")
		return nil
	case w.DryRun:
		w.Say(kind, obj.GetName(), "would be created")
		return nil
	}
	version, err := w.Send(ctx, obj)
	switch {
	case err != nil:
		return err
	case !exists:
		w.Say(kind, obj.GetName(), "created")
	case before.GetResourceVersion() == version:
		w.Say(kind, obj.GetName(), "unchanged")
	default:
		w.Say(kind, obj.GetName(), "updated")
	}
	return nil
}

// Send applies obj without a word and returns its new resource version.
func (w *Writer) Send(ctx context.Context, obj enrol.Object) (string, error) {
	kind := strings.ToLower(obj.GetObjectKind().GroupVersionKind().Kind)
	body, err := json.Marshal(obj)
	if err != nil {
		return "", fmt.Errorf("encode %s %s: %w", kind, obj.GetName(), err)
	}
	opts := metav1.PatchOptions{FieldManager: FieldManager, Force: ptr.To(true)}
	after, err := w.resource(obj).Patch(ctx, obj.GetName(), types.ApplyPatchType, body, opts)
	if err != nil {
		return "", fmt.Errorf("apply %s %s: %w", kind, obj.GetName(), err)
	}
	return after.GetResourceVersion(), nil
}

// EnsureNamespace makes the namespace if it is missing, and never changes one that exists.
func (w *Writer) EnsureNamespace(ctx context.Context, want *corev1.Namespace) error {
	name := want.Name
	ns, err := w.Server.Namespace(ctx, name)
	switch {
	case err != nil:
		return err
	case ns != nil && ns.DeletionTimestamp != nil:
		return fmt.Errorf("namespace %s of %s is being deleted; run the same command again when it is gone", name, w.Server.Host)
	case ns != nil:
		w.Say("Namespace", name, "unchanged")
		return nil
	case w.DryRun:
		w.Say("Namespace", name, "would be created")
		return nil
	}
	opts := metav1.CreateOptions{FieldManager: FieldManager}
	if _, err := w.Server.Kube.CoreV1().Namespaces().Create(ctx, want, opts); err != nil {
		return fmt.Errorf("create namespace %s: %w", name, err)
	}
	w.Say("Namespace", name, "created")
	return nil
}
