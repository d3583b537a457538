/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

// Package register is the commands that put a hub behind the API server of a host cluster, and that take it away from
// there. Registering may be done again at any time: what is there is brought up to date.
package register

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/manifold-k8s/manifold/pkg/cli/access"
	"github.com/manifold-k8s/manifold/pkg/cli/hosting"
)

const long = `Put the hub behind the API server of a host cluster, for the users of that cluster.

The hub's own API groups (policies, clusters, bindings, ...) are then served at the host's address as
well, and its whole API is below a path there (see kubectl manifold kubeconfig --help). The host says
who its users are, and by its RBAC which of them may use that.

In the host, register makes APIServices, a Service that leads to the hub, ClusterRoles for users
(manifold-view, manifold-edit, manifold-admin), and a service account by which the hub asks the host
what its users may do. It writes a kubeconfig of that account for the flag --host-kubeconfig of
manifold server. Nothing is changed before it is clear that host and hub can be reached, that their
certificates fit, that nobody else serves these groups and that all rights are there.`

const example = `  # The host reaches the hub at the address that KUBECONFIG has
  kubectl manifold register --host-kubeconfig ~/.kube/host.config --host-access host-access.kubeconfig
  manifold server --host-kubeconfig host-access.kubeconfig

  # At another address
  kubectl manifold register --host-kubeconfig ~/.kube/host.config --address https://hub.example.com:6443

  # The hub runs in the host, behind a Service (see deploy/host), and has an account there
  kubectl manifold register --host-kubeconfig ~/.kube/host.config --service manifold-system/manifold --host-access ""

  # See what would be made
  kubectl manifold register --host-kubeconfig ~/.kube/host.config --dry-run`

// options is what the command line says, the hub's flags aside.
type options struct {
	host      access.HostFlags
	namespace string
	address   string // of the hub, as the host reaches it; empty: as in the hub's kubeconfig
	service   string // that exists, as namespace/name or namespace/name:port; empty: make one for address
	endpoint  string // of the host, as the hub reaches it; empty: as in the host's kubeconfig
	access    string // path of the kubeconfig to write
	duration  time.Duration
	dryRun    bool
}

// NewCommand returns the command that registers. hub holds the flags that lead to the hub, which are added elsewhere.
func NewCommand(hub *access.HubFlags, streams genericiooptions.IOStreams) *cobra.Command {
	o := &options{}
	cmd := &cobra.Command{
		Use:     "register --host-kubeconfig FILE",
		Short:   "Put the hub behind the API server of a host cluster",
		Long:    long,
		Example: example,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.validate(); err != nil {
				return err
			}
			return o.run(cmd.Context(), hub, streams)
		},
	}
	fs := cmd.Flags()
	o.host.AddFlags(fs)
	fs.StringVar(&o.namespace, "host-namespace", hosting.Namespace, "Namespace in the host for the hub's account and Service.")
	fs.StringVar(&o.address, "address", "", "URL by which the host's API server reaches the hub. Default: the address in the hub's kubeconfig.")
	fs.StringVar(&o.service, "service", "", "A Service of the host, as NAMESPACE/NAME or NAMESPACE/NAME:PORT, behind which the hub is, instead of an address.")
	fs.StringVar(&o.endpoint, "host-endpoint", "", "URL by which the hub reaches the host's API server. Default: the address in the host's kubeconfig.")
	fs.StringVar(&o.access, "host-access", "host-access.kubeconfig", "Where to write the kubeconfig by which the hub reaches the host. Empty: it has access already, as in deploy/host, and no account is made.")
	fs.DurationVar(&o.duration, "token-duration", 0, "Have a token issued that expires after this time, instead of one that counts until deregistering. The hub has to be given another in time, by running this command again and starting it anew.")
	fs.BoolVar(&o.dryRun, "dry-run", false, "Check everything and print what would be made, but change nothing.")
	return cmd
}

func (o *options) validate() error {
	var errs []error
	for _, problem := range validation.IsDNS1123Label(o.namespace) {
		errs = append(errs, fmt.Errorf("invalid --host-namespace %q: %s", o.namespace, problem))
	}
	if o.address != "" && o.service != "" {
		errs = append(errs, errors.New("--address and --service: give one of them"))
	}
	if o.duration != 0 && o.duration < 10*time.Minute {
		errs = append(errs, fmt.Errorf("invalid --token-duration %v: it must be at least 10m, or 0", o.duration))
	}
	return errors.Join(errs...)
}
