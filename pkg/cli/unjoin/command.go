/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

// Package unjoin is the command that ends a cluster's membership. It takes from the member only what joining made there.
package unjoin

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	clusterv1alpha1 "github.com/manifold-k8s/manifold/apis/cluster/v1alpha1"
	"github.com/manifold-k8s/manifold/pkg/cli/access"
	"github.com/manifold-k8s/manifold/pkg/cli/enrol"
)

const long = `End the membership of a cluster.

The Cluster is deleted on the hub, which then removes from the member what it has placed there, but for
what its policies preserve, and for namespaces; unjoin says first what that is, by kind and number. When
that is done and a kubeconfig of the member is given, unjoin also removes the hub's service accounts,
their Secrets and role, and the namespace if joining made it and nothing else is in it.

With --force, a Cluster that is not gone in time is released: it disappears from the hub, and what was
placed in the member stays there.`

const example = `  # End the membership; the hub's service accounts stay in the member
  kubectl manifold unjoin member1

  # Remove those as well
  kubectl manifold unjoin member1 --cluster-kubeconfig ~/.kube/member1.config

  # The member is lost for ever
  kubectl manifold unjoin member1 --force --wait 10s`

// options is what the command line says, the hub's flags aside.
type options struct {
	name      string
	member    access.MemberFlags
	namespace string // empty: that of the Cluster's Secrets
	wait      time.Duration
	force     bool
}

// NewCommand returns the command. hub holds the flags that lead to the hub, which are added elsewhere.
func NewCommand(hub *access.HubFlags, streams genericiooptions.IOStreams) *cobra.Command {
	o := &options{}
	cmd := &cobra.Command{
		Use:     "unjoin NAME",
		Short:   "End the membership of a cluster",
		Long:    long,
		Example: example,
		Args:    access.OneCluster,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.name = args[0]
			if err := enrol.ValidateName(o.name); err != nil {
				return err
			}
			if o.wait <= 0 {
				return fmt.Errorf("invalid --wait %v: it must be positive", o.wait)
			}
			return o.run(cmd.Context(), hub, streams)
		},
	}
	fs := cmd.Flags()
	o.member.AddFlags(fs)
	fs.StringVar(&o.namespace, "cluster-namespace", "", "Namespace that the cluster was joined with. Default: that of the Cluster's Secrets or, when it is gone, "+
		clusterv1alpha1.ClusterNamespace+".")
	fs.DurationVar(&o.wait, "wait", time.Minute, "How long the hub may take to clear the member.")
	fs.BoolVar(&o.force, "force", false, "Release a Cluster that is not gone after --wait, and go on when the member cannot be reached.")
	return cmd
}
