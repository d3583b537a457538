/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

// Package join is the command that makes a cluster a member. It may be run again at any time: what is there is brought
// up to date, and the hub gets fresh credentials.
package join

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	clusterv1alpha1 "github.com/manifold-k8s/manifold/apis/cluster/v1alpha1"
	"github.com/manifold-k8s/manifold/pkg/cli/access"
	"github.com/manifold-k8s/manifold/pkg/cli/enrol"
)

const long = `Make a cluster a member of the federation; the hub connects to it.

In the cluster, join makes a service account for the hub with a role that allows everything, and
another as which the hub impersonates users. On the hub it makes two Secrets with their tokens and
then the Cluster. Nothing is changed before it is clear that the cluster can be reached, that the
name is free and that all rights are there.

A join that was interrupted is completed by running it again. On a cluster that is a member already,
join renews the credentials and the address.`

const example = `  # Join the cluster of a kubeconfig
  kubectl manifold join member1 --cluster-kubeconfig ~/.kube/member1.config

  # One context of a kubeconfig with several, and an address that the hub can reach
  kubectl manifold join member2 --cluster-kubeconfig ~/.kube/config --cluster-context kind-member2 \
    --api-endpoint https://172.18.0.3:6443

  # Where the cluster is, for policies that choose by it
  kubectl manifold join member3 --cluster-kubeconfig m3.config --cluster-region eu-west --cluster-zones a,b

  # See what would be made
  kubectl manifold join member1 --cluster-kubeconfig ~/.kube/member1.config --dry-run`

// options is what the command line says, the hub's flags aside.
type options struct {
	name      string
	member    access.MemberFlags
	namespace string
	endpoint  string // empty: that of the member's kubeconfig
	provider  string
	region    string
	zones     []string
	dryRun    bool
	wait      time.Duration // 0 does not wait for the cluster to become ready
}

// NewCommand returns the command. hub holds the flags that lead to the hub, which are added elsewhere.
func NewCommand(hub *access.HubFlags, streams genericiooptions.IOStreams) *cobra.Command {
	o := &options{}
	cmd := &cobra.Command{
		Use:     "join NAME --cluster-kubeconfig FILE",
		Short:   "Make a cluster a member of the federation",
		Long:    long,
		Example: example,
		Args:    access.OneCluster,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.name = args[0]
			if err := o.validate(); err != nil {
				return err
			}
			return o.run(cmd.Context(), hub, streams)
		},
	}
	fs := cmd.Flags()
	o.member.AddFlags(fs)
	fs.StringVar(&o.namespace, "cluster-namespace", clusterv1alpha1.ClusterNamespace, "Namespace of the service accounts in the cluster and of the Secrets on the hub.")
	fs.StringVar(&o.endpoint, "api-endpoint", "", "URL by which the hub reaches the cluster's API server. Default: the address in the kubeconfig.")
	fs.StringVar(&o.provider, "cluster-provider", "", "Provider of the cluster.")
	fs.StringVar(&o.region, "cluster-region", "", "Region of the cluster.")
	fs.StringSliceVar(&o.zones, "cluster-zones", nil, "Zones of the cluster, separated by commas.")
	fs.BoolVar(&o.dryRun, "dry-run", false, "Check everything and print what would be made, but change nothing.")
	fs.DurationVar(&o.wait, "wait", 30*time.Second, "How long to wait for the cluster to become ready; 0 does not wait.")
	return cmd
}

func (o *options) validate() error {
	errs := []error{enrol.ValidateName(o.name)}
	for _, problem := range validation.IsDNS1123Label(o.namespace) {
		errs = append(errs, fmt.Errorf("invalid --cluster-namespace %q: %s", o.namespace, problem))
	}
	if o.endpoint != "" {
		errs = append(errs, enrol.ValidateEndpoint(o.endpoint))
	}
	label := func(flag, value string) {
		for _, problem := range validation.IsValidLabelValue(value) {
			errs = append(errs, fmt.Errorf("invalid %s %q: %s", flag, value, problem))
		}
	}
	label("--cluster-provider", o.provider)
	label("--cluster-region", o.region)
	for _, zone := range o.zones {
		label("--cluster-zones", zone)
	}
	if o.wait < 0 {
		errs = append(errs, fmt.Errorf("invalid --wait %v: it must not be negative", o.wait))
	}
	return errors.Join(errs...)
}
