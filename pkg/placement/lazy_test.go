/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package placement

import (
	"runtime/debug"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	policyv1alpha1 "github.com/manifold-k8s/manifold/apis/policy/v1alpha1"
	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
	"github.com/manifold-k8s/manifold/pkg/binding"
)

func lazy(s *policyv1alpha1.PropagationSpec) { s.ActivationPreference = policyv1alpha1.LazyActivation }

// elsewhere is what a policy says after a change: all of it has to wait, or all of it holds.
func elsewhere(s *policyv1alpha1.PropagationSpec) {
	yes := true
	s.Placement = policyv1alpha1.Placement{ClusterAffinity: only("m2")}
	s.ConflictResolution = policyv1alpha1.ConflictOverwrite
	s.PreserveResourcesOnDeletion = &yes
	s.PropagateDeps = true
	s.Suspension = &policyv1alpha1.Suspension{Dispatching: &yes}
	s.Failover = &policyv1alpha1.FailoverBehavior{}
}

// edited is the step after somebody has changed the template.
func edited(change func(*unstructured.Unstructured)) func(*Input) {
	return func(in *Input) {
		in.Template = in.Template.DeepCopy()
		in.Template.SetResourceVersion(in.Template.GetResourceVersion() + "1")
		change(in.Template)
	}
}

func governedBy(name string, change ...func(*policyv1alpha1.PropagationSpec)) func(*Input) {
	return func(in *Input) {
		in.Governor = governed(policyv1alpha1.Placement{ClusterAffinity: only("m1")}, change...)
		in.Governor.Policy.Name, in.Governor.Policy.PermanentID = name, name+"id"
	}
}

func TestLazy(t *testing.T) {
	t.Parallel()
	set := func(value any, path ...string) func(*unstructured.Unstructured) {
		return func(u *unstructured.Unstructured) {
			if err := unstructured.SetNestedField(u.Object, value, path...); err != nil {
				panic(err)
			}
		}
	}
	// What anybody but the user writes into a template.
	housekeeping := func(u *unstructured.Unstructured) {
		labels, annotations := map[string]string{}, map[string]string{}
		binding.SetClaim(labels, annotations, governed(duplicated).Policy)
		u.SetLabels(labels)
		u.SetAnnotations(annotations)
		u.SetManagedFields([]metav1.ManagedFieldsEntry{{Manager: "x"}})
		u.SetGeneration(7)
		u.SetFinalizers([]string{"example.com/f"})
		set(int64(3), "status", "replicas")(u)
	}
	changed := governedBy("p", lazy, elsewhere)
	nothing := func(*Input) {}
	for name, tc := range map[string]struct {
		first    func(*Input) // the policy to begin with; nil: one that is Lazy, for m1
		steps    []func(*Input)
		want     string // the clusters in the end
		deferred bool   // in the last step
	}{
		"first placement":                   {nil, []func(*Input){nothing}, "m1=3 ", false},
		"a changed policy":                  {nil, []func(*Input){changed}, "m1=3 ", true},
		"still, later":                      {nil, []func(*Input){changed, nothing, nothing}, "m1=3 ", true},
		"what others write into templates":  {nil, []func(*Input){changed, edited(housekeeping)}, "m1=3 ", true},
		"an annotation":                     {nil, []func(*Input){changed, edited(set("v", "metadata", "annotations", "note"))}, "m2=3 ", false},
		"a label":                           {nil, []func(*Input){changed, edited(set("v", "metadata", "labels", "note"))}, "m2=3 ", false},
		"the spec":                          {nil, []func(*Input){changed, edited(set(true, "spec", "paused"))}, "m2=3 ", false},
		"the replicas":                      {nil, []func(*Input){changed, edited(set(int64(4), "spec", "replicas"))}, "m2=4 ", false},
		"an edit before the policy's":       {nil, []func(*Input){edited(set(true, "spec", "paused")), changed}, "m1=3 ", true},
		"both at once":                      {nil, []func(*Input){func(in *Input) { changed(in); edited(set(true, "spec", "paused"))(in) }}, "m2=3 ", false},
		"an edit that is taken back":        {nil, []func(*Input){edited(set(true, "spec", "paused")), changed, edited(set(false, "spec", "paused"))}, "m2=3 ", false},
		"lazy no more":                      {nil, []func(*Input){changed, governedBy("p", elsewhere)}, "m2=3 ", false},
		"lazy from now on":                  {governedBy("p"), []func(*Input){changed}, "m1=3 ", true},
		"lazy from now on, and scaled":      {governedBy("p"), []func(*Input){func(in *Input) { changed(in); edited(set(int64(4), "spec", "replicas"))(in) }}, "m2=4 ", false},
		"lazy from now on, and then edited": {governedBy("p"), []func(*Input){changed, edited(set(true, "spec", "paused"))}, "m2=3 ", false},
		"preempted by a lazy one":           {governedBy("a"), []func(*Input){governedBy("b", lazy, elsewhere)}, "m1=3 ", true},
		"preempted, and then edited":        {governedBy("a"), []func(*Input){governedBy("b", lazy, elsewhere), edited(set(true, "spec", "paused"))}, "m2=3 ", false},
		"preempted by one that is not lazy": {nil, []func(*Input){governedBy("p", lazy), governedBy("b", elsewhere)}, "m2=3 ", false},
		"read in another form": {nil, []func(*Input){func(in *Input) {
			in.Old = in.Old.DeepCopy()
			in.Old.Annotations[workv1alpha2.LazyTemplateAnnotation] = "v0.1.0/ffffffffffffffffffffffffffffffff"
			changed(in)
		}}, "m1=3 ", true},
		"nowhere until now": {
			governedBy("p", lazy, func(s *policyv1alpha1.PropagationSpec) { s.Placement.ClusterAffinity = only("nosuch") }),
			[]func(*Input){nothing, changed}, "m2=3 ", false,
		},
		"another object of the name": {nil, []func(*Input){func(in *Input) { changed(in); edited(set("u9", "metadata", "uid"))(in) }}, "m2=3 ", false},
		"a cluster that goes away":   {nil, []func(*Input){func(in *Input) { changed(in); in.Clusters = clusters("m2", "m3") }}, "", true},
		"a binding without placement": {nil, []func(*Input){func(in *Input) {
			in.Old = in.Old.DeepCopy()
			in.Old.Spec.Placement = nil
			changed(in)
		}}, "m2=3 ", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := Input{Template: deployment(3), Clusters: clusters("m1", "m2", "m3")}
			governedBy("p", lazy)(&in)
			if tc.first != nil {
				tc.first(&in)
			}
			_, next, d := place(in, tc.steps...)
			if got := shares(next); got != tc.want || d.Deferred != tc.deferred {
				t.Errorf("placed in %q, deferred %v; want %q, %v", got, d.Deferred, tc.want, tc.deferred)
			}
			if moved := next.Spec.ConflictResolution == policyv1alpha1.ConflictOverwrite; moved != (next.Spec.Placement.ClusterAffinity.ClusterNames[0] == "m2") {
				t.Errorf("half of the policy: %+v", next.Spec)
			}
		})
	}
}

