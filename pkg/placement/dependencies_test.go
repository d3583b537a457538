/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package placement

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	clusterv1alpha1 "github.com/manifold-k8s/manifold/apis/cluster/v1alpha1"
	policyv1alpha1 "github.com/manifold-k8s/manifold/apis/policy/v1alpha1"
	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
	"github.com/manifold-k8s/manifold/pkg/binding"
	"github.com/manifold-k8s/manifold/pkg/match"
)

// user is a Deployment with those ConfigMaps as volumes.
func user(name string, configMaps ...string) *unstructured.Unstructured {
	out := deployment(2)
	out.SetName(name)
	out.SetUID(types.UID("u-" + name))
	volumes := []any{}
	for _, c := range configMaps {
		volumes = append(volumes, map[string]any{"name": c, "configMap": map[string]any{"name": c}})
	}
	if err := unstructured.SetNestedField(out.Object, volumes, "spec", "template", "spec", "volumes"); err != nil {
		panic(err) // the path is there
	}
	return out
}

func takesAlong(s *policyv1alpha1.PropagationSpec) { s.PropagateDeps = true }

func overwrites(s *policyv1alpha1.PropagationSpec) {
	s.ConflictResolution = policyv1alpha1.ConflictOverwrite
}

func preserves(s *policyv1alpha1.PropagationSpec) {
	yes := true
	s.PreserveResourcesOnDeletion = &yes
}

// requirer is the stored binding of a Deployment that takes a ConfigMap along to these clusters.
func requirer(name string, to []string, change ...func(*policyv1alpha1.PropagationSpec)) *binding.Binding {
	_, next, _ := place(Input{
		Template: user(name, "c"), Clusters: clusters(to...), Governor: governed(duplicated, append(change, takesAlong)...),
	})
	b := stored(nil, next)
	b.Labels[workv1alpha2.ResourceBindingPermanentIDLabel] = "id-" + name
	return b
}

func TestReferencesAreRecorded(t *testing.T) {
	t.Parallel()
	old, next, d := place(
		Input{Template: user("web", "b", "a", "b"), Governor: governed(duplicated, takesAlong), Clusters: clusters("m1")},
		func(in *Input) { in.Template = user("web", "c") },
		func(in *Input) { in.Template = user("web") },
	)
	const one = `[{"apiVersion":"v1","kind":"ConfigMap","namespace":"ns","name":"c"}]`
	if got := old.Annotations[workv1alpha2.DependenciesAnnotation]; got != one {
		t.Errorf("the references are %s", got)
	}
	if got := next.Annotations[workv1alpha2.DependenciesAnnotation]; got != "[]" || d.Unread != nil {
		t.Errorf("a template without references has %q, %v", got, d.Unread)
	}
	_, next, _ = place(Input{Template: user("web", "b"), Old: next, Governor: governed(duplicated), Clusters: clusters("m1")})
	if got, ok := next.Annotations[workv1alpha2.DependenciesAnnotation]; ok {
		t.Errorf("what nothing follows has the references %q", got)
	}
}

// As long as it cannot be told what a template refers to, what was known stands.
func TestUnreadableReferences(t *testing.T) {
	t.Parallel()
	_, next, d := place(
		Input{Template: user("web", "c"), Governor: governed(duplicated, takesAlong), Clusters: clusters("m1")},
		func(in *Input) {
			in.Template = user("web", "d")
			if err := unstructured.SetNestedField(in.Template.Object, "no list", "spec", "template", "spec", "volumes"); err != nil {
				t.Fatal(err)
			}
		})
	if d.Unread == nil || !strings.Contains(next.Annotations[workv1alpha2.DependenciesAnnotation], `"c"`) {
		t.Errorf("%v, references %s", d.Unread, next.Annotations[workv1alpha2.DependenciesAnnotation])
	}
}

