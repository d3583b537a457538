/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package integration_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"

	workv1alpha1 "github.com/manifold-k8s/manifold/apis/work/v1alpha1"
	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
	"github.com/manifold-k8s/manifold/pkg/generated/informers/externalversions"
	"github.com/manifold-k8s/manifold/pkg/works"
	"github.com/manifold-k8s/manifold/test/apitest"
)

const es1, es2 = "karmada-es-member1", "karmada-es-member2"

// manifestOf returns the first manifest of a Work.
func manifestOf(w *workv1alpha1.Work) (*unstructured.Unstructured, error) {
	u := &unstructured.Unstructured{}
	if len(w.Spec.Workload.Manifests) == 0 {
		return nil, fmt.Errorf("work %s/%s has no manifest", w.Namespace, w.Name)
	}
	return u, u.UnmarshalJSON(w.Spec.Workload.Manifests[0].Raw)
}

// value is what the ConfigMap in a Work holds.
func value(w *workv1alpha1.Work) any {
	u, err := manifestOf(w)
	if err != nil {
		return err.Error()
	}
	return field(u, "data", "key")
}

// A binding shows as one Work per cluster, which holds what the cluster was sent, and can only be read.
func TestComputedWorks(t *testing.T) {
	t.Parallel()
	ns := namespace(t)
	hub.Create(t, ns, docs(configMap("web", "one"), policy("p", byName("ConfigMap", "web"), on("member1", "member2"))))
	expectOn(t, "configmaps", ns, "web", "member1", "member2")
	expectApplied(t, hub, ns, "web", "ConfigMap")
	name := works.Name(ns, "web", "ConfigMap")
	client := hub.Manifold.WorkV1alpha1().Works(es1)

	var w *workv1alpha1.Work
	apitest.Eventually(t, func() (err error) {
		if w, err = client.Get(t.Context(), name, metav1.GetOptions{}); err != nil {
			return err
		}
		return says(w.Status.Conditions, workv1alpha1.WorkApplied, metav1.ConditionTrue, workv1alpha1.ReasonAppliedSuccessful, "")
	})
	sent, err := manifestOf(w)
	if err != nil {
		t.Fatal(err)
	}
	live, err := fleet[0].Get(t.Context(), "configmaps", ns, "web")
	if err != nil {
		t.Fatal(err)
	}
	const hash = workv1alpha2.ContentHashAnnotation
	if sent.GetAnnotations()[hash] == "" || sent.GetAnnotations()[hash] != live.GetAnnotations()[hash] {
		t.Errorf("the Work has the manifest\n%v\nthe member was sent\n%v", sent, live)
	}
	if len(w.Status.ManifestStatuses) != 1 || w.Status.ManifestStatuses[0].Identifier.Name != "web" {
		t.Errorf("status = %+v", w.Status)
	}
	contains(t, hub.Kubectl(t, "", "get", "works", "-A"), es1, es2, name, "WORKLOAD-KIND", "ConfigMap")
	contains(t, hub.Kubectl(t, "", "-n", es1, "get", "wk", name, "-o", "yaml"), "kind: Work", "key: one", "web-configmap")
	list, err := client.List(t.Context(), metav1.ListOptions{FieldSelector: "metadata.name=" + name, Limit: 1})
	if err != nil || len(list.Items) != 1 || list.Items[0].UID != w.UID {
		t.Errorf("listed by name: %v, %v", list, err)
	}
	list, err = hub.Manifold.WorkV1alpha1().Works("").List(t.Context(), metav1.ListOptions{
		LabelSelector: workv1alpha2.WorkPermanentIDLabel + "=" + string(w.UID)})
	if err != nil || len(list.Items) != 1 {
		t.Errorf("listed by label: %v, %v", list, err)
	}

	for what, err := range map[string]error{
		"delete": client.Delete(t.Context(), name, metav1.DeleteOptions{}),
		"update": func() error { _, err := client.Update(t.Context(), w, metav1.UpdateOptions{}); return err }(),
		"status": func() error { _, err := client.UpdateStatus(t.Context(), w, metav1.UpdateOptions{}); return err }(),
		"create": func() error {
			_, err := client.Create(t.Context(), &workv1alpha1.Work{ObjectMeta: metav1.ObjectMeta{Name: name}}, metav1.CreateOptions{})
			return err
		}(),
	} {
		if !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), "ResourceBinding "+ns+"/web-configmap") {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := client.DeleteCollection(t.Context(), metav1.DeleteOptions{}, metav1.ListOptions{FieldSelector: "metadata.name=" + name}); err != nil {
		t.Errorf("a collection passes computed works over: %v", err)
	}
	if err := fleet[0].Has(t.Context(), "configmaps", ns, "web"); err != nil {
		t.Error(err)
	}
}

