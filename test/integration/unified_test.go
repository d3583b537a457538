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

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/manifold-k8s/manifold/test/apitest"
)

// running makes a Deployment with that many replicas in each of clusters, and returns the names of its pods on the hub, sorted,
// when all of them run.
func running(t *testing.T, ns, name string, replicas int, clusters ...string) []string {
	t.Helper()
	hub.Create(t, ns, docs(deployment(name, replicas), policy(name, byName("Deployment", name), on(clusters...))))
	rollOut(t, ns, name, int32(replicas*len(clusters)))
	return expectPods(t, ns, "app="+name, replicas*len(clusters))
}

// expectPods waits until the hub shows that many running pods, and returns their names.
func expectPods(t *testing.T, ns, selector string, want int) []string {
	t.Helper()
	var names []string
	apitest.Eventually(t, func() (err error) {
		names, err = podsOn(t.Context(), hub.API, ns, metav1.ListOptions{LabelSelector: selector})
		if err == nil && len(names) != want {
			err = fmt.Errorf("running pods on the hub: %v, want %d", names, want)
		}
		return err
	})
	return names
}

// podsOn are the names of the pods that run, sorted.
func podsOn(ctx context.Context, h *apitest.API, ns string, options metav1.ListOptions) ([]string, error) {
	list, err := h.Kube.CoreV1().Pods(ns).List(ctx, options)
	if err != nil {
		return nil, err
	}
	names := []string{}
	for _, p := range list.Items {
		if p.Status.Phase == corev1.PodRunning && p.DeletionTimestamp == nil {
			names = append(names, p.Name)
		}
	}
	slices.Sort(names)
	return names, nil
}

// inClusters are the names among names that end in one of those clusters.
func inClusters(names []string, clusters ...string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(n string) bool {
		return !slices.ContainsFunc(clusters, func(c string) bool { return strings.HasSuffix(n, "."+c) })
	})
}