func TestAttached(t *testing.T) {
	t.Parallel()
	a, b := requirer("a", []string{"m1", "m2"}), requirer("b", []string{"m2", "m3"})
	next, d := Decide(Input{Template: configMap(), Requirers: []*binding.Binding{b, a}, Clusters: clusters("m1", "m2", "m3", "m4"), Now: start})
	yes := true
	want := &binding.Binding{}
	want.Namespace, want.Name = "ns", "c-configmap"
	want.Labels = map[string]string{
		binding.DependedByLabel(binding.Key(a)): "id-a", binding.DependedByLabel(binding.Key(b)): "id-b",
	}
	want.Annotations = map[string]string{}
	want.Finalizers = []string{workv1alpha2.ResourceBindingFinalizer}
	want.OwnerReferences = []metav1.OwnerReference{{
		APIVersion: "v1", Kind: "ConfigMap", Name: "c", UID: "u2", Controller: &yes, BlockOwnerDeletion: &yes,
	}}
	want.Spec.Resource = workv1alpha2.ObjectReference{APIVersion: "v1", Kind: "ConfigMap", Namespace: "ns", Name: "c", UID: "u2", ResourceVersion: "1"}
	want.Spec.ConflictResolution = policyv1alpha1.ConflictAbort
	want.Spec.RequiredBy = []workv1alpha2.BindingSnapshot{
		{Namespace: "ns", Name: "a-deployment", Clusters: a.Spec.Clusters}, {Namespace: "ns", Name: "b-deployment", Clusters: b.Spec.Clusters},
	}
	if diff := cmp.Diff(want, next); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if d.Scheduled || d.Dispute != "" {
		t.Errorf("decision %+v", d)
	}
	again, _ := Decide(Input{
		Template: configMap(), Requirers: []*binding.Binding{a, b}, Clusters: clusters("m1"), Now: start, Old: stored(nil, next),
	})
	if diff := cmp.Diff(stored(nil, next), again); diff != "" {
		t.Errorf("something new without a reason:\n%s", diff)
	}
}

// A policy of its own decides about a template that others need, too; their clusters come on top.
func TestGovernedAndRequired(t *testing.T) {
	t.Parallel()
	a := requirer("a", []string{"m2"}, overwrites, preserves)
	old, next, d := place(
		Input{Template: configMap(), Governor: governed(policyv1alpha1.Placement{ClusterAffinity: only("m1")}), Clusters: served("m1", "m2")},
		func(in *Input) { in.Requirers = []*binding.Binding{a} },
	)
	if shares(next) != shares(old) || next.Spec.Placement == nil || next.Spec.ConflictResolution != policyv1alpha1.ConflictAbort ||
		next.Spec.PreserveResourcesOnDeletion != nil || d.Dispute != "" {
		t.Errorf("its own settings have changed: %+v, %q", next.Spec, d.Dispute)
	}
	if diff := cmp.Diff([]string{"m1", "m2"}, binding.Clusters(next)); diff != "" {
		t.Errorf("clusters (-want +got):\n%s", diff)
	}
	if !meta.IsStatusConditionTrue(next.Status.Conditions, workv1alpha2.Scheduled) {
		t.Errorf("conditions %+v", next.Status.Conditions)
	}
	same := Input{
		Template: configMap(), Governor: governed(policyv1alpha1.Placement{ClusterAffinity: only("m1")}), Clusters: served("m1", "m2"),
		Old: stored(old, next), Requirers: Standing(next), Now: start,
	}
	if again, _ := Decide(same); !cmp.Equal(same.Old.Spec, again.Spec) || !cmp.Equal(same.Old.Labels, again.Labels) {
		t.Errorf("by what the binding itself says of who needs it:\n%s", cmp.Diff(same.Old, again))
	}
	_, next, _ = place(Input{Template: configMap(), Old: stored(old, next), Governor: governed(duplicated), Clusters: served("m1")})
	if len(next.Spec.RequiredBy) > 0 || next.Labels[binding.DependedByLabel(binding.Key(a))] != "" {
		t.Errorf("nobody needs it any more: %+v, %v", next.Spec.RequiredBy, next.Labels)
	}
	if diff := cmp.Diff([]string{"m1", "m2"}, binding.Clusters(next)); diff != "" {
		t.Errorf("the copy in m2 is forgotten (-want +got):\n%s", diff)
	}
}

