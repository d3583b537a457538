/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package forecast

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	policyv1alpha1 "github.com/manifold-k8s/manifold/apis/policy/v1alpha1"
	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
	"github.com/manifold-k8s/manifold/pkg/binding"
	"github.com/manifold-k8s/manifold/pkg/match"
	"github.com/manifold-k8s/manifold/pkg/placement"
)

// row is a write of a policy or template, and what has to be said of it; "" if nothing is.
type row struct {
	before, after State
	unplaced      bool                   // there is no binding
	bind          func(*binding.Binding) // changes the binding in force
	orphan        bool
	want          string
}

// later is when dry runs are made.
var later = start.Add(time.Hour)

func (r row) run(t *testing.T, fields int) Change {
	t.Helper()
	c := Case{Before: r.before, After: r.after, Clusters: members(3), Now: later, Orphan: r.orphan, Fields: fields}
	if r.before.Template != nil && !r.unplaced {
		c.Binding = placed(t, r.before, c.Clusters)
		if r.bind != nil {
			r.bind(c.Binding)
		}
	}
	untouched := c.Binding.DeepCopy()
	out := Of(c)
	if diff := cmp.Diff(untouched, c.Binding); diff != "" {
		t.Errorf("the binding was changed (-before +after):\n%s", diff)
	}
	return out
}

