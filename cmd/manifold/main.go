/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

// Command manifold is the federated Kubernetes API server.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/manifold-k8s/manifold/pkg/server"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "manifold:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	cmd := &cobra.Command{Use: "manifold", Short: "A federated Kubernetes API server: one endpoint, many clusters", SilenceErrors: true, SilenceUsage: true}
	cmd.AddCommand(server.NewCommand())
	cmd.SetArgs(args)
	return cmd.ExecuteContext(ctx)
}