// served are clusters that serve ConfigMaps, too.
func served(names ...string) []*clusterv1alpha1.Cluster {
	out := clusters(names...)
	for _, c := range out {
		c.Status.APIEnablements[1].Resources = append(c.Status.APIEnablements[1].Resources, clusterv1alpha1.APIResource{Name: "configmaps", Kind: "ConfigMap"})
	}
	return out
}

// What a former policy has placed stays, with its settings, while others need the template and when they do not any more.
func TestLeftAndRequired(t *testing.T) {
	t.Parallel()
	yes := true
	suspended := func(s *policyv1alpha1.PropagationSpec) { s.Suspension = &policyv1alpha1.Suspension{Dispatching: &yes} }
	in := Input{
		Template: configMap(), Governor: governed(policyv1alpha1.Placement{ClusterAffinity: only("m1")}, preserves, suspended),
		Clusters: served("m1", "m2"),
	}
	old, next, _ := place(in, func(in *Input) {
		in.Governor, in.Requirers = Governor{}, []*binding.Binding{requirer("a", []string{"m1", "m2"}, overwrites)}
	})
	if binding.Claimed(next) || shares(next) != shares(old) || next.Spec.PreserveResourcesOnDeletion == nil || next.Spec.ConflictResolution != policyv1alpha1.ConflictAbort {
		t.Errorf("%+v", next.Spec)
	}
	if next.Spec.Suspension != nil {
		t.Error("the suspension of a policy that is gone holds back what others need")
	}
	released, done := Release(stored(old, next), in.Clusters)
	if done || shares(released) != shares(old) || len(released.Spec.RequiredBy) > 0 {
		t.Errorf("done %v, %+v", done, released.Spec)
	}
	if diff := cmp.Diff([]string{"m1", "m2"}, binding.Clusters(released)); diff != "" {
		t.Errorf("clusters that may hold a copy (-want +got):\n%s", diff)
	}
}

func TestRelease(t *testing.T) {
	t.Parallel()
	_, attached, _ := place(Input{Template: configMap(), Requirers: []*binding.Binding{requirer("a", []string{"m1"})}})
	_, claimed, _ := place(Input{Template: configMap(), Governor: governed(duplicated), Clusters: served("m1")})
	_, nowhere, _ := place(Input{Template: configMap(), Governor: governed(duplicated)})
	for name, tc := range map[string]struct {
		old  *binding.Binding
		done bool
	}{
		"attached only":                {attached, true},
		"placed by a policy":           {claimed, false},
		"placed nowhere by a policy":   {nowhere, false},
		"released before, and the end": {&binding.Binding{}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			next, done := Release(tc.old, served("m1"))
			if done != tc.done || len(next.Spec.RequiredBy) > 0 || binding.Claimed(next) {
				t.Errorf("done %v, want %v: %+v", done, tc.done, next)
			}
		})
	}
}

// Of policies that differ, the stronger word counts, and somebody is told.
func TestDispute(t *testing.T) {
	t.Parallel()
	plain, other := requirer("a", []string{"m1"}), requirer("b", []string{"m1"})
	over, keep := requirer("over", []string{"m1"}, overwrites), requirer("keep", []string{"m1"}, preserves)
	for name, tc := range map[string]struct {
		by                  []*binding.Binding
		overwrite, preserve bool
		says                []string
	}{
		"agreed":          {by: []*binding.Binding{plain, other}},
		"one alone":       {by: []*binding.Binding{over}, overwrite: true},
		"one overwrites":  {by: []*binding.Binding{plain, over}, overwrite: true, says: []string{"Overwrite", "over-deployment"}},
		"one preserves":   {by: []*binding.Binding{keep, plain}, preserve: true, says: []string{"preserve", "keep-deployment"}},
		"each says one":   {by: []*binding.Binding{keep, over}, overwrite: true, preserve: true, says: []string{"Overwrite", "preserve", "2 bindings"}},
		"said explicitly": {by: []*binding.Binding{plain, requirer("no", []string{"m1"}, func(s *policyv1alpha1.PropagationSpec) { s.PreserveResourcesOnDeletion = new(bool) })}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, next, d := place(Input{Template: configMap(), Requirers: tc.by})
			if got := next.Spec.ConflictResolution == policyv1alpha1.ConflictOverwrite; got != tc.overwrite {
				t.Errorf("overwrites: %v", got)
			}
			if got := next.Spec.PreserveResourcesOnDeletion != nil; got != tc.preserve {
				t.Errorf("preserves: %v", got)
			}
			if (d.Dispute != "") != (tc.says != nil) {
				t.Errorf("dispute: %q", d.Dispute)
			}
			for _, s := range tc.says {
				if !strings.Contains(d.Dispute, s) {
					t.Errorf("%q lacks %q", d.Dispute, s)
				}
			}
		})
	}
}

