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
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
	"github.com/manifold-k8s/manifold/test/apitest"
)

// names counts those that tests were given.
var names atomic.Int64

// unique returns a name that no other test has.
func unique(prefix string) string { return fmt.Sprintf("%s-%d", prefix, names.Add(1)) }

// namespace makes a namespace for one test on the shared hub, and returns when all members have it.
func namespace(t *testing.T) string {
	t.Helper()
	name := namespaceOn(t, hub)
	expectOn(t, "namespaces", "", name, "member1", "member2", "member3")
	return name
}

// namespaceOn makes a namespace that is deleted after the test.
func namespaceOn(t *testing.T, h *apitest.Hub) string {
	t.Helper()
	apitest.NoteSources(t)
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: unique("it")}}
	if _, err := h.Kube.CoreV1().Namespaces().Create(t.Context(), ns, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // nobody waits for it; what fails here fails with the process
		_ = h.Kube.CoreV1().Namespaces().Delete(contextAfter(), ns.Name, metav1.DeleteOptions{})
	})
	return ns.Name
}

func deployment(name string, replicas int) string {
	return fmt.Sprintf(`
apiVersion: apps/v1
kind: Deployment
metadata: {name: %[1]s, labels: {app: %[1]s}}
spec:
  replicas: %[2]d
  selector: {matchLabels: {app: %[1]s}}
  template:
    metadata: {labels: {app: %[1]s}}
    spec:
      containers:
      - {name: main, image: "nginx:1.19.3", command: [serve], args: [--port, "80"]}`, name, replicas)
}

func configMap(name, value string) string {
	return fmt.Sprintf(`
apiVersion: v1
kind: ConfigMap
metadata: {name: %s, labels: {app: %s}}
data: {key: %q}`, name, name, value)
}

// docs makes one manifest of several.
func docs(manifests ...string) string { return strings.Join(manifests, "\n---\n") }

// apiVersions of the kinds that tests select.
var apiVersions = map[string]string{
	"Deployment": "apps/v1", "ConfigMap": "v1", "ClusterRole": "rbac.authorization.k8s.io/v1",
	"CustomResourceDefinition": "apiextensions.k8s.io/v1",
}

// byName, byLabel and all are resource selectors.
func byName(kind, name string) string {
	return fmt.Sprintf("{apiVersion: %s, kind: %s, name: %q}", apiVersions[kind], kind, name)
}

func byLabel(kind, key, value string) string {
	return fmt.Sprintf("{apiVersion: %s, kind: %s, labelSelector: {matchLabels: {%s: %s}}}", apiVersions[kind], kind, key, value)
}

func all(kind string) string {
	return fmt.Sprintf("{apiVersion: %s, kind: %s}", apiVersions[kind], kind)
}

// policy is a PropagationPolicy. placement and more are fields in YAML's flow style.
func policy(name, selectors, placement string, more ...string) string {
	return policyOf("PropagationPolicy", name, selectors, placement, more...)
}

func clusterPolicy(name, selectors, placement string, more ...string) string {
	return policyOf("ClusterPropagationPolicy", name, selectors, placement, more...)
}

func policyOf(kind, name, selectors, placement string, more ...string) string {
	return fmt.Sprintf(`
apiVersion: policy.karmada.io/v1alpha1
kind: %s
metadata: {name: %s}
spec: {resourceSelectors: [%s], placement: {%s}%s}`, kind, name, selectors, placement, strings.Join(append([]string{""}, more...), ", "))
}

// on places in the members of those names.
func on(clusters ...string) string {
	return fmt.Sprintf("clusterAffinity: {clusterNames: [%s]}", strings.Join(clusters, ", "))
}

// weights divides over member1, member2, … by static weights.
func weights(ws ...int) string { return weightsOver("member", ws...) }

// weightsOver does so over the clusters of which the name begins with prefix.
func weightsOver(prefix string, ws ...int) string {
	var rules []string
	for i, w := range ws {
		rules = append(rules, fmt.Sprintf("{targetCluster: {clusterNames: [%s%d]}, weight: %d}", prefix, i+1, w))
	}
	return "replicaScheduling: {replicaSchedulingType: Divided, replicaDivisionPreference: Weighted, weightPreference: {staticWeightList: [" +
		strings.Join(rules, ", ") + "]}}"
}

