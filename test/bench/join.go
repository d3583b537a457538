/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package main

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	clusterv1alpha1 "github.com/manifold-k8s/manifold/apis/cluster/v1alpha1"
	policyv1alpha1 "github.com/manifold-k8s/manifold/apis/policy/v1alpha1"
	"github.com/manifold-k8s/manifold/pkg/cli/enrol"
	"github.com/manifold-k8s/manifold/pkg/generated/clientset/versioned"
	"github.com/manifold-k8s/manifold/test/bench/fleet"
)

// join makes the hub's side of all members, as the command join leaves it, and waits until the hub knows them all.
func (b *bench) join(ctx context.Context) error {
	config := rest.CopyConfig(b.hub.config)
	config.ContentType, config.AcceptContentTypes = "", "" // our own kinds are served as JSON
	client, err := versioned.NewForConfig(config)
	if err != nil {
		return err
	}
	begin := time.Now()
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: clusterv1alpha1.ClusterNamespace}}
	if _, err := b.hub.client.CoreV1().Namespaces().Create(ctx, ns, metav1.CreateOptions{}); err != nil && !apierrors.IsAlreadyExists(err) {
		return err
	}
	g, each := errgroup.WithContext(ctx)
	g.SetLimit(b.workers)
	for _, m := range b.fleet.Members {
		g.Go(func() error {
			if err := b.enrol(each, client, m); err != nil {
				return fmt.Errorf("join %s: %w", m.Name, err)
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	if err := awaitReady(ctx, client, len(b.fleet.Members)); err != nil {
		return err
	}
	b.report.add("join: first request to all members ready", time.Since(begin).Seconds(), "s")
	if b.plan.deployments == 0 && len(b.proxied) == 0 {
		return nil // nothing will be sent
	}
	return b.prepare(ctx, client)
}

// enrol writes a Cluster and its Secrets.
func (b *bench) enrol(ctx context.Context, client versioned.Interface, m fleet.Member) error {
	membership := enrol.Membership{Cluster: m.Name, Namespace: clusterv1alpha1.ClusterNamespace, ID: m.ID, Endpoint: m.Endpoint}
	credentials := enrol.Credentials{Token: []byte(m.Token), ImpersonatorToken: []byte(m.Token), CABundle: m.CA}
	secrets := b.hub.client.CoreV1().Secrets(membership.Namespace)
	for _, s := range membership.Secrets(credentials, nil) {
		if _, err := secrets.Create(ctx, s.(*corev1.Secret), metav1.CreateOptions{}); err != nil {
			return err
		}
	}
	cluster, err := client.ClusterV1alpha1().Clusters().Create(ctx, membership.ClusterObject(nil), metav1.CreateOptions{})
	if err != nil {
		return err
	}
	for _, s := range membership.Secrets(credentials, cluster) { // now owned by it
		if _, err := secrets.Update(ctx, s.(*corev1.Secret), metav1.UpdateOptions{}); err != nil {
			return err
		}
	}
	return nil
}

// awaitReady waits until all members are ready and what they serve is known.
func awaitReady(ctx context.Context, client versioned.Interface, count int) error {
	// A list of many is no small thing for either end, so most of the time is spent on waiting.
	const between, shareOfWait = 500 * time.Millisecond, 20
	limited, cancel := context.WithTimeout(ctx, patience+time.Duration(count)*patiencePerItem)
	defer cancel()
	for {
		begin := time.Now()
		list, err := client.ClusterV1alpha1().Clusters().List(limited, metav1.ListOptions{})
		if err != nil {
			return err
		}
		ready, missing := 0, ""
		for _, c := range list.Items {
			is := meta.IsStatusConditionTrue(c.Status.Conditions, clusterv1alpha1.ClusterConditionReady)
			if is && len(c.Status.APIEnablements) > 0 {
				ready++
				continue
			}
			missing = fmt.Sprintf("%s is not: ready %v, %d API groups known", c.Name, is, len(c.Status.APIEnablements))
		}
		if ready == count {
			return nil
		}
		if err := pause(limited, max(between, shareOfWait*time.Since(begin))); err != nil {
			return fmt.Errorf("%w: %d of %d members are ready; %s", err, ready, count, missing)
		}
	}
}

// prepare makes the namespace and the policy, waits until Deployments can come, and follows those of the hub.
func (b *bench) prepare(ctx context.Context, client versioned.Interface) error {
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}
	if _, err := b.hub.client.CoreV1().Namespaces().Create(ctx, ns, metav1.CreateOptions{}); err != nil {
		return err
	}
	if err := createPolicy(ctx, client, b.fleet.Names()); err != nil {
		return err
	}
	for _, m := range b.fleet.Members {
		if m.Kubeconfig == "" {
			continue // a simulated one refuses what comes too early, and the hub tries again
		}
		if err := b.awaitNamespace(ctx, m); err != nil {
			return fmt.Errorf("wait for the namespace in %s: %w", m.Name, err)
		}
	}
	return b.follow(ctx, hubName, b.hub.config)
}

// awaitNamespace waits until a namespace takes Deployments in a real member: once it is there and, with controllers, has
// its service account.
func (b *bench) awaitNamespace(ctx context.Context, m fleet.Member) error {
	config, err := clientcmd.BuildConfigFromFlags("", m.Kubeconfig)
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(cheap(config))
	if err != nil {
		return err
	}
	return await(ctx, patience, func() error {
		if !b.plan.fleet.Workloads {
			_, err := client.CoreV1().Namespaces().Get(ctx, namespace, metav1.GetOptions{})
			return err
		}
		_, err := client.CoreV1().ServiceAccounts(namespace).Get(ctx, "default", metav1.GetOptions{})
		return err
	})
}

// createPolicy sends every Deployment of the namespace to every member.
func createPolicy(ctx context.Context, client versioned.Interface, members []string) error {
	_, err := client.PolicyV1alpha1().PropagationPolicies(namespace).Create(ctx, &policyv1alpha1.PropagationPolicy{
		ObjectMeta: metav1.ObjectMeta{Name: "all"},
		Spec: policyv1alpha1.PropagationSpec{
			ResourceSelectors: []policyv1alpha1.ResourceSelector{{APIVersion: "apps/v1", Kind: "Deployment"}},
			Placement: policyv1alpha1.Placement{
				ClusterAffinity:   &policyv1alpha1.ClusterAffinity{ClusterNames: members},
				ReplicaScheduling: &policyv1alpha1.ReplicaSchedulingStrategy{ReplicaSchedulingType: policyv1alpha1.ReplicaSchedulingTypeDuplicated},
			},
		},
	}, metav1.CreateOptions{})
	return err
}
