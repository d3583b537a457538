/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package integration_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/manifold-k8s/manifold/test/apitest"
)

// running makes a Deployment with that many replicas in each of clusters, and returns the names of its pods on the hub when
// all of them run.
func running(t *testing.T, ns, name string, replicas int, clusters ...string) []string {
	t.Helper()
	hub.Create(t, ns, docs(deployment(name, replicas), policy(name, byName("Deployment", name), on(clusters...))))
	rollOut(t, ns, name, int32(replicas*len(clusters)))
	var names []string
	apitest.Eventually(t, func() (err error) {
		names, err = podsOf(t.Context(), hub.API, ns, name)
		if err == nil && len(names) != replicas*len(clusters) {
			err = fmt.Errorf("pods on the hub: %v", names)
		}
		return err
	})
	return names
}

// podsOf are the names of the pods of an app on the hub that run.
func podsOf(ctx context.Context, h *apitest.API, ns, app string) ([]string, error) {
	list, err := h.Kube.CoreV1().Pods(ns).List(ctx, metav1.ListOptions{LabelSelector: "app=" + app})
	if err != nil {
		return nil, err
	}
	var names []string
	for _, p := range list.Items {
		if p.Status.Phase == corev1.PodRunning {
			names = append(names, p.Name)
		}
	}
	slices.Sort(names)
	return names, nil
}

// lines are those of a command's output that contain a word.
func lines(out, word string) []string {
	var found []string
	for line := range strings.Lines(out) {
		if strings.Contains(line, word) {
			found = append(found, strings.TrimSpace(line))
		}
	}
	return found
}

// What runs in the members is shown as if it were in one cluster.
func TestUnifiedGet(t *testing.T) {
	t.Parallel()
	ns := namespace(t)
	names := running(t, ns, "web", 2, "member1", "member2")
	kubectl := func(args ...string) string {
		t.Helper()
		return hub.Kubectl(t, "", append([]string{"-n", ns}, args...)...)
	}
	t.Log(kubectl("get", "pods", "-o", "wide"))
	t.Log(kubectl("get", "pods,rs,endpointslices,events"))
	t.Log(kubectl("get", "nodes"))
	t.Log(kubectl("describe", "deployment", "web"))
	t.Log(kubectl("describe", "pod", names[0]))
	t.Log(kubectl("get", "pod", names[0], "-o", "yaml"))
}