// columns are the first cells of the rows of what kubectl prints.
func columns(out string, n int) []string {
	var rows []string
	for line := range strings.Lines(out) {
		cells := strings.Fields(line)
		rows = append(rows, strings.Join(cells[:min(n, len(cells))], " "))
	}
	return rows
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
	want := []string{"NAME CLUSTER"}
	for _, n := range names {
		want = append(want, n+" "+n[strings.LastIndex(n, ".")+1:])
	}
	if len(inClusters(names, "member1")) != 2 || len(inClusters(names, "member2")) != 2 {
		t.Errorf("pods: %v", names)
	}
	if diff := cmp.Diff(want, columns(kubectl("get", "pods"), 2)); diff != "" {
		t.Errorf("get pods (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want, columns(kubectl("get", "pods", "--chunk-size=1"), 2)); diff != "" {
		t.Errorf("get pods, page by page (-want +got):\n%s", diff)
	}
	contains(t, kubectl("get", "pods", "-o", "wide"), "-node1.member1", "-node1.member2")
	contains(t, kubectl("get", "replicasets,endpointslices"), ".member1", ".member2")
	contains(t, hub.Kubectl(t, "", "get", "nodes"), "NAME", "CLUSTER", "member1-node1.member1", "member3-node2.member3", "Ready")
	contains(t, kubectl("get", "events"), "CLUSTER", "pod/"+names[0], "replicaset/web-", "deployment/web")

	pod := inClusters(names, "member1")[0]
	contains(t, kubectl("describe", "pod", pod), "Controlled By:", "ReplicaSet/web-", ".member1", "Successfully assigned")
	contains(t, kubectl("describe", "deployment", "web"), "NewReplicaSet:", ".member1", "Scaled up replica set")
	contains(t, hub.Kubectl(t, "", "describe", "node", "member1-node1.member1"), "Non-terminated Pods:", "RegisteredNode")
	contains(t, kubectl("get", "pod", pod, "-o", "yaml"), "manifold-k8s.io/cluster: member1", "resource.karmada.io/cached-from-cluster: member1", "name: "+pod)
	contains(t, kubectl("rollout", "history", "deployment/web"), "REVISION")
	contains(t, kubectl("wait", "pod/"+pod, "--for=condition=Ready", "--timeout=20s"), "condition met")
	contains(t, kubectl("get", "pods", "-o", "name", "--all-namespaces"), "pod/"+pod)
}

// A plain name finds what only one member has, and else tells what there is to choose from.
func TestUnifiedPlainNames(t *testing.T) {
	t.Parallel()
	ns := namespace(t)
	pod := func(name string) string {
		return fmt.Sprintf("{apiVersion: v1, kind: Pod, metadata: {name: %s}, spec: {containers: [{name: c, image: nginx}]}}", name)
	}
	fleet[0].Create(t, ns, docs(pod("only"), pod("both")))
	fleet[1].Create(t, ns, pod("both"))
	pods := hub.Kube.CoreV1().Pods(ns)

	got, err := pods.Get(t.Context(), "only", metav1.GetOptions{})
	if err != nil || got.Name != "only.member1" {
		t.Errorf("only: %v: %v", got.Name, err)
	}
	_, err = pods.Get(t.Context(), "both", metav1.GetOptions{})
	if !apierrors.IsNotFound(err) || !strings.Contains(err.Error(), "both.member1, both.member2") {
		t.Errorf("both: %v", err)
	}
	for _, name := range []string{"none", "none.member1", "none.member9"} {
		if _, err = pods.Get(t.Context(), name, metav1.GetOptions{}); !apierrors.IsNotFound(err) || !strings.Contains(err.Error(), `"`+name+`"`) {
			t.Errorf("%s: %v", name, err)
		}
	}
	list, err := podNames(t.Context(), ns, metav1.ListOptions{FieldSelector: "metadata.name=only"})
	if diff := cmp.Diff([]string{"only.member1"}, list); err != nil || diff != "" {
		t.Errorf("by field selector: %v (-want +got):\n%s", err, diff)
	}

	// Who writes by a plain name means a template, as far as there can be one.
	_, err = pods.Patch(t.Context(), "only", "application/merge-patch+json", []byte(`{"metadata":{"labels":{"a":"b"}}}`), patchOptions)
	if !apierrors.IsNotFound(err) || !strings.Contains(err.Error(), "only.member1") {
		t.Errorf("patch: %v", err)
	}
	contains(t, hub.Kubectl(t, "", "-n", ns, "delete", "pod", "only", "--timeout=30s"), `"only" deleted`)
	apitest.Eventually(t, func() error { return fleet[0].Lacks(t.Context(), "pods", ns, "only") })
	if err := pods.Delete(t.Context(), "both", metav1.DeleteOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("delete both: %v", err)
	}

	// A template is under its plain name, its copies under theirs; and no template can have a name like theirs.
	hub.Create(t, ns, docs(pod("tmpl"), policy("tmpl", "{apiVersion: v1, kind: Pod, name: tmpl}", on("member1"))))
	apitest.Eventually(t, func() error {
		list, err := podNames(t.Context(), ns, metav1.ListOptions{LabelSelector: "!x"})
		if want := []string{"both.member1", "both.member2", "tmpl", "tmpl.member1"}; err == nil && !slices.Equal(want, list) {
			err = fmt.Errorf("pods %v, want %v", list, want)
		}
		return err
	})
	contains(t, hub.Kubectl(t, "", "-n", ns, "get", "pods"), "<none>")
	got, err = pods.Get(t.Context(), "tmpl", metav1.GetOptions{})
	if err != nil || got.Name != "tmpl" || got.Spec.NodeName != "" {
		t.Errorf("template: %v: %v", got, err)
	}
	_, err = hub.TryCreate(t.Context(), ns, pod("new.member1"))
	if !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), "names that end in .member1") {
		t.Errorf("create: %v", err)
	}
}

// podNames are the names of all pods of the hub that a list gives.
func podNames(ctx context.Context, ns string, options metav1.ListOptions) ([]string, error) {
	list, err := hub.Kube.CoreV1().Pods(ns).List(ctx, options)
	if err != nil {
		return nil, err
	}
	names := []string{}
	for _, p := range list.Items {
		names = append(names, p.Name)
	}
	return names, nil
}

