/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package members

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

const pollInterval = 100 * time.Millisecond

// awaitAPI returns nil once the API server says that it is ready, and an error with the end of its log when it exits.
func (m *Member) awaitAPI(ctx context.Context, p *process) error {
	client, err := kubernetes.NewForConfig(m.restConfig())
	if err != nil {
		return err
	}
	return poll(ctx, []*process{p}, func(ctx context.Context) error {
		return client.Discovery().RESTClient().Get().AbsPath("/readyz").Do(ctx).Error()
	})
}

// startWorkloads starts what makes pods run and returns once there is a node to run them on.
func (m *Member) startWorkloads(ctx context.Context) error {
	client, err := kubernetes.NewForConfig(m.restConfig())
	if err != nil {
		return err
	}
	if err := m.startKubelet(client); err != nil {
		return err
	}
	if err := m.createNodes(ctx, client); err != nil {
		return err
	}
	if err := m.writeKwokConfig(); err != nil {
		return err
	}
	var metrics *process
	if m.cfg.WithMetrics {
		if metrics, err = m.ensureMetrics(); err != nil {
			return err
		}
	}
	var started []*process
	for _, component := range workloadComponents {
		p, err := m.ensure(component)
		if err != nil {
			return err
		}
		started = append(started, p)
	}
	err = poll(ctx, started, func(ctx context.Context) error { return checkWorkloads(ctx, client) })
	if err != nil || metrics == nil {
		return err
	}
	return m.registerMetrics(ctx, metrics)
}

// checkWorkloads asks for the outcome of the controllers' and the kubelets' first work.
func checkWorkloads(ctx context.Context, client kubernetes.Interface) error {
	nodes, err := client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	for _, n := range nodes.Items {
		if !isReady(&n) || len(n.Spec.Taints) > 0 {
			return fmt.Errorf("node %s is not ready", n.Name)
		}
	}
	_, err = client.CoreV1().ServiceAccounts(metav1.NamespaceDefault).Get(ctx, "default", metav1.GetOptions{})
	return err
}

func isReady(n *corev1.Node) bool {
	for _, c := range n.Status.Conditions {
		if c.Type == corev1.NodeReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}

// poll calls check until it returns nil, ctx ends or one of the processes exits.
func poll(ctx context.Context, processes []*process, check func(context.Context) error) error {
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	for {
		attempt, cancel := context.WithTimeout(ctx, 5*time.Second)
		err := check(attempt)
		cancel()
		if err == nil {
			return nil
		}
		for _, p := range processes {
			if !p.alive() {
				return fmt.Errorf("%s exited: %w\n%s", p.name, errors.Join(err, p.err), p.logTail())
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", context.Cause(ctx), err)
		case <-ticker.C:
		}
	}
}
