/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package explain

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	hubv1alpha1 "github.com/manifold-k8s/manifold/apis/hub/v1alpha1"
	policyv1alpha1 "github.com/manifold-k8s/manifold/apis/policy/v1alpha1"
	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
	"github.com/manifold-k8s/manifold/pkg/match"
	"github.com/manifold-k8s/manifold/pkg/placement"
)

var update = flag.Bool("update", false, "rewrite the expected explanations in testdata")

// contested is the example of the README with policies that lose, each for another reason.
func contested(t *testing.T) Input {
	t.Helper()
	in := settle(t, demo(t))
	in.Cluster = "member2"
	in.Policies.Namespaced = append(in.Policies.Namespaced,
		policy(t, "urgent", selectsNginx, "{}", "priority: 10"),
		policy(t, "of-labels", "{apiVersion: apps/v1, kind: Deployment, labelSelector: {matchLabels: {app: apache}}}", "{}"),
		policy(t, "config", "{apiVersion: v1, kind: ConfigMap}", "{}"),
	)
	in.Policies.ClusterWide = []*policyv1alpha1.ClusterPropagationPolicy{
		clusterPolicy(t, "all", "{apiVersion: apps/v1, kind: Deployment}"),
		clusterPolicy(t, "old-version", "{apiVersion: apps/v1beta1, kind: Deployment}"),
		clusterPolicy(t, "elsewhere", "{apiVersion: apps/v1, kind: Deployment, namespace: team-b}"),
		clusterPolicy(t, "apache", "{apiVersion: apps/v1, kind: Deployment, name: apache}"),
	}
	return in
}

// The whole answer, as users see it, and as the CLI's own tests print it.
func TestGolden(t *testing.T) {
	t.Parallel()
	failing := contested(t)
	failing.ClusterOverrides = []*policyv1alpha1.ClusterOverridePolicy{parse[policyv1alpha1.ClusterOverridePolicy](t, `
metadata: {name: broken}
spec: {overrideRules: [{targetCluster: {clusterNames: [member1]}, overriders: {plaintext: [{path: /spec/nope/x, operator: add, value: 1}]}}]}`)}
	failing.Binding.Status.AggregatedStatus[0] = workv1alpha2.AggregatedStatusItem{
		ClusterName: "member1", Health: workv1alpha2.ResourceUnknown, AppliedMessage: "ClusterOverridePolicy broken, rule 0, overriders.plaintext[0]: add /spec/nope/x: no such field or element",
	}
	for name, in := range map[string]Input{"placed": contested(t), "failing": failing, "waiting": demo(t)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := yaml.Marshal(Explain(in))
			if err != nil {
				t.Fatal(err)
			}
			file := filepath.Join("testdata", name+".yaml")
			if *update {
				if err := os.WriteFile(file, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Errorf("explanation (-want +got):\n%s", diff)
			}
		})
	}
}

// Telling changes nothing that it tells of, and is the same each time.
func TestInputStays(t *testing.T) {
	t.Parallel()
	in := contested(t)
	first, kept := Explain(in), contested(t)
	if diff := cmp.Diff(first, Explain(in)); diff != "" {
		t.Errorf("asked again (-first +second):\n%s", diff)
	}
	for what, pair := range map[string][2]any{
		"template": {kept.Template, in.Template}, "binding": {kept.Binding, in.Binding}, "policies": {kept.Policies, in.Policies},
		"overrides": {kept.Overrides, in.Overrides}, "clusters": {kept.Clusters, in.Clusters},
	} {
		if diff := cmp.Diff(pair[0], pair[1]); diff != "" {
			t.Errorf("%s (-before +after):\n%s", what, diff)
		}
	}
}

