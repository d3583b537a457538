/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package server

import (
	"github.com/spf13/cobra"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/apiserver/pkg/features"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	"k8s.io/client-go/rest"
	cliflag "k8s.io/component-base/cli/flag"
	"k8s.io/component-base/cli/globalflag"
	"k8s.io/component-base/logs"
	logsapi "k8s.io/component-base/logs/api/v1"
	"k8s.io/component-base/term"
	"k8s.io/component-base/version/verflag"
)

// NewCommand returns `manifold server`.
func NewCommand() *cobra.Command {
	utilruntime.Must(logsapi.AddFeatureGates(utilfeature.DefaultMutableFeatureGate)) // before the flags are made from them
	// A copy of a branch of the watch cache's tree for each write of the last 75 s is 40 MiB of live heap at a hundred objects
	// per second. It would save the store the pages of long lists but the first.
	utilruntime.Must(utilfeature.DefaultMutableFeatureGate.OverrideDefault(features.ListFromCacheSnapshot, false))
	o := NewOptions()
	cmd := &cobra.Command{
		Use:   "server",
		Short: "Run the federated API server",
		Long: `Run the federated API server, with its controllers and, unless --etcd-servers is given, its own etcd.

At first start it makes keys and certificates in --data-dir. When it is ready it writes admin.kubeconfig there.

  # Everything under ./manifold-data, on port 6443
  manifold server

  # Use it
  kubectl --kubeconfig manifold-data/admin.kubeconfig get clusters`,
		Args:         cobra.NoArgs,
		SilenceUsage: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			verflag.PrintAndExitIfRequested()
			rest.SetDefaultWarningHandler(rest.NoWarnings{}) // our own controllers are no users
			if err := logsapi.ValidateAndApply(o.Logs, utilfeature.DefaultFeatureGate); err != nil {
				return err
			}
			utilfeature.DefaultMutableFeatureGate.AddMetrics()
			return Run(cmd.Context(), o)
		},
	}
	sets := o.Flags()
	verflag.AddFlags(sets.FlagSet("global"))
	globalflag.AddGlobalFlags(sets.FlagSet("global"), cmd.Name(), logs.SkipLoggingConfigurationFlags())
	for _, fs := range sets.FlagSets {
		cmd.Flags().AddFlagSet(fs)
	}
	cols, _, err := term.TerminalSize(cmd.OutOrStdout())
	if err != nil {
		cols = 100 // no terminal
	}
	cliflag.SetUsageAndHelpFunc(cmd, *sets, cols)
	return cmd
}