// An informer follows computed Works through every kind of change.
func TestWatchComputedWorks(t *testing.T) {
	t.Parallel()
	ns := namespace(t)
	hub.Create(t, ns, docs(configMap("web", "one"), policy("p", byName("ConfigMap", "web"), on("member1", "member2"))))
	name := works.Name(ns, "web", "ConfigMap")
	factory := externalversions.NewSharedInformerFactory(hub.Manifold, 0)
	informer := factory.Work().V1alpha1().Works().Informer()
	var mu sync.Mutex
	deleted := 0
	if _, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{DeleteFunc: func(obj any) {
		if w, ok := obj.(*workv1alpha1.Work); ok && w.Namespace == es2 && w.Name == name {
			mu.Lock()
			deleted++
			mu.Unlock()
		}
	}}); err != nil {
		t.Fatal(err)
	}
	factory.StartWithContext(t.Context())
	expect := func(want map[string]string) {
		t.Helper()
		apitest.Eventually(t, func() error {
			for _, es := range []string{es1, es2} {
				obj, ok, err := informer.GetStore().GetByKey(es + "/" + name)
				if err != nil {
					return err
				}
				got := ""
				if ok {
					got = fmt.Sprint(value(obj.(*workv1alpha1.Work)))
				}
				if got != want[es] {
					return fmt.Errorf("%s has %q, want %q", es, got, want[es])
				}
			}
			return nil
		})
	}
	expect(map[string]string{es1: "one", es2: "one"})
	kubectl := hub.StartKubectl(t, "", "get", "works", "-A", "-w")
	apitest.Eventually(t, func() error { return has(kubectl.String(), name) })

	all := hub.Manifold.WorkV1alpha1().Works("")
	before, err := all.List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	hub.Patch(t, "configmaps", ns, "web", `data: {key: two}`)
	expect(map[string]string{es1: "two", es2: "two"})
	hub.Create(t, ns, `
apiVersion: policy.karmada.io/v1alpha1
kind: OverridePolicy
metadata: {name: o}
spec:
  overrideRules:
  - targetCluster: {clusterNames: [member2]}
    overriders: {plaintext: [{path: /data/key, operator: replace, value: three}]}`)
	expect(map[string]string{es1: "two", es2: "three"})
	hub.Delete(t, "overridepolicies", ns, "o")
	expect(map[string]string{es1: "two", es2: "two"})
	hub.Patch(t, "propagationpolicies", ns, "p", `spec: {placement: {clusterAffinity: {clusterNames: [member1]}}}`)
	expect(map[string]string{es1: "two"})
	mu.Lock()
	if deleted != 1 {
		t.Errorf("%d deletions were told, want 1", deleted)
	}
	mu.Unlock()

	// What has happened since the list is told: the last of it for each Work.
	ctx := t.Context()
	w, err := all.Watch(ctx, metav1.ListOptions{ResourceVersion: before.ResourceVersion})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Stop()
	missing := map[string]bool{"MODIFIED " + es1: true, "DELETED " + es2: true}
	for timeout := time.After(time.Minute); len(missing) > 0; {
		select {
		case e, ok := <-w.ResultChan():
			if !ok {
				t.Fatalf("the watch ended before %v", missing)
			}
			if obj, ok := e.Object.(*workv1alpha1.Work); ok && obj.Name == name {
				delete(missing, string(e.Type)+" "+obj.Namespace)
			}
		case <-timeout:
			t.Fatalf("not told: %v", missing)
		}
	}
	past, err := all.Watch(ctx, metav1.ListOptions{ResourceVersion: "1"})
	if err == nil {
		defer past.Stop()
		if e := <-past.ResultChan(); e.Type == watch.Error {
			err = apierrors.FromObject(e.Object)
		}
	}
	if !apierrors.IsResourceExpired(err) && !apierrors.IsGone(err) {
		t.Errorf("a watch from the past: %v, want expired", err)
	}
	hub.Delete(t, "configmaps", ns, "web")
	expect(map[string]string{})
}

func has(out, part string) error {
	if !strings.Contains(out, part) {
		return fmt.Errorf("output lacks %q:\n%s", part, out)
	}
	return nil
}