// shares are the replicas that each member's Deployment asks for; members without it are left out.
func shares(ctx context.Context, namespace, name string) (map[string]int32, error) {
	out := map[string]int32{}
	for _, m := range fleet {
		d, err := m.Kube.AppsV1().Deployments(namespace).Get(ctx, name, metav1.GetOptions{})
		switch {
		case apierrors.IsNotFound(err):
		case err != nil:
			return nil, err
		default:
			out[m.Name] = *d.Spec.Replicas
		}
	}
	return out, nil
}

// expectShares waits until the members' Deployments ask for these replicas.
func expectShares(t *testing.T, namespace, name string, want map[string]int32) {
	t.Helper()
	apitest.Eventually(t, func() error {
		got, err := shares(t.Context(), namespace, name)
		if diff := cmp.Diff(want, got); err == nil && diff != "" {
			err = fmt.Errorf("replicas in the members (-want +got):\n%s", diff)
		}
		return err
	})
}

// holders are the members that hold an object, sorted.
func holders(ctx context.Context, resource, namespace, name string) ([]string, error) {
	out := []string{}
	for _, m := range fleet {
		_, err := m.Get(ctx, resource, namespace, name)
		switch {
		case apierrors.IsNotFound(err), meta.IsNoMatchError(err): // or not even its kind
		case err != nil:
			return nil, err
		default:
			out = append(out, m.Name)
		}
	}
	return out, nil
}

// isOn returns an error unless exactly these members hold the object.
func isOn(ctx context.Context, resource, namespace, name string, want ...string) error {
	got, err := holders(ctx, resource, namespace, name)
	if err == nil && !slices.Equal(want, got) {
		err = fmt.Errorf("%s %s is in %v, want %v", resource, name, got, want)
	}
	return err
}

// expectOn waits until exactly these members hold the object.
func expectOn(t *testing.T, resource, namespace, name string, want ...string) {
	t.Helper()
	apitest.Eventually(t, func() error { return isOn(t.Context(), resource, namespace, name, want...) })
}

// rollOut waits until the Deployment's status on the hub says that all replicas are available.
func rollOut(t *testing.T, namespace, name string, replicas int32) *appsv1.Deployment {
	t.Helper()
	var d *appsv1.Deployment
	apitest.Eventually(t, func() (err error) {
		d, err = hub.Kube.AppsV1().Deployments(namespace).Get(t.Context(), name, metav1.GetOptions{})
		if err == nil && (d.Status.ObservedGeneration != d.Generation || d.Status.AvailableReplicas != replicas || d.Status.UpdatedReplicas != replicas) {
			err = fmt.Errorf("generation %d, want %d replicas, status %+v", d.Generation, replicas, d.Status)
		}
		return err
	})
	return d
}

// binding reads the binding of a template.
func binding(ctx context.Context, h *apitest.Hub, namespace, name, kind string) (*workv1alpha2.ResourceBinding, error) {
	return h.Manifold.WorkV1alpha2().ResourceBindings(namespace).Get(ctx, name+"-"+strings.ToLower(kind), metav1.GetOptions{})
}

// item returns what a binding says about one cluster.
func item(b *workv1alpha2.ResourceBinding, cluster string) (workv1alpha2.AggregatedStatusItem, error) {
	for _, i := range b.Status.AggregatedStatus {
		if i.ClusterName == cluster {
			return i, nil
		}
	}
	return workv1alpha2.AggregatedStatusItem{}, fmt.Errorf("binding %s says nothing about %s", b.Name, cluster)
}

// expectFailure waits until the binding says that the cluster has not got the manifest, for a reason with these words.
func expectFailure(t *testing.T, namespace, name, kind, cluster string, words ...string) {
	t.Helper()
	apitest.Eventually(t, func() error {
		b, err := binding(t.Context(), hub, namespace, name, kind)
		if err != nil {
			return err
		}
		i, err := item(b, cluster)
		if err != nil {
			return err
		}
		for _, w := range words {
			if i.Applied || !strings.Contains(i.AppliedMessage, w) {
				return fmt.Errorf("%s: applied %v, message %q lacks %q", cluster, i.Applied, i.AppliedMessage, w)
			}
		}
		return nil
	})
}

