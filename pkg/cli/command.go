/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

// Package cli is the command line of a federation, as a plugin of kubectl: `kubectl manifold`. Each command is a package
// below this one, and none links the server.
package cli

import (
	"fmt"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/manifold-k8s/manifold/pkg/cli/access"
	"github.com/manifold-k8s/manifold/pkg/cli/deregister"
	"github.com/manifold-k8s/manifold/pkg/cli/explain"
	"github.com/manifold-k8s/manifold/pkg/cli/join"
	"github.com/manifold-k8s/manifold/pkg/cli/kubeconfig"
	"github.com/manifold-k8s/manifold/pkg/cli/register"
	"github.com/manifold-k8s/manifold/pkg/cli/unjoin"
	"github.com/manifold-k8s/manifold/pkg/cli/version"
)

const long = `Work with a federation of Kubernetes clusters.

The flags for a connection lead to the hub, as kubectl's lead to a cluster. What is not listed here is
done with kubectl itself: the hub is a Kubernetes API server.`

// NewCommand returns the root of all commands. It prints no errors; that is for the caller to do.
func NewCommand(streams genericiooptions.IOStreams) *cobra.Command {
	root := &cobra.Command{
		Use:           "kubectl-manifold",
		Annotations:   map[string]string{cobra.CommandDisplayNameAnnotation: "kubectl manifold"},
		Short:         "Work with a federation of Kubernetes clusters",
		Long:          long,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetIn(streams.In)
	root.SetOut(streams.Out)
	root.SetErr(streams.ErrOut)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return fmt.Errorf("%w; see `%s --help`", err, cmd.CommandPath())
	})
	hub := access.NewHubFlags()
	hub.AddFlags(root.PersistentFlags())
	root.AddGroup(&cobra.Group{ID: "members", Title: "Members:"})
	for _, cmd := range []*cobra.Command{join.NewCommand(hub, streams), unjoin.NewCommand(hub, streams)} {
		cmd.GroupID = "members"
		root.AddCommand(cmd)
	}
	root.AddGroup(&cobra.Group{ID: "templates", Title: "Templates:"})
	why := explain.NewCommand(hub, streams)
	why.GroupID = "templates"
	root.AddCommand(why)
	root.AddGroup(&cobra.Group{ID: "host", Title: "Behind a host cluster:"})
	for _, cmd := range []*cobra.Command{register.NewCommand(hub, streams), deregister.NewCommand(streams), kubeconfig.NewCommand(streams)} {
		cmd.GroupID = "host"
		root.AddCommand(cmd)
	}
	root.AddCommand(version.NewCommand(hub, streams))
	return root
}
