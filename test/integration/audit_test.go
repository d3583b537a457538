/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package integration_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"

	"github.com/manifold-k8s/manifold/test/apitest"
)

const auditPolicy = `
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- {level: Metadata, resources: [{group: "", resources: [pods, nodes]}]}
- {level: None}
`

// Whoever reaches a member through the hub leaves a record of who, what and where.
func TestAudit(t *testing.T) {
	dir := t.TempDir()
	policy, log := filepath.Join(dir, "policy.yaml"), filepath.Join(dir, "audit.log")
	if err := os.WriteFile(policy, []byte(auditPolicy), 0o600); err != nil {
		t.Fatal(err)
	}
	h := apitest.NewHub(t, "--audit-policy-file="+policy, "--audit-log-path="+log)
	member := bare[0]
	if err := h.Enrol(t.Context(), member); err != nil {
		t.Fatal(err)
	}
	pod := "nosuch." + member.Name
	if _, err := h.Kube.CoreV1().Pods("default").Get(t.Context(), pod, metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("a pod that is not there: %v", err)
	}
	node := "nosuch." + member.Name
	if err := h.Kube.CoreV1().Nodes().Delete(t.Context(), node, metav1.DeleteOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("a node that is not there: %v", err)
	}

	want := map[string]bool{"get pods default/" + pod: false, "delete nodes /" + node: false}
	apitest.Eventually(t, func() error { // the log is written behind
		for _, e := range auditEvents(t, log) {
			if e.ObjectRef == nil || e.User.Username != "system:admin" || e.Annotations["manifold-k8s.io/cluster"] != member.Name {
				continue
			}
			what := e.ObjectRef.Resource
			if e.ObjectRef.Subresource != "" {
				what += "/" + e.ObjectRef.Subresource
			}
			want[fmt.Sprintf("%s %s %s/%s", e.Verb, what, e.ObjectRef.Namespace, e.ObjectRef.Name)] = true
		}
		for record, there := range want {
			if !there {
				return fmt.Errorf("there is no record of %q", record)
			}
		}
		return nil
	})
}

func auditEvents(t *testing.T, file string) (events []auditv1.Event) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var e auditv1.Event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			return events // the last one is being written
		}
		events = append(events, e)
	}
	return events
}