// The claim is that of the policy that governs the template, whether what it says has to wait or not.
func TestLazyClaims(t *testing.T) {
	t.Parallel()
	in := Input{Template: deployment(3), Clusters: clusters("m1", "m2")}
	governedBy("a")(&in)
	_, next, _ := place(in, governedBy("b", lazy, elsewhere))
	if got := binding.ClaimOf(next.Labels, next.Annotations); got.Name != "b" || got.PermanentID != "bid" {
		t.Errorf("claimed by %+v", got)
	}
	if next.Annotations[workv1alpha2.LazyTemplateAnnotation] == "" {
		t.Error("nothing is noted of the template")
	}
	_, next, _ = place(in, governedBy("b", lazy, elsewhere), governedBy("c"))
	if note, found := next.Annotations[workv1alpha2.LazyTemplateAnnotation]; found {
		t.Errorf("a note is left: %s", note)
	}
}

// A restart, and what is written into a template because of its placement, is nothing new.
func TestLazyIsQuiet(t *testing.T) {
	t.Parallel()
	in := Input{Template: deployment(3), Clusters: clusters("m1", "m2")}
	governedBy("p", lazy)(&in)
	old, next, _ := place(in, governedBy("p", lazy, elsewhere), func(in *Input) {
		in.Template = in.Template.DeepCopy()
		in.Template.SetResourceVersion("99")
		in.Governor.Policy.Spec = in.Governor.Policy.Spec.DeepCopy()
	})
	if diff := cmp.Diff(old, next); diff != "" {
		t.Errorf("would be written (-stored +decided):\n%s", diff)
	}
}

func TestNoteOfKindsWithoutSpec(t *testing.T) {
	t.Parallel()
	one, other := configMap(), configMap()
	if note(one) != note(other) {
		t.Error("the same is noted in two ways")
	}
	other.Object["data"] = map[string]any{"key": "value"}
	if note(one) == note(other) {
		t.Error("data do not count")
	}
	if before := one.DeepCopy(); note(one) == "" || !cmp.Equal(before, one) {
		t.Error("the template was changed")
	}
}

func TestForm(t *testing.T) {
	t.Parallel()
	build := &debug.BuildInfo{Deps: []*debug.Module{{Path: "k8s.io/apimachinery", Version: "v1"}, {Path: "k8s.io/api", Version: "v2"}}}
	for want, got := range map[string]string{"v2": formOf(build, true), "unknown": formOf(nil, false)} {
		if got != want {
			t.Errorf("the form is %q, want %q", got, want)
		}
	}
}