func TestState(t *testing.T) {
	t.Parallel()
	skipped, err := match.ParseNamespaces([]string{"default"})
	if err != nil {
		t.Fatal(err)
	}
	placed := func(change ...func(*Input)) func(*testing.T) Input {
		return func(t *testing.T) Input {
			in := settle(t, demo(t))
			for _, f := range change {
				f(&in)
			}
			return in
		}
	}
	item := func(in *Input, cluster int) *workv1alpha2.AggregatedStatusItem {
		return &in.Binding.Status.AggregatedStatus[cluster]
	}
	yes := true
	for name, tc := range map[string]struct {
		in    func(*testing.T) Input
		state hubv1alpha1.ExplanationState
		words string // in the message
		note  string // in the notes; empty for no notes
	}{
		"placed":    {placed(), "Placed", "it is in 2 clusters as it should be", ""},
		"unhealthy": {placed(func(in *Input) { item(in, 1).Health = workv1alpha2.ResourceUnhealthy }), "Placed", "not in good health in member2", ""},
		"not applied": {placed(func(in *Input) { item(in, 1).Applied, item(in, 1).AppliedMessage = false, "refused" }),
			"Incomplete", "1 of 2 clusters have what they should have, not member2", ""},
		"does not answer":      {placed(func(in *Input) { item(in, 0).AppliedMessage = "no answer" }), "Incomplete", "not member1", ""},
		"just placed":          {placed(func(in *Input) { in.Binding.Status.AggregatedStatus = nil }), "Incomplete", "0 of 2 clusters", ""},
		"changed a moment ago": {placed(func(in *Input) { in.Binding.Generation++ }), "Incomplete", "2 clusters are being brought up to date", ""},
		"waiting":              {demo, "Waiting", "about to be placed: 3 replicas in 2 clusters", ""},
		"being deleted":        {placed(func(in *Input) { in.Template.SetDeletionTimestamp(&metav1.Time{Time: start}) }), "Deleting", "being deleted", ""},
		"unselected": {func(t *testing.T) Input { in := demo(t); in.Policies = placement.Policies{}; return in },
			"Unselected", "no policy selects it", ""},
		"released": {placed(func(in *Input) { in.Policies = placement.Policies{} }), "Released", "member1, member2 stays as it is", ""},
		"skipped": {func(t *testing.T) Input { in := demo(t); in.Skipped = skipped; return in },
			"NotPropagated", "--skipped-propagating-namespaces", "without effect: PropagationPolicy example-policy"},
		"skipped when it was placed": {placed(func(in *Input) { in.Skipped, in.Policies = skipped, placement.Policies{} }),
			"NotPropagated", "stays on the hub", "stay as they are in member1, member2"},
		"never propagated": {func(t *testing.T) Input {
			in := demo(t)
			in.Template = object(t, "{apiVersion: v1, kind: Event, metadata: {name: e, namespace: default}}")
			return in
		}, "NotPropagated", "events record what happened in one control plane", ""},
		"no cluster fits": {func(t *testing.T) Input { in := demo(t); in.Clusters = clusters("x"); return settle(t, in) },
			"Unscheduled", "0/1 clusters are available: 1 not in clusterNames (x)", ""},
		"another kind has the binding": {placed(func(in *Input) { in.Binding.Spec.Resource.APIVersion = "example.com/v1" }),
			"Waiting", "belongs to the binding of Deployment nginx of example.com/v1", ""},
		"a predecessor has the binding": {placed(func(in *Input) { in.Binding.Spec.Resource.UID = "u0" }), "Waiting", "a former object", ""},
		"another version is propagated": {placed(func(in *Input) { in.Binding.Spec.Resource.APIVersion = "apps/v1beta2" }),
			"Waiting", "propagated as apps/v1beta2", ""},
		"the binding goes": {placed(func(in *Input) { in.Binding.DeletionTimestamp = &metav1.Time{Time: start} }),
			"Waiting", "is being removed, with the copies in member1, member2", ""},
		"scheduling suspended": {placed(func(in *Input) { in.Binding.Spec.Suspension = &workv1alpha2.Suspension{Scheduling: &yes} }),
			"Placed", "", "scheduling is suspended"},
		"dispatching suspended": {func(t *testing.T) Input {
			in := demo(t)
			in.Policies.Namespaced[0].Spec.Suspension = &policyv1alpha1.Suspension{Dispatching: &yes}
			return settle(t, in)
		}, "Placed", "", "nothing is sent to any cluster"},
		"preserved": {func(t *testing.T) Input {
			in := demo(t)
			in.Policies.Namespaced[0].Spec.PreserveResourcesOnDeletion = &yes
			return settle(t, in)
		}, "Placed", "", "its copies stay in the clusters"},
		"a change is on its way": {placed(func(in *Input) {
			if err := unstructured.SetNestedField(in.Template.Object, int64(9), "spec", "replicas"); err != nil {
				panic(err)
			}
		}), "Placed", "", "about to follow a change: 9 replicas"},
		"waits for an override": {func(t *testing.T) Input {
			in := demo(t)
			in.Policies.Namespaced[0].Spec.DependentOverrides = []string{"other", "member2-registry"}
			return in
		}, "Waiting", "PropagationPolicy default/example-policy waits for OverridePolicy default/other, on which it depends", ""},
		"an override that it depends on has gone": {placed(func(in *Input) {
			in.Policies.Namespaced[0].Spec.DependentOverrides = []string{"member2-registry"}
			in.Policies.Namespaced[0].Spec.Placement.ClusterAffinity.ClusterNames = []string{"member3"}
			in.Overrides = nil
		}), "Waiting", "until then what is in member1, member2 stays as it is", ""},
		"lazy": {func(t *testing.T) Input {
			in := demo(t)
			in.Policies.Namespaced[0].Spec.ActivationPreference = policyv1alpha1.LazyActivation
			in = settle(t, in)
			in.Policies.Namespaced[0].Spec.Placement.ClusterAffinity.ClusterNames = []string{"member3"}
			in.Policies.Namespaced[0].Spec.Placement.ReplicaScheduling = nil
			return in
		}, "Placed", "it is in 2 clusters as it should be", "applies with the next change of the template, which is then in member3:3"},
		"namespace": {func(t *testing.T) Input {
			return settle(t, Input{Template: object(t, "{apiVersion: v1, kind: Namespace, metadata: {name: team, uid: n1}}"), Clusters: clusters("a", "b"), Now: start})
		}, "Placed", "it is in 2 clusters", ""},
		"namespace that a policy selects, too": {func(t *testing.T) Input {
			in := Input{Template: object(t, "{apiVersion: v1, kind: Namespace, metadata: {name: team, uid: n1}}"), Clusters: clusters("a"), Now: start}
			in.Policies.ClusterWide = []*policyv1alpha1.ClusterPropagationPolicy{clusterPolicy(t, "all", "{apiVersion: v1, kind: Namespace}")}
			return settle(t, in)
		}, "Placed", "it is in 1 cluster", "without effect: ClusterPropagationPolicy all"},
		"namespace that stays": {func(t *testing.T) Input {
			return Input{Template: object(t, "{apiVersion: v1, kind: Namespace, metadata: {name: kube-public}}"), Clusters: clusters("a")}
		}, "NotPropagated", "every cluster has a namespace of this name", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := Explain(tc.in(t))
			if got.State != tc.state || !strings.Contains(got.Message, tc.words) {
				t.Errorf("%s: %q, want %s with %q", got.State, got.Message, tc.state, tc.words)
			}
			notes := strings.Join(got.Notes, "\n")
			if !strings.Contains(notes, tc.note) || (tc.note == "" && notes != "") {
				t.Errorf("notes %q, want %q", notes, tc.note)
			}
		})
	}
}