// expectApplied waits until the binding says that all its clusters have the manifest, and returns it.
func expectApplied(t *testing.T, h *apitest.Hub, namespace, name, kind string) *workv1alpha2.ResourceBinding {
	t.Helper()
	var b *workv1alpha2.ResourceBinding
	apitest.Eventually(t, func() (err error) {
		b, err = binding(t.Context(), h, namespace, name, kind)
		if err == nil && !meta.IsStatusConditionTrue(b.Status.Conditions, workv1alpha2.FullyApplied) {
			err = fmt.Errorf("not fully applied: %+v", b.Status)
		}
		return err
	})
	return b
}

// expectEvent waits for an event about an object, of a reason and with a word in its message.
func expectEvent(t *testing.T, namespace, name, reason, word string) {
	t.Helper()
	apitest.Eventually(t, func() error {
		list, err := hub.Kube.CoreV1().Events(namespace).List(t.Context(), metav1.ListOptions{})
		if err != nil {
			return err
		}
		var seen []string
		for _, e := range list.Items {
			if e.InvolvedObject.Name == name && e.Reason == reason && strings.Contains(e.Message, word) {
				return nil
			}
			seen = append(seen, fmt.Sprintf("%s %s: %s", e.InvolvedObject.Name, e.Reason, e.Message))
		}
		return fmt.Errorf("no event %s about %s with %q, only:\n%s", reason, name, word, strings.Join(seen, "\n"))
	})
}

// expectData waits until the copy of a ConfigMap in a member has that value.
func expectData(t *testing.T, m *apitest.API, namespace, name, want string) {
	t.Helper()
	apitest.Eventually(t, func() error {
		cm, err := m.Kube.CoreV1().ConfigMaps(namespace).Get(t.Context(), name, metav1.GetOptions{})
		if err == nil && cm.Data["key"] != want {
			err = fmt.Errorf("%s: %s is %q, want %q", m.Name, name, cm.Data["key"], want)
		}
		return err
	})
}

// field returns a value inside an object, nil if there is none.
func field(u *unstructured.Unstructured, path ...string) any {
	v, _, _ := unstructured.NestedFieldNoCopy(u.Object, path...) // a value of another type is none
	return v
}

// deleteAfter deletes a cluster-wide object of the shared hub after a test. It may be gone already.
func deleteAfter(t *testing.T, resource, name string) {
	t.Helper()
	client, err := hub.Objects(resource, "")
	if err == nil {
		err = client.Delete(contextAfter(), name, metav1.DeleteOptions{})
	}
	if err != nil && !apierrors.IsNotFound(err) {
		t.Error(err)
	}
}

// expectCondition waits until a binding has a condition of that status and reason.
func expectCondition(t *testing.T, namespace, name, kind, condition string, status metav1.ConditionStatus, reason string) {
	t.Helper()
	apitest.Eventually(t, func() error {
		b, err := binding(t.Context(), hub, namespace, name, kind)
		if err != nil {
			return err
		}
		return says(b.Status.Conditions, condition, status, reason, "")
	})
}

// says returns an error unless there is a condition of that status and reason, with a word in its message.
func says(conditions []metav1.Condition, kind string, status metav1.ConditionStatus, reason, word string) error {
	c := meta.FindStatusCondition(conditions, kind)
	if c == nil || c.Status != status || c.Reason != reason || !strings.Contains(c.Message, word) {
		return fmt.Errorf("condition %s is %+v, want %s because of %s, with %q", kind, c, status, reason, word)
	}
	return nil
}

// contextAfter is for what a test does as its clean-up, when its own context has ended.
func contextAfter() context.Context { return context.Background() }

// Of requests without anything special.
var (
	patchOptions metav1.PatchOptions
	listOptions  metav1.ListOptions
)
