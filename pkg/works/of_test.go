/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package works

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	clusterv1alpha1 "github.com/manifold-k8s/manifold/apis/cluster/v1alpha1"
	policyv1alpha1 "github.com/manifold-k8s/manifold/apis/policy/v1alpha1"
	workv1alpha1 "github.com/manifold-k8s/manifold/apis/work/v1alpha1"
	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
	"github.com/manifold-k8s/manifold/pkg/binding"
	"github.com/manifold-k8s/manifold/pkg/manifest"
)

func TestName(t *testing.T) {
	t.Parallel()
	for want, in := range map[string][3]string{
		"nginx-687f7fb96f":                {"default", "nginx", "Deployment"},
		"foo-5dbdc7b59c":                  {"", "foo", "Namespace"},
		"karmada-impersonator-7cbb6bd5c9": {"", "karmada-impersonator", "ClusterRole"},
		"system.foo-5f7d88f69":            {"", "system:Foo", "ClusterRole"},
		"a-89d8fd54":                      {"b", "a", "Secret"},
	} {
		if got := Name(in[0], in[1], in[2]); got != want {
			t.Errorf("Name(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestCluster(t *testing.T) {
	t.Parallel()
	for namespace, want := range map[string]string{Namespace("m1"): "m1", "karmada-es-": "", "default": "", "": ""} {
		if got, ok := Cluster(namespace); got != want && ok || ok != (want != "") {
			t.Errorf("%s is of %q, %v; want %q", namespace, got, ok, want)
		}
	}
}

// source is a ConfigMap that is placed on m1.
func source() manifest.Source {
	b := &binding.Binding{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "shop", Name: "web-configmap", UID: "b1", ResourceVersion: "20", Generation: 3,
			CreationTimestamp: metav1.NewTime(time.Unix(1000, 0)),
			Labels:            map[string]string{workv1alpha2.ResourceBindingPermanentIDLabel: "id"},
		},
	}
	b.Spec.Resource = workv1alpha2.ObjectReference{APIVersion: "v1", Kind: "ConfigMap", Namespace: "shop", Name: "web", UID: "t1"}
	b.Spec.Clusters = []workv1alpha2.TargetCluster{{Name: "m1"}}
	b.Status.AggregatedStatus = []workv1alpha2.AggregatedStatusItem{{
		ClusterName: "m1", Applied: true, Health: workv1alpha2.ResourceHealthy, Status: &runtime.RawExtension{Raw: []byte(`{"a":1}`)},
	}}
	tmpl := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "ConfigMap", "data": map[string]any{"key": "value"},
		"metadata": map[string]any{"namespace": "shop", "name": "web", "uid": "t1", "resourceVersion": "30"},
	}}
	return manifest.Source{Binding: b, Template: tmpl, Cluster: &clusterv1alpha1.Cluster{ObjectMeta: metav1.ObjectMeta{Name: "m1", ResourceVersion: "90"}}}
}

func override(operator string) *policyv1alpha1.OverridePolicy {
	o := &policyv1alpha1.OverridePolicy{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "o", ResourceVersion: "40"}}
	o.Spec.OverrideRules = []policyv1alpha1.RuleWithCluster{{Overriders: policyv1alpha1.Overriders{
		Plaintext: []policyv1alpha1.PlaintextOverrider{{Path: "/data/other", Operator: policyv1alpha1.OverriderOperator(operator)}},
	}}}
	return o
}