func (r row) check(t *testing.T, fields int) {
	t.Helper()
	got := r.run(t, fields)
	text := got.String()
	if got.None() {
		text = ""
	}
	if diff := cmp.Diff(r.want, text); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestPolicies(t *testing.T) {
	t.Parallel()
	four := func(p placement.Policies) State { return State{Template: deployment(t, 4, "nginx:1"), Policies: p} }
	plain := func(p placement.Policies) State { return State{Template: configMap(t, "v"), Policies: p} }
	none := placement.Policies{}
	claimed := func(p placement.Policies) State {
		s := four(p)
		labels, annotations := s.Template.GetLabels(), map[string]string{}
		g := placement.Govern(s.Template.GroupVersionKind(), s.Template, p, match.Namespaces{})
		binding.SetClaim(labels, annotations, g.Policy)
		s.Template.SetLabels(labels)
		s.Template.SetAnnotations(annotations)
		return s
	}
	for name, r := range map[string]row{
		"nothing changes": {before: four(policy(t, toM1M2, "")), after: four(policy(t, toM1M2, ""))},
		"a cluster dropped, replicas divided": {
			before: four(policy(t, toM1M2+", "+divided, "")), after: four(policy(t, toM1+", "+divided, "")),
			want: "Deployment ns/web: 2 replicas would leave m2; replicas would change in m1 from 2 to 4",
		},
		"a cluster dropped, replicas duplicated": {
			before: four(policy(t, toM1M2, "")), after: four(policy(t, toM1, "")),
			want: "Deployment ns/web: 4 replicas would leave m2",
		},
		"two clusters dropped": {
			before: four(policy(t, toM1M2, "")), after: four(policy(t, toM3, "")),
			want: "Deployment ns/web: 4 replicas would leave m1, 4 replicas m2; would be created in m3 (4 replicas)",
		},
		"a cluster added": {
			before: four(policy(t, toM1M2+", "+divided, "")), after: four(policy(t, divided, "")),
			want: "Deployment ns/web: replicas would change in m1 from 2 to 1, m2 from 2 to 1; would be created in m3 (2 replicas)",
		},
		"no workload": {
			before: plain(policy(t, toM1M2, "")), after: plain(policy(t, toM3, "")),
			want: "ConfigMap ns/c: would be removed from m1, m2; would be created in m3",
		},
		"a cluster dropped that keeps its copy": {
			before: four(policy(t, toM1M2, preserve)), after: four(policy(t, toM1, preserve)),
			want: "Deployment ns/web: would not be placed in m2 (4 replicas) any more, its copies there stay, no longer managed",
		},
		"a first policy": {
			before: four(none), after: four(policy(t, toM1, "")), unplaced: true,
			want: "Deployment ns/web: would be created in m1 (4 replicas)",
		},
		"a first policy that sends nothing": {
			before: four(none), after: four(policy(t, toM1M2, suspend)), unplaced: true,
			want: "Deployment ns/web: would be created in m1 (4 replicas), m2 (4 replicas); " +
				"dispatching is suspended: nothing is created or changed in m1, m2 for now",
		},
		"a first policy without clusters": {
			before: four(none), after: four(policy(t, nowhere, "")), unplaced: true,
			want: "Deployment ns/web: cannot be placed: 0/3 clusters are available: 3 not in clusterNames (m1, m2, m3)",
		},
		"no cluster is left": {
			before: four(policy(t, toM1, "")), after: four(policy(t, nowhere, "")),
			want: "Deployment ns/web: 4 replicas would leave m1; cannot be placed: 0/3 clusters are available: 3 not in clusterNames (m1, m2, m3); no longer selected and withdrawn from m1",
		},
		"dispatching suspended": {
			before: four(policy(t, toM1, "")), after: four(policy(t, toM1, suspend)),
			want: "Deployment ns/web: dispatching is suspended: nothing is created or changed in m1 for now",
		},
		"dispatching resumed": {
			before: four(policy(t, toM1, suspend)), after: four(policy(t, toM1, "")),
			want: "Deployment ns/web: dispatching to m1 would be resumed",
		},
		"still suspended, nothing else": {before: four(policy(t, toM1, suspend)), after: four(policy(t, toM1, suspend))},
		"scheduling is held": {
			before: four(policy(t, toM1M2, "")), after: four(policy(t, toM1, "")),
			bind: func(b *binding.Binding) {
				yes := true
				b.Spec.Suspension = &workv1alpha2.Suspension{Scheduling: &yes}
			},
			want: "Deployment ns/web: its scheduling is suspended, it stays where it is",
		},
		"the last policy deleted": {
			before: four(policy(t, toM1M2, "")), after: four(none),
			want: "Deployment ns/web: would no longer be governed by any policy; its copies stay in m1 (4 replicas), m2 (4 replicas) and are not updated any more",
		},
		"the policy deleted, another one is there": {
			before: claimed(both(policy(t, toM1M2, ""), clusterPolicy(t, toM1, ""))), after: claimed(clusterPolicy(t, toM1, "")),
			want: "Deployment ns/web: 4 replicas would leave m2; " +
				"would be governed by ClusterPropagationPolicy c instead of PropagationPolicy ns/p",
		},
		"preempted by one that places alike": {
			before: claimed(clusterPolicy(t, toM1, "")), after: claimed(both(policy(t, toM1, ", preemption: Always"), clusterPolicy(t, toM1, ""))),
			// The claim of after is the new policy's, as admission would not write it. What counts is who governs.
			want: "Deployment ns/web: would be governed by PropagationPolicy ns/p instead of ClusterPropagationPolicy c",
		},
		"a policy that waits for an override": {
			before: four(none), after: four(policy(t, toM1, waits)), unplaced: true,
			want: "Deployment ns/web: would have to wait for OverridePolicy ns/o, on which its policy depends",
		},
		"the policy in force waits": {
			before: claimed(policy(t, toM1M2, "")), after: claimed(policy(t, toM1, waits)),
			want: "Deployment ns/web: would have to wait for OverridePolicy ns/o, on which its policy depends",
		},
		"the override comes": {
			before: four(policy(t, toM1, waits)), unplaced: true,
			after: func() State {
				s := four(policy(t, toM1, waits))
				s.Overrides = override(t, "")
				return s
			}(),
			want: "Deployment ns/web: would be created in m1 (4 replicas)",
		},
		"waits already": {before: four(policy(t, toM1, waits)), after: four(policy(t, toM2M3, waits)), unplaced: true},
		"a Lazy policy": {
			before: claimed(policy(t, toM1M2, lazy)), after: claimed(policy(t, toM1, lazy)),
			want: "Deployment ns/web: the policy is Lazy, what it says would wait for the next change of the template",
		},
		"on its way already": {
			before: four(policy(t, toM1M2, "")), after: four(policy(t, toM1M2, "")),
			bind: func(b *binding.Binding) {
				b.Spec.Clusters = b.Spec.Clusters[:1]
				b.Annotations[policyv1alpha1.AppliedPlacementAnnotation] = "an older one"
			},
		},
		"the binding is that of another kind": {
			before: four(policy(t, toM1M2, "")), after: four(policy(t, toM1, "")),
			bind: func(b *binding.Binding) { b.Spec.Resource.APIVersion = "other.example.com/v1" },
		},
		"the binding is going with a former template": {
			before: four(policy(t, toM1M2, "")), after: four(policy(t, toM1, "")),
			bind: func(b *binding.Binding) { b.DeletionTimestamp = &metav1.Time{Time: start} },
			want: "Deployment ns/web: would be created in m1 (4 replicas)",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r.check(t, 0)
		})
	}
}

