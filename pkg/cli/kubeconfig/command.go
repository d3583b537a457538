/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

// Package kubeconfig is the command that writes kubeconfigs for other ways to the hub.
package kubeconfig

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	hubv1alpha1 "github.com/manifold-k8s/manifold/apis/hub/v1alpha1"
	"github.com/manifold-k8s/manifold/pkg/cli/access"
)

const long = `Write a kubeconfig by which kubectl reaches the hub through the API server of a host cluster.

It has the host's address and the credentials of the host's kubeconfig, and the hub's whole API at a
path there: get, apply, logs, exec and watch work as at the hub's own address. The hub has to be
registered with the host (see kubectl manifold register), and the user needs rights in both: in the
host to use federations/proxy (as the ClusterRole manifold-edit has it), and on the hub what the hub
is to do, as user host:NAME or member of host:GROUP.`

const example = `  # Print it
  kubectl manifold kubeconfig --through-host --host-kubeconfig ~/.kube/config

  # Use it
  kubectl manifold kubeconfig --through-host --host-kubeconfig ~/.kube/config --output federation.kubeconfig
  kubectl --kubeconfig federation.kubeconfig get deployments`

// options is what the command line says.
type options struct {
	host        access.HostFlags
	throughHost bool
	output      string // path; empty prints
}

// NewCommand returns the command.
func NewCommand(streams genericiooptions.IOStreams) *cobra.Command {
	o := &options{}
	cmd := &cobra.Command{
		Use:     "kubeconfig --through-host --host-kubeconfig FILE",
		Short:   "Write a kubeconfig that leads to the hub through a host cluster",
		Long:    long,
		Example: example,
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context(), streams) },
	}
	fs := cmd.Flags()
	o.host.AddFlags(fs)
	fs.BoolVar(&o.throughHost, "through-host", false, "Lead to the hub through the API server of the host cluster.")
	fs.StringVarP(&o.output, "output", "o", "", "File to write, with mode 0600. Default: print to standard output.")
	return cmd
}

func (o *options) run(ctx context.Context, streams genericiooptions.IOStreams) error {
	if !o.throughHost {
		return errors.New("give --through-host; a kubeconfig for the hub's own address is in the data folder of the server")
	}
	host, err := o.host.Load()
	if err != nil {
		return err
	}
	data, err := clientcmd.Write(*throughHost(host))
	if err != nil {
		return err
	}
	if o.output != "" {
		if err := os.WriteFile(o.output, data, 0o600); err != nil {
			return err
		}
		fmt.Fprintf(streams.Out, "wrote %s\n", o.output)
	} else if _, err := streams.Out.Write(data); err != nil {
		return err
	}
	if err := probe(ctx, host); err != nil {
		fmt.Fprintf(streams.ErrOut, "warning: %v\n", err)
	}
	return nil
}

// throughHost returns a kubeconfig with the credentials for the host, and the hub's API as that of its server.
func throughHost(host *access.HostConfig) *clientcmdapi.Config {
	current := host.Kubeconfig.Contexts[host.Kubeconfig.CurrentContext]
	cluster := host.Kubeconfig.Clusters[current.Cluster].DeepCopy()
	cluster.Server = host.Endpoint + hubv1alpha1.ProxyPath
	c := clientcmdapi.NewConfig()
	c.Clusters["manifold"] = cluster
	if user := host.Kubeconfig.AuthInfos[current.AuthInfo]; user != nil {
		c.AuthInfos[current.AuthInfo] = user
	}
	c.Contexts["manifold"] = &clientcmdapi.Context{Cluster: "manifold", AuthInfo: current.AuthInfo, Namespace: current.Namespace}
	c.CurrentContext = "manifold"
	return c
}

// probe tells what would keep a user from using the kubeconfig, as far as that can be seen now.
func probe(ctx context.Context, host *access.HostConfig) error {
	server, err := host.Connect(ctx)
	if err != nil {
		return err
	}
	err = server.Kube.Discovery().RESTClient().Get().AbsPath(hubv1alpha1.ProxyPath + "/version").Do(ctx).Error()
	switch {
	case apierrors.IsNotFound(err):
		return fmt.Errorf("the hub is not registered with the host %s: run kubectl manifold register there first", server.Host)
	case apierrors.IsForbidden(err):
		return fmt.Errorf("this user may not reach the hub through the host yet: %s", strings.TrimSpace(err.Error()))
	case err != nil:
		return fmt.Errorf("the hub does not answer through the host %s yet: %w", server.Host, err)
	}
	return nil
}