func TestUnifiedSelectors(t *testing.T) {
	t.Parallel()
	ns := namespace(t)
	names := running(t, ns, "web", 2, "member1", "member2", "member3")
	node := func(name string) string {
		t.Helper()
		p, err := hub.Kube.CoreV1().Pods(ns).Get(t.Context(), name, metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return p.Spec.NodeName
	}
	var onSame []string
	for _, n := range names {
		if node(n) == node(names[0]) {
			onSame = append(onSame, n)
		}
	}
	for selector, want := range map[string][]string{
		"cluster=member1":                               inClusters(names, "member1"),
		"cluster!=member1":                              inClusters(names, "member2", "member3"),
		"cluster in (member1,member3)":                  inClusters(names, "member1", "member3"),
		"manifold-k8s.io/cluster=member2":               inClusters(names, "member2"),
		"app=web,manifold-k8s.io/cluster notin (x)":     names,
		"cluster=member1,cluster=member2":               {},
		"cluster=nowhere":                               {},
		"!cluster":                                      {},
		"app=web,cluster":                               names,
		"app=other,manifold-k8s.io/cluster=member2":     {},
		"manifold-k8s.io/cluster in (nowhere, member3)": inClusters(names, "member3"),
	} {
		if _, err := labels.Parse(selector); err != nil {
			t.Fatal(err)
		}
		got, err := podsOn(t.Context(), hub.API, ns, metav1.ListOptions{LabelSelector: selector})
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("-l %s: %v (-want +got):\n%s", selector, err, diff)
		}
	}
	for selector, want := range map[string][]string{
		"metadata.name=" + names[0]:                          names[:1],
		"status.phase=Running":                               names,
		"status.phase=Pending":                               {},
		"spec.nodeName=" + node(names[0]):                    onSame,
		"spec.nodeName=member1-node1":                        {},
		"status.phase!=Running,spec.restartPolicy=Always":    {},
		"spec.restartPolicy=Always,metadata.namespace=" + ns: names,
	} {
		got, err := podsOn(t.Context(), hub.API, ns, metav1.ListOptions{FieldSelector: selector})
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("--field-selector %s: %v (-want +got):\n%s", selector, err, diff)
		}
	}
	events, err := hub.Kube.CoreV1().Events(ns).List(t.Context(), metav1.ListOptions{FieldSelector: "involvedObject.kind=Pod,involvedObject.name=" + names[0] + ",reason=Scheduled"})
	if err != nil || len(events.Items) != 1 || !strings.HasSuffix(events.Items[0].Name, names[0][strings.LastIndex(names[0], "."):]) {
		t.Errorf("events of %s: %v: %v", names[0], events.Items, err)
	}
	same, err := hub.Kube.EventsV1().Events(ns).List(t.Context(), metav1.ListOptions{FieldSelector: "regarding.name=" + names[0] + ",reason=Scheduled"})
	if err != nil || len(same.Items) != 1 || same.Items[0].Regarding.Name != names[0] {
		t.Errorf("events.k8s.io: %v: %v", same.Items, err)
	}
}

// Who may look into one namespace sees no other.
func TestUnifiedNamespaces(t *testing.T) {
	t.Parallel()
	mine, other := namespace(t), namespace(t)
	names := running(t, mine, "web", 1, "member1")
	foreign := running(t, other, "web", 1, "member1")
	user := account(t, mine, "edit")
	got, err := podsOn(t.Context(), user, mine, metav1.ListOptions{})
	if diff := cmp.Diff(names, got); err != nil || diff != "" {
		t.Errorf("in the own namespace: %v (-want +got):\n%s", err, diff)
	}
	pods := user.Kube.CoreV1().Pods(other)
	_, list := pods.List(t.Context(), metav1.ListOptions{})
	_, get := pods.Get(t.Context(), foreign[0], metav1.GetOptions{})
	_, plain := pods.Get(t.Context(), strings.TrimSuffix(foreign[0], ".member1"), metav1.GetOptions{})
	_, nodes := user.Kube.CoreV1().Nodes().List(t.Context(), metav1.ListOptions{})
	_, all := user.Kube.CoreV1().Pods("").List(t.Context(), metav1.ListOptions{})
	for what, err := range map[string]error{
		"list": list, "get": get, "get by plain name": plain, "delete": pods.Delete(t.Context(), foreign[0], metav1.DeleteOptions{}),
		"nodes": nodes, "all namespaces": all,
	} {
		if !apierrors.IsForbidden(err) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := user.Kube.CoreV1().Pods(mine).Get(t.Context(), foreign[0], metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("another namespace's pod in the own one: %v", err)
	}
	if err := user.Kube.CoreV1().Pods(mine).Delete(t.Context(), names[0], metav1.DeleteOptions{}); err != nil {
		t.Errorf("delete in the own namespace: %v", err)
	}
}
