/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package kind_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	genericapirequest "k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/apiserver/pkg/warning"
	"k8s.io/utils/ptr"

	clusterv1alpha1 "github.com/manifold-k8s/manifold/apis/cluster/v1alpha1"
	policyv1alpha1 "github.com/manifold-k8s/manifold/apis/policy/v1alpha1"
	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
)

func newBinding(name string) *workv1alpha2.ResourceBinding {
	return &workv1alpha2.ResourceBinding{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name},
		Spec: workv1alpha2.ResourceBindingSpec{
			Resource: workv1alpha2.ObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Namespace: "shop", Name: name},
			Clusters: []workv1alpha2.TargetCluster{{Name: "m1", Replicas: 1}},
		},
		Status: workv1alpha2.ResourceBindingStatus{SchedulerObservedGeneration: 1},
	}
}

func inShop(t *testing.T) context.Context {
	return genericapirequest.WithNamespace(t.Context(), "shop")
}

// put does what an HTTP PUT does.
func put(ctx context.Context, storage rest.Updater, name string, obj runtime.Object) (runtime.Object, error) {
	out, _, err := storage.Update(ctx, name, rest.DefaultUpdatedObjectInfo(obj), rest.ValidateAllObjectFunc,
		rest.ValidateAllObjectUpdateFunc, false, &metav1.UpdateOptions{})
	return out, err
}

