/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package match

import (
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

func TestPropagatable(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		group, version, kind, namespace, name, label string
		want                                         bool
	}{
		"Deployment":                 {"apps", "v1", "Deployment", "ns", "web", "", true},
		"ConfigMap":                  {"", "v1", "ConfigMap", "ns", "conf", "", true},
		"Pod":                        {"", "v1", "Pod", "ns", "p", "", true},
		"custom kind":                {"example.com", "v1", "Node", "", "n", "", true},
		"CRD":                        {"apiextensions.k8s.io", "v1", "CustomResourceDefinition", "", "x.example.com", "", true},
		"default Deployment":         {"apps", "v1", "Deployment", "ns", "default", "", true},
		"namespace like a reserved":  {"", "v1", "ConfigMap", "kubernetes", "c", "", true},
		"ServiceExport":              {"multicluster.x-k8s.io", "v1alpha1", "ServiceExport", "ns", "s", "", true},
		"a Service named kubernetes": {"", "v1", "Service", "ns", "kubernetes", "", true},
		"own ClusterRole":            {"rbac.authorization.k8s.io", "v1", "ClusterRole", "", "reader", "", true},
		"own PriorityClass":          {"scheduling.k8s.io", "v1", "PriorityClass", "", "high", "", true},
		"policy":                     {"policy.karmada.io", "v1alpha1", "OverridePolicy", "ns", "p", "", false},
		"Cluster":                    {"cluster.karmada.io", "v1alpha1", "Cluster", "", "m1", "", false},
		"binding":                    {"work.karmada.io", "v1alpha2", "ResourceBinding", "ns", "b", "", false},
		"interpreter":                {"config.karmada.io", "v1alpha1", "ResourceInterpreterCustomization", "", "c", "", false},
		"MultiClusterService":        {"networking.karmada.io", "v1alpha1", "MultiClusterService", "ns", "s", "", false},
		"FederatedHPA":               {"autoscaling.karmada.io", "v1alpha1", "FederatedHPA", "ns", "h", "", false},
		"Remedy":                     {"remedy.karmada.io", "v1alpha1", "Remedy", "", "r", "", false},
		"WorkloadRebalancer":         {"apps.karmada.io", "v1alpha1", "WorkloadRebalancer", "", "r", "", false},
		"new Event":                  {"events.k8s.io", "v1", "Event", "ns", "e", "", false},
		"Event":                      {"", "v1", "Event", "ns", "e", "", false},
		"Lease":                      {"coordination.k8s.io", "v1", "Lease", "ns", "l", "", false},
		"LeaseCandidate":             {"coordination.k8s.io", "v1beta1", "LeaseCandidate", "ns", "l", "", true},
		"Node":                       {"", "v1", "Node", "", "n", "", false},
		"Namespace":                  {"", "v1", "Namespace", "", "ns", "", false},
		"APIService":                 {"apiregistration.k8s.io", "v1", "APIService", "", "v1.example.com", "", false},
		"in karmada-system":          {"", "v1", "Secret", "karmada-system", "s", "", false},
		"in karmada-cluster":         {"", "v1", "Secret", "karmada-cluster", "m1", "", false},
		"in karmada-es-m1":           {"apps", "v1", "Deployment", "karmada-es-m1", "d", "", false},
		"in kube-public":             {"", "v1", "ConfigMap", "kube-public", "cluster-info", "", false},
		"authentication":             {"", "v1", "ConfigMap", "kube-system", "extension-apiserver-authentication", "", false},
		"claimed":                    {"", "v1", "Service", "ns", "s", "resourcetemplate.karmada.io/claimed-by", false},
		"root certificate":           {"", "v1", "ConfigMap", "ns", "kube-root-ca.crt", "", false},
		"default ServiceAccount":     {"", "v1", "ServiceAccount", "ns", "default", "", false},
		"Service kubernetes":         {"", "v1", "Service", "default", "kubernetes", "", false},
		"built-in ClusterRole":       {"rbac.authorization.k8s.io", "v1", "ClusterRole", "", "admin", "kubernetes.io/bootstrapping", false},
		"system ClusterRole":         {"rbac.authorization.k8s.io", "v1", "ClusterRole", "", "system:node", "", false},
		"system PriorityClass":       {"scheduling.k8s.io", "v1", "PriorityClass", "", "system-node-critical", "", false},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			gvk := schema.GroupVersionKind{Group: tc.group, Version: tc.version, Kind: tc.kind}
			ok, why := Propagatable(gvk, tc.namespace, tc.name, map[string]string{tc.label: "true"})
			if ok != tc.want || ok != (why == "") {
				t.Errorf("got %v (%q), want %v", ok, why, tc.want)
			}
		})
	}
}

func TestEveryExclusionHasAReason(t *testing.T) {
	t.Parallel()
	for i, e := range exclusions {
		if e.why == "" {
			t.Errorf("exclusion %d (%+v) has no reason", i, e)
		}
		if len(e.groups) == 0 && len(e.namespaces) == 0 && e.name == "" && e.label == "" && e.kind == "" {
			t.Errorf("exclusion %d excludes everything", i)
		}
	}
}
