/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

// Package version is the command that tells the versions of the client and of the hub.
package version

import (
	"fmt"
	"runtime/debug"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/manifold-k8s/manifold/pkg/cli/access"
)

const example = `  # Both versions
  kubectl manifold version

  # That of the client alone, without asking the hub
  kubectl manifold version --client`

// NewCommand returns the command. hub holds the flags that lead to the hub, which are added elsewhere.
func NewCommand(hub *access.HubFlags, streams genericiooptions.IOStreams) *cobra.Command {
	var clientOnly bool
	cmd := &cobra.Command{
		Use:     "version",
		Short:   "Print the versions of the client and of the hub",
		Example: example,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			info, ok := debug.ReadBuildInfo()
			if !ok {
				info = &debug.BuildInfo{}
			}
			fmt.Fprintf(streams.Out, "Client: %s\n", describe(info))
			if clientOnly {
				return nil
			}
			server, err := hub.Reach(cmd.Context())
			if err != nil {
				return err
			}
			fmt.Fprintf(streams.Out, "Hub:    %s at %s\n", server.Version, server.Host)
			return nil
		},
	}
	cmd.Flags().BoolVar(&clientOnly, "client", false, "Print only the version of the client.")
	return cmd
}

// describe returns version, revision, and the toolchain of a build, as far as they are known.
func describe(info *debug.BuildInfo) string {
	out := info.Main.Version
	if out == "" || out == "(devel)" {
		out = "development build"
	}
	settings := map[string]string{}
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	if revision := settings["vcs.revision"]; revision != "" {
		out += ", revision " + revision
		if settings["vcs.modified"] == "true" {
			out += " with changes"
		}
	}
	for _, dep := range info.Deps {
		if dep.Path != "k8s.io/client-go" {
			continue
		}
		if dep.Replace != nil {
			dep = dep.Replace
		}
		out += ", k8s.io " + dep.Version
	}
	if info.GoVersion != "" {
		out += ", " + info.GoVersion
	}
	return out
}
