/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package integration_test

import (
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
	"github.com/manifold-k8s/manifold/test/apitest"
)

// An override that cannot be applied in one of three clusters stops this object there, and nothing else: not the object
// elsewhere, not what else goes to the cluster. Condition, event and metric say where the fault is, and when it is mended,
// the cluster is like the others.
func TestOverrideErrorIsIsolated(t *testing.T) {
	t.Parallel()
	ns := namespace(t)
	rules := func(path string) string {
		return fmt.Sprintf(`{overriders: {labelsOverrider: [{operator: add, value: {rule: first}}]}},
			{targetCluster: {clusterNames: [member2]}, overriders: {plaintext: [{path: %s, operator: replace, value: dressed}]}}`, path)
	}
	hub.Create(t, ns, docs(overridePolicy("bad", byName("ConfigMap", "c"), rules("/data/nosuch")),
		policy("p", all("ConfigMap"), on("member1", "member2", "member3")), configMap("c", "old"), configMap("other", "old")))
	expectOn(t, "configmaps", ns, "c", "member1", "member3")
	expectOn(t, "configmaps", ns, "other", "member1", "member2", "member3")
	expectApplied(t, hub, ns, "other", "ConfigMap")
	where := fmt.Sprintf("OverridePolicy %s/bad, rule 1, overriders.plaintext[0]: replace /data/nosuch: ", ns)
	expectFailure(t, ns, "c", "ConfigMap", "member2", where)
	apitest.Eventually(t, func() error {
		b, err := binding(t.Context(), hub, ns, "c", "ConfigMap")
		if err != nil {
			return err
		}
		return says(b.Status.Conditions, workv1alpha2.FullyApplied, metav1.ConditionFalse, workv1alpha2.FullyAppliedFailedReason,
			"2 of 3 clusters have the current manifest; not applied in member2: "+where)
	})
	apitest.Eventually(t, func() error {
		now, err := series(t.Context())
		if n := now[`manifold_sync_errors_total{member="member2",reason="override"}`]; err == nil && n < 1 {
			err = fmt.Errorf("%v errors are counted", n)
		}
		return err
	})

	// A copy that is there stays as it is while the template moves on, and what has been said is not said again.
	hub.Patch(t, "overridepolicies", ns, "bad", fmt.Sprintf(`spec: {overrideRules: [%s]}`, rules("/data/key")))
	expectData(t, fleet[1].API, ns, "c", "dressed")
	expectApplied(t, hub, ns, "c", "ConfigMap")
	hub.Patch(t, "overridepolicies", ns, "bad", fmt.Sprintf(`spec: {overrideRules: [%s]}`, rules("/data/another")))
	expectEvent(t, ns, "c", "ApplyOverridePolicyFailed", "member2: OverridePolicy "+ns+"/bad, rule 1, overriders.plaintext[0]: replace /data/another: ")
	for _, value := range []string{"new", "newer"} {
		hub.Patch(t, "configmaps", ns, "c", `data: {key: `+value+`}`)
		expectData(t, fleet[0].API, ns, "c", value)
		expectData(t, fleet[2].API, ns, "c", value)
	}
	expectData(t, fleet[1].API, ns, "c", "dressed")
	events, err := hub.Kube.CoreV1().Events(ns).List(t.Context(), metav1.ListOptions{FieldSelector: "reason=ApplyOverridePolicyFailed"})
	if err != nil {
		t.Fatal(err)
	}
	told := map[string]int32{}
	for _, e := range events.Items {
		told[e.Message] += max(e.Count, 1)
		if e.InvolvedObject.Name != "c" || e.Type != corev1.EventTypeWarning {
			t.Errorf("event %+v", e)
		}
	}
	for message, times := range told {
		if times != 1 {
			t.Errorf("told %d times: %s", times, message)
		}
	}
	if len(told) != 2 {
		t.Errorf("%d failures were told of, want 2: %v", len(told), told)
	}

	hub.Patch(t, "overridepolicies", ns, "bad", `spec: {overrideRules: [{targetCluster: {clusterNames: [member2]}, overriders: {labelsOverrider: [{operator: add, value: {mended: "yes"}}]}}]}`)
	expectData(t, fleet[1].API, ns, "c", "newer")
	b := expectApplied(t, hub, ns, "c", "ConfigMap")
	if c := meta.FindStatusCondition(b.Status.Conditions, workv1alpha2.FullyApplied); c.Message != "3 of 3 clusters have the current manifest" {
		t.Errorf("condition %+v", c)
	}
}
