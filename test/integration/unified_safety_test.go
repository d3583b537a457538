/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package integration_test

import (
	"fmt"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/manifold-k8s/manifold/test/apitest"
)

// The hub's own controllers act on what the hub stores. They must not see what is in the members: that the hub has not got
// an owner or a namespace is no reason to delete anything there.
func TestUnifiedHousekeeping(t *testing.T) {
	t.Parallel()
	ns := unique("it-foreign")
	member := fleet[0]
	// A namespace, and what is in it, that the member had before: Manifold does not delete it there.
	if _, err := member.Kube.CoreV1().Namespaces().Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: ns}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = member.Kube.CoreV1().Namespaces().Delete(contextAfter(), ns, metav1.DeleteOptions{}) })
	member.Create(t, ns, deployment("web", 2))
	if _, err := hub.Kube.CoreV1().Namespaces().Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: ns}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	names := expectPods(t, ns, "app=web", 2)
	hub.Create(t, ns, configMap("goes", "with the namespace"))

	checkHousekeeping(t, ns, names[0])
	if err := hub.Kube.CoreV1().Namespaces().Delete(t.Context(), ns, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	apitest.Eventually(t, func() error { return hub.Lacks(t.Context(), "namespaces", "", ns) })
	apitest.Always(t, 3*time.Second, func() error {
		for _, name := range names {
			p, err := hub.Kube.CoreV1().Pods(ns).Get(t.Context(), name, metav1.GetOptions{})
			if err != nil {
				return err
			}
			if p.DeletionTimestamp != nil {
				return fmt.Errorf("%s is being deleted", name)
			}
		}
		return nil
	})
}

// checkHousekeeping acts as the hub's own controllers do, who see nothing of a member's pod and what is around it.
func checkHousekeeping(t *testing.T, ns, pod string) {
	t.Helper()
	system := asHousekeeping(t)
	for what, list := range map[string]func() (int, error){
		"pods": func() (int, error) {
			l, err := system.CoreV1().Pods(ns).List(t.Context(), metav1.ListOptions{})
			return len(l.Items), err
		},
		"replica sets": func() (int, error) {
			l, err := system.AppsV1().ReplicaSets(ns).List(t.Context(), metav1.ListOptions{})
			return len(l.Items), err
		},
		"nodes": func() (int, error) {
			l, err := system.CoreV1().Nodes().List(t.Context(), metav1.ListOptions{})
			return len(l.Items), err
		},
	} {
		if n, err := list(); err != nil || n != 0 {
			t.Errorf("housekeeping sees %d %s: %v", n, what, err)
		}
	}
	if _, err := system.CoreV1().Pods(ns).Get(t.Context(), pod, metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("housekeeping gets a pod: %v", err)
	}
	if err := system.CoreV1().Pods(ns).Delete(t.Context(), pod, metav1.DeleteOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("housekeeping deletes a pod: %v", err)
	}
	if err := system.CoreV1().Pods(ns).DeleteCollection(t.Context(), metav1.DeleteOptions{}, metav1.ListOptions{}); err != nil {
		t.Errorf("housekeeping deletes all pods: %v", err)
	}
}

// asHousekeeping acts as the hub's own controllers do.
func asHousekeeping(t *testing.T) kubernetes.Interface {
	t.Helper()
	cfg := rest.CopyConfig(hub.Config)
	cfg.Impersonate = rest.ImpersonationConfig{UserName: user.APIServerUser, Groups: []string{user.SystemPrivilegedGroup}}
	client, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return client
}
