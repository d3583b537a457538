/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package integration_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/manifold-k8s/manifold/test/apitest"
)

// contains checks the output of a command.
func contains(t *testing.T, out string, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if !strings.Contains(out, p) {
			t.Errorf("output lacks %q:\n%s", p, out)
		}
	}
}

// The verbs of kubectl do on the hub what they do on a cluster, and the members follow.
func TestKubectl(t *testing.T) {
	t.Parallel()
	ns := namespace(t)
	manifest := docs(deployment("web", 2), policy("p", all("Deployment"), on("member1", "member2")))
	kubectl := func(stdin string, args ...string) string {
		t.Helper()
		return hub.Kubectl(t, stdin, append([]string{"-n", ns}, args...)...)
	}

	watch := hub.StartKubectl(t, "", "-n", ns, "get", "deployments", "-w")
	contains(t, kubectl(manifest, "apply", "-f", "-"), "deployment.apps/web created", "propagationpolicy.policy.karmada.io/p created")
	rollOut(t, ns, "web", 4)
	before := kubectl("", "get", "pp/p", "deployment/web", "-o", "yaml")
	// The namespace that the server has filled into the policy's selectors makes kubectl send a patch, which changes nothing.
	contains(t, kubectl(manifest, "apply", "-f", "-"), "deployment.apps/web unchanged", "propagationpolicy.policy.karmada.io/p ")
	if diff := cmp.Diff(before, kubectl("", "get", "pp/p", "deployment/web", "-o", "yaml")); diff != "" {
		t.Errorf("changed by a second apply (-before +after):\n%s", diff)
	}
	if out := kubectl(manifest, "diff", "-f", "-"); out != "" { // it fails when there is a difference
		t.Errorf("differences after apply:\n%s", out)
	}
	apitest.Eventually(t, func() error {
		if !watch.Running() || !strings.Contains(watch.String(), "4/2") {
			return fmt.Errorf("get -w has not shown the rollout:\n%s", watch.String())
		}
		return nil
	})

	kubectl("", "scale", "deployment/web", "--replicas=3")
	expectShares(t, ns, "web", map[string]int32{"member1": 3, "member2": 3})
	kubectl("", "set", "image", "deployment/web", "main=nginx:2")
	for _, m := range fleet[:2] {
		expectLook(t, m, ns, "web", look{Image: "nginx:2", Command: []string{"serve"}, Args: []string{"--port", "80"}})
	}
	contains(t, kubectl("", "rollout", "status", "deployment/web", "--timeout=60s"), "successfully rolled out")
	contains(t, kubectl("", "get", "pp,rb"), "CONFLICT-RESOLUTION", "PRIORITY", "SCHEDULED", "FULLYAPPLIED", "web-deployment")
	contains(t, kubectl("", "describe", "rb", "web-deployment"), "member1", "Healthy")
	contains(t, kubectl("", "explain", "pp.spec.placement"), "clusterAffinity", "replicaScheduling", "DESCRIPTION")

	contains(t, kubectl("", "delete", "deployment/web", "--timeout=30s"), `"web" deleted`)
	expectOn(t, "deployments", ns, "web")
	contains(t, kubectl("", "delete", "pp", "--all", "--timeout=30s"), `"p" deleted`)
}

func TestKubectlServerSide(t *testing.T) {
	t.Parallel()
	ns := namespace(t)
	manifest := docs(deployment("web", 1), policy("p", all("Deployment"), weights(1, 1)))
	kubectl := func(stdin string, args ...string) string {
		t.Helper()
		return hub.Kubectl(t, stdin, append([]string{"-n", ns}, args...)...)
	}
	contains(t, kubectl(manifest, "apply", "--server-side", "-f", "-"), "deployment.apps/web serverside-applied")
	rollOut(t, ns, "web", 1)
	if out := kubectl(manifest, "diff", "--server-side", "-f", "-"); out != "" {
		t.Errorf("differences after apply:\n%s", out)
	}
	changed := strings.Replace(manifest, "replicas: 1", "replicas: 4", 1)
	kubectl(changed, "apply", "--server-side", "-f", "-") // no conflict with what the server itself writes
	expectShares(t, ns, "web", map[string]int32{"member1": 2, "member2": 2})
	contains(t, kubectl(changed, "delete", "-f", "-", "--timeout=30s"), `"web" deleted`, `"p" deleted`)
	expectOn(t, "deployments", ns, "web")
}
