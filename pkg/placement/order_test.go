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
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	policyv1alpha1 "github.com/manifold-k8s/manifold/apis/policy/v1alpha1"
	"github.com/manifold-k8s/manifold/pkg/binding"
	"github.com/manifold-k8s/manifold/pkg/match"
)

// world is the hub as far as claims go: what is stored, what the caches know of it, and which templates wait for a step.
// Each kind of policy has a cache that learns in the order of creation, and independently of the others; of a template,
// what is learnt is always its latest state.
type world struct {
	admission bool // new templates are claimed on their way in, by what the caches know

	policies  Policies // stored
	learnt    Policies // of policies, a beginning of each list
	templates map[string]*unstructured.Unstructured
	known     map[string]*unstructured.Unstructured
	stale     map[string]bool // templates that have changed since the cache has learnt of them
	waiting   map[string]bool // templates that somebody has asked a step for
	bindings  map[string]*binding.Binding
	t         *testing.T
}

func newWorld(t *testing.T, admission bool) *world {
	return &world{
		admission: admission, templates: map[string]*unstructured.Unstructured{}, known: map[string]*unstructured.Unstructured{},
		stale: map[string]bool{}, waiting: map[string]bool{}, bindings: map[string]*binding.Binding{}, t: t,
	}
}

func (w *world) create(object any) {
	switch o := object.(type) {
	case *policyv1alpha1.PropagationPolicy:
		w.policies.Namespaced = append(w.policies.Namespaced, o)
	case *policyv1alpha1.ClusterPropagationPolicy:
		w.policies.ClusterWide = append(w.policies.ClusterWide, o)
	case *unstructured.Unstructured:
		u := o.DeepCopy()
		if w.admission {
			mark(u, Govern(u.GroupVersionKind(), u, w.learnt, match.Namespaces{}).Policy)
		}
		w.templates[u.GetName()], w.stale[u.GetName()] = u, true
	default:
		w.t.Fatalf("a %T", object)
	}
}

func mark(u *unstructured.Unstructured, p *match.Policy) {
	labels, annotations := map[string]string{}, map[string]string{}
	maps.Copy(labels, u.GetLabels())
	maps.Copy(annotations, u.GetAnnotations())
	binding.SetClaim(labels, annotations, p)
	u.SetLabels(labels)
	u.SetAnnotations(annotations)
}

// moves are what may happen next: a cache learns of something, or a template has its step.
func (w *world) moves() (out []func()) {
	if n := len(w.learnt.Namespaced); n < len(w.policies.Namespaced) {
		out = append(out, func() {
			w.learnt.Namespaced = w.policies.Namespaced[:n+1]
			w.wake(w.policies.Namespaced[n].Spec.ResourceSelectors)
		})
	}
	if n := len(w.learnt.ClusterWide); n < len(w.policies.ClusterWide) {
		out = append(out, func() {
			w.learnt.ClusterWide = w.policies.ClusterWide[:n+1]
			w.wake(w.policies.ClusterWide[n].Spec.ResourceSelectors)
		})
	}
	for _, name := range slices.Sorted(maps.Keys(w.stale)) {
		out = append(out, func() { w.learn(name) })
	}
	for _, name := range slices.Sorted(maps.Keys(w.waiting)) {
		out = append(out, func() { w.step(name) })
	}
	return out
}

func (w *world) learn(name string) {
	delete(w.stale, name)
	w.known[name], w.waiting[name] = w.templates[name].DeepCopy(), true
}

// wake asks for a step on what a policy selects of what is known.
func (w *world) wake(selectors []policyv1alpha1.ResourceSelector) {
	for name, u := range w.known {
		if match.Selects(selectors, Matchable(u.GroupVersionKind(), u)) != match.StrengthNone {
			w.waiting[name] = true
		}
	}
}

// step does what the controller's does.
func (w *world) step(name string) {
	delete(w.waiting, name)
	tmpl := w.known[name]
	g := GovernClaimed(tmpl.GroupVersionKind(), tmpl, Claim(tmpl, w.bindings[name]), w.learnt, match.Namespaces{})
	if g.Any() {
		next, _ := Decide(Input{Template: tmpl, Governor: g, Old: w.bindings[name], Clusters: clusters("m1", "m2"), Now: start})
		w.bindings[name] = stored(w.bindings[name], next)
	}
	before := w.templates[name].DeepCopy()
	mark(w.templates[name], g.Policy)
	if !cmp.Equal(before, w.templates[name]) {
		w.stale[name] = true
	}
}

// settle lets everything happen that may, in some order.
func (w *world) settle(r *rand.Rand) {
	for n := 0; ; n++ {
		moves := w.moves()
		if len(moves) == 0 {
			return
		}
		if n > 10000 {
			w.t.Fatal("it does not settle")
		}
		moves[r.IntN(len(moves))]()
	}
}

