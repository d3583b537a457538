/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package render

import (
	"testing"
)

func TestHolds(t *testing.T) {
	t.Parallel()
	deployment := func(podSpec string) string {
		return `{apiVersion: apps/v1, kind: Deployment, metadata: {name: x}, spec: {template: {spec: ` + podSpec + `}}}`
	}
	pod := func(spec string) string {
		return `{apiVersion: v1, kind: Pod, metadata: {name: x}, spec: ` + spec + `}`
	}
	custom := func(spec string) string {
		return `{apiVersion: example.com/v1, kind: App, metadata: {name: x}, spec: ` + spec + `}`
	}
	for name, tc := range map[string]struct {
		desired, live string
		want          bool
	}{
		"equal":                      {custom(`{a: 1, b: [x, y]}`), custom(`{a: 1, b: [x, y]}`), true},
		"more in live":               {custom(`{a: 1}`), custom(`{a: 1, b: 2}`), true},
		"less in live":               {custom(`{a: 1, b: 2}`), custom(`{a: 1}`), false},
		"other value":                {custom(`{a: 1}`), custom(`{a: 2}`), false},
		"other type":                 {custom(`{a: 1}`), custom(`{a: "1"}`), false},
		"object against text":        {custom(`{a: {b: c}}`), custom(`{a: b}`), false},
		"list against object":        {custom(`{a: []}`), custom(`{a: {}}`), false},
		"integer and float":          {custom(`{a: 1}`), custom(`{a: 1.0}`), true},
		"integer and fraction":       {custom(`{a: 1}`), custom(`{a: 1.5}`), false},
		"huge integer and float":     {custom(`{a: 9007199254740993}`), custom(`{a: 9007199254740992.0}`), false},
		"null against absent":        {custom(`{a: null}`), custom(`{}`), true},
		"null against a value":       {custom(`{a: null}`), custom(`{a: 1}`), false},
		"empty list against absent":  {custom(`{a: []}`), custom(`{}`), true},
		"empty list against entries": {custom(`{a: []}`), custom(`{a: [1]}`), false},
		"false against absent":       {custom(`{a: false}`), custom(`{}`), false},
		"empty labels against absent": {
			`{apiVersion: v1, kind: ConfigMap, metadata: {name: x, labels: {}}, data: {}}`,
			`{apiVersion: v1, kind: ConfigMap, metadata: {name: x}}`, true},
		"empty object says something": {
			`{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: x}, spec: {ingress: [{from: [{podSelector: {}}]}]}}`,
			`{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: x}, spec: {ingress: [{from: [{}]}]}}`, false},
		"other volume type": {deployment(`{volumes: [{name: v, emptyDir: {}}]}`),
			deployment(`{volumes: [{name: v, hostPath: {path: /}}]}`), false},
		"list order": {custom(`{a: [x, y]}`), custom(`{a: [y, x]}`), false},
		"list of a custom kind has no keys": {custom(`{containers: [{name: a}]}`),
			custom(`{containers: [{name: a}, {name: b}]}`), false},
		"injected container": {deployment(`{containers: [{name: a, image: i}]}`),
			deployment(`{containers: [{name: sidecar}, {name: a, image: i}]}`), true},
		"changed container": {deployment(`{containers: [{name: a, image: i}]}`),
			deployment(`{containers: [{name: a, image: j}]}`), false},
		"missing container": {deployment(`{containers: [{name: a}, {name: b}]}`),
			deployment(`{containers: [{name: a}, {name: c}]}`), false},
		"init containers in another order": {deployment(`{initContainers: [{name: a}, {name: b}]}`),
			deployment(`{initContainers: [{name: b}, {name: a}]}`), false},
		"twice the same name": {deployment(`{containers: [{env: [{name: A, value: x}, {name: A, value: y}], name: a}]}`),
			deployment(`{containers: [{env: [{name: A, value: y}], name: a}]}`), false},
		"injected variable and mount": {
			deployment(`{containers: [{name: a, env: [{name: A, value: x}], volumeMounts: [{mountPath: /a, name: v}]}]}`),
			deployment(`{containers: [{name: a, env: [{name: B}, {name: A, value: x}], volumeMounts: [{mountPath: /b}, {mountPath: /a, name: v}]}]}`), true},
		"extra argument": {deployment(`{containers: [{name: a, args: [x]}]}`), deployment(`{containers: [{name: a, args: [x, y]}]}`), false},
		"container port with the default protocol": {deployment(`{containers: [{name: a, ports: [{containerPort: 80}]}]}`),
			deployment(`{containers: [{name: a, ports: [{containerPort: 80, protocol: TCP}]}]}`), true},
		"service port of another protocol": {
			`{apiVersion: v1, kind: Service, metadata: {name: x}, spec: {ports: [{port: 53, protocol: UDP}]}}`,
			`{apiVersion: v1, kind: Service, metadata: {name: x}, spec: {ports: [{port: 53, protocol: TCP}]}}`, false},
		"service port with a node port": {
			`{apiVersion: v1, kind: Service, metadata: {name: x}, spec: {ports: [{port: 80, protocol: TCP}]}}`,
			`{apiVersion: v1, kind: Service, metadata: {name: x}, spec: {ports: [{port: 80, protocol: TCP, nodePort: 30000}]}}`, true},
		"extra subject": {
			`{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {name: x}, subjects: [{kind: User, name: a}]}`,
			`{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {name: x}, subjects: [{kind: User, name: a}, {kind: User, name: b}]}`, false},
		"quantities": {deployment(`{containers: [{name: a, resources: {limits: {cpu: 1000m, memory: 1Gi}, requests: {cpu: 1}}}]}`),
			deployment(`{containers: [{name: a, resources: {limits: {cpu: "1", memory: 1024Mi}, requests: {cpu: "1"}}}]}`), true},
		"other quantity": {deployment(`{containers: [{name: a, resources: {limits: {cpu: 1000m}}}]}`),
			deployment(`{containers: [{name: a, resources: {limits: {cpu: "2"}}}]}`), false},
		"no quantity": {deployment(`{containers: [{name: a, resources: {limits: {cpu: x}}}]}`),
			deployment(`{containers: [{name: a, resources: {limits: {cpu: y}}}]}`), false},
		"size limit": {deployment(`{volumes: [{name: v, emptyDir: {sizeLimit: 1Gi}}]}`),
			deployment(`{volumes: [{name: v, emptyDir: {sizeLimit: 1024Mi}}]}`), true},
		"text that looks like a quantity": {deployment(`{containers: [{name: a, env: [{name: A, value: 1000m}]}]}`),
			deployment(`{containers: [{name: a, env: [{name: A, value: "1"}]}]}`), false},
		"config that looks like a quantity": {
			`{apiVersion: v1, kind: ConfigMap, metadata: {name: x}, data: {limits: 1000m}}`,
			`{apiVersion: v1, kind: ConfigMap, metadata: {name: x}, data: {limits: "1"}}`, false},
		"quantities of a custom kind": {custom(`{limits: {cpu: 1000m}}`), custom(`{limits: {cpu: "1"}}`), false},
		"toleration added to a pod": {pod(`{tolerations: [{operator: Exists}]}`),
			pod(`{tolerations: [{operator: Exists}, {key: k, operator: Exists, effect: NoExecute}]}`), true},
		"gate taken from a pod":      {pod(`{schedulingGates: [{name: g}]}`), pod(`{}`), true},
		"gate taken from a template": {deployment(`{schedulingGates: [{name: g}]}`), deployment(`{}`), false},
		"toleration added to a template": {deployment(`{tolerations: [{operator: Exists}]}`),
			deployment(`{tolerations: [{operator: Exists}, {key: k, operator: Exists}]}`), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := Holds(object(t, tc.desired), object(t, tc.live)); got != tc.want {
				t.Errorf("got %v", got)
			}
		})
	}
}