// of returns what is said of a cluster.
func of(t *testing.T, e *hubv1alpha1.Explanation, cluster string) hubv1alpha1.ExplainedCluster {
	t.Helper()
	for _, c := range e.Clusters {
		if c.Name == cluster {
			return c
		}
	}
	t.Fatalf("nothing is said of %s: %+v", cluster, e.Clusters)
	return hubv1alpha1.ExplainedCluster{}
}

// A placement in force that scheduling would not make again is told as what it is, with what would be.
func TestWhyNotAsItWouldBe(t *testing.T) {
	t.Parallel()
	in := demo(t)
	in.Policies.Namespaced[0] = policy(t, "example-policy", selectsNginx, "{replicaScheduling: {replicaSchedulingType: Divided, replicaDivisionPreference: Weighted}}")
	in.Clusters = clusters("member1", "member2")
	in = settle(t, in)
	in.Clusters = clusters("member1", "member2", "member3")
	got := Explain(in)
	for name, want := range map[string]struct {
		target bool
		why    string
	}{
		"member1": {true, "weight 1 of 3"},
		"member2": {true, "stays as it was placed; placed anew, it would get 1 replica: weight 1 of 3"},
		"member3": {false, "nothing is moved to it just because the clusters have changed; placed anew, it would get 1 replica: weight 1 of 3"},
	} {
		if c := of(t, got, name); c.Target != want.target || c.Why != want.why {
			t.Errorf("%s: target %v because %q, want %v because %q", name, c.Target, c.Why, want.target, want.why)
		}
	}
}

