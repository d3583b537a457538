/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package interpret

import (
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"

	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
)

var now = time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)

func TestReflect(t *testing.T) {
	t.Parallel()
	const sent = `metadata: {name: x, generation: 4, annotations: {resourcetemplate.karmada.io/generation: "7"}}`
	for name, tc := range map[string]struct{ live, want string }{
		"deployment": {`{apiVersion: apps/v1, kind: Deployment, ` + sent + `, status: {replicas: 3, updatedReplicas: 2, readyReplicas: 1,
			unavailableReplicas: 2, observedGeneration: 4, collisionCount: 1, conditions: [{type: Available, status: "True", reason: R, message: m,
			lastUpdateTime: "2026-01-01T00:00:00Z", lastTransitionTime: "2026-01-02T00:00:00Z"}]}}`,
			`{replicas: 3, updatedReplicas: 2, readyReplicas: 1, unavailableReplicas: 2, observedGeneration: 4, generation: 4, resourceTemplateGeneration: 7,
			conditions: [{type: Available, status: "True", reason: R, message: m, lastTransitionTime: "2026-01-02T00:00:00Z"}]}`},
		"deployment scaled to zero": {`{apiVersion: apps/v1, kind: Deployment, ` + sent + `, status: {observedGeneration: 4}}`,
			`{observedGeneration: 4, generation: 4, resourceTemplateGeneration: 7}`},
		"deployment not seen by its controller": {`{apiVersion: apps/v1, kind: Deployment, ` + sent + `, status: {}}`, ``},
		"deployment without status":             {`{apiVersion: apps/v1, kind: Deployment, ` + sent + `}`, ``},
		"generation is no number": {`{apiVersion: apps/v1, kind: Deployment, metadata: {name: x, generation: 1, annotations: {resourcetemplate.karmada.io/generation: x}},
			status: {replicas: 1, observedGeneration: 1}}`, `{replicas: 1, observedGeneration: 1, generation: 1}`},
		"generation is missing": {`{apiVersion: apps/v1, kind: Deployment, metadata: {name: x, generation: 1}, status: {replicas: 1, observedGeneration: 1}}`,
			`{replicas: 1, observedGeneration: 1, generation: 1}`},
		"replica set": {`{apiVersion: apps/v1, kind: ReplicaSet, ` + sent + `, status: {replicas: 3, readyReplicas: 2, availableReplicas: 1, fullyLabeledReplicas: 3, observedGeneration: 3}}`,
			`{replicas: 3, readyReplicas: 2, availableReplicas: 1, fullyLabeledReplicas: 3, observedGeneration: 3, generation: 4, resourceTemplateGeneration: 7}`},
		"stateful set": {`{apiVersion: apps/v1, kind: StatefulSet, ` + sent + `, status: {replicas: 3, currentReplicas: 1, readyReplicas: 2, updatedReplicas: 2, availableReplicas: 1,
			observedGeneration: 4, currentRevision: a, updateRevision: b, collisionCount: 0}}`,
			`{replicas: 3, currentReplicas: 1, readyReplicas: 2, updatedReplicas: 2, availableReplicas: 1, observedGeneration: 4, currentRevision: a, updateRevision: b,
			generation: 4, resourceTemplateGeneration: 7}`},
		"daemon set": {`{apiVersion: apps/v1, kind: DaemonSet, ` + sent + `, status: {currentNumberScheduled: 1, desiredNumberScheduled: 2, numberAvailable: 3, numberMisscheduled: 4,
			numberReady: 5, updatedNumberScheduled: 6, numberUnavailable: 7, observedGeneration: 4}}`,
			`{currentNumberScheduled: 1, desiredNumberScheduled: 2, numberAvailable: 3, numberMisscheduled: 4, numberReady: 5, updatedNumberScheduled: 6,
			numberUnavailable: 7, observedGeneration: 4, generation: 4, resourceTemplateGeneration: 7}`},
		"job": {`{apiVersion: batch/v1, kind: Job, ` + sent + `, status: {active: 1, succeeded: 2, failed: 3, ready: 1, startTime: "2026-01-01T00:00:00Z", conditions: [{type: Suspended}]}}`,
			`{active: 1, succeeded: 2, failed: 3, startTime: "2026-01-01T00:00:00Z", conditions: [{type: Suspended}]}`},
		"load balancer": {`{apiVersion: v1, kind: Service, ` + sent + `, spec: {type: LoadBalancer}, status: {conditions: [], loadBalancer: {ingress: [{ip: 1.2.3.4}]}}}`,
			`{loadBalancer: {ingress: [{ip: 1.2.3.4}]}}`},
		"cluster service": {`{apiVersion: v1, kind: Service, ` + sent + `, spec: {type: ClusterIP}, status: {loadBalancer: {}}}`, ``},
		"disruption budget": {`{apiVersion: policy/v1, kind: PodDisruptionBudget, ` + sent + `, status: {currentHealthy: 1, desiredHealthy: 0, expectedPods: 2, disruptionsAllowed: 1, observedGeneration: 4}}`,
			`{currentHealthy: 1, desiredHealthy: 0, expectedPods: 2, disruptionsAllowed: 1, observedGeneration: 4, resourceTemplateGeneration: 7}`},
		"autoscaler": {`{apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, ` + sent + `, status: {currentReplicas: 1, desiredReplicas: 2, currentMetrics: [], conditions: [{type: AbleToScale, status: "True"}]}}`,
			`{currentReplicas: 1, desiredReplicas: 2, conditions: [{type: AbleToScale, status: "True"}], resourceTemplateGeneration: 7}`},
		"anything else":         {`{apiVersion: example.com/v1, kind: App, ` + sent + `, status: {phase: [a, {b: c}]}}`, `{phase: [a, {b: c}], resourceTemplateGeneration: 7}`},
		"anything else, behind": {`{apiVersion: example.com/v1, kind: App, ` + sent + `, status: {observedGeneration: 3}}`, `{observedGeneration: 3}`},
		"anything else, behind in its conditions": {`{apiVersion: example.com/v1, kind: App, ` + sent + `, status: {conditions: [{type: A, observedGeneration: 3}]}}`,
			`{conditions: [{type: A, observedGeneration: 3}]}`},
		"anything else, one condition is of before": {`{apiVersion: example.com/v1, kind: App, ` + sent + `, status: {conditions: [{type: A, observedGeneration: 3}, {type: B, observedGeneration: 4}]}}`,
			`{conditions: [{type: A, observedGeneration: 3}, {type: B, observedGeneration: 4}], resourceTemplateGeneration: 7}`},
		"pod":             {`{apiVersion: v1, kind: Pod, ` + sent + `, status: {phase: Running}}`, `{phase: Running, resourceTemplateGeneration: 7}`},
		"nothing to tell": {`{apiVersion: example.com/v1, kind: App, ` + sent + `, status: {}}`, ``},
		"ingress":         {`{apiVersion: networking.k8s.io/v1, kind: Ingress, ` + sent + `, status: {loadBalancer: {}}}`, `{loadBalancer: {}}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			live := object(t, tc.live)
			before := live.DeepCopy()
			got, err := Of(live.GroupVersionKind()).Reflect(live)
			if err != nil {
				t.Fatal(err)
			}
			var want map[string]any
			if tc.want != "" {
				want = object(t, "{apiVersion: v1, kind: x, status: "+tc.want+"}").Object["status"].(map[string]any)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("status (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(before, live); diff != "" {
				t.Errorf("live object (-before +after):\n%s", diff)
			}
		})
	}
	for _, kind := range []string{"{apiVersion: apps/v1, kind: Deployment, status: text}", "{apiVersion: example.com/v1, kind: App, status: [1]}"} {
		live := object(t, kind)
		if got, err := Of(live.GroupVersionKind()).Reflect(live); err == nil {
			t.Errorf("%s: got %v, want an error", kind, got)
		}
	}
}

func TestHealth(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		live string
		want workv1alpha2.ResourceHealth
	}{
		"deployment":             {`{apiVersion: apps/v1, kind: Deployment, metadata: {generation: 2}, spec: {replicas: 2}, status: {observedGeneration: 2, updatedReplicas: 2, availableReplicas: 2}}`, "Healthy"},
		"deployment at zero":     {`{apiVersion: apps/v1, kind: Deployment, metadata: {generation: 2}, spec: {replicas: 0}, status: {observedGeneration: 2}}`, "Healthy"},
		"deployment default":     {`{apiVersion: apps/v1, kind: Deployment, metadata: {generation: 2}, spec: {}, status: {observedGeneration: 2}}`, "Unhealthy"},
		"deployment behind":      {`{apiVersion: apps/v1, kind: Deployment, metadata: {generation: 2}, spec: {replicas: 2}, status: {observedGeneration: 1, updatedReplicas: 2, availableReplicas: 2}}`, "Unhealthy"},
		"deployment unavailable": {`{apiVersion: apps/v1, kind: Deployment, metadata: {generation: 2}, spec: {replicas: 2}, status: {observedGeneration: 2, updatedReplicas: 2, availableReplicas: 1}}`, "Unhealthy"},
		"deployment unseen":      {`{apiVersion: apps/v1, kind: Deployment, metadata: {generation: 1}, spec: {replicas: 2}}`, "Unknown"},
		"replica set":            {`{apiVersion: apps/v1, kind: ReplicaSet, metadata: {generation: 2}, spec: {replicas: 2}, status: {observedGeneration: 2, availableReplicas: 2}}`, "Healthy"},
		"replica set lacks":      {`{apiVersion: apps/v1, kind: ReplicaSet, metadata: {generation: 2}, spec: {replicas: 2}, status: {observedGeneration: 2, availableReplicas: 1}}`, "Unhealthy"},
		"stateful set":           {`{apiVersion: apps/v1, kind: StatefulSet, metadata: {generation: 2}, spec: {replicas: 2}, status: {observedGeneration: 2, updatedReplicas: 2, availableReplicas: 2}}`, "Healthy"},
		"stateful set updating":  {`{apiVersion: apps/v1, kind: StatefulSet, metadata: {generation: 2}, spec: {replicas: 2}, status: {observedGeneration: 2, updatedReplicas: 1, availableReplicas: 2}}`, "Unhealthy"},
		"stateful set partition": {`{apiVersion: apps/v1, kind: StatefulSet, metadata: {generation: 2}, spec: {replicas: 2, updateStrategy: {rollingUpdate: {partition: 1}}}, status: {observedGeneration: 2, updatedReplicas: 1, availableReplicas: 2}}`, "Healthy"},
		"stateful set on delete": {`{apiVersion: apps/v1, kind: StatefulSet, metadata: {generation: 2}, spec: {replicas: 2, updateStrategy: {type: OnDelete}}, status: {observedGeneration: 2, availableReplicas: 2}}`, "Healthy"},
		"daemon set":             {`{apiVersion: apps/v1, kind: DaemonSet, metadata: {generation: 2}, status: {observedGeneration: 2, desiredNumberScheduled: 2, updatedNumberScheduled: 2, numberAvailable: 2}}`, "Healthy"},
		"daemon set updating":    {`{apiVersion: apps/v1, kind: DaemonSet, metadata: {generation: 2}, status: {observedGeneration: 2, desiredNumberScheduled: 2, updatedNumberScheduled: 1, numberAvailable: 2}}`, "Unhealthy"},
		"daemon set on delete":   {`{apiVersion: apps/v1, kind: DaemonSet, metadata: {generation: 2}, spec: {updateStrategy: {type: OnDelete}}, status: {observedGeneration: 2, desiredNumberScheduled: 2, numberAvailable: 2}}`, "Healthy"},
		"cluster service":        {`{apiVersion: v1, kind: Service, spec: {type: ClusterIP}}`, "Healthy"},
		"load balancer":          {`{apiVersion: v1, kind: Service, spec: {type: LoadBalancer}, status: {loadBalancer: {ingress: [{hostname: h}]}}}`, "Healthy"},
		"load balancer pending":  {`{apiVersion: v1, kind: Service, spec: {type: LoadBalancer}, status: {loadBalancer: {}}}`, "Unhealthy"},
		"ingress":                {`{apiVersion: networking.k8s.io/v1, kind: Ingress, status: {loadBalancer: {ingress: [{ip: 1.1.1.1}]}}}`, "Healthy"},
		"ingress without point":  {`{apiVersion: networking.k8s.io/v1, kind: Ingress}`, "Unhealthy"},
		"claim bound":            {`{apiVersion: v1, kind: PersistentVolumeClaim, status: {phase: Bound}}`, "Healthy"},
		"claim pending":          {`{apiVersion: v1, kind: PersistentVolumeClaim, status: {phase: Pending}}`, "Unhealthy"},
		"pod ready":              {`{apiVersion: v1, kind: Pod, status: {phase: Running, conditions: [{type: Ready, status: "True"}]}}`, "Healthy"},
		"pod not ready":          {`{apiVersion: v1, kind: Pod, status: {phase: Running, conditions: [{type: Ready, status: "False"}]}}`, "Unhealthy"},
		"pod succeeded":          {`{apiVersion: v1, kind: Pod, status: {phase: Succeeded}}`, "Healthy"},
		"pod pending":            {`{apiVersion: v1, kind: Pod, status: {phase: Pending}}`, "Unhealthy"},
		"pod without phase":      {`{apiVersion: v1, kind: Pod}`, "Unknown"},
		"budget kept":            {`{apiVersion: policy/v1, kind: PodDisruptionBudget, status: {currentHealthy: 2, desiredHealthy: 2}}`, "Healthy"},
		"budget broken":          {`{apiVersion: policy/v1, kind: PodDisruptionBudget, status: {currentHealthy: 1, desiredHealthy: 2}}`, "Unhealthy"},
		"failed job":             {`{apiVersion: batch/v1, kind: Job, status: {failed: 3}}`, "Healthy"},
		"budget unseen":          {`{apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {generation: 2}, status: {observedGeneration: 1, currentHealthy: 2, desiredHealthy: 2}}`, "Unknown"},
		"config map":             {`{apiVersion: v1, kind: ConfigMap}`, "Healthy"},
		"custom, no status":      {app(``), "Healthy"},
		"custom, no condition":   {app(`phase: Failed`), "Healthy"},
		"custom, behind":         {app(`observedGeneration: 1, conditions: [{type: Ready, status: "True"}]`), "Unknown"},
		"custom, stale ready":    {app(`conditions: [{type: Ready, status: "True", observedGeneration: 1}, {type: X, observedGeneration: 2}]`), "Unknown"},
		"custom, ready":          {app(`observedGeneration: 2, conditions: [{type: Ready, status: "True"}]`), "Healthy"},
		"custom, not ready":      {app(`observedGeneration: 2, conditions: [{type: Ready, status: "False"}]`), "Unhealthy"},
		"custom, not known":      {app(`observedGeneration: 2, conditions: [{type: Ready, status: Unknown}]`), "Unhealthy"},
		"custom, a step is open": {app(`conditions: [{type: Ready, status: "True"}, {type: Migrated, status: "False"}]`), "Healthy"},
		"custom, stalled":        {app(`conditions: [{type: Stalled, status: "True"}]`), "Unhealthy"},
		"custom, not stalled":    {app(`conditions: [{type: Stalled, status: "False"}]`), "Healthy"},
		"definition":             {`{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, status: {conditions: [{type: Established, status: "False"}]}}`, "Unhealthy"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			live := object(t, tc.live)
			if got := Of(live.GroupVersionKind()).Health(live); got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}

// app is a custom resource of generation 2 with that status.
func app(status string) string {
	return `{apiVersion: example.com/v1, kind: App, metadata: {generation: 2}, status: {` + status + `}}`
}

// What is put in front answers for its operation only.
func TestWith(t *testing.T) {
	t.Parallel()
	live := object(t, app(`conditions: [{type: Ready, status: "True"}]`))
	sick := Of(live.GroupVersionKind()).With(Rules{Health: func(map[string]any) workv1alpha2.ResourceHealth { return workv1alpha2.ResourceUnhealthy }})
	if got := sick.Health(live); got != workv1alpha2.ResourceUnhealthy {
		t.Errorf("health is %s, although a rule in front says otherwise", got)
	}
	if status, err := sick.Reflect(live); err != nil || status == nil {
		t.Errorf("status is %v, %v: the rule behind does not answer", status, err)
	}
	web := Of(schema.GroupVersionKind{Group: "apps", Version: "v1", Kind: "Deployment"}).With(Rules{ReplicaPath: []string{"spec", "size"}})
	if got := web.ReplicaPath()[1]; got != "size" {
		t.Errorf("replicas are in %s", got)
	}
	if _, workload := web.Replicas(object(t, `{apiVersion: apps/v1, kind: Deployment, spec: {replicas: 1}}`)); !workload {
		t.Error("a Deployment is no workload any more")
	}
}

func TestReplicaPaths(t *testing.T) {
	t.Parallel()
	for kind, want := range map[schema.GroupVersionKind]string{
		{Group: "apps", Version: "v1", Kind: "Deployment"}:  "spec.replicas",
		{Group: "apps", Version: "v1", Kind: "ReplicaSet"}:  "spec.replicas",
		{Group: "apps", Version: "v1", Kind: "StatefulSet"}: "spec.replicas",
		{Group: "apps", Version: "v1", Kind: "DaemonSet"}:   "",
		{Group: "batch", Version: "v1", Kind: "Job"}:        "spec.parallelism",
		{Group: "", Version: "v1", Kind: "Pod"}:             "",
		{Group: "x.io", Version: "v1", Kind: "Deployment"}:  "",
	} {
		if got := strings.Join(Of(kind).ReplicaPath(), "."); got != want {
			t.Errorf("%s: got %q, want %q", kind, got, want)
		}
	}
}

// TestAggregateProperties states what holds for every kind and any state of the members: the order of the items does
// not matter, aggregating once more changes nothing, and the arguments stay as they are.
func TestAggregateProperties(t *testing.T) {
	t.Parallel()
	all := maps.Clone(kinds)
	custom := schema.GroupVersionKind{Group: "example.com", Version: "v1", Kind: "App"}
	all[custom] = Of(custom)
	for gvk, kind := range all {
		t.Run(gvk.Kind+"."+gvk.Version, func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(100) {
				r := rand.New(rand.NewPCG(seed, 0))
				tmpl, m := randomTemplate(r, gvk), randomMembers(r)
				tmplBefore, itemsBefore := tmpl.DeepCopy(), slices.Clone(m.Items)
				for i := range itemsBefore {
					itemsBefore[i].Status = runtime.DeepCopyJSON(itemsBefore[i].Status)
				}
				first, changed := kind.Aggregate(tmpl, m)
				if changed != !cmp.Equal(mapAt(tmpl.Object, "status"), first) && len(first) > 0 {
					t.Fatalf("seed %d: changed is %v: %v to %v", seed, changed, tmpl.Object["status"], first)
				}
				if diff := cmp.Diff(tmplBefore, tmpl) + cmp.Diff(itemsBefore, m.Items); diff != "" {
					t.Fatalf("seed %d: arguments (-before +after):\n%s", seed, diff)
				}
				shuffled := m
				shuffled.Items = slices.Clone(m.Items)
				r.Shuffle(len(shuffled.Items), func(i, j int) {
					shuffled.Items[i], shuffled.Items[j] = shuffled.Items[j], shuffled.Items[i]
				})
				if other, _ := kind.Aggregate(tmpl, shuffled); !cmp.Equal(first, other) {
					t.Fatalf("seed %d: order (-first +shuffled):\n%s", seed, cmp.Diff(first, other))
				}
				tmpl.Object["status"] = first
				m.Now = m.Now.Add(time.Hour)
				if again, changed := kind.Aggregate(tmpl, m); changed {
					t.Fatalf("seed %d: once more (-first +second):\n%s", seed, cmp.Diff(first, again))
				}
			}
		})
	}
}

func randomTemplate(r *rand.Rand, gvk schema.GroupVersionKind) *unstructured.Unstructured {
	u := &unstructured.Unstructured{Object: map[string]any{
		"metadata": map[string]any{"name": "x", "namespace": "d", "generation": int64(1 + r.IntN(3))},
		"spec":     map[string]any{"replicas": int64(r.IntN(5)), "type": "LoadBalancer"},
	}}
	u.SetGroupVersionKind(gvk)
	if r.IntN(2) == 0 {
		u.Object["status"] = map[string]any{"observedGeneration": int64(1), "replicas": int64(2), "foreign": "kept"}
	}
	return u
}

func randomMembers(r *rand.Rand) Members {
	m := Members{Scheduled: r.IntN(2) == 0, Reported: r.IntN(2) == 0, Now: now}
	counters := []string{"replicas", "updatedReplicas", "readyReplicas", "availableReplicas", "unavailableReplicas", "observedGeneration",
		"generation", "resourceTemplateGeneration", "desiredNumberScheduled", "updatedNumberScheduled", "numberAvailable", "active",
		"succeeded", "failed", "currentHealthy", "desiredReplicas"}
	for i := range r.IntN(4) {
		it := Item{Cluster: string(rune('a' + i)), Applied: true, Away: r.IntN(4) == 0}
		if r.IntN(2) == 0 {
			it.Replicas = new(int32(r.IntN(4)))
		}
		if r.IntN(5) > 0 {
			it.Status = map[string]any{"startTime": "2026-01-01T00:00:00Z", "phase": []string{"Running", "Bound", "Failed", "Pending"}[r.IntN(4)]}
			for _, key := range counters {
				setInt(it.Status, key, int64(r.IntN(4)))
			}
			it.Status["conditions"] = []any{
				map[string]any{"type": []string{"Available", "Complete", "Failed"}[r.IntN(3)], "status": []string{"True", "False"}[r.IntN(2)]},
				map[string]any{"type": []string{"Ready", "Stalled"}[r.IntN(2)], "status": []string{"True", "False", "Unknown"}[r.IntN(3)], "observedGeneration": int64(r.IntN(3))},
				map[string]any{"type": "Progressing", "status": "True", "reason": []string{reasonComplete, reasonUpdating, reasonDeadlineExceeded}[r.IntN(3)]},
			}
			it.Status["loadBalancer"] = map[string]any{"ingress": []any{map[string]any{"ip": []string{"1.1.1.1", "2.2.2.2"}[r.IntN(2)]}}}
			it.Status["active"] = int64(r.IntN(2))
		}
		m.Items = append(m.Items, it)
	}
	return m
}

// object reads YAML with the number types of the API machinery.
func object(t testing.TB, text string) *unstructured.Unstructured {
	t.Helper()
	asJSON, err := yaml.YAMLToJSON([]byte(strings.ReplaceAll(text, "\t", "  ")))
	if err != nil {
		t.Fatal(err)
	}
	u := &unstructured.Unstructured{}
	if err := u.UnmarshalJSON(asJSON); err != nil {
		t.Fatal(err)
	}
	return &unstructured.Unstructured{Object: runtime.DeepCopyJSON(u.Object)}
}

// statusOf reads a status, nil for an empty text.
func statusOf(t testing.TB, text string) map[string]any {
	t.Helper()
	if text == "" {
		return nil
	}
	return mapAt(object(t, "{apiVersion: v1, kind: x, status: "+text+"}").Object, "status")
}