// Only what is certain ends a need: not a list of references that somebody has changed, nor a template that is not known.
func TestStillNeeds(t *testing.T) {
	t.Parallel()
	object := ObjectOf(schema.GroupVersionKind{Version: "v1", Kind: "ConfigMap"}, configMap())
	change := func(fs ...func(*binding.Binding)) *binding.Binding {
		b := requirer("a", []string{"m1"})
		for _, f := range fs {
			f(b)
		}
		return b
	}
	lists := func(text string) func(*binding.Binding) {
		return func(b *binding.Binding) { b.Annotations[workv1alpha2.DependenciesAnnotation] = text }
	}
	unlisted := func(b *binding.Binding) { delete(b.Annotations, workv1alpha2.DependenciesAnnotation) }
	unclaimed := func(b *binding.Binding) { binding.SetClaim(b.Labels, b.Annotations, nil) }
	refers, refersNot := user("a", "c"), user("a", "d")
	successor := user("a")
	successor.SetUID("another")
	for name, tc := range map[string]struct {
		by   *binding.Binding
		tmpl *unstructured.Unstructured
		want Verdict
	}{
		"no binding":                       {nil, nil, Ended},
		"listed":                           {change(), nil, Needed},
		"listed, whatever the template":    {change(), refersNot, Needed},
		"switched off":                     {change(func(b *binding.Binding) { b.Spec.PropagateDeps = false }), refers, Ended},
		"placed nowhere":                   {change(func(b *binding.Binding) { b.Spec.Clusters = nil }), refers, Ended},
		"being deleted":                    {change(func(b *binding.Binding) { b.DeletionTimestamp = &metav1.Time{Time: start} }), refers, Ended},
		"not listed, template not known":   {change(lists("[]")), nil, Unknown},
		"not listed, template refers":      {change(lists("[]")), refers, Unknown},
		"not listed, template does not":    {change(lists("[]")), refersNot, Ended},
		"not listed, another template":     {change(lists("[]")), successor, Unknown},
		"not listed, nobody governs it":    {change(lists("[]"), unclaimed), refers, Ended},
		"no list, template not known":      {change(unlisted), nil, Unknown},
		"no list, template refers":         {change(unlisted), refers, Unknown},
		"no list, template does not":       {change(unlisted), refersNot, Ended},
		"an unreadable list":               {change(lists("{")), nil, Unknown},
		"no list, nobody governs it":       {change(unlisted, unclaimed), refers, Unknown},
		"listed, though nobody governs it": {change(unclaimed), refersNot, Needed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := StillNeeds(tc.by, tc.tmpl, object); got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}

func TestAttachable(t *testing.T) {
	t.Parallel()
	skipped, err := match.ParseNamespaces([]string{"kept"})
	if err != nil {
		t.Fatal(err)
	}
	gvk := func(kind string) schema.GroupVersionKind { return schema.GroupVersionKind{Version: "v1", Kind: kind} }
	for name, tc := range map[string]struct {
		kind, namespace, name string
		want                  bool
	}{
		"ordinary":                {"ConfigMap", "ns", "c", true},
		"certificates":            {"ConfigMap", "ns", "kube-root-ca.crt", false},
		"default service account": {"ServiceAccount", "ns", "default", false},
		"reserved namespace":      {"Secret", "kube-system", "s", false},
		"skipped namespace":       {"Secret", "kept", "s", false},
		"cluster-wide":            {"Secret", "", "s", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := &metav1.ObjectMeta{Namespace: tc.namespace, Name: tc.name}
			if got := Attachable(gvk(tc.kind), m, skipped); got != tc.want {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
}
