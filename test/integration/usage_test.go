/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package integration_test

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/manifold-k8s/manifold/test/apitest"
)

// What pods and nodes of all members use is known on the hub; a member that does not tell is named. member1 and member2 have
// a metrics-server.
func TestUsage(t *testing.T) {
	t.Parallel()
	ns := namespace(t)
	for _, m := range fleet[:2] {
		if err := m.Server.StartMetrics(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	pods := running(t, ns, "web", 1, "member1", "member2", "member3")
	slices.SortFunc(pods, func(a, b string) int { return strings.Compare(path.Ext(a), path.Ext(b)) }) // by member
	const silent = "member3 does not serve metrics.k8s.io/v1beta1"
	shows := func(args []string, present, absent []string) {
		t.Helper()
		apitest.Eventually(t, func() error { // a metrics-server knows of a new pod after two of its rounds
			c := hub.StartKubectl(t, "", append([]string{"-n", ns}, args...)...)
			if err := c.Wait(); err != nil {
				return err
			}
			for _, want := range present {
				if !strings.Contains(c.String(), want) {
					return fmt.Errorf("kubectl %q does not show %q:\n%s", args, want, c.String())
				}
			}
			for _, other := range absent {
				if strings.Contains(c.String(), other) {
					return fmt.Errorf("kubectl %q shows %q:\n%s", args, other, c.String())
				}
			}
			return nil
		})
	}
	shows([]string{"top", "pods"}, []string{pods[0], pods[1], "Mi", silent}, []string{pods[2]})
	shows([]string{"top", "pods", "-l", "app=web,cluster=member2"}, []string{pods[1]}, []string{pods[0], silent})
	shows([]string{"top", "pods", "-l", "app=other"}, []string{silent}, []string{"web-"})
	shows([]string{"top", "pod", pods[0], "--containers"}, []string{pods[0], "main"}, []string{pods[1]})
	shows([]string{"top", "nodes"}, []string{"member1-node1.member1 ", "member2-node2.member2 ", "member3-node1.member3   <unknown>", silent}, nil)
	shows([]string{"get", "pods.metrics.k8s.io"}, []string{"CLUSTER", "CPU", "WINDOW", pods[0]}, nil)

	user := account(t, ns, "view")
	apitest.Eventually(t, func() error { // the server needs a moment to learn about a RoleBinding
		return user.Has(t.Context(), "pods.metrics.k8s.io", ns, pods[0])
	})
	for what, err := range map[string]error{
		"usage elsewhere": user.Has(t.Context(), "pods.metrics.k8s.io", "default", pods[0]),
		"usage of nodes":  user.Has(t.Context(), "nodes.metrics.k8s.io", "", "member1-node1.member1"),
	} {
		if err := forbidden(err); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
}