func TestFingerprint(t *testing.T) {
	t.Parallel()
	const base = `{apiVersion: v1, kind: App, metadata: {name: x, resourceVersion: "1", generation: 1, labels: {a: b}, managedFields: [{manager: m}]},
		spec: {a: [1, 2], b: {c: x, d: "y"}, e: 1.5, f: true, g: null}, status: {phase: A}}`
	for name, tc := range map[string]struct {
		live string
		same bool
	}{
		"itself": {base, true},
		"status and bookkeeping": {`{apiVersion: v1, kind: App, metadata: {name: x, resourceVersion: "2", generation: 2, labels: {a: b}},
			spec: {b: {d: "y", c: x}, a: [1, 2], e: 1.5, f: true, g: null}, status: {phase: B}}`, true},
		"label": {`{apiVersion: v1, kind: App, metadata: {name: x, labels: {a: c}},
			spec: {a: [1, 2], b: {c: x, d: "y"}, e: 1.5, f: true, g: null}}`, false},
		"list order": {`{apiVersion: v1, kind: App, metadata: {name: x, labels: {a: b}},
			spec: {a: [2, 1], b: {c: x, d: "y"}, e: 1.5, f: true, g: null}}`, false},
		"values swapped": {`{apiVersion: v1, kind: App, metadata: {name: x, labels: {a: b}},
			spec: {a: [1, 2], b: {c: "y", d: x}, e: 1.5, f: true, g: null}}`, false},
		"flag": {`{apiVersion: v1, kind: App, metadata: {name: x, labels: {a: b}},
			spec: {a: [1, 2], b: {c: x, d: "y"}, e: 1.5, f: false, g: null}}`, false},
		"moved to another level": {`{apiVersion: v1, kind: App, metadata: {name: x, labels: {a: b}}, b: {c: x, d: "y"},
			spec: {a: [1, 2], e: 1.5, f: true, g: null}}`, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := Fingerprint(object(t, base)) == Fingerprint(object(t, tc.live)); got != tc.same {
				t.Errorf("same: %v", got)
			}
		})
	}
}