func TestTemplates(t *testing.T) {
	t.Parallel()
	toBoth, dividedBoth := policy(t, toM1M2, ""), policy(t, toM1M2+", "+divided, "")
	web := func(replicas int, image string, p placement.Policies) State {
		return State{Template: deployment(t, replicas, image), Policies: p}
	}
	overridden := func(s State, rules string) State {
		s.Overrides = override(t, rules)
		return s
	}
	const mirror = `{targetCluster: {clusterNames: [m2]}, overriders: {imageOverrider: [{component: Registry, operator: replace, value: mirror}]}}`
	const unfit = `{targetCluster: {clusterNames: [m2]}, overriders: {plaintext: [{path: /spec/nosuch, operator: remove}]}}`
	const why = "OverridePolicy ns/o, rule 0, overriders.plaintext[0]: remove /spec/nosuch: no such field or element"
	for name, r := range map[string]row{
		"created": {
			after: web(3, "nginx:1", dividedBoth),
			want:  "Deployment ns/web: would be created in m1 (1 replica), m2 (2 replicas)",
		},
		"created and overridden": {
			after: overridden(web(1, "nginx:1", toBoth), mirror),
			want: "Deployment ns/web: would be created in m1 (1 replica), m2 (1 replica); " +
				"overridden in m2: /spec/template/spec/containers/0/image",
		},
		"created without a policy": {after: web(3, "nginx:1", placement.Policies{})},
		"deleted": {
			before: web(4, "nginx:1", dividedBoth), after: State{Policies: dividedBoth},
			want: "Deployment ns/web: would be removed from m1 (2 replicas), m2 (2 replicas)",
		},
		"deleted, with its copies preserved": {
			before: web(4, "nginx:1", policy(t, toM1, preserve)), after: State{},
			want: "Deployment ns/web: its copies would stay in m1 (4 replicas), no longer managed",
		},
		"deleted, with its dependents orphaned": {
			before: web(4, "nginx:1", toBoth), after: State{}, orphan: true,
			want: "Deployment ns/web: its copies would stay in m1 (4 replicas), m2 (4 replicas), no longer managed",
		},
		"deleted, and never placed": {before: web(4, "nginx:1", toBoth), after: State{}, unplaced: true},
		"namespace deleted": {
			before: State{Template: namespace(t)}, after: State{},
			want: "Namespace ns: would be removed, with all that is in it, from m1, m2, m3",
		},
		"scaled": {
			before: web(4, "nginx:1", dividedBoth), after: web(6, "nginx:1", dividedBoth),
			want: "Deployment ns/web: replicas would change in m1 from 2 to 3, m2 from 2 to 3",
		},
		"changed": {
			before: web(4, "nginx:1", dividedBoth), after: web(4, "nginx:2", dividedBoth),
			want: "Deployment ns/web: would change in m1, m2: /spec/template/spec/containers/0/image",
		},
		"changed, and overridden in one": {
			before: overridden(web(4, "nginx:1", toBoth), `{targetCluster: {clusterNames: [m2]}, overriders: {plaintext: [
				{path: /spec/template/spec/containers/0/image, operator: replace, value: "fixed:1"}]}}`),
			after: overridden(web(4, "nginx:2", toBoth), `{targetCluster: {clusterNames: [m2]}, overriders: {plaintext: [
				{path: /spec/template/spec/containers/0/image, operator: replace, value: "fixed:1"}]}}`),
			want: "Deployment ns/web: would change in m1: /spec/template/spec/containers/0/image",
		},
		"override added": {
			before: web(4, "nginx:1", toBoth), after: overridden(web(4, "nginx:1", toBoth), mirror),
			want: "Deployment ns/web: would change in m2: /spec/template/spec/containers/0/image",
		},
		"override removed": {
			before: overridden(web(4, "nginx:1", toBoth), mirror), after: web(4, "nginx:1", toBoth),
			want: "Deployment ns/web: would change in m2: /spec/template/spec/containers/0/image",
		},
		"override that does not fit": {
			before: web(4, "nginx:1", toBoth), after: overridden(web(4, "nginx:1", toBoth), unfit),
			want: "Deployment ns/web: nothing would be sent to m2: " + why,
		},
		"override that fits again": {
			before: overridden(web(4, "nginx:1", toBoth), unfit), after: web(4, "nginx:1", toBoth),
			want: "Deployment ns/web: would be sent again to m2, where overrides have not fitted until now",
		},
		"override that has not fitted before": {
			before: overridden(web(4, "nginx:1", policy(t, "clusterAffinity: {clusterNames: [m2]}", "")), unfit),
			after:  overridden(web(4, "nginx:1", policy(t, "clusterAffinity: {clusterNames: [m2]}", "")), unfit),
		},
		"changed under a Lazy policy that has changed": {
			before: web(4, "nginx:1", policy(t, toM1, lazy)), after: web(4, "nginx:2", policy(t, toM1, lazy)),
			bind: func(b *binding.Binding) {
				b.Spec.Placement.ClusterAffinity.ClusterNames = []string{"m1", "m2"}
				b.Spec.Clusters = append(b.Spec.Clusters, workv1alpha2.TargetCluster{Name: "m2", Replicas: 4})
			},
			want: "Deployment ns/web: 4 replicas would leave m2; would change in m1: /spec/template/spec/containers/0/image",
		},
		"taken from the policy": {
			before: web(4, "nginx:1", toBoth),
			after: func() State {
				s := web(4, "nginx:1", toBoth)
				s.Template.SetLabels(map[string]string{workv1alpha2.ClaimedByLabel: "somebody"})
				return s
			}(),
			want: "Deployment ns/web: would no longer be governed by any policy; its copies stay in m1 (4 replicas), m2 (4 replicas) and are not updated any more",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r.check(t, 16)
		})
	}
}