// claims are who has claimed each template. Bindings say the same.
func (w *world) claims() map[string]string {
	out := map[string]string{}
	for name, u := range w.templates {
		claim := binding.ClaimOf(u.GetLabels(), u.GetAnnotations())
		out[name] = claim.Kind + " " + claim.Name
		if b := w.bindings[name]; b != nil && len(w.moves()) == 0 {
			if of := binding.ClaimOf(b.Labels, b.Annotations); of != claim {
				w.t.Fatalf("%s is claimed by %+v, its binding by %+v", name, claim, of)
			}
		}
	}
	return out
}

// some makes a random set of policies and templates, of which some policies select some templates. Priorities are
// distinct if that is asked for, else there are few.
func some(r *rand.Rand, preemption policyv1alpha1.PreemptionBehavior, distinct bool) (policies, templates []any) {
	for i := range 1 + r.IntN(3) {
		u := deployment(1)
		u.SetName(fmt.Sprint("t", i))
		u.SetUID(types.UID("u-" + u.GetName()))
		u.SetLabels(map[string]string{"colour": []string{"red", "blue"}[r.IntN(2)]})
		templates = append(templates, u)
	}
	order := r.Perm(100)
	for i := range 1 + r.IntN(6) {
		s := policyv1alpha1.ResourceSelector{APIVersion: "apps/v1", Kind: "Deployment"}
		switch r.IntN(3) {
		case 0:
			s.LabelSelector = &metav1.LabelSelector{MatchLabels: map[string]string{"colour": []string{"red", "blue"}[r.IntN(2)]}}
		case 1:
			s.Name = fmt.Sprint("t", r.IntN(3))
		}
		priority := int32(r.IntN(3))
		if distinct {
			priority = int32(order[i])
		}
		spec := policyv1alpha1.PropagationSpec{ResourceSelectors: []policyv1alpha1.ResourceSelector{s}, Priority: &priority, Preemption: preemption}
		name := fmt.Sprint("p", i)
		if r.IntN(2) == 0 {
			policies = append(policies, &policyv1alpha1.ClusterPropagationPolicy{Spec: spec, ObjectMeta: metav1.ObjectMeta{
				Name: name, Labels: map[string]string{policyv1alpha1.ClusterPropagationPolicyPermanentIDLabel: "id-" + name},
			}})
			continue
		}
		policies = append(policies, &policyv1alpha1.PropagationPolicy{Spec: spec, ObjectMeta: metav1.ObjectMeta{
			Namespace: "ns", Name: name, Labels: map[string]string{policyv1alpha1.PropagationPolicyPermanentIDLabel: "id-" + name},
		}})
	}
	return policies, templates
}

func shuffled(r *rand.Rand, objects []any) []any {
	out := slices.Clone(objects)
	r.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}

// permuted runs a scenario in several random orders, in each with admission and without, and returns the claims of all
// runs if they are the same.
func permuted(t *testing.T, seed uint64, run func(w *world, r *rand.Rand)) map[string]string {
	t.Helper()
	var want map[string]string
	for order := range uint64(6) {
		w := newWorld(t, order%2 == 0)
		run(w, rand.New(rand.NewPCG(seed, order+1)))
		got := w.claims()
		if want == nil {
			want = got
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("seed %d, order %d: claims differ (-first +this):\n%s", seed, order, diff)
		}
	}
	return want
}

const seeds = 150

// After a start, the caches learn of what is stored in any order, policies before the first step. Whatever claims there
// are already, and whichever template is looked at first, and again, the claims end the same.
func TestStartOrderDoesNotMatter(t *testing.T) {
	t.Parallel()
	for seed := range uint64(seeds) {
		r := rand.New(rand.NewPCG(seed, 0))
		policies, templates := some(r, []policyv1alpha1.PreemptionBehavior{policyv1alpha1.PreemptAlways, policyv1alpha1.PreemptNever}[r.IntN(2)], false)
		for _, o := range templates { // claimed before by one of them, or by one that is gone
			if i := r.IntN(2 * len(policies)); i < len(policies) {
				claimer := world{learnt: Policies{}, t: t}
				claimer.create(policies[i])
				u := o.(*unstructured.Unstructured)
				mark(u, match.Best(Matchable(u.GroupVersionKind(), u), match.Claim{}, claimer.policies.Namespaced, claimer.policies.ClusterWide).Policy)
			} else if r.IntN(2) == 0 {
				mark(o.(*unstructured.Unstructured), &match.Policy{Kind: match.KindPropagationPolicy, Namespace: "ns", Name: "gone", PermanentID: "gone"})
			}
		}
		permuted(t, seed, func(w *world, r *rand.Rand) {
			w.admission = false // they are there already
			for _, o := range shuffled(r, append(slices.Clone(policies), templates...)) {
				w.create(o)
			}
			w.learnt = w.policies
			w.settle(r)
			for range 2 { // doubled and late events
				for _, o := range shuffled(r, templates) {
					w.learn(o.(*unstructured.Unstructured).GetName())
				}
				w.settle(r)
			}
		})
	}
}

