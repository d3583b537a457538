/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package integration_test

// kindCase is the life of one template. In all texts $NAME and $NS stand for its name and namespace.
type kindCase struct {
	resource string
	// manifest is what is propagated; the last document is the template in question.
	manifest string
	// change is a merge patch on the hub. want is what the copies must say after it, beside what change says.
	change, want string
	// drift is a merge patch in member1 that contradicts change or want.
	drift string
	// report is the status that somebody in each of the two members sets, where no controller does.
	report [2]string
	// status is what the template's status must say; GENERATION stands for the template's.
	status string
	// kept are the fields of a copy that its member fills in, which must be there and stay.
	kept []string
}

// podSpec is of a pod that runs.
const podSpec = `{containers: [{name: main, image: "nginx:1.19.3"}]}`

// relabel is the change of templates that hardly anything else can be changed of.
const relabel, mislabel = `metadata: {labels: {tier: two}}`, `metadata: {labels: {tier: other}}`

// kindCases has every kind that a policy can send to members, those with workloads first.
var kindCases = map[string]kindCase{
	"Deployment": {
		resource: "deployments.apps",
		manifest: `{apiVersion: apps/v1, kind: Deployment, metadata: {name: $NAME}, spec: {replicas: 2, selector: {matchLabels: {app: $NAME}},
			template: {metadata: {labels: {app: $NAME}}, spec: ` + podSpec + `}}}`,
		change: `spec: {template: {metadata: {labels: {version: two}}}}`, want: `spec: {replicas: 2}`, drift: `spec: {replicas: 5}`,
		status: `{replicas: 4, updatedReplicas: 4, readyReplicas: 4, availableReplicas: 4, observedGeneration: GENERATION,
			conditions: [{type: Available, status: "True"}, {type: Progressing, status: "True", reason: NewReplicaSetAvailable}]}`,
	},
	"StatefulSet": {
		resource: "statefulsets.apps",
		manifest: `{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: $NAME}, spec: {replicas: 2, serviceName: $NAME, selector: {matchLabels: {app: $NAME}},
			template: {metadata: {labels: {app: $NAME}}, spec: ` + podSpec + `}}}`,
		change: `spec: {minReadySeconds: 1}`, drift: `spec: {minReadySeconds: 5}`,
		status: `{replicas: 4, currentReplicas: 4, readyReplicas: 4, updatedReplicas: 4, availableReplicas: 4, observedGeneration: GENERATION}`,
	},
	"DaemonSet": {
		resource: "daemonsets.apps",
		manifest: `{apiVersion: apps/v1, kind: DaemonSet, metadata: {name: $NAME}, spec: {selector: {matchLabels: {app: $NAME}},
			template: {metadata: {labels: {app: $NAME}}, spec: ` + podSpec + `}}}`,
		change: `spec: {minReadySeconds: 1}`, drift: `spec: {minReadySeconds: 5}`,
		status: `{observedGeneration: GENERATION}`,
	},
	"ReplicaSet": {
		resource: "replicasets.apps",
		manifest: `{apiVersion: apps/v1, kind: ReplicaSet, metadata: {name: $NAME}, spec: {replicas: 1, selector: {matchLabels: {app: $NAME}},
			template: {metadata: {labels: {app: $NAME}}, spec: ` + podSpec + `}}}`,
		change: `spec: {minReadySeconds: 1}`, drift: `spec: {minReadySeconds: 5}`,
		status: `{replicas: 2, fullyLabeledReplicas: 2, readyReplicas: 2, availableReplicas: 2, observedGeneration: GENERATION}`,
	},
	"ReplicationController": {
		resource: "replicationcontrollers",
		manifest: `{apiVersion: v1, kind: ReplicationController, metadata: {name: $NAME}, spec: {replicas: 1, selector: {app: $NAME},
			template: {metadata: {labels: {app: $NAME}}, spec: ` + podSpec + `}}}`,
		change: `spec: {minReadySeconds: 1}`, drift: `spec: {minReadySeconds: 5}`,
		status: `{replicas: 2, fullyLabeledReplicas: 2, readyReplicas: 2, availableReplicas: 2, observedGeneration: GENERATION}`,
	},
	"Job": {
		resource: "jobs.batch",
		manifest: `{apiVersion: batch/v1, kind: Job, metadata: {name: $NAME}, spec: {template: {spec: {restartPolicy: Never, containers: [{name: main, image: "busybox:1"}]}}}}`,
		change:   relabel, drift: mislabel,
		status: `{succeeded: 2, conditions: [{type: SuccessCriteriaMet, status: "True"}, {type: Complete, status: "True"}]}`,
		kept:   []string{"spec.selector", "spec.template.metadata.labels"},
	},
	"CronJob": {
		resource: "cronjobs.batch",
		manifest: `{apiVersion: batch/v1, kind: CronJob, metadata: {name: $NAME}, spec: {suspend: true, schedule: "0 0 1 1 *",
			jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: main, image: "busybox:1"}]}}}}}}`,
		change: `spec: {schedule: "0 0 2 1 *"}`, drift: `spec: {suspend: false, schedule: "0 0 31 12 *"}`,
		report: [2]string{`{lastScheduleTime: "2026-01-01T00:00:00Z"}`, `{lastScheduleTime: "2026-01-02T00:00:00Z"}`},
		status: `{lastScheduleTime: "2026-01-02T00:00:00Z"}`,
	},
	"Pod": {
		resource: "pods",
		manifest: `{apiVersion: v1, kind: Pod, metadata: {name: $NAME}, spec: {tolerations: [{key: k, operator: Exists, effect: NoSchedule}], containers: [{name: main, image: "nginx:1.19.3"}]}}`,
		change:   relabel, drift: mislabel,
		status: `{phase: Running, containerStatuses: [{name: main.member1}, {name: main.member2}], conditions: [{type: Ready, status: "True"}]}`,
		kept:   []string{"spec.nodeName", "spec.volumes", "spec.serviceAccountName", "spec.tolerations"},
	},
	"PodTemplate": {
		resource: "podtemplates",
		manifest: `{apiVersion: v1, kind: PodTemplate, metadata: {name: $NAME}, template: {metadata: {labels: {a: b}}, spec: ` + podSpec + `}}`,
		change:   `template: {metadata: {labels: {a: c}}}`, drift: `template: {metadata: {labels: {a: d}}}`,
	},
	"ControllerRevision": {
		resource: "controllerrevisions.apps",
		manifest: `{apiVersion: apps/v1, kind: ControllerRevision, metadata: {name: $NAME}, revision: 1, data: {a: b}}`,
		change:   `revision: 2`, drift: `revision: 3`,
	},

	"Service": {
		resource: "services",
		manifest: `{apiVersion: v1, kind: Service, metadata: {name: $NAME}, spec: {selector: {app: one}, ports: [{port: 80}]}}`,
		change:   `spec: {selector: {app: two}}`, drift: `spec: {selector: {app: three}}`, status: `{loadBalancer: {}}`,
		kept: []string{"spec.clusterIP", "spec.clusterIPs"},
	},
	"Service NodePort": {
		resource: "services",
		manifest: `{apiVersion: v1, kind: Service, metadata: {name: $NAME}, spec: {type: NodePort, selector: {app: one}, ports: [{port: 80}]}}`,
		change:   `spec: {selector: {app: two}}`, drift: `spec: {type: ClusterIP}`, want: `spec: {type: NodePort}`,
		kept: []string{"spec.clusterIP"},
	},
	"Service LoadBalancer": {
		resource: "services",
		manifest: `{apiVersion: v1, kind: Service, metadata: {name: $NAME}, spec: {type: LoadBalancer, externalTrafficPolicy: Local, selector: {app: one}, ports: [{port: 80}]}}`,
		change:   `spec: {selector: {app: two}}`, drift: `spec: {selector: {app: three}}`,
		report: [2]string{`{loadBalancer: {ingress: [{ip: 192.0.2.1}]}}`, `{loadBalancer: {ingress: [{ip: 192.0.2.2}]}}`},
		status: `{loadBalancer: {ingress: [{ip: 192.0.2.1}, {ip: 192.0.2.2}]}}`,
		kept:   []string{"spec.clusterIP", "spec.ports", "spec.healthCheckNodePort"},
	},
	"Service headless": {
		resource: "services",
		manifest: `{apiVersion: v1, kind: Service, metadata: {name: $NAME}, spec: {clusterIP: None, selector: {app: one}, ports: [{port: 80}]}}`,
		change:   `spec: {selector: {app: two}}`, want: `spec: {clusterIP: None}`, drift: `spec: {selector: {app: three}}`,
	},
	"Ingress": {
		resource: "ingresses.networking.k8s.io",
		manifest: `{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: $NAME}, spec: {defaultBackend: {service: {name: a, port: {number: 80}}}}}`,
		change:   `spec: {defaultBackend: {service: {name: b}}}`, drift: `spec: {defaultBackend: {service: {name: c}}}`,
		report: [2]string{`{loadBalancer: {ingress: [{hostname: one.example.com}]}}`, `{loadBalancer: {ingress: [{hostname: two.example.com}]}}`},
		status: `{loadBalancer: {ingress: [{hostname: one.example.com}, {hostname: two.example.com}]}}`,
	},
	"IngressClass": {
		resource: "ingressclasses.networking.k8s.io",
		manifest: `{apiVersion: networking.k8s.io/v1, kind: IngressClass, metadata: {name: $NAME}, spec: {controller: example.com/c}}`,
		change:   relabel, drift: mislabel,
	},
	"NetworkPolicy": {
		resource: "networkpolicies.networking.k8s.io",
		manifest: `{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: $NAME}, spec: {podSelector: {matchLabels: {app: one}}, policyTypes: [Ingress]}}`,
		change:   `spec: {podSelector: {matchLabels: {app: two}}}`, drift: `spec: {podSelector: {matchLabels: {app: three}}}`,
	},
	"Endpoints": {
		resource: "endpoints",
		manifest: `{apiVersion: v1, kind: Endpoints, metadata: {name: $NAME}, subsets: [{addresses: [{ip: 192.0.2.1}], ports: [{port: 80}]}]}`,
		change:   `subsets: [{addresses: [{ip: 192.0.2.2}], ports: [{port: 80}]}]`, drift: `subsets: []`,
	},
	"EndpointSlice": {
		resource: "endpointslices.discovery.k8s.io",
		manifest: `{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {name: $NAME, labels: {kubernetes.io/service-name: s}}, addressType: IPv4,
			endpoints: [{addresses: [192.0.2.1]}], ports: [{port: 80}]}`,
		change: `endpoints: [{addresses: [192.0.2.2]}]`, drift: `endpoints: []`,
	},

	"ConfigMap": {
		resource: "configmaps",
		manifest: `{apiVersion: v1, kind: ConfigMap, metadata: {name: $NAME}, data: {key: a, gone: x}, binaryData: {b: AQ==}}`,
		change:   `data: {key: b, gone: null}`, want: `{data: {key: b}, binaryData: {b: AQ==}}`, drift: `data: {key: c}`,
	},
	"Secret": {
		resource: "secrets",
		manifest: `{apiVersion: v1, kind: Secret, metadata: {name: $NAME}, stringData: {key: a}}`,
		change:   `data: {key: Yg==}`, drift: `data: {key: Yw==}`,
	},
	"Secret of a token": {
		resource: "secrets",
		manifest: docs(`{apiVersion: v1, kind: ServiceAccount, metadata: {name: $NAME}}`,
			`{apiVersion: v1, kind: Secret, type: kubernetes.io/service-account-token, metadata: {name: $NAME, annotations: {kubernetes.io/service-account.name: $NAME}}}`),
		change: relabel, drift: mislabel,
		kept: []string{"data.token", "data.ca\\.crt"},
	},
	"ServiceAccount": {
		resource: "serviceaccounts",
		manifest: `{apiVersion: v1, kind: ServiceAccount, metadata: {name: $NAME}, imagePullSecrets: [{name: p}]}`,
		change:   `automountServiceAccountToken: false`, drift: `automountServiceAccountToken: true`,
	},
	"PersistentVolume": {
		resource: "persistentvolumes",
		manifest: `{apiVersion: v1, kind: PersistentVolume, metadata: {name: $NAME}, spec: {storageClassName: $NAME, capacity: {storage: 1024Mi}, accessModes: [ReadWriteOnce], hostPath: {path: /x}}}`,
		change:   `spec: {mountOptions: [ro]}`, drift: `spec: {mountOptions: [rw]}`, status: `{phase: Available}`,
	},
	"PersistentVolumeClaim": {
		resource: "persistentvolumeclaims",
		manifest: docs(`{apiVersion: v1, kind: PersistentVolume, metadata: {name: $NAME}, spec: {storageClassName: $NAME, capacity: {storage: 1Gi}, accessModes: [ReadWriteOnce],
				hostPath: {path: /x}, claimRef: {namespace: $NS, name: $NAME}}}`,
			`{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: $NAME}, spec: {storageClassName: $NAME, accessModes: [ReadWriteOnce], resources: {requests: {storage: 1024Mi}}}}`),
		change: relabel, drift: mislabel, status: `{phase: Bound}`, kept: []string{"spec.volumeName"},
	},
	"StorageClass": {
		resource: "storageclasses.storage.k8s.io",
		manifest: `{apiVersion: storage.k8s.io/v1, kind: StorageClass, metadata: {name: $NAME}, provisioner: example.com/p}`,
		change:   `allowVolumeExpansion: true`, drift: `allowVolumeExpansion: false`,
	},
	"CSIDriver": {
		resource: "csidrivers.storage.k8s.io",
		manifest: `{apiVersion: storage.k8s.io/v1, kind: CSIDriver, metadata: {name: $NAME}, spec: {attachRequired: false}}`,
		change:   `spec: {podInfoOnMount: true}`, drift: `spec: {podInfoOnMount: false}`,
	},
	"VolumeAttributesClass": {
		resource: "volumeattributesclasses.storage.k8s.io",
		manifest: `{apiVersion: storage.k8s.io/v1, kind: VolumeAttributesClass, metadata: {name: $NAME}, driverName: example.com, parameters: {a: b}}`,
		change:   relabel, drift: mislabel,
	},

	"PodDisruptionBudget": {
		resource: "poddisruptionbudgets.policy",
		manifest: `{apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {name: $NAME}, spec: {maxUnavailable: 1, selector: {matchLabels: {app: none}}}}`,
		change:   `spec: {maxUnavailable: 2}`, drift: `spec: {maxUnavailable: 3}`,
		status: `{currentHealthy: 0, desiredHealthy: 0, expectedPods: 0, observedGeneration: GENERATION}`,
	},
	"HorizontalPodAutoscaler": {
		resource: "horizontalpodautoscalers.autoscaling",
		manifest: `{apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, metadata: {name: $NAME}, spec: {maxReplicas: 3,
			scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: none}, metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 50}}}]}}`,
		change: `spec: {maxReplicas: 5}`, drift: `spec: {maxReplicas: 7}`,
		status: `{desiredReplicas: 0, conditions: [{type: AbleToScale, status: "False"}]}`,
	},
	"HorizontalPodAutoscaler v1": {
		resource: "horizontalpodautoscalers.autoscaling",
		manifest: `{apiVersion: autoscaling/v1, kind: HorizontalPodAutoscaler, metadata: {name: $NAME}, spec: {maxReplicas: 3, targetCPUUtilizationPercentage: 50,
			scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: none}}}`,
		change: `spec: {maxReplicas: 5}`, drift: `spec: {maxReplicas: 7}`,
	},
	"ResourceQuota": {
		resource: "resourcequotas",
		manifest: `{apiVersion: v1, kind: ResourceQuota, metadata: {name: $NAME}, spec: {hard: {pods: "100", count/secrets: 1000}}}`,
		change:   `spec: {hard: {pods: "200"}}`, drift: `spec: {hard: {pods: "300"}}`,
	},
	"LimitRange": {
		resource: "limitranges",
		manifest: `{apiVersion: v1, kind: LimitRange, metadata: {name: $NAME}, spec: {limits: [{type: PersistentVolumeClaim, max: {storage: 10Gi}}]}}`,
		change:   `spec: {limits: [{type: PersistentVolumeClaim, max: {storage: 20Gi}}]}`, drift: `spec: {limits: [{type: PersistentVolumeClaim, max: {storage: 30Gi}}]}`,
	},
	"PriorityClass": {
		resource: "priorityclasses.scheduling.k8s.io",
		manifest: `{apiVersion: scheduling.k8s.io/v1, kind: PriorityClass, metadata: {name: $NAME}, value: 1000, description: one}`,
		change:   `description: two`, drift: `description: three`,
	},
	"RuntimeClass": {
		resource: "runtimeclasses.node.k8s.io",
		manifest: `{apiVersion: node.k8s.io/v1, kind: RuntimeClass, metadata: {name: $NAME}, handler: runc}`,
		change:   `scheduling: {nodeSelector: {a: b}}`, drift: `scheduling: {nodeSelector: {a: c}}`,
	},
	"DeviceClass": {
		resource: "deviceclasses.resource.k8s.io",
		manifest: `{apiVersion: resource.k8s.io/v1, kind: DeviceClass, metadata: {name: $NAME}, spec: {selectors: [{cel: {expression: "device.driver == 'a.example.com'"}}]}}`,
		change:   `spec: {selectors: [{cel: {expression: "device.driver == 'b.example.com'"}}]}`, drift: `spec: {selectors: []}`,
	},

	"Role": {
		resource: "roles.rbac.authorization.k8s.io",
		manifest: `{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: $NAME}, rules: [{apiGroups: [""], resources: [pods], verbs: [get]}]}`,
		change:   `rules: [{apiGroups: [""], resources: [pods], verbs: [list]}]`, drift: `rules: []`,
	},
	"RoleBinding": {
		resource: "rolebindings.rbac.authorization.k8s.io",
		manifest: `{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {name: $NAME}, roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: r},
			subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: one}]}`,
		change: `subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: two}]`, drift: `subjects: []`,
	},
	"ClusterRole": {
		resource: "clusterroles.rbac.authorization.k8s.io",
		manifest: `{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: $NAME}, rules: [{nonResourceURLs: [/a], verbs: [get]}]}`,
		change:   `rules: [{nonResourceURLs: [/b], verbs: [get]}]`, drift: `rules: []`,
	},
	"ClusterRole aggregated": {
		resource: "clusterroles.rbac.authorization.k8s.io",
		manifest: docs(`{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: $NAME-part, labels: {part-of: $NAME}}, rules: [{nonResourceURLs: [/a], verbs: [get]}]}`,
			`{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: $NAME}, aggregationRule: {clusterRoleSelectors: [{matchLabels: {part-of: $NAME}}]}, rules: []}`),
		change: relabel, want: `rules: [{nonResourceURLs: [/a], verbs: [get]}]`, drift: mislabel,
	},
	"ClusterRoleBinding": {
		resource: "clusterrolebindings.rbac.authorization.k8s.io",
		manifest: `{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRoleBinding, metadata: {name: $NAME}, roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: r},
			subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: one}]}`,
		change: `subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: two}]`, drift: `subjects: []`,
	},
	"ValidatingAdmissionPolicy": {
		resource: "validatingadmissionpolicies.admissionregistration.k8s.io",
		manifest: `{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingAdmissionPolicy, metadata: {name: $NAME}, spec: {matchConstraints: {resourceRules: [
			{apiGroups: [none.example.com], apiVersions: [v1], operations: [CREATE], resources: [things]}]}, validations: [{expression: "true"}]}}`,
		change: `spec: {validations: [{expression: "1 == 1"}]}`, drift: `spec: {validations: [{expression: "2 == 2"}]}`,
	},
	"ValidatingAdmissionPolicyBinding": {
		resource: "validatingadmissionpolicybindings.admissionregistration.k8s.io",
		manifest: `{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingAdmissionPolicyBinding, metadata: {name: $NAME}, spec: {policyName: none, validationActions: [Deny]}}`,
		change:   `spec: {validationActions: [Warn]}`, drift: `spec: {validationActions: [Audit]}`,
	},
	"ValidatingWebhookConfiguration": {
		resource: "validatingwebhookconfigurations.admissionregistration.k8s.io",
		manifest: `{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingWebhookConfiguration, metadata: {name: $NAME}, webhooks: [` + webhook + `]}`,
		change:   relabel, drift: mislabel,
	},
	"MutatingWebhookConfiguration": {
		resource: "mutatingwebhookconfigurations.admissionregistration.k8s.io",
		manifest: `{apiVersion: admissionregistration.k8s.io/v1, kind: MutatingWebhookConfiguration, metadata: {name: $NAME}, webhooks: [` + webhook + `]}`,
		change:   relabel, drift: mislabel,
	},
	"FlowSchema": {
		resource: "flowschemas.flowcontrol.apiserver.k8s.io",
		manifest: `{apiVersion: flowcontrol.apiserver.k8s.io/v1, kind: FlowSchema, metadata: {name: $NAME}, spec: {matchingPrecedence: 9000, priorityLevelConfiguration: {name: exempt}}}`,
		change:   `spec: {matchingPrecedence: 9001}`, drift: `spec: {matchingPrecedence: 9002}`,
	},
	"PriorityLevelConfiguration": {
		resource: "prioritylevelconfigurations.flowcontrol.apiserver.k8s.io",
		manifest: `{apiVersion: flowcontrol.apiserver.k8s.io/v1, kind: PriorityLevelConfiguration, metadata: {name: $NAME}, spec: {type: Limited,
			limited: {nominalConcurrencyShares: 1, limitResponse: {type: Reject}}}}`,
		change: `spec: {limited: {nominalConcurrencyShares: 2}}`, drift: `spec: {limited: {nominalConcurrencyShares: 3}}`,
	},
}

// webhook is asked about nothing that there is.
const webhook = `{name: w.example.com, failurePolicy: Ignore, sideEffects: None, admissionReviewVersions: [v1], clientConfig: {url: "https://192.0.2.1/"},
	rules: [{apiGroups: [none.example.com], apiVersions: [v1], operations: [CREATE], resources: [things]}]}`