// A secret's values must not be told, whatever changes in it.
func TestValuesAreNotTold(t *testing.T) {
	t.Parallel()
	secret := func(value string) State {
		p := policy(t, toM1, "")
		p.Namespaced[0].Spec.ResourceSelectors = []policyv1alpha1.ResourceSelector{{APIVersion: "v1", Kind: "Secret"}}
		return State{Policies: p, Template: object(t, fmt.Sprintf(
			`{apiVersion: v1, kind: Secret, metadata: {name: s, namespace: ns, uid: u4}, data: {password: %q}}`, value))}
	}
	clusters := members(1)
	clusters[0].Status.APIEnablements[1].Resources[0].Kind = "Secret"
	c := Case{Before: secret("b25l"), After: secret("dHdv"), Clusters: clusters, Now: later, Fields: 1}
	c.Binding = placed(t, c.Before, clusters)
	if got, want := Of(c).String(), "Secret ns/s: would change in m1: /data/password"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Fields of clusters beyond the bound are not passed over in silence.
func TestFieldsAreBounded(t *testing.T) {
	t.Parallel()
	r := row{
		before: State{Template: configMap(t, "old"), Policies: policy(t, "", "")},
		after:  State{Template: configMap(t, "new"), Policies: policy(t, "", "")},
		want:   "ConfigMap ns/c: would change in m1: /data/key; the fields in 2 more clusters were not compared",
	}
	r.check(t, 1)
}

func BenchmarkOf(b *testing.B) {
	for _, n := range []int{3, 100} {
		b.Run(fmt.Sprintf("clusters=%d", n), func(b *testing.B) {
			clusters := members(n)
			c := Case{
				Before:   State{Template: deployment(b, 4, "nginx:1"), Policies: policy(b, divided, "")},
				After:    State{Template: deployment(b, 4, "nginx:1"), Policies: policy(b, toM1+", "+divided, "")},
				Clusters: clusters, Now: later,
			}
			c.Binding = placed(b, c.Before, clusters)
			for b.Loop() {
				if Of(c).None() {
					b.Fatal("nothing changes")
				}
			}
		})
	}
}