// When the policies are there first, the order does not matter in which they and the templates are made.
func TestPoliciesBeforeTemplates(t *testing.T) {
	t.Parallel()
	for seed := range uint64(seeds) {
		policies, templates := some(rand.New(rand.NewPCG(seed, 0)), policyv1alpha1.PreemptNever, false)
		permuted(t, seed, func(w *world, r *rand.Rand) {
			for _, o := range shuffled(r, policies) {
				w.create(o)
			}
			w.settle(r)
			for _, o := range shuffled(r, templates) {
				w.create(o)
			}
			w.settle(r)
		})
	}
}

// When every policy may preempt and no two have the same priority, no order matters at all: not that of creation, nor
// how far the caches are behind. The best policy has every template in the end.
func TestPreemptionMakesOrderIrrelevant(t *testing.T) {
	t.Parallel()
	for seed := range uint64(seeds) {
		policies, templates := some(rand.New(rand.NewPCG(seed, 0)), policyv1alpha1.PreemptAlways, true)
		got := permuted(t, seed, func(w *world, r *rand.Rand) {
			for _, o := range shuffled(r, append(slices.Clone(policies), templates...)) {
				w.create(o)
				for range r.IntN(4) {
					if moves := w.moves(); len(moves) > 0 {
						moves[r.IntN(len(moves))]()
					}
				}
			}
			w.settle(r)
		})
		best := world{t: t}
		for _, p := range policies {
			best.create(p)
		}
		best.learnt, best.admission = best.policies, true
		best.templates, best.stale = map[string]*unstructured.Unstructured{}, map[string]bool{}
		for _, o := range templates {
			best.create(o)
		}
		if diff := cmp.Diff(best.claims(), got); diff != "" {
			t.Fatalf("seed %d: not the best policy (-best +got):\n%s", seed, diff)
		}
	}
}

// When no policy may preempt, a template belongs to the best of the policies that were there when it came, or else to
// the first that selects it afterwards; and it stays with it.
func TestWithoutPreemptionCreationDecides(t *testing.T) {
	t.Parallel()
	for seed := range uint64(seeds) {
		r := rand.New(rand.NewPCG(seed, 0))
		policies, templates := some(r, policyv1alpha1.PreemptNever, false)
		w, before := newWorld(t, r.IntN(2) == 0), map[string]string{}
		for _, o := range shuffled(r, append(slices.Clone(policies), templates...)) {
			w.create(o)
			w.settle(r)
			for name, claim := range w.claims() {
				u := w.templates[name].DeepCopy()
				mark(u, nil)
				best := match.Best(Matchable(u.GroupVersionKind(), u), match.Claim{}, w.policies.Namespaced, w.policies.ClusterWide).Policy
				switch was := before[name]; {
				case was != "" && was != " ":
					if claim != was {
						t.Fatalf("seed %d: %s went from %s to %s", seed, name, was, claim)
					}
				case best == nil && claim != " ":
					t.Fatalf("seed %d: %s is claimed by %s, and nobody selects it", seed, name, claim)
				case best != nil && claim != best.Kind+" "+best.Name:
					t.Fatalf("seed %d: %s is claimed by %q, the best is %s", seed, name, claim, best)
				}
				before[name] = claim
			}
		}
	}
}

// However far the caches are behind, a claim that was made is never given up for a policy that may not preempt.
func TestClaimsNeverFlip(t *testing.T) {
	t.Parallel()
	for seed := range uint64(seeds) {
		r := rand.New(rand.NewPCG(seed, 0))
		policies, templates := some(r, policyv1alpha1.PreemptNever, false)
		w, before := newWorld(t, r.IntN(2) == 0), map[string]string{}
		todo := shuffled(r, append(slices.Clone(policies), templates...))
		for len(todo) > 0 || len(w.moves()) > 0 {
			moves := w.moves()
			if len(todo) > 0 {
				moves = append(moves, func() { w.create(todo[0]); todo = todo[1:] })
			}
			moves[r.IntN(len(moves))]()
			for name, claim := range w.claims() {
				if was := before[name]; was != "" && was != " " && claim != was {
					t.Fatalf("seed %d: %s went from %s to %s", seed, name, was, claim)
				}
				before[name] = claim
			}
		}
	}
}
