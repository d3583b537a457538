/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package placement

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	policyv1alpha1 "github.com/manifold-k8s/manifold/apis/policy/v1alpha1"
	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
	"github.com/manifold-k8s/manifold/pkg/binding"
)

// crowd is Deployments that may take ConfigMap c along, and that ConfigMap, which may have a policy of its own. The loop's
// steps on them may come in any order, after any number of events.
type crowd struct {
	users   map[string]*unstructured.Unstructured // by name
	takes   map[string]bool                       // whether the policy of a user says propagateDeps
	where   map[string][]string                   // where the policy of a user places it
	unknown map[string]bool                       // whether the templates of a user's kind are being read
	policy  []string                              // where a policy places the ConfigMap; nil without one

	placed   map[string]*binding.Binding // stored bindings of users
	attached *binding.Binding            // stored binding of the ConfigMap
}

var fleet = []string{"m1", "m2", "m3", "m4"}

func (w *crowd) affinity(to []string) Governor {
	return governed(policyv1alpha1.Placement{ClusterAffinity: only(to...)}, func(s *policyv1alpha1.PropagationSpec) {})
}

// stepUser does what the loop does about a Deployment.
func (w *crowd) stepUser(name string) {
	tmpl, old := w.users[name], w.placed[name]
	if tmpl == nil {
		delete(w.placed, name) // its copies are gone at once
		return
	}
	if w.unknown[name] {
		return
	}
	g := w.affinity(w.where[name])
	g.Policy.Spec.PropagateDeps = w.takes[name]
	next, _ := Decide(Input{Template: tmpl, Governor: g, Old: old, Clusters: served(fleet...), Now: start})
	b := stored(old, next)
	b.Labels[workv1alpha2.ResourceBindingPermanentIDLabel] = "id-" + name
	w.placed[name] = b
}

// stepConfigMap does what the loop does about the ConfigMap.
func (w *crowd) stepConfigMap() {
	c := configMap()
	object := ObjectOf(schema.GroupVersionKind{Version: "v1", Kind: "ConfigMap"}, c)
	var requirers []*binding.Binding
	for _, name := range slices.Sorted(maps.Keys(w.placed)) {
		b := w.placed[name]
		refs, _ := binding.Dependencies(b)
		said := w.attached != nil && slices.ContainsFunc(w.attached.Spec.RequiredBy, func(s workv1alpha2.BindingSnapshot) bool { return s.Name == b.Name })
		needs := binding.TakesAlong(b) && binding.Refer(b.Namespace, refs, object)
		if !needs && said {
			tmpl := w.users[name]
			if w.unknown[name] {
				tmpl = nil
			}
			needs = StillNeeds(b, tmpl, object) != Ended
		}
		if needs {
			requirers = append(requirers, b)
		}
	}
	var g Governor
	if w.policy != nil {
		g = w.affinity(w.policy)
	}
	if !g.Any() && len(requirers) == 0 {
		if w.attached == nil {
			return
		}
		next, done := Release(w.attached, served(fleet...))
		w.attached = stored(w.attached, next)
		if done {
			w.attached = nil
		}
		return
	}
	next, _ := Decide(Input{Template: c, Governor: g, Old: w.attached, Clusters: served(fleet...), Requirers: requirers, Now: start})
	w.attached = stored(w.attached, next)
}

// dropped names a Deployment that needed the ConfigMap before the last step, does so still, and is not named any more.
func (w *crowd) dropped(before *binding.Binding) string {
	if before == nil {
		return ""
	}
	var now []workv1alpha2.BindingSnapshot
	if w.attached != nil {
		now = w.attached.Spec.RequiredBy
	}
	for _, by := range before.Spec.RequiredBy {
		for name, b := range w.placed {
			if b.Name == by.Name && binding.TakesAlong(b) && w.needs(name) && !slices.ContainsFunc(now, func(s workv1alpha2.BindingSnapshot) bool { return s.Name == by.Name }) {
				return name
			}
		}
	}
	return ""
}

// needs reports whether a Deployment refers to the ConfigMap.
func (w *crowd) needs(name string) bool {
	tmpl := w.users[name]
	return tmpl != nil && cmp.Equal(tmpl.Object["spec"], user(name, "c", "other").Object["spec"])
}

