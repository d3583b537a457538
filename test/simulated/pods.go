/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package simulated

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/yaml"
)

// podNamespace is where a member's pods are.
const podNamespace = "workloads"

// runningPod is a pod as a cluster shows it when all its controllers have had their say. $N is its number, $NODE the node it
// runs on.
const runningPod = `
metadata:
  generateName: web-7d9f5c6b8-
  labels: {app: web, app.kubernetes.io/part-of: shop, app.kubernetes.io/version: "1.19.3", pod-template-hash: 7d9f5c6b8}
  annotations: {prometheus.io/port: "9113", prometheus.io/scrape: "true", kubectl.kubernetes.io/restartedAt: "2026-01-01T00:00:00Z"}
  ownerReferences:
  - {apiVersion: apps/v1, kind: ReplicaSet, name: web-7d9f5c6b8, uid: 5f0e0d7a-8e55-4c2f-9f6c-0d9a4c1f7b11, controller: true, blockOwnerDeletion: true}
spec:
  nodeName: $NODE
  serviceAccount: default
  serviceAccountName: default
  restartPolicy: Always
  dnsPolicy: ClusterFirst
  schedulerName: default-scheduler
  terminationGracePeriodSeconds: 30
  enableServiceLinks: true
  preemptionPolicy: PreemptLowerPriority
  priority: 0
  securityContext: {}
  tolerations:
  - {key: node.kubernetes.io/not-ready, operator: Exists, effect: NoExecute, tolerationSeconds: 300}
  - {key: node.kubernetes.io/unreachable, operator: Exists, effect: NoExecute, tolerationSeconds: 300}
  volumes:
  - name: kube-api-access-x$N
    projected:
      defaultMode: 420
      sources:
      - serviceAccountToken: {expirationSeconds: 3607, path: token}
      - configMap: {name: kube-root-ca.crt, items: [{key: ca.crt, path: ca.crt}]}
      - downwardAPI: {items: [{path: namespace, fieldRef: {apiVersion: v1, fieldPath: metadata.namespace}}]}
  - name: config
    configMap: {name: web-config, defaultMode: 420}
  containers:
  - name: web
    image: registry.example.com/shop/web:1.19.3
    imagePullPolicy: IfNotPresent
    ports: [{name: http, containerPort: 8080, protocol: TCP}]
    env:
    - {name: LOG_LEVEL, value: info}
    - {name: POD_NAME, valueFrom: {fieldRef: {apiVersion: v1, fieldPath: metadata.name}}}
    resources: {requests: {cpu: 100m, memory: 128Mi}, limits: {memory: 256Mi}}
    readinessProbe: {httpGet: {path: /ready, port: http, scheme: HTTP}, periodSeconds: 10, timeoutSeconds: 1, successThreshold: 1, failureThreshold: 3}
    terminationMessagePath: /dev/termination-log
    terminationMessagePolicy: File
    volumeMounts:
    - {name: config, mountPath: /etc/web, readOnly: true}
    - {name: kube-api-access-x$N, mountPath: /var/run/secrets/kubernetes.io/serviceaccount, readOnly: true}
status:
  phase: Running
  qosClass: Burstable
  hostIP: 10.0.0.7
  hostIPs: [{ip: 10.0.0.7}]
  podIP: 10.128.3.17
  podIPs: [{ip: 10.128.3.17}]
  startTime: "2026-01-01T00:00:00Z"
  conditions:
  - {type: PodReadyToStartContainers, status: "True", lastProbeTime: null, lastTransitionTime: "2026-01-01T00:00:02Z"}
  - {type: Initialized, status: "True", lastProbeTime: null, lastTransitionTime: "2026-01-01T00:00:00Z"}
  - {type: Ready, status: "True", lastProbeTime: null, lastTransitionTime: "2026-01-01T00:00:03Z"}
  - {type: ContainersReady, status: "True", lastProbeTime: null, lastTransitionTime: "2026-01-01T00:00:03Z"}
  - {type: PodScheduled, status: "True", lastProbeTime: null, lastTransitionTime: "2026-01-01T00:00:00Z"}
  containerStatuses:
  - name: web
    image: registry.example.com/shop/web:1.19.3
    imageID: registry.example.com/shop/web@sha256:5b4a0c1c9e6f1a1d7e2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5e6f7081
    containerID: containerd://9f8e7d6c5b4a39281706f5e4d3c2b1a09f8e7d6c5b4a39281706f5e4d3c2b1a0
    restartCount: 0
    ready: true
    started: true
    state: {running: {startedAt: "2026-01-01T00:00:01Z"}}
    lastState: {}
`

// populate makes pods that run on the member's nodes.
func (m *Member) populate(count, nodeCount int) error {
	for i := range count {
		text := strings.NewReplacer("$NODE", fmt.Sprintf("node-%d", i%max(1, nodeCount)), "$N", fmt.Sprintf("%04d", i)).Replace(runningPod)
		u := &unstructured.Unstructured{}
		if err := yaml.Unmarshal([]byte(text), &u.Object); err != nil {
			return fmt.Errorf("pod %d: %w", i, err)
		}
		key := types.NamespacedName{Namespace: podNamespace, Name: fmt.Sprintf("web-7d9f5c6b8-%05d", i)}
		if _, err := m.create(write{kind: pods, key: key, manager: "kubelet", body: u}); err != nil {
			return fmt.Errorf("pod %d: %w", i, err)
		}
	}
	return nil
}
