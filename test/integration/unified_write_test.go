/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package integration_test

import (
	"fmt"
	"strings"
	"testing"

	autoscalingv1 "k8s.io/api/autoscaling/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/manifold-k8s/manifold/test/apitest"
)

// What is done to a member's object on the hub is done in the member, and lists show it at once.
func TestUnifiedChanges(t *testing.T) {
	t.Parallel()
	ns := namespace(t)
	names := running(t, ns, "web", 1, "member1")
	pod, own := names[0], strings.TrimSuffix(names[0], ".member1")
	kubectl := func(args ...string) string {
		t.Helper()
		return hub.Kubectl(t, "", append([]string{"-n", ns}, args...)...)
	}
	pods, inMember := hub.Kube.CoreV1().Pods(ns), fleet[0].Kube.CoreV1().Pods(ns)

	contains(t, kubectl("label", "pod", pod, "colour=red"), "labeled")
	if list, err := podNames(t.Context(), ns, metav1.ListOptions{LabelSelector: "colour=red"}); err != nil || len(list) != 1 {
		t.Errorf("right after it was labeled: %v: %v", list, err)
	}
	contains(t, kubectl("annotate", "pod", pod, "note=x"), "annotated")
	live, err := inMember.Get(t.Context(), own, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if live.Labels["colour"] != "red" || live.Annotations["note"] != "x" || len(live.Labels) != 3 || len(live.Annotations) != 1 {
		t.Errorf("in the member: labels %v, annotations %v", live.Labels, live.Annotations)
	}
	if live.OwnerReferences[0].Name+".member1" != ownerOf(t, ns, pod).Name || live.OwnerReferences[0].UID != ownerOf(t, ns, pod).UID {
		t.Errorf("owners: %v in the member, %v on the hub", live.OwnerReferences, ownerOf(t, ns, pod))
	}
	if !ownsFields(live, "kubectl-label") {
		t.Errorf("the member does not know who has changed it: %v", live.ManagedFields)
	}

	checkStates(t, ns, pod)
	_, err = pods.Patch(t.Context(), pod, types.MergePatchType, []byte(`{"spec":{"nodeName":"elsewhere"}}`), patchOptions)
	if !apierrors.IsInvalid(err) || !strings.Contains(err.Error(), "pod updates may not change") {
		t.Errorf("the member decides what may be changed: %v", err)
	}
	checkApply(t, ns, pod)

	_, err = pods.UpdateEphemeralContainers(t.Context(), pod, withDebugger(t, ns, pod), metav1.UpdateOptions{})
	if live, got := inMember.Get(t.Context(), own, metav1.GetOptions{}); err != nil || got != nil || len(live.Spec.EphemeralContainers) != 1 {
		t.Errorf("ephemeral container: %v, %v: %v", err, got, live.Spec.EphemeralContainers)
	}
	status := []byte(`{"status":{"conditions":[{"type":"example.com/gate","status":"True"}]}}`)
	p, err := pods.Patch(t.Context(), pod, types.StrategicMergePatchType, status, patchOptions, "status")
	if err != nil || len(p.Status.Conditions) < 2 {
		t.Errorf("status: %v: %v", p.Status.Conditions, err)
	}
}

// checkStates changes a pod of member1. The state that a client has seen may be named by the member's resource version or by the
// hub's.
func checkStates(t *testing.T, ns, pod string) {
	t.Helper()
	pods := hub.Kube.CoreV1().Pods(ns)
	fromGet, err := pods.Get(t.Context(), pod, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	list, err := pods.List(t.Context(), metav1.ListOptions{FieldSelector: "metadata.name=" + pod})
	if err != nil || len(list.Items) != 1 {
		t.Fatalf("%v: %v", list, err)
	}
	fromList := &list.Items[0]
	fromList.Labels["colour"] = "green"
	if _, err := pods.Update(t.Context(), fromList, metav1.UpdateOptions{}); err != nil {
		t.Errorf("update of what a list gave: %v", err)
	}
	fromGet.Labels["colour"], fromList.Labels["colour"] = "blue", "blue"
	for what, p := range map[string]*corev1.Pod{"get": fromGet, "list": fromList} {
		if _, err := pods.Update(t.Context(), p, metav1.UpdateOptions{}); !apierrors.IsConflict(err) {
			t.Errorf("update of an old state from a %s: %v", what, err)
		}
	}
	fromGet.ResourceVersion = ""
	if p, err := pods.Update(t.Context(), fromGet, metav1.UpdateOptions{DryRun: []string{metav1.DryRunAll}}); err != nil || p.Labels["colour"] != "blue" {
		t.Errorf("dry run: %v: %v", p, err)
	}
	fromGet.UID = "other"
	if _, err := pods.Update(t.Context(), fromGet, metav1.UpdateOptions{}); !apierrors.IsConflict(err) {
		t.Errorf("update of another object: %v", err)
	}
	if live, err := fleet[0].Kube.CoreV1().Pods(ns).Get(t.Context(), strings.TrimSuffix(pod, ".member1"), metav1.GetOptions{}); err != nil || live.Labels["colour"] != "green" {
		t.Errorf("in the member: %v: %v", live.Labels, err)
	}
}

// checkApply applies to a green pod of member1: who has applied what is known there.
func checkApply(t *testing.T, ns, pod string) {
	t.Helper()
	pods := hub.Kube.CoreV1().Pods(ns)
	apply := func(manager, labels string, force bool) error {
		config := fmt.Sprintf(`{"apiVersion":"v1","kind":"Pod","metadata":{"name":%q,"labels":{%s}}}`, pod, labels)
		_, err := pods.Patch(t.Context(), pod, types.ApplyPatchType, []byte(config), metav1.PatchOptions{FieldManager: manager, Force: &force})
		return err
	}
	for _, labels := range []string{`"applied":"first","second":"x"`, `"applied":"first","second":"x"`, `"applied":"second"`} {
		if err := apply("it", labels, false); err != nil {
			t.Errorf("apply %s: %v", labels, err)
		}
	}
	if err := apply("other", `"applied":"third"`, false); !apierrors.IsConflict(err) || !strings.Contains(err.Error(), `"it"`) {
		t.Errorf("apply by another manager: %v", err)
	}
	if live, err := fleet[0].Kube.CoreV1().Pods(ns).Get(t.Context(), strings.TrimSuffix(pod, ".member1"), metav1.GetOptions{}); err != nil || live.Labels["applied"] != "second" || live.Labels["second"] != "" || live.Labels["colour"] != "green" {
		t.Errorf("applied in the member: %v: %v", live.Labels, err)
	}
	if err := apply("other", `"applied":"third"`, true); err != nil {
		t.Errorf("forced apply: %v", err)
	}
}

func ownerOf(t *testing.T, ns, pod string) metav1.OwnerReference {
	t.Helper()
	p, err := hub.Kube.CoreV1().Pods(ns).Get(t.Context(), pod, metav1.GetOptions{})
	if err != nil || len(p.OwnerReferences) != 1 {
		t.Fatalf("%v: %v", p, err)
	}
	return p.OwnerReferences[0]
}

func ownsFields(p *corev1.Pod, manager string) bool {
	for _, m := range p.ManagedFields {
		if m.Manager == manager {
			return true
		}
	}
	return false
}

// withDebugger is the pod with an ephemeral container.
func withDebugger(t *testing.T, ns, pod string) *corev1.Pod {
	t.Helper()
	p, err := hub.Kube.CoreV1().Pods(ns).Get(t.Context(), pod, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	p.Spec.EphemeralContainers = append(p.Spec.EphemeralContainers, corev1.EphemeralContainer{
		EphemeralContainerCommon: corev1.EphemeralContainerCommon{Name: "debugger", Image: "busybox"},
	})
	return p
}

// Pods are deleted and evicted through the hub, and replica sets scaled.
func TestUnifiedDelete(t *testing.T) {
	t.Parallel()
	ns := namespace(t)
	names := running(t, ns, "web", 2, "member1", "member2")
	kubectl := func(args ...string) string {
		t.Helper()
		return hub.Kubectl(t, "", append([]string{"-n", ns}, args...)...)
	}
	pods := hub.Kube.CoreV1().Pods(ns)
	gone := func(name string) {
		t.Helper()
		apitest.Eventually(t, func() error {
			if _, err := pods.Get(t.Context(), name, metav1.GetOptions{}); !apierrors.IsNotFound(err) {
				return fmt.Errorf("%s: %v", name, err)
			}
			return nil
		})
	}

	other := types.UID("other")
	err := pods.Delete(t.Context(), names[0], metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &other}})
	if !apierrors.IsConflict(err) {
		t.Errorf("delete of another object: %v", err)
	}
	if err := pods.Delete(t.Context(), names[0], metav1.DeleteOptions{DryRun: []string{metav1.DryRunAll}}); err != nil {
		t.Errorf("dry run: %v", err)
	}
	if got := expectPods(t, ns, "app=web", 4); got[0] != names[0] {
		t.Errorf("pods are %v, were %v", got, names)
	}
	contains(t, kubectl("delete", "pod", names[0], "--timeout=30s"), `"`+names[0]+`" deleted`)
	gone(names[0])

	evict := &policyv1.Eviction{ObjectMeta: metav1.ObjectMeta{Name: names[1], Namespace: ns}}
	if err := pods.EvictV1(t.Context(), evict); err != nil {
		t.Errorf("evict: %v", err)
	}
	gone(names[1])

	expectPods(t, ns, "app=web", 4)
	checkScale(t, ns)
	before := expectPods(t, ns, "cluster=member1", 2)
	if err := pods.DeleteCollection(t.Context(), metav1.DeleteOptions{}, metav1.ListOptions{LabelSelector: "app=web,cluster=member1"}); err != nil {
		t.Errorf("delete collection: %v", err)
	}
	for _, name := range before {
		gone(name)
	}
}

// checkScale scales the replica set of member1, with two replicas, in a dry run: its Deployment would take it back.
func checkScale(t *testing.T, ns string) {
	t.Helper()
	sets, err := hub.Kube.AppsV1().ReplicaSets(ns).List(t.Context(), metav1.ListOptions{LabelSelector: "cluster=member1"})
	if err != nil || len(sets.Items) != 1 {
		t.Fatalf("%v: %v", sets, err)
	}
	scale, err := hub.Kube.AppsV1().ReplicaSets(ns).GetScale(t.Context(), sets.Items[0].Name, metav1.GetOptions{})
	if err != nil || scale.Name != sets.Items[0].Name || scale.Spec.Replicas != 2 {
		t.Errorf("scale: %v: %v", scale, err)
	}
	scale, err = hub.Kube.AppsV1().ReplicaSets(ns).UpdateScale(t.Context(), sets.Items[0].Name,
		&autoscalingv1.Scale{ObjectMeta: metav1.ObjectMeta{Name: sets.Items[0].Name, Namespace: ns}, Spec: autoscalingv1.ScaleSpec{Replicas: 3}},
		metav1.UpdateOptions{DryRun: []string{metav1.DryRunAll}})
	if err != nil || scale.Spec.Replicas != 3 {
		t.Errorf("scaled: %v: %v", scale, err)
	}
}

// Nodes are cordoned and drained through the hub.
func TestUnifiedNodes(t *testing.T) {
	t.Parallel()
	ns := namespace(t)
	pod := running(t, ns, "web", 1, "member2")[0]
	pods := hub.Kube.CoreV1().Pods(ns)
	p, err := pods.Get(t.Context(), pod, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	node := p.Spec.NodeName
	contains(t, hub.Kubectl(t, "", "drain", node, "--pod-selector=app=web", "--timeout=60s", "--dry-run=server"), "drained (server dry run)")
	contains(t, hub.Kubectl(t, "", "cordon", node), "cordoned")
	n, err := fleet[1].Kube.CoreV1().Nodes().Get(t.Context(), strings.TrimSuffix(node, ".member2"), metav1.GetOptions{})
	if err != nil || !n.Spec.Unschedulable {
		t.Errorf("the member's node: %v: %v", n.Spec, err)
	}
	contains(t, hub.Kubectl(t, "", "get", "nodes", "-l", "cluster=member2"), "SchedulingDisabled")
	contains(t, hub.Kubectl(t, "", "uncordon", strings.TrimSuffix(node, ".member2")), "uncordoned") // a name that only one member has
}