// A cluster that has to give up its copy is named until the copy is gone, also when it is no cluster any more.
func TestLeftBehind(t *testing.T) {
	t.Parallel()
	in := settle(t, demo(t))
	in.Binding.Status.AggregatedStatus = append(in.Binding.Status.AggregatedStatus, workv1alpha2.AggregatedStatusItem{
		ClusterName: "member9", AppliedMessage: "to be removed from this cluster",
	})
	got := of(t, Explain(in), "member9")
	if got.Target || got.Message != "to be removed from this cluster" {
		t.Errorf("member9: %+v", got)
	}
}

// What a Secret holds appears in no list of changes; that it is changed does.
func TestSecretsAreNotTold(t *testing.T) {
	t.Parallel()
	in := demo(t)
	in.Template = object(t, `{apiVersion: v1, kind: Secret, metadata: {name: s, namespace: default, uid: u2}, data: {a: aHVudGVyMg==, b: aHVudGVyMg==}}`)
	in.Policies.Namespaced[0] = policy(t, "p", "{apiVersion: v1, kind: Secret}", "{clusterAffinity: {clusterNames: [member1]}}")
	in.Overrides = []*policyv1alpha1.OverridePolicy{parse[policyv1alpha1.OverridePolicy](t, `
metadata: {name: o, namespace: default}
spec:
  overrideRules:
  - overriders:
      labelsOverrider: [{operator: add, value: {data: shown}}]
      plaintext:
      - {path: /data/a, operator: replace, value: aHVudGVyMw==}
      - {path: /data/b, operator: remove}
      - {path: /stringData, operator: add, value: {c: hunter4}}`)}
	changes := of(t, Explain(settle(t, in)), "member1").Changes
	data, err := json.Marshal(changes)
	if err != nil {
		t.Fatal(err)
	}
	for _, word := range []string{"aHVudGVy", "hunter"} {
		if strings.Contains(string(data), word) {
			t.Errorf("the list of changes shows the Secret: %s", data)
		}
	}
	var got []string
	for _, c := range changes {
		got = append(got, c.Path+": "+text(c.From)+" → "+text(c.To))
	}
	want := []string{"/metadata/labels/data: - → shown", "/data/a: (changed) → (changed)", "/data/b: (changed) → -", "/stringData: - → (changed)"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
}

func text(s *string) string {
	if s == nil {
		return "-"
	}
	return *s
}

func TestValuesAreBounded(t *testing.T) {
	t.Parallel()
	for name, v := range map[string]any{
		"text": strings.Repeat("x", 1000), "wide letters": strings.Repeat("ü", 500), "shifted": "x" + strings.Repeat("ü", 500),
		"list": []any{strings.Repeat("y", 1000)},
	} {
		if got := *value(v); len(got) > maxValue || len(got) < maxValue-4 || !strings.HasSuffix(got, "…") || strings.ContainsRune(got, '�') {
			t.Errorf("%s: %d bytes: %s", name, len(got), got)
		}
	}
	for want, v := range map[string]any{"x": "x", "3": int64(3), "null": nil, `{"a":["b"]}`: map[string]any{"a": []any{"b"}}, "true": true} {
		if got := *value(v); got != want {
			t.Errorf("%v is told as %s, want %s", v, got, want)
		}
	}
}

func TestManyPoliciesAreBounded(t *testing.T) {
	t.Parallel()
	in := settle(t, demo(t))
	for i := range 3 * maxUnrelated {
		in.Policies.ClusterWide = append(in.Policies.ClusterWide, clusterPolicy(t, "p"+string(rune('a'+i%26))+strings.Repeat("x", i), "{apiVersion: v1, kind: ConfigMap}"))
	}
	in.Policies.ClusterWide = append(in.Policies.ClusterWide, clusterPolicy(t, "zzz", "{apiVersion: apps/v1, kind: Deployment}"))
	got := Explain(in)
	if len(got.OtherPolicies) != maxUnrelated+1 || got.OmittedPolicies != 2*maxUnrelated || got.OtherPolicies[0].Name != "zzz" {
		t.Errorf("%d other policies, %d omitted, first %+v", len(got.OtherPolicies), got.OmittedPolicies, got.OtherPolicies[0])
	}
}
