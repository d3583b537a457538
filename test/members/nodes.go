/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package members

import (
	"context"
	"fmt"
	"path/filepath"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"github.com/manifold-k8s/manifold/test/members/kubelet"
)

const (
	nodeCount = 2

	// metricsPathAnnotation tells metrics-server where a node's kubelet has its metrics.
	metricsPathAnnotation = "metrics.k8s.io/resource-metrics-path"
)

// startKubelet starts what answers for the kubelets of all nodes, once.
func (m *Member) startKubelet(client kubernetes.Interface) error {
	if m.kubelet != nil {
		return nil
	}
	var err error
	m.kubelet, err = kubelet.Start(kubelet.Config{
		Client:   client,
		Dir:      filepath.Join(m.dir, "pods"),
		CertFile: m.pki.file("server.crt"),
		KeyFile:  m.pki.file("server.key"),
		ClientCA: m.pki.ca,
		Start:    m.spawn.start,
	})
	return err
}

// createNodes makes the nodes, or tells those of an earlier time where their kubelet is now.
func (m *Member) createNodes(ctx context.Context, client kubernetes.Interface) error {
	version, err := client.Discovery().ServerVersion()
	if err != nil {
		return fmt.Errorf("read version: %w", err)
	}
	for i := range nodeCount {
		node := m.node(i, version.GitVersion)
		_, err := client.CoreV1().Nodes().Create(ctx, node, metav1.CreateOptions{})
		if apierrors.IsAlreadyExists(err) {
			patch := fmt.Appendf(nil, `{"metadata":{"annotations":{%q:%q}},"status":{"daemonEndpoints":{"kubeletEndpoint":{"Port":%d}}}}`,
				metricsPathAnnotation, kubelet.MetricsPath(node.Name), m.kubelet.Port())
			_, err = client.CoreV1().Nodes().Patch(ctx, node.Name, types.MergePatchType, patch, metav1.PatchOptions{}, "status")
		}
		if err != nil {
			return fmt.Errorf("create node: %w", err)
		}
	}
	return nil
}

// node returns the i-th node, large enough for any test and of a size that arithmetic is easy with.
func (m *Member) node(i int, version string) *corev1.Node {
	name := fmt.Sprintf("%s-node%d", m.Name, i+1)
	size := corev1.ResourceList{
		corev1.ResourceCPU:              resource.MustParse("100"),
		corev1.ResourceMemory:           resource.MustParse("400Gi"),
		corev1.ResourceEphemeralStorage: resource.MustParse("1000Gi"),
		corev1.ResourcePods:             resource.MustParse("5000"),
	}
	return &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{
			Name:        name,
			Annotations: map[string]string{metricsPathAnnotation: kubelet.MetricsPath(name)},
			Labels: map[string]string{
				corev1.LabelHostname:   name,
				corev1.LabelOSStable:   "linux",
				corev1.LabelArchStable: "amd64",
			},
		},
		Status: corev1.NodeStatus{
			Capacity:        size,
			Allocatable:     size,
			DaemonEndpoints: corev1.NodeDaemonEndpoints{KubeletEndpoint: corev1.DaemonEndpoint{Port: m.kubelet.Port()}},
			NodeInfo: corev1.NodeSystemInfo{
				KubeletVersion:          version,
				OperatingSystem:         "linux",
				Architecture:            "amd64",
				OSImage:                 "kwok",
				ContainerRuntimeVersion: "kwok://0.0.0",
			},
		},
	}
}
