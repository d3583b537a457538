/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package interpret

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAggregate(t *testing.T) {
	t.Parallel()
	const stamp = `lastProbeTime: "2026-05-04T03:02:01Z", lastTransitionTime: "2026-05-04T03:02:01Z"`
	for name, tc := range map[string]struct {
		tmpl  string
		items []string // statuses of clusters a, b, c; empty means not collected
		want  string
	}{
		"replica set": {`{apiVersion: apps/v1, kind: ReplicaSet, metadata: {generation: 2}}`,
			[]string{`{replicas: 1, readyReplicas: 1, availableReplicas: 1, observedGeneration: 1, generation: 1, resourceTemplateGeneration: 2}`,
				`{replicas: 2, readyReplicas: 1, observedGeneration: 3, generation: 3, resourceTemplateGeneration: 2}`},
			`{replicas: 3, readyReplicas: 2, availableReplicas: 1, observedGeneration: 2}`},
		"daemon set": {`{apiVersion: apps/v1, kind: DaemonSet, metadata: {generation: 2}, status: {observedGeneration: 1}}`,
			[]string{`{desiredNumberScheduled: 2, currentNumberScheduled: 2, updatedNumberScheduled: 2, numberReady: 2, numberAvailable: 2, observedGeneration: 1, generation: 1, resourceTemplateGeneration: 2}`,
				`{desiredNumberScheduled: 3, numberMisscheduled: 1, numberUnavailable: 3, observedGeneration: 1, generation: 1, resourceTemplateGeneration: 2}`},
			`{desiredNumberScheduled: 5, currentNumberScheduled: 2, updatedNumberScheduled: 2, numberReady: 2, numberAvailable: 2, numberMisscheduled: 1, numberUnavailable: 3, observedGeneration: 2}`},
		"daemon set with an uncollected member": {`{apiVersion: apps/v1, kind: DaemonSet, metadata: {generation: 2}, status: {observedGeneration: 2}}`,
			[]string{`{desiredNumberScheduled: 2, updatedNumberScheduled: 2, numberAvailable: 2, observedGeneration: 1, generation: 1, resourceTemplateGeneration: 2}`, ``},
			`{desiredNumberScheduled: 2, updatedNumberScheduled: 2, numberAvailable: 2, observedGeneration: 1}`},
		"stateful set": {`{apiVersion: apps/v1, kind: StatefulSet, metadata: {generation: 2}, spec: {replicas: 3}}`,
			[]string{`{replicas: 1, currentReplicas: 1, readyReplicas: 1, updatedReplicas: 1, availableReplicas: 1, currentRevision: x, updateRevision: x, observedGeneration: 9, generation: 9, resourceTemplateGeneration: 2}`,
				`{replicas: 2, currentReplicas: 1, readyReplicas: 2, updatedReplicas: 1, availableReplicas: 2, currentRevision: "y", updateRevision: z, observedGeneration: 4, generation: 4, resourceTemplateGeneration: 2}`},
			`{replicas: 3, currentReplicas: 2, readyReplicas: 3, updatedReplicas: 2, availableReplicas: 3, currentRevision: "y", updateRevision: z, observedGeneration: 2}`},
		"stateful set, duplicated, one lags": {`{apiVersion: apps/v1, kind: StatefulSet, metadata: {generation: 2}, spec: {replicas: 1}, status: {observedGeneration: 1}}`,
			[]string{`{replicas: 1, readyReplicas: 1, currentRevision: x, updateRevision: x, observedGeneration: 9, generation: 9, resourceTemplateGeneration: 2}`, ``},
			`{replicas: 1, readyReplicas: 1, currentRevision: x, updateRevision: x, observedGeneration: 1}`},
		"job running": {`{apiVersion: batch/v1, kind: Job, metadata: {generation: 1}, status: {succeeded: 3, uncountedTerminatedPods: {}}}`,
			[]string{`{active: 2, startTime: "2026-01-02T00:00:00Z"}`, `{active: 1, succeeded: 2, failed: 1, startTime: "2026-01-01T00:00:00Z"}`},
			`{active: 3, succeeded: 3, failed: 1, startTime: "2026-01-01T00:00:00Z", uncountedTerminatedPods: {}}`},
		"job not started everywhere": {`{apiVersion: batch/v1, kind: Job, metadata: {generation: 1}}`,
			[]string{`{active: 2, startTime: "2026-01-02T00:00:00Z"}`, ``}, `{active: 2}`},
		"job complete": {`{apiVersion: batch/v1, kind: Job, metadata: {generation: 1}}`,
			[]string{`{succeeded: 2, startTime: "2026-01-01T00:00:00Z", completionTime: "2026-01-01T01:00:00Z", conditions: [{type: Complete, status: "True"}]}`,
				`{succeeded: 1, startTime: "2026-01-01T00:00:00Z", completionTime: "2026-01-01T02:00:00Z", conditions: [{type: Complete, status: "True"}]}`},
			`{succeeded: 3, startTime: "2026-01-01T00:00:00Z", completionTime: "2026-01-01T02:00:00Z", conditions: [
				{type: SuccessCriteriaMet, status: "True", reason: CompletionsReached, message: Reached the expected completions in every cluster., ` + stamp + `},
				{type: Complete, status: "True", reason: Completed, message: Complete in every cluster., ` + stamp + `}]}`},
		"job failed in one, running in another": {`{apiVersion: batch/v1, kind: Job, metadata: {generation: 1}}`,
			[]string{`{failed: 1, startTime: "2026-01-01T00:00:00Z", conditions: [{type: Failed, status: "True"}]}`, `{active: 1, startTime: "2026-01-01T00:00:00Z"}`},
			`{active: 1, failed: 1, startTime: "2026-01-01T00:00:00Z", conditions: [{type: FailureTarget, status: "True", reason: JobFailed, message: "Failed in: a", ` + stamp + `}]}`},
		"job failed in one, complete in another": {`{apiVersion: batch/v1, kind: Job, metadata: {generation: 1}}`,
			[]string{`{succeeded: 1, startTime: "2026-01-01T00:00:00Z", completionTime: "2026-01-01T02:00:00Z", conditions: [{type: Complete, status: "True"}]}`,
				`{failed: 1, startTime: "2026-01-01T00:00:00Z", conditions: [{type: Failed, status: "True"}]}`},
			`{succeeded: 1, failed: 1, startTime: "2026-01-01T00:00:00Z", conditions: [
				{type: FailureTarget, status: "True", reason: JobFailed, message: "Failed in: b", ` + stamp + `},
				{type: Failed, status: "True", reason: JobFailed, message: "Failed in: b", ` + stamp + `}]}`},
		"finished job": {`{apiVersion: batch/v1, kind: Job, metadata: {generation: 1}, status: {succeeded: 1, conditions: [{type: Complete, status: "True"}]}}`,
			[]string{`{active: 5}`}, `{succeeded: 1, conditions: [{type: Complete, status: "True"}]}`},
		"cron job": {`{apiVersion: batch/v1, kind: CronJob, status: {active: [{name: gone}]}}`,
			[]string{`{active: [{name: j1}], lastScheduleTime: "2026-01-02T00:00:00Z"}`, `{active: [{name: j2}], lastScheduleTime: "2026-01-03T00:00:00Z", lastSuccessfulTime: "2026-01-01T00:00:00Z"}`, ``},
			`{active: [{name: j1}, {name: j2}], lastScheduleTime: "2026-01-03T00:00:00Z", lastSuccessfulTime: "2026-01-01T00:00:00Z"}`},
		"service": {`{apiVersion: v1, kind: Service, spec: {type: LoadBalancer}, status: {loadBalancer: {}}}`,
			[]string{`{loadBalancer: {ingress: [{ip: 2.2.2.2}, {ip: 1.1.1.1}]}}`, `{loadBalancer: {ingress: [{hostname: h}, {ip: 1.1.1.1}]}}`, ``},
			`{loadBalancer: {ingress: [{hostname: h}, {ip: 1.1.1.1}, {ip: 2.2.2.2}]}}`},
		"service of another type": {`{apiVersion: v1, kind: Service, spec: {type: ClusterIP}, status: {loadBalancer: {}}}`,
			[]string{`{loadBalancer: {ingress: [{ip: 2.2.2.2}]}}`}, `{loadBalancer: {}}`},
		"ingress loses its points": {`{apiVersion: networking.k8s.io/v1, kind: Ingress, status: {loadBalancer: {ingress: [{ip: 9.9.9.9}]}}}`,
			[]string{`{loadBalancer: {}}`}, `{loadBalancer: {}}`},
		"pod failed":      {`{apiVersion: v1, kind: Pod}`, []string{`{phase: Running}`, ``, `{phase: Failed}`}, `{phase: Failed}`},
		"pod uncollected": {`{apiVersion: v1, kind: Pod}`, []string{`{phase: Running}`, ``}, `{phase: Pending}`},
		"pod running": {`{apiVersion: v1, kind: Pod, status: {qosClass: BestEffort}}`,
			[]string{`{phase: Running, containerStatuses: [{name: c, ready: true, image: i, state: {running: {}}}]}`,
				`{phase: Succeeded, containerStatuses: [{name: c, ready: false, state: {terminated: {exitCode: 0}}}], initContainerStatuses: [{name: i, ready: true, state: {}}]}`},
			`{phase: Running, qosClass: BestEffort, containerStatuses: [{name: c.a, ready: true, state: {running: {}}}, {name: c.b, ready: false, state: {terminated: {exitCode: 0}}}],
				initContainerStatuses: [{name: i.b, ready: true, state: {}}]}`},
		"pod conditions": {`{apiVersion: v1, kind: Pod}`, []string{`{phase: Running, conditions: [{type: Ready, status: "True"}]}`, `{phase: Running, conditions: [{type: Ready, status: "False", reason: R, message: m}]}`},
			`{phase: Running, conditions: [{type: Ready, status: "False", reason: R, message: "False in: b: m", lastTransitionTime: "2026-05-04T03:02:01Z"}]}`},
		"pod succeeded":      {`{apiVersion: v1, kind: Pod}`, []string{`{phase: Succeeded}`}, `{phase: Succeeded}`},
		"pod without items":  {`{apiVersion: v1, kind: Pod, status: {phase: Pending}}`, nil, `{phase: Pending}`},
		"volume":             {`{apiVersion: v1, kind: PersistentVolume}`, []string{`{phase: Bound}`, `{phase: Available}`}, `{phase: Available}`},
		"volume released":    {`{apiVersion: v1, kind: PersistentVolume}`, []string{`{phase: Released}`}, `{phase: Released}`},
		"volume uncollected": {`{apiVersion: v1, kind: PersistentVolume}`, []string{`{phase: Bound}`, ``}, `{phase: Pending}`},
		"claim bound":        {`{apiVersion: v1, kind: PersistentVolumeClaim}`, []string{`{phase: Bound}`, `{phase: Bound}`}, `{phase: Bound}`},
		"claim pending":      {`{apiVersion: v1, kind: PersistentVolumeClaim}`, []string{`{phase: Bound}`, `{phase: Pending}`}, `{phase: Pending}`},
		"claim lost":         {`{apiVersion: v1, kind: PersistentVolumeClaim}`, []string{`{phase: Pending}`, `{phase: Lost}`}, `{phase: Lost}`},
		"budget": {`{apiVersion: policy/v1, kind: PodDisruptionBudget, status: {conditions: [], disruptedPods: {gone: t}}}`,
			[]string{`{currentHealthy: 1, desiredHealthy: 1, expectedPods: 2, disruptionsAllowed: 0, disruptedPods: {p: t}}`, `{currentHealthy: 2, desiredHealthy: 0, expectedPods: 2, disruptedPods: {p: u}}`},
			`{conditions: [], currentHealthy: 3, desiredHealthy: 1, expectedPods: 4, disruptionsAllowed: 0, disruptedPods: {a/p: t, b/p: u}}`},
		"autoscaler": {`{apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, status: {currentMetrics: null}}`,
			[]string{`{currentReplicas: 1, desiredReplicas: 2}`, `{currentReplicas: 3, desiredReplicas: 4}`}, `{currentMetrics: null, currentReplicas: 4, desiredReplicas: 6}`},
		"pod placed nowhere":    {`{apiVersion: v1, kind: Pod, status: {phase: Running}}`, nil, `{phase: Pending}`},
		"ended pod nowhere":     {`{apiVersion: v1, kind: Pod, status: {phase: Failed}}`, nil, `{phase: Failed}`},
		"claim placed nowhere":  {`{apiVersion: v1, kind: PersistentVolumeClaim, status: {phase: Bound}}`, nil, `{phase: Pending}`},
		"volume placed nowhere": {`{apiVersion: v1, kind: PersistentVolume, status: {phase: Bound}}`, nil, `{phase: Pending}`},
		"stateful set at zero": {`{apiVersion: apps/v1, kind: StatefulSet, metadata: {generation: 2}, spec: {replicas: 0}, status: {observedGeneration: 1, replicas: 2}}`,
			[]string{`{currentRevision: x, updateRevision: x, observedGeneration: 2, generation: 2, resourceTemplateGeneration: 2}`},
			`{currentRevision: x, updateRevision: x, observedGeneration: 2}`},
		"replication controller": {`{apiVersion: v1, kind: ReplicationController, metadata: {generation: 1}}`,
			[]string{`{replicas: 1, fullyLabeledReplicas: 1, observedGeneration: 1, generation: 1, resourceTemplateGeneration: 1}`,
				`{replicas: 2, observedGeneration: 1, generation: 1, resourceTemplateGeneration: 1}`},
			`{replicas: 3, fullyLabeledReplicas: 1, observedGeneration: 1}`},
		"quota": {`{apiVersion: v1, kind: ResourceQuota, status: {used: {pods: 1}}}`, []string{`{used: {pods: 7}}`}, `{used: {pods: 1}}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tmpl := object(t, tc.tmpl)
			m := Members{Scheduled: true, Now: now}
			for i, s := range tc.items {
				m.Items = append(m.Items, Item{Cluster: string(rune('a' + i)), Status: statusOf(t, s)})
			}
			got, changed := Of(tmpl.GroupVersionKind()).Aggregate(tmpl, m)
			if diff := cmp.Diff(statusOf(t, tc.want), got); diff != "" {
				t.Errorf("status (-want +got):\n%s", diff)
			}
			if want := !cmp.Equal(mapAt(tmpl.Object, "status"), got); changed != want {
				t.Errorf("changed is %v, want %v", changed, want)
			}
		})
	}
}

func TestAggregateNothing(t *testing.T) {
	t.Parallel()
	for gvk, kind := range kinds {
		tmpl := object(t, `{apiVersion: v1, kind: x, metadata: {name: x, generation: 1}, spec: {type: LoadBalancer}}`)
		if got, changed := kind.Aggregate(tmpl, Members{Now: now}); changed {
			t.Errorf("%s: before anything is placed, the status becomes %v", gvk, got)
		}
	}
}
