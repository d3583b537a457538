/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package join

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	clusterv1alpha1 "github.com/manifold-k8s/manifold/apis/cluster/v1alpha1"
	"github.com/manifold-k8s/manifold/pkg/cli/access"
	"github.com/manifold-k8s/manifold/pkg/cli/apply"
	"github.com/manifold-k8s/manifold/pkg/cli/enrol"
)

func (o *options) run(ctx context.Context, flags *access.HubFlags, streams genericiooptions.IOStreams) error {
	cfg, err := o.member.Load(o.name)
	if err != nil {
		return err
	}
	m := o.membership(cfg)
	if err := enrol.ValidateEndpoint(m.Endpoint); err != nil {
		return err
	}
	hub, err := flags.Connect(ctx)
	if err != nil {
		return err
	}
	member, err := cfg.Connect(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(streams.Out, "cluster %s at %s (%s, context %q)\nhub at %s\n", o.name, member.Host, member.Version, cfg.Context, hub.Host)

	if err := o.checkRights(ctx, hub, member); err != nil {
		return err
	}
	existing, err := identify(ctx, &m, hub, member)
	if err != nil {
		return err
	}
	inMember := &apply.Writer{Where: "cluster", Server: member, DryRun: o.dryRun, Out: streams.Out}
	onHub := &apply.Writer{Where: "hub", Server: hub.Server, DryRun: o.dryRun, Out: streams.Out}
	credentials, err := prepare(ctx, inMember, o.name, o.namespace)
	if err != nil {
		return fmt.Errorf("prepare the cluster: %w", err)
	}
	credentials.CABundle = enrol.CABundle(credentials.CABundle, cfg.CAData)
	if err := register(ctx, onHub, hub, m, credentials, existing); err != nil {
		return fmt.Errorf("register on the hub: %w", err)
	}

	o.warn(streams, cfg, m, hub)
	if o.dryRun {
		fmt.Fprintf(streams.Out, "cluster %s can be joined; nothing has been changed (dry run)\n", o.name)
		return nil
	}
	fmt.Fprintf(streams.Out, "cluster %s joined\n", o.name)
	return o.awaitReady(ctx, hub, streams)
}

func (o *options) membership(cfg *access.MemberConfig) enrol.Membership {
	m := enrol.Membership{
		Cluster:   o.name,
		Namespace: o.namespace,
		Endpoint:  cfg.Endpoint,
		Insecure:  cfg.Insecure,
		ProxyURL:  cfg.ProxyURL,
		Provider:  o.provider,
		Region:    o.region,
		Zones:     o.zones,
	}
	if o.endpoint != "" {
		m.Endpoint = o.endpoint
	}
	return m
}

// warn tells of what may keep the hub from reaching the member although this command has reached it.
func (o *options) warn(streams genericiooptions.IOStreams, cfg *access.MemberConfig, m enrol.Membership, hub *access.Hub) {
	if w := enrol.EndpointWarning(m.Endpoint, hub.Host); w != "" {
		fmt.Fprintf(streams.ErrOut, "warning: %s\n", w)
	}
	if cfg.TLSServerName != "" && !cfg.Insecure {
		fmt.Fprintf(streams.ErrOut, "warning: the kubeconfig's tls-server-name %q is not known to the hub, "+
			"which expects the host of %s in the cluster's certificate\n", cfg.TLSServerName, m.Endpoint)
	}
}

// identify completes m with the member's identity, and returns the Cluster that an earlier join has left on the hub, nil
// if there is none. It is an error when the member must not be joined under the name.
func identify(ctx context.Context, m *enrol.Membership, hub *access.Hub, member *access.Server) (*clusterv1alpha1.Cluster, error) {
	var err error
	if m.ID, err = member.ID(ctx); err != nil {
		return nil, err
	}
	if m.ID == "" {
		return nil, fmt.Errorf("cluster: %s has no namespace %s, whose UID is a cluster's identity", member.Host, metav1.NamespaceSystem)
	}
	hubID, err := hub.ID(ctx)
	if err != nil {
		return nil, err
	}
	if m.ID == hubID {
		return nil, fmt.Errorf("the kubeconfig of the cluster leads to the hub itself, %s; check --cluster-kubeconfig and --cluster-context", hub.Host)
	}
	clusters, err := hub.Clusters.List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("list clusters of the hub: %w", err)
	}
	existing, err := enrol.Resolve(m.Cluster, m.ID, clusters.Items)
	if err != nil {
		return nil, err
	}
	return existing, checkSecrets(ctx, hub, *m)
}