func TestOf(t *testing.T) {
	t.Parallel()
	w := Of(source())
	if w.Namespace != "karmada-es-m1" || w.Name != Name("shop", "web", "ConfigMap") || w.ResourceVersion != "30" || w.Generation != 3 ||
		len(w.UID) != 36 || w.UID[14] != '5' || !w.CreationTimestamp.Equal(&source().Binding.CreationTimestamp) {
		t.Errorf("metadata = %+v", w.ObjectMeta)
	}
	if diff := cmp.Diff(map[string]string{
		workv1alpha2.ResourceBindingPermanentIDLabel: "id", workv1alpha2.WorkPermanentIDLabel: string(w.UID),
	}, w.Labels); diff != "" {
		t.Errorf("labels (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]string{
		workv1alpha2.ResourceBindingNamespaceAnnotation: "shop", workv1alpha2.ResourceBindingNameAnnotation: "web-configmap",
		workv1alpha2.ConflictResolutionAnnotation: "abort",
	}, w.Annotations); diff != "" {
		t.Errorf("annotations (-want +got):\n%s", diff)
	}
	want, err := manifest.Of(source())
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(w.Spec.Workload.Manifests[0].Raw, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want.Object, got); diff != "" {
		t.Errorf("manifest (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]workv1alpha1.ManifestStatus{{
		Identifier: workv1alpha1.ResourceIdentifier{Version: "v1", Kind: "ConfigMap", Namespace: "shop", Name: "web"},
		Status:     &runtime.RawExtension{Raw: []byte(`{"a":1}`)}, Health: workv1alpha1.ResourceHealthy,
	}}, w.Status.ManifestStatuses); diff != "" {
		t.Errorf("status (-want +got):\n%s", diff)
	}
	if other := source(); uid(other.Binding.UID, "m2") == w.UID || uid("b2", "m1") == w.UID {
		t.Error("another binding or cluster has the same UID")
	}
}

func TestOfConditions(t *testing.T) {
	t.Parallel()
	yes := true
	for name, tc := range map[string]struct {
		change      func(*manifest.Source)
		applied     string // status and reason
		dispatching string
		manifests   int
	}{
		"applied":   {func(*manifest.Source) {}, "True AppliedSuccessful", "True Dispatching", 1},
		"untouched": {func(s *manifest.Source) { s.Binding.Status = workv1alpha2.ResourceBindingStatus{} }, "", "True Dispatching", 1},
		"refused":   {func(s *manifest.Source) { s.Binding.Status.AggregatedStatus[0].Applied = false }, "False AppliedFailed", "True Dispatching", 1},
		"suspended": {func(s *manifest.Source) {
			s.Binding.Spec.Suspension = &workv1alpha2.Suspension{Suspension: policyv1alpha1.Suspension{Dispatching: &yes}}
		}, "True AppliedSuccessful", "False SuspendDispatching", 1},
		"override that does not fit": {func(s *manifest.Source) { s.Overrides = append(s.Overrides, override("remove")) }, "False AppliedFailed", "True Dispatching", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := source()
			tc.change(&s)
			w := Of(s)
			says := func(kind string) string {
				if c := meta.FindStatusCondition(w.Status.Conditions, kind); c != nil {
					return string(c.Status) + " " + c.Reason
				}
				return ""
			}
			if says(workv1alpha1.WorkApplied) != tc.applied || says(workv1alpha1.WorkDispatching) != tc.dispatching || len(w.Spec.Workload.Manifests) != tc.manifests {
				t.Errorf("conditions %+v, %d manifests", w.Status.Conditions, len(w.Spec.Workload.Manifests))
			}
		})
	}
}

// The signature changes with everything that a reader may see, and with nothing else.
func TestSignature(t *testing.T) {
	t.Parallel()
	base := signature(Of(source()))
	for name, tc := range map[string]struct {
		change func(*manifest.Source)
		same   bool
	}{
		"nothing":                  {func(*manifest.Source) {}, true},
		"the template's status":    {func(s *manifest.Source) { s.Template.SetResourceVersion("99") }, true},
		"another cluster's status": {func(s *manifest.Source) { s.Binding.ResourceVersion = "99" }, true},
		"content":                  {func(s *manifest.Source) { s.Template.Object["data"] = map[string]any{"key": "other"} }, false},
		"health":                   {func(s *manifest.Source) { s.Binding.Status.AggregatedStatus[0].Health = workv1alpha2.ResourceUnhealthy }, false},
		"status":                   {func(s *manifest.Source) { s.Binding.Status.AggregatedStatus[0].Status.Raw = []byte(`{"a":2}`) }, false},
		"the policy's word":        {func(s *manifest.Source) { s.Binding.Spec.ConflictResolution = policyv1alpha1.ConflictOverwrite }, false},
		"identity":                 {func(s *manifest.Source) { s.Binding.UID = "b2" }, false},
	} {
		s := source()
		tc.change(&s)
		if got := signature(Of(s)) == base; got != tc.same {
			t.Errorf("%s: the signature is the same: %v, want %v", name, got, tc.same)
		}
	}
}

func BenchmarkOf(b *testing.B) {
	s := source()
	b.ReportAllocs()
	for b.Loop() {
		signature(Of(s))
	}
}
