/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package integration_test

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"testing"
)

// The program in examples/client-go does what it says.
func TestClientGoExample(t *testing.T) {
	t.Parallel()
	ns := namespace(t)
	binary := filepath.Join(t.TempDir(), "client-go")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "github.com/manifold-k8s/manifold/examples/client-go").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	out, err := exec.CommandContext(t.Context(), binary, "--kubeconfig", hub.Kubeconfig, "--namespace", ns, "--lines", "1").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	contains(t, string(out), "created Deployment and PropagationPolicy "+ns+"/hello", "3 replicas are ready", "log of hello-")
	for i := range fleet {
		member := fmt.Sprintf("member%d", i+1)
		contains(t, string(out), "."+member+": Running, cluster "+member+", node ")
	}
}