func TestSpecAndStatusAreWrittenApart(t *testing.T) {
	b := start(t)
	ctx := inShop(t)
	created, err := b.work.ResourceBindings.Create(ctx, newBinding("web"), rest.ValidateAllObjectFunc, &metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	first := created.(*workv1alpha2.ResourceBinding)
	if diff := cmp.Diff(workv1alpha2.ResourceBindingStatus{}, first.Status); diff != "" {
		t.Errorf("status after creation (-want +got):\n%s", diff)
	}

	change := first.DeepCopy()
	change.Spec.Replicas = 9
	change.Labels["a"] = "b"
	change.Status.SchedulerObservedGeneration = 7
	updated, err := put(ctx, b.work.ResourceBindings.Status(), "web", change)
	if err != nil {
		t.Fatal(err)
	}
	second := updated.(*workv1alpha2.ResourceBinding)
	if second.Spec.Replicas != 0 || second.Labels["a"] != "" || second.Generation != 1 || second.Status.SchedulerObservedGeneration != 7 {
		t.Errorf("after an update of the status: %+v", second)
	}

	change = second.DeepCopy()
	change.Spec.Replicas = 9
	change.Labels["a"] = "b"
	change.Status.SchedulerObservedGeneration = 8
	updated, err = put(ctx, b.work.ResourceBindings, "web", change)
	if err != nil {
		t.Fatal(err)
	}
	third := updated.(*workv1alpha2.ResourceBinding)
	if third.Spec.Replicas != 9 || third.Labels["a"] != "b" || third.Generation != 2 || third.Status.SchedulerObservedGeneration != 7 {
		t.Errorf("after an update of the spec: %+v", third)
	}

	change = third.DeepCopy()
	change.Annotations = map[string]string{"a": "b"}
	change.Generation = 40
	updated, err = put(ctx, b.work.ResourceBindings, "web", change)
	if err != nil {
		t.Fatal(err)
	}
	if got := updated.(*workv1alpha2.ResourceBinding).Generation; got != 2 {
		t.Errorf("generation is %d after a change of metadata, want 2", got)
	}

	if _, err := put(ctx, b.work.ResourceBindings.Status(), "none", change); err == nil {
		t.Error("an update of the status created an object")
	}
}

func TestUnconditionalUpdate(t *testing.T) {
	b := start(t)
	ctx := genericapirequest.WithNamespace(t.Context(), "")
	member := func(region string) *clusterv1alpha1.Cluster {
		return &clusterv1alpha1.Cluster{ObjectMeta: metav1.ObjectMeta{Name: "m1"}, Spec: clusterv1alpha1.ClusterSpec{SyncMode: clusterv1alpha1.Push, Region: region}}
	}
	if _, err := put(ctx, b.cluster.Clusters, "m1", member("a")); !apierrors.IsNotFound(err) {
		t.Errorf("PUT of a new cluster: %v, want not found", err)
	}
	if _, err := b.cluster.Clusters.Create(ctx, member("a"), rest.ValidateAllObjectFunc, &metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	out, err := put(ctx, b.cluster.Clusters, "m1", member("b"))
	if err != nil {
		t.Fatal(err)
	}
	if got := out.(*clusterv1alpha1.Cluster); got.Spec.Region != "b" || got.Generation != 2 {
		t.Errorf("after PUT: %+v", got)
	}

	ctx = inShop(t)
	p := newPolicy()
	if _, err := b.policy.PropagationPolicies.Create(ctx, p.DeepCopy(), rest.ValidateAllObjectFunc, &metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := put(ctx, b.policy.PropagationPolicies, "web", p); !apierrors.IsInvalid(err) {
		t.Errorf("PUT of a policy without resourceVersion: %v, want invalid", err)
	}
}

func newPolicy() *policyv1alpha1.PropagationPolicy {
	return &policyv1alpha1.PropagationPolicy{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web"},
		Spec: policyv1alpha1.PropagationSpec{
			ResourceSelectors: []policyv1alpha1.ResourceSelector{{APIVersion: "apps/v1", Kind: "Deployment"}},
		},
	}
}

type recorder struct {
	mu       sync.Mutex
	warnings []string
}

func (r *recorder) AddWarning(_, text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.warnings = append(r.warnings, text)
}

func TestPolicyWrites(t *testing.T) {
	b := start(t)
	said := &recorder{}
	ctx := warning.WithWarningRecorder(inShop(t), said)
	p := newPolicy()
	p.Spec.SchedulePriority = &policyv1alpha1.SchedulePriority{PriorityClassSource: policyv1alpha1.KubePriorityClass, PriorityClassName: "x"}
	created, err := b.policy.PropagationPolicies.Create(ctx, p, rest.ValidateAllObjectFunc, &metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"spec.schedulePriority: has no effect yet"}, said.warnings); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}

	first := created.(*policyv1alpha1.PropagationPolicy)
	change := first.DeepCopy()
	change.Labels = nil
	change.Spec.Priority = ptr.To[int32](3)
	updated, err := put(ctx, b.policy.PropagationPolicies, "web", change)
	if err != nil {
		t.Fatal(err)
	}
	second := updated.(*policyv1alpha1.PropagationPolicy)
	const id = policyv1alpha1.PropagationPolicyPermanentIDLabel
	if second.Generation != 2 || second.Labels[id] == "" || second.Labels[id] != first.Labels[id] {
		t.Errorf("updated: generation %d, labels %v; created with %v", second.Generation, second.Labels, first.Labels)
	}
	change = second.DeepCopy()
	change.Labels[id] = "other"
	if _, err := put(ctx, b.policy.PropagationPolicies, "web", change); !apierrors.IsInvalid(err) {
		t.Errorf("update of the permanent id: %v, want invalid", err)
	}
}

func TestResources(t *testing.T) {
	b := start(t)
	type facts struct {
		Singular, Short, Category string
		Namespaced                bool
	}
	want := map[string]facts{
		"propagationpolicies":            {"propagationpolicy", "pp", "karmada-io", true},
		"clusterpropagationpolicies":     {"clusterpropagationpolicy", "cpp", "karmada-io", false},
		"overridepolicies":               {"overridepolicy", "op", "karmada-io", true},
		"clusteroverridepolicies":        {"clusteroverridepolicy", "cop", "karmada-io", false},
		"clusters":                       {"cluster", "", "", false},
		"clusters/proxy":                 {},
		"clusters/status":                {},
		"resourcebindings":               {"resourcebinding", "rb", "karmada-io", true},
		"resourcebindings/status":        {},
		"clusterresourcebindings":        {"clusterresourcebinding", "crb", "karmada-io", false},
		"clusterresourcebindings/status": {},
	}
	got := map[string]facts{}
	for _, resources := range []map[string]rest.Storage{b.policy.Resources(), b.cluster.Resources(), b.work.Resources()} {
		for path, storage := range resources {
			var f facts
			if s, ok := storage.(rest.SingularNameProvider); ok {
				f.Singular = s.GetSingularName()
			}
			if s, ok := storage.(rest.ShortNamesProvider); ok {
				f.Short = first(s.ShortNames())
			}
			if s, ok := storage.(rest.CategoriesProvider); ok {
				f.Category = first(s.Categories())
			}
			if s, ok := storage.(rest.Scoper); ok {
				f.Namespaced = s.NamespaceScoped()
			}
			got[path] = f
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("resources (-want +got):\n%s", diff)
	}

	reset := func(s rest.ResetFieldsStrategy) string {
		for version, set := range s.GetResetFields() {
			return fmt.Sprintf("%s %s", version, set)
		}
		return ""
	}
	if diff := cmp.Diff("cluster.karmada.io/v1alpha1 .status", reset(b.cluster.Clusters)); diff != "" {
		t.Errorf("reset fields of clusters (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff("cluster.karmada.io/v1alpha1 .metadata\n.spec", reset(b.cluster.Clusters.Status())); diff != "" {
		t.Errorf("reset fields of clusters/status (-want +got):\n%s", diff)
	}
	if got := reset(b.policy.PropagationPolicies); got != "" {
		t.Errorf("reset fields of policies are %s, want none", got)
	}
}

func first(items []string) string {
	if len(items) == 0 {
		return ""
	}
	return items[0]
}

// An object that was stored under laxer rules can still be let go of.
func TestReleaseOfAnObjectThatBecameInvalid(t *testing.T) {
	b := start(t)
	ctx := inShop(t)
	p := newPolicy()
	p.Finalizers = []string{"example.com/hold"}
	created, err := b.policy.PropagationPolicies.Create(ctx, p, rest.ValidateAllObjectFunc, &metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	strategy := b.policy.PropagationPolicies.UpdateStrategy
	old := created.(*policyv1alpha1.PropagationPolicy)
	old.Spec.ConflictResolution = "Merge"
	released := old.DeepCopy()
	released.Finalizers = nil
	if errs := strategy.ValidateUpdate(ctx, released, old); len(errs) == 0 {
		t.Error("an invalid object is accepted")
	}
	old.DeletionTimestamp = ptr.To(metav1.Now())
	if errs := strategy.ValidateUpdate(ctx, released, old); len(errs) > 0 {
		t.Errorf("the release of an object under deletion is refused: %v", errs)
	}
	released.Spec.Priority = ptr.To[int32](4)
	if errs := strategy.ValidateUpdate(ctx, released, old); len(errs) == 0 {
		t.Error("an invalid change of an object under deletion is accepted")
	}
}
