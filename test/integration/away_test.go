/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package integration_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	clusterv1alpha1 "github.com/manifold-k8s/manifold/apis/cluster/v1alpha1"
	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
	"github.com/manifold-k8s/manifold/test/apitest"
)

const (
	// nextToNothing is how long a create may take to be visible in the members that answer, while another is away.
	nextToNothing = time.Second
	// backInSync is how long a member that returns may take to be up to date.
	backInSync = 15 * time.Second
)

// alone starts a hub for one test, with the bare members joined to it.
func alone(t *testing.T) *apitest.Hub {
	t.Helper()
	h := apitest.NewHub(t)
	for _, m := range bare {
		if err := h.Enrol(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	return h
}

// stop stops a bare member for the rest of the test, unless back is called before.
func stop(t *testing.T, m *apitest.Member) (back func()) {
	t.Helper()
	m.Server.Stop()
	restart := func() {
		if err := m.Server.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		if err := m.Server.Restart(contextAfter()); err != nil {
			t.Error(err)
		}
	})
	return restart
}

// The others do not feel that a member is away, and nothing of it is taken for absent. What it has missed is made up for.
func TestMemberAway(t *testing.T) {
	h := alone(t)
	ns := namespaceOn(t, h)
	h.Create(t, ns, docs(
		policy("all", all("ConfigMap"), "clusterAffinity: {}"), configMap("kept", "v"), configMap("doomed", "v"),
		policy("divided", all("Deployment"), weightsOver("bare", 1, 1, 1)), deployment("web", 3)))
	for _, m := range bare {
		for resource, name := range map[string]string{"configmaps": "doomed", "deployments": "web"} {
			apitest.Eventually(t, func() error { return m.Has(t.Context(), resource, ns, name) })
		}
	}
	kept := expectApplied(t, h, ns, "kept", "ConfigMap")
	web := expectApplied(t, h, ns, "web", "Deployment")
	away, there := bare[2], bare[:2]
	back := stop(t, away)

	var took []time.Duration
	for i := range 50 {
		name := fmt.Sprintf("c%d", i)
		begin := time.Now()
		h.Create(t, ns, configMap(name, "v"))
		for _, m := range there {
			apitest.Within(t, nextToNothing, func() error { return m.Has(t.Context(), "configmaps", ns, name) })
		}
		took = append(took, time.Since(begin))
	}
	slices.Sort(took)
	t.Logf("create to visible in both others: median %v, slowest %v", took[len(took)/2], took[len(took)-1])
	if slowest := took[len(took)-1]; slowest > nextToNothing {
		t.Errorf("one create took %v to be visible, want at most %v", slowest, nextToNothing)
	}

	h.Delete(t, "configmaps", ns, "doomed")
	h.Patch(t, "configmaps", ns, "kept", `data: {key: changed}`)
	for _, m := range there {
		apitest.Eventually(t, func() error { return m.Lacks(t.Context(), "configmaps", ns, "doomed") })
		expectData(t, m.API, ns, "kept", "changed")
	}
	apitest.Eventually(t, func() error {
		if i := expectStillThere(t, h, kept, away.Name); i.Applied {
			return fmt.Errorf("%s: a change that %s has not got counts as applied there", kept.Name, away.Name)
		}
		return nil
	})
	if i := expectStillThere(t, h, web, away.Name); !i.Applied {
		t.Errorf("%s: what %s holds is not applied any more: %+v", web.Name, away.Name, i)
	}
	doomed, err := binding(t.Context(), h, ns, "doomed", "ConfigMap")
	if err != nil || len(doomed.Finalizers) == 0 {
		t.Errorf("the deletion was forgotten: %v", err)
	}
	back()
	d := apitest.Within(t, backInSync, func() error {
		list, err := away.Kube.CoreV1().ConfigMaps(ns).List(t.Context(), metav1.ListOptions{LabelSelector: "app"})
		if err != nil {
			return err
		}
		if got, want := len(list.Items), 51; got != want {
			return fmt.Errorf("%s has %d ConfigMaps, want %d", away.Name, got, want)
		}
		for _, cm := range list.Items {
			if cm.Name == "doomed" || (cm.Name == "kept" && cm.Data["key"] != "changed") {
				return fmt.Errorf("%s has %s as it was", away.Name, cm.Name)
			}
		}
		return nil
	})
	t.Logf("the member that was away was in sync after %v", d)
	apitest.Eventually(t, func() error { return h.Lacks(t.Context(), "resourcebindings", ns, doomed.Name) })
}

// expectStillThere checks that a binding takes nothing of a member that is away for gone. It returns what the binding
// says about that member.
func expectStillThere(t *testing.T, h *apitest.Hub, before *workv1alpha2.ResourceBinding, cluster string) workv1alpha2.AggregatedStatusItem {
	t.Helper()
	now, err := h.Manifold.WorkV1alpha2().ResourceBindings(before.Namespace).Get(t.Context(), before.Name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before.Spec.Clusters, now.Spec.Clusters); diff != "" {
		t.Errorf("%s was placed anew (-before +now):\n%s", before.Name, diff)
	}
	i, err := item(now, cluster)
	if err != nil {
		t.Error(err)
	}
	return i
}

// A Cluster whose credentials are wrong says so, and works as soon as they are right.
func TestWrongCredentials(t *testing.T) {
	t.Parallel()
	h := apitest.NewHub(t)
	m := bare[0]
	if err := h.Connect(t.Context(), m, "wrong"); err != nil {
		t.Fatal(err)
	}
	expectNotReady := func(reason, word string) {
		t.Helper()
		apitest.Eventually(t, func() error {
			return clusterSays(t, h, m.Name, metav1.ConditionFalse, reason, word)
		})
	}
	expectNotReady(clusterv1alpha1.ReasonClusterNotReachable, "401")
	h.Patch(t, "secrets", clusterv1alpha1.ClusterNamespace, m.Name, `data: {token: null}`)
	expectNotReady(clusterv1alpha1.ReasonStatusCollectionFailed, `no key "token"`)
	h.Delete(t, "secrets", clusterv1alpha1.ClusterNamespace, m.Name)
	expectNotReady(clusterv1alpha1.ReasonStatusCollectionFailed, "not found")
	token, err := m.Token(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: m.Name},
		StringData: map[string]string{"token": token, "caBundle": string(m.Config.CAData)},
	}
	if _, err := h.Kube.CoreV1().Secrets(clusterv1alpha1.ClusterNamespace).Create(t.Context(), secret, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	apitest.Eventually(t, func() error { return h.ClusterReady(t.Context(), m.Name) })
}

func clusterSays(t *testing.T, h *apitest.Hub, name string, status metav1.ConditionStatus, reason, word string) error {
	t.Helper()
	c, err := h.Manifold.ClusterV1alpha1().Clusters().Get(t.Context(), name, metav1.GetOptions{})
	if err != nil {
		return err
	}
	return says(c.Status.Conditions, clusterv1alpha1.ClusterConditionReady, status, reason, word)
}