// event does to the crowd what users may do.
func (w *crowd) event(r *rand.Rand) {
	name := fmt.Sprint("d", r.IntN(3))
	some := func() []string {
		out := slices.Clone(fleet)
		r.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
		out = out[:1+r.IntN(3)]
		slices.Sort(out)
		return out
	}
	switch r.IntN(8) {
	case 0:
		w.users[name], w.where[name] = user(name, "c", "other"), some()
	case 1:
		w.users[name], w.where[name] = user(name, "other"), some()
	case 2:
		delete(w.users, name)
	case 3:
		w.takes[name] = !w.takes[name]
	case 4:
		w.where[name] = some()
	case 5:
		w.unknown[name] = !w.unknown[name]
	case 6:
		w.policy = some()
		if r.IntN(2) == 0 {
			w.policy = nil
		}
	case 7: // somebody edits what is the loop's
		if b := w.placed[name]; b != nil {
			b = b.DeepCopy()
			b.Annotations[workv1alpha2.DependenciesAnnotation] = "[]"
			if r.IntN(2) == 0 {
				delete(b.Annotations, workv1alpha2.DependenciesAnnotation)
			}
			w.placed[name] = b
		}
	}
}

// Whatever happens in whatever order, who needs a template is in the end who should; on the way, no cluster that may hold a
// copy is forgotten, and nobody who needs it still is dropped.
func TestRequiredByFollowsFromWhatThereIs(t *testing.T) {
	t.Parallel()
	for seed := range uint64(400) {
		r := rand.New(rand.NewPCG(seed, 0))
		w := &crowd{
			users: map[string]*unstructured.Unstructured{}, takes: map[string]bool{}, where: map[string][]string{}, unknown: map[string]bool{},
			placed: map[string]*binding.Binding{},
		}
		for i := range 40 {
			w.event(r)
			for range r.IntN(3) {
				if r.IntN(2) == 0 {
					w.stepUser(fmt.Sprint("d", r.IntN(3)))
					continue
				}
				before := w.attached
				w.stepConfigMap()
				if name := w.dropped(before); name != "" {
					t.Fatalf("seed %d, event %d: %s needs it still: %+v", seed, i, name, w.attached)
				}
				if w.attached != nil && before != nil {
					known := binding.Clusters(w.attached)
					for _, c := range binding.Clusters(before) {
						if !slices.Contains(known, c) {
							t.Fatalf("seed %d, event %d: %s is forgotten: %v", seed, i, c, known)
						}
					}
				}
			}
		}
		left := []string{} // where the last policy of its own has placed it
		if w.attached != nil {
			for _, c := range w.attached.Spec.Clusters {
				left = append(left, c.Name)
			}
		}
		if w.policy != nil {
			left = w.policy
		}
		w.unknown = map[string]bool{}
		steps := []string{"d0", "d1", "d2"}
		r.Shuffle(len(steps), func(i, j int) { steps[i], steps[j] = steps[j], steps[i] })
		for _, name := range steps {
			w.stepUser(name)
			if r.IntN(2) == 0 {
				w.stepConfigMap()
			}
		}
		w.stepConfigMap()
		w.check(t, seed, left)
	}
}

// check compares the end with what follows from the crowd alone.
func (w *crowd) check(t *testing.T, seed uint64, left []string) {
	t.Helper()
	want := map[string][]string{}
	for name := range w.users {
		if w.takes[name] && w.needs(name) {
			want[name+"-deployment"] = w.where[name]
		}
	}
	got, placed := map[string][]string{}, []string{}
	if w.attached != nil {
		for _, by := range w.attached.Spec.RequiredBy {
			for _, c := range by.Clusters {
				got[by.Name] = append(got[by.Name], c.Name)
			}
			if by.Namespace != "ns" || w.attached.Labels[binding.DependedByLabel(KeyOfSnapshot(&by))] == "" {
				t.Fatalf("seed %d: entry %+v, labels %v", seed, by, w.attached.Labels)
			}
		}
		for _, c := range w.attached.Spec.Clusters {
			placed = append(placed, c.Name)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("seed %d: who needs it (-want +got):\n%s", seed, diff)
	}
	if diff := cmp.Diff(left, placed); diff != "" {
		t.Fatalf("seed %d: where it is placed without being needed (-want +got):\n%s", seed, diff)
	}
	if governed := w.policy != nil || len(want) > 0; governed && w.attached == nil {
		t.Fatalf("seed %d: there is no binding", seed)
	}
	if w.attached != nil && binding.Claimed(w.attached) != (w.policy != nil) {
		t.Fatalf("seed %d: claimed %v", seed, binding.Claimed(w.attached))
	}
}
