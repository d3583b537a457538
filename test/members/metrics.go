/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package members

import (
	"context"
	"fmt"
	"net"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	applycorev1 "k8s.io/client-go/applyconfigurations/core/v1"
	"k8s.io/client-go/kubernetes"
	applyregistrationv1 "k8s.io/kube-aggregator/pkg/client/applyconfiguration/apiregistration/v1"
	aggregator "k8s.io/kube-aggregator/pkg/client/clientset_generated/clientset"
)

// fieldManager is whose the objects are that a member needs for itself.
const fieldManager = "members"

func (m *Member) metricsServerArgs() []string {
	return []string{
		"--kubeconfig=" + m.Kubeconfig,
		"--authentication-kubeconfig=" + m.Kubeconfig,
		"--authorization-kubeconfig=" + m.Kubeconfig,
		"--bind-address=127.0.0.1",
		"--secure-port=" + strconv.Itoa(m.metrics),
		"--tls-cert-file=" + m.pki.file(metricsServer+".crt"),
		"--tls-private-key-file=" + m.pki.file(metricsServer+".key"),
		"--metric-resolution=10s", // the least it takes
		"--kubelet-request-timeout=5s",
		"--kubelet-use-node-status-port",
		"--kubelet-preferred-address-types=" + string(corev1.NodeInternalIP),
		"--kubelet-certificate-authority=" + m.pki.file("ca.crt"),
		"--kubelet-client-certificate=" + m.pki.file("admin.crt"),
		"--kubelet-client-key=" + m.pki.file("admin.key"),
	}
}

// StartMetrics adds a metrics-server to a member with workloads that has none, and returns when it serves; see
// [Config.WithMetrics].
func (m *Member) StartMetrics(ctx context.Context) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed || m.kubelet == nil {
		return fmt.Errorf("start %s of %s: it has no workloads, or its set is closed", metricsServer, m.Name)
	}
	m.cfg.WithMetrics = true
	p, err := m.ensureMetrics()
	if err != nil {
		return fmt.Errorf("start %s of %s: %w", metricsServer, m.Name, err)
	}
	return m.registerMetrics(ctx, p)
}

// ensureMetrics starts the metrics-server, on the port that it had before.
func (m *Member) ensureMetrics() (*process, error) {
	if m.metrics == 0 {
		port, err := freePort()
		if err != nil {
			return nil, err
		}
		m.metrics = port
	}
	return m.ensure(metricsServer)
}

// registerMetrics waits until the metrics-server p listens, and then tells the API server where. Earlier, the API would be
// announced and not there, and namespaces could not be deleted.
func (m *Member) registerMetrics(ctx context.Context, p *process) error {
	err := poll(ctx, []*process{p}, func(ctx context.Context) error {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", "127.0.0.1:"+strconv.Itoa(m.metrics))
		if err != nil {
			return err
		}
		return conn.Close()
	})
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(m.restConfig())
	if err != nil {
		return err
	}
	opts := metav1.ApplyOptions{FieldManager: fieldManager, Force: true}
	service := applycorev1.Service(metricsServer, metav1.NamespaceSystem).WithSpec(applycorev1.ServiceSpec().
		WithType(corev1.ServiceTypeExternalName).
		WithExternalName("localhost"))
	if _, err := client.CoreV1().Services(metav1.NamespaceSystem).Apply(ctx, service, opts); err != nil {
		return fmt.Errorf("create the service of %s: %w", metricsServer, err)
	}
	registrations, err := aggregator.NewForConfig(m.restConfig())
	if err != nil {
		return err
	}
	const group, version = "metrics.k8s.io", "v1beta1"
	registration := applyregistrationv1.APIService(version + "." + group).WithSpec(applyregistrationv1.APIServiceSpec().
		WithGroup(group).WithVersion(version).
		WithGroupPriorityMinimum(100).WithVersionPriority(100).
		WithCABundle(m.pki.ca...).
		WithService(applyregistrationv1.ServiceReference().
			WithNamespace(metav1.NamespaceSystem).WithName(metricsServer).WithPort(int32(m.metrics))))
	if _, err := registrations.ApiregistrationV1().APIServices().Apply(ctx, registration, opts); err != nil {
		return fmt.Errorf("register %s: %w", metricsServer, err)
	}
	return nil
}
