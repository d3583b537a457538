/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package interpret

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"
)

func TestReplicas(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		tmpl         string
		n            int32
		workload     bool
		requirements string // empty for none
	}{
		"deployment":                  {`{apiVersion: apps/v1, kind: Deployment, metadata: {namespace: d}, spec: {replicas: 3, template: {spec: {containers: [{name: c}]}}}}`, 3, true, ``},
		"deployment without a number": {`{apiVersion: apps/v1, kind: Deployment, spec: {}}`, 0, true, ``},
		"stateful set":                {`{apiVersion: apps/v1, kind: StatefulSet, spec: {replicas: 2}}`, 2, true, ``},
		"replica set":                 {`{apiVersion: apps/v1, kind: ReplicaSet, spec: {replicas: 2}}`, 2, true, ``},
		"daemon set":                  {`{apiVersion: apps/v1, kind: DaemonSet, spec: {template: {spec: {nodeSelector: {a: b}}}}}`, 0, false, ``},
		"cron job":                    {`{apiVersion: batch/v1, kind: CronJob, spec: {}}`, 0, false, ``},
		"config map":                  {`{apiVersion: v1, kind: ConfigMap}`, 0, false, ``},
		"job":                         {`{apiVersion: batch/v1, kind: Job, spec: {parallelism: 3, completions: 2}}`, 2, true, ``},
		"job without completions":     {`{apiVersion: batch/v1, kind: Job, spec: {parallelism: 3}}`, 3, true, ``},
		"job by default":              {`{apiVersion: batch/v1, kind: Job, spec: {completions: 5}}`, 1, true, ``},
		"suspended job":               {`{apiVersion: batch/v1, kind: Job, spec: {parallelism: 0}}`, 0, true, ``},
		"pod": {`{apiVersion: v1, kind: Pod, metadata: {namespace: d}, spec: {containers: [{name: c, resources: {requests: {cpu: 1}}}]}}`, 1, true,
			`{resourceRequest: {cpu: "1"}, namespace: d}`},
		"sums, overhead, priority": {`{apiVersion: apps/v1, kind: Deployment, metadata: {namespace: d}, spec: {replicas: 1, template: {spec: {priorityClassName: high, overhead: {cpu: 10m},
			containers: [{name: a, resources: {requests: {cpu: 100m, memory: 1Gi}}}, {name: b, resources: {requests: {cpu: 200m}}}]}}}}`, 1, true,
			`{resourceRequest: {cpu: 310m, memory: 1Gi}, namespace: d, priorityClassName: high}`},
		"greatest init container": {`{apiVersion: apps/v1, kind: Deployment, spec: {replicas: 1, template: {spec: {
			initContainers: [{name: i, resources: {requests: {cpu: 2}}}, {name: j, resources: {requests: {cpu: 1, memory: 1Mi}}}],
			containers: [{name: a, resources: {requests: {cpu: 1}}}]}}}}`, 1, true, `{resourceRequest: {cpu: "2", memory: 1Mi}}`},
		"sidecars": {`{apiVersion: apps/v1, kind: Deployment, spec: {replicas: 1, template: {spec: {
			initContainers: [{name: s, restartPolicy: Always, resources: {requests: {cpu: 1}}}, {name: i, resources: {requests: {cpu: 3}}}],
			containers: [{name: a, resources: {requests: {cpu: 2}}}]}}}}`, 1, true, `{resourceRequest: {cpu: "4"}}`},
		"limits stand in": {`{apiVersion: apps/v1, kind: Deployment, spec: {replicas: 1, template: {spec: {
			containers: [{name: a, resources: {limits: {cpu: 2, memory: 1Gi}, requests: {cpu: 1}}}]}}}}`, 1, true, `{resourceRequest: {cpu: "1", memory: 1Gi}}`},
		"requests of the pod": {`{apiVersion: apps/v1, kind: Deployment, spec: {replicas: 1, template: {spec: {resources: {requests: {cpu: 5}},
			containers: [{name: a, resources: {requests: {cpu: 1, memory: 1Gi}}}]}}}}`, 1, true, `{resourceRequest: {cpu: "5", memory: 1Gi}}`},
		"node constraints": {`{apiVersion: apps/v1, kind: Deployment, metadata: {namespace: d}, spec: {replicas: 1, template: {spec: {nodeSelector: {a: b}, tolerations: [{key: k, operator: Exists}],
			affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: z, operator: Exists}]}]}}}}}}}`, 1, true,
			`{nodeClaim: {nodeSelector: {a: b}, tolerations: [{key: k, operator: Exists}], hardNodeAffinity: {nodeSelectorTerms: [{matchExpressions: [{key: z, operator: Exists}]}]}}, namespace: d}`},
		"priority alone asks for nothing": {`{apiVersion: apps/v1, kind: Deployment, spec: {replicas: 1, template: {spec: {priorityClassName: high, containers: [{name: a, resources: {requests: {cpu: 0}}}]}}}}`, 1, true, ``},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tmpl := object(t, tc.tmpl)
			before := tmpl.DeepCopy()
			n, workload := Of(tmpl.GroupVersionKind()).Replicas(tmpl)
			requirements := Of(tmpl.GroupVersionKind()).Requirements(tmpl)
			if n != tc.n || workload != tc.workload {
				t.Errorf("got %d, %v, want %d, %v", n, workload, tc.n, tc.workload)
			}
			var got any
			if requirements != nil {
				got = requirements
			}
			if diff := cmp.Diff(canonical(t, tc.requirements), marshal(t, got)); diff != "" {
				t.Errorf("requirements (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(before, tmpl); diff != "" {
				t.Errorf("template (-before +after):\n%s", diff)
			}
		})
	}
}

