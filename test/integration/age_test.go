/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package integration_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/api/meta"

	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
	"github.com/manifold-k8s/manifold/test/apitest"
)

// What is told of a member that does not answer carries the time of which it is, the same after the hub was restarted, and
// no longer than until the member answers.
func TestAgeOfState(t *testing.T) {
	h := alone(t)
	ns := namespaceOn(t, h)
	h.Create(t, ns, docs(policy("all", all("ConfigMap"), "clusterAffinity: {}"), configMap("c", "v")))
	expectApplied(t, h, ns, "c", "ConfigMap")
	away := bare[2]
	back := stop(t, away)
	says := func(check func(workv1alpha2.AggregatedStatusItem) error) func() error {
		return func() error {
			b, err := binding(t.Context(), h, ns, "c", "ConfigMap")
			if err != nil {
				return err
			}
			i, err := item(b, away.Name)
			if err != nil {
				return err
			}
			c := meta.FindStatusCondition(b.Status.Conditions, workv1alpha2.FullyApplied)
			if c == nil || c.ObservedGeneration != b.Generation || strings.Contains(c.Message, away.Name) != (i.AppliedMessage != "") {
				err = fmt.Errorf("FullyApplied is %+v, the binding of generation %d", c, b.Generation)
			}
			return errors.Join(err, check(i))
		}
	}
	cluster := func() string {
		c, err := h.Get(t.Context(), "clusters", "", away.Name)
		if err != nil {
			t.Fatal(err)
		}
		for _, condition := range field(c, "status", "conditions").([]any) {
			if m := condition.(map[string]any); m["type"] == "Ready" && m["status"] != "True" {
				return m["lastTransitionTime"].(string)
			}
		}
		return "a time that is not there yet"
	}
	old := func(applied bool) func(i workv1alpha2.AggregatedStatusItem) error {
		return func(i workv1alpha2.AggregatedStatusItem) error {
			if want := "does not answer since " + cluster() + ";"; !strings.Contains(i.AppliedMessage, want) || i.Applied != applied {
				return fmt.Errorf("%s: applied %v, message %q, want %q", i.ClusterName, i.Applied, i.AppliedMessage, want)
			}
			return nil
		}
	}
	apitest.Eventually(t, says(old(true)))
	since := cluster()

	if err := h.Stop(); err != nil {
		t.Fatal(err)
	}
	if err := h.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	// Whether the member has the manifest that is the present one now, nobody knows any more.
	apitest.Eventually(t, says(old(false)))
	if now := cluster(); now != since {
		t.Errorf("after a restart, the state is of %s, it was of %s", now, since)
	}
	back()
	apitest.Eventually(t, says(func(i workv1alpha2.AggregatedStatusItem) error {
		if !i.Applied || i.AppliedMessage != "" {
			return fmt.Errorf("%s: applied %v, message %q", i.ClusterName, i.Applied, i.AppliedMessage)
		}
		return nil
	}))
}
