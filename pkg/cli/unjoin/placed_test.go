/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package unjoin

import (
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

func TestPlaced(t *testing.T) {
	t.Parallel()
	p := placed{removed: tally{}, kept: tally{}}
	if got := p.removed.String(); got != "nothing" {
		t.Errorf("of nothing: %s", got)
	}
	for _, text := range []string{
		`{spec: {resource: {kind: Deployment}, clusters: [{name: m1, replicas: 2}, {name: m2}]}}`,
		`{spec: {resource: {kind: Deployment}, clusters: [{name: m1}]}, status: {aggregatedStatus: [{clusterName: m1}]}}`,
		`{spec: {resource: {kind: Deployment}, clusters: [{name: m2}]}}`,
		`{spec: {resource: {kind: ConfigMap}, clusters: [{name: m2}]}, status: {aggregatedStatus: [{clusterName: m1}]}}`,
		`{spec: {resource: {kind: Secret}, clusters: [{name: m1}], preserveResourcesOnDeletion: true}}`,
		`{spec: {resource: {kind: Secret}, clusters: [{name: m1}], preserveResourcesOnDeletion: false}}`,
		`{spec: {resource: {kind: Secret}, requiredBy: [{name: web-deployment, clusters: [{name: m2}]}, {name: api-deployment, clusters: [{name: m1}]}]}}`,
		`{metadata: {labels: {binding.karmada.io/managed-by: Namespace}}, spec: {resource: {kind: Namespace}, clusters: [{name: m1}]}}`,
	} {
		u := &unstructured.Unstructured{}
		if err := yaml.Unmarshal([]byte(text), &u.Object); err != nil {
			t.Fatal(err)
		}
		b, err := bindingOf(u)
		if err != nil {
			t.Fatal(err)
		}
		p.count(b, "m1")
	}
	if got, want := p.removed.String(), "1 ConfigMap, 2 Deployment, 2 Secret"; got != want {
		t.Errorf("removed: %s, want %s", got, want)
	}
	if got, want := p.kept.String(), "1 Namespace, 1 Secret"; got != want {
		t.Errorf("kept: %s, want %s", got, want)
	}
}