func TestDependencies(t *testing.T) {
	t.Parallel()
	const podSpec = `{serviceAccountName: bot, imagePullSecrets: [{name: pull}],
		initContainers: [{name: i, env: [{name: A, valueFrom: {configMapKeyRef: {name: cm-env, key: k}}}]}],
		containers: [{name: c, envFrom: [{configMapRef: {name: cm-from}}, {secretRef: {name: s-from}}],
			env: [{name: A, value: x}, {name: B, valueFrom: {secretKeyRef: {name: s-env, key: k}}}, {name: C, valueFrom: {fieldRef: {fieldPath: spec.nodeName}}}]}],
		volumes: [{name: a, configMap: {name: cm-env}}, {name: b, secret: {secretName: s-vol}}, {name: c, persistentVolumeClaim: {claimName: data}},
			{name: d, projected: {sources: [{configMap: {name: cm-proj}}, {secret: {name: s-proj}}, {configMap: {name: kube-root-ca.crt}}]}},
			{name: e, csi: {driver: x, nodePublishSecretRef: {name: s-csi}}}, {name: f, azureFile: {secretName: s-azure, shareName: x}},
			{name: g, rbd: {monitors: [], image: x, secretRef: {name: s-rbd}}}, {name: h, iscsi: {targetPortal: x, iqn: x, lun: 0, secretRef: {name: s-iscsi}}},
			{name: i, cephfs: {monitors: [], secretRef: {name: s-ceph}}}, {name: j, cinder: {volumeID: x, secretRef: {name: s-cinder}}},
			{name: k, flexVolume: {driver: x, secretRef: {name: s-flex}}}, {name: l, scaleIO: {gateway: x, system: x, secretRef: {name: s-scale}}},
			{name: m, storageos: {secretRef: {name: s-os}}}, {name: last, emptyDir: {}}]}`
	all := []string{"ConfigMap/cm-env", "ConfigMap/cm-from", "ConfigMap/cm-proj", "PersistentVolumeClaim/data", "Secret/pull",
		"Secret/s-azure", "Secret/s-ceph", "Secret/s-cinder", "Secret/s-csi", "Secret/s-env", "Secret/s-flex", "Secret/s-from", "Secret/s-iscsi",
		"Secret/s-os", "Secret/s-proj", "Secret/s-rbd", "Secret/s-scale", "Secret/s-vol", "ServiceAccount/bot"}
	withoutClaim := append(append([]string{}, all[:3]...), all[4:]...)
	for name, tc := range map[string]struct {
		tmpl string
		want []string
	}{
		"pod":                              {`{apiVersion: v1, kind: Pod, metadata: {namespace: d}, spec: ` + podSpec + `}`, all},
		"deployment":                       {`{apiVersion: apps/v1, kind: Deployment, metadata: {namespace: d}, spec: {template: {spec: ` + podSpec + `}}}`, all},
		"replica set":                      {`{apiVersion: apps/v1, kind: ReplicaSet, metadata: {namespace: d}, spec: {template: {spec: ` + podSpec + `}}}`, all},
		"daemon set":                       {`{apiVersion: apps/v1, kind: DaemonSet, metadata: {namespace: d}, spec: {template: {spec: ` + podSpec + `}}}`, all},
		"job":                              {`{apiVersion: batch/v1, kind: Job, metadata: {namespace: d}, spec: {template: {spec: ` + podSpec + `}}}`, all},
		"cron job":                         {`{apiVersion: batch/v1, kind: CronJob, metadata: {namespace: d}, spec: {jobTemplate: {spec: {template: {spec: ` + podSpec + `}}}}}`, all},
		"stateful set":                     {`{apiVersion: apps/v1, kind: StatefulSet, metadata: {namespace: d}, spec: {template: {spec: ` + podSpec + `}}}`, all},
		"stateful set with its own claims": {`{apiVersion: apps/v1, kind: StatefulSet, metadata: {namespace: d}, spec: {volumeClaimTemplates: [{metadata: {name: data}}], template: {spec: ` + podSpec + `}}}`, withoutClaim},
		"default account":                  {`{apiVersion: v1, kind: Pod, metadata: {namespace: d}, spec: {serviceAccountName: default}}`, nil},
		"ingress":                          {`{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {namespace: d}, spec: {tls: [{secretName: cert}, {hosts: [h]}]}}`, []string{"Secret/cert"}},
		"import": {`{apiVersion: multicluster.x-k8s.io/v1alpha1, kind: ServiceImport, metadata: {name: web, namespace: d}}`,
			[]string{"EndpointSlice/kubernetes.io/service-name=derived-web", "Service/derived-web"}},
		"config map": {`{apiVersion: v1, kind: ConfigMap, metadata: {namespace: d}}`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tmpl := object(t, tc.tmpl)
			deps, err := Of(tmpl.GroupVersionKind()).Dependencies(tmpl)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, d := range deps {
				if d.Namespace != "d" || d.APIVersion == "" {
					t.Errorf("incomplete: %+v", d)
				}
				id := d.Kind + "/" + d.Name
				if d.LabelSelector != nil {
					for key, value := range d.LabelSelector.MatchLabels {
						id += key + "=" + value
					}
				}
				got = append(got, id)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("dependencies (-want +got):\n%s", diff)
			}
		})
	}
	malformed := object(t, `{apiVersion: v1, kind: Pod, metadata: {name: x, namespace: d}, spec: {containers: text}}`)
	if deps, err := pod.Dependencies(malformed); err == nil {
		t.Errorf("got %v, want an error", deps)
	}
}

// canonical reads YAML and writes it the one way that marshal does.
func canonical(t testing.TB, text string) string {
	t.Helper()
	var v any
	if err := yaml.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	return marshal(t, v)
}

func marshal(t testing.TB, v any) string {
	t.Helper()
	text, err := yaml.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
