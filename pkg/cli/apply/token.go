/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package apply

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/manifold-k8s/manifold/pkg/cli/await"
	"github.com/manifold-k8s/manifold/pkg/cli/enrol"
)

// tokenTimeout is how long a cluster may take to issue a token. A token controller that runs takes well under a second.
const tokenTimeout = 30 * time.Second

// Token makes want, a Secret for a token of the service account of the same name, and returns it with the token, which it
// waits for; nil in a dry run.
func (w *Writer) Token(ctx context.Context, want *corev1.Secret) (*corev1.Secret, error) {
	namespace, name := want.Namespace, want.Name
	if w.DryRun {
		return nil, w.Apply(ctx, want)
	}
	core := w.Server.Kube.CoreV1()
	account, err := core.ServiceAccounts(namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return nil, fmt.Errorf("read service account %s: %w", name, err)
	}
	secrets := core.Secrets(namespace)
	old, err := secrets.Get(ctx, name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
	case err != nil:
		return nil, fmt.Errorf("read secret %s: %w", name, err)
	case enrol.TokenStateOf(old, account) == enrol.TokenStale:
		err := secrets.Delete(ctx, name, *metav1.NewPreconditionDeleteOptions(string(old.UID)))
		if err != nil && !apierrors.IsNotFound(err) {
			return nil, fmt.Errorf("delete secret %s of a service account that is gone: %w", name, err)
		}
	}
	if err := w.Apply(ctx, want); err != nil {
		return nil, err
	}
	return awaitToken(ctx, secrets, account, tokenTimeout)
}

// awaitToken waits until the Secret named like the account holds a token of it.
func awaitToken(ctx context.Context, secrets await.Client[*corev1.Secret], account *corev1.ServiceAccount, timeout time.Duration) (*corev1.Secret, error) {
	late := fmt.Errorf("no token for service account %s after %v; check that the cluster's kube-controller-manager runs, "+
		"then run the same command again", account.Name, timeout)
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, late)
	defer cancel()
	var issued *corev1.Secret
	err := await.Until(ctx, secrets, account.Name, func(secret *corev1.Secret, exists bool) (bool, error) {
		if !exists || enrol.TokenStateOf(secret, account) == enrol.TokenStale {
			return false, errors.New("it was deleted or replaced meanwhile; run the same command again")
		}
		issued = secret
		return enrol.TokenStateOf(secret, account) == enrol.TokenIssued, nil
	})
	if err != nil {
		return nil, fmt.Errorf("wait for secret %s: %w", account.Name, err)
	}
	return issued, nil
}
