/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package access

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

const memberAdvice = "check that the cluster runs, and that --cluster-kubeconfig and --cluster-context lead to it"

// OneCluster checks that a command is given the name of one cluster and nothing else.
func OneCluster(cmd *cobra.Command, args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("want the NAME of one cluster, got %d arguments; see `%s --help`", len(args), cmd.CommandPath())
	}
	return nil
}

// MemberFlags say how a member is reached directly, not through the hub.
type MemberFlags struct {
	Kubeconfig string // path; empty means no access
	Context    string // empty means the one named like the cluster or, without such, the current one
}

// AddFlags adds the flags to fs.
func (f *MemberFlags) AddFlags(fs *pflag.FlagSet) {
	fs.StringVar(&f.Kubeconfig, "cluster-kubeconfig", "", "Kubeconfig file of the cluster, with an administrator's rights there.")
	fs.StringVar(&f.Context, "cluster-context", "", "Context in that file. Default: the one named NAME, if there is one, otherwise the current context.")
}

// MemberConfig is what a kubeconfig says of a member.
type MemberConfig struct {
	File          string // path of the kubeconfig
	Context       string
	Endpoint      string // URL
	CAData        []byte // PEM; may be empty
	Insecure      bool   // the server's certificate is not verified
	ProxyURL      string // may be empty
	TLSServerName string // name expected in the server's certificate; empty means that in Endpoint

	rest *rest.Config
}

// Load reads the kubeconfig for the cluster of that name, without trying to reach it.
func (f MemberFlags) Load(cluster string) (*MemberConfig, error) {
	if f.Kubeconfig == "" {
		return nil, errors.New("no kubeconfig of the cluster: give --cluster-kubeconfig FILE")
	}
	raw, err := clientcmd.LoadFromFile(f.Kubeconfig)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("kubeconfig of the cluster: %s does not exist; check --cluster-kubeconfig", f.Kubeconfig)
	}
	if err != nil {
		return nil, fmt.Errorf("kubeconfig of the cluster: read %s: %w", f.Kubeconfig, err)
	}
	if err := clientcmd.ResolveLocalPaths(raw); err != nil {
		return nil, fmt.Errorf("kubeconfig of the cluster: paths in %s: %w", f.Kubeconfig, err)
	}
	name, err := chooseContext(raw, f.Context, cluster)
	if err != nil {
		return nil, fmt.Errorf("kubeconfig of the cluster: %s %w", f.Kubeconfig, err)
	}
	cfg, err := clientcmd.NewNonInteractiveClientConfig(*raw, name, &clientcmd.ConfigOverrides{}, nil).ClientConfig()
	if err != nil {
		return nil, fmt.Errorf("kubeconfig of the cluster: context %q of %s: %w", name, f.Kubeconfig, err)
	}
	return newMemberConfig(f.Kubeconfig, name, raw, cfg)
}

func newMemberConfig(file, context string, raw *clientcmdapi.Config, cfg *rest.Config) (*MemberConfig, error) {
	endpoint, _, err := rest.DefaultServerUrlFor(cfg)
	if err != nil {
		return nil, fmt.Errorf("kubeconfig of the cluster: address %q of context %q in %s: %w", cfg.Host, context, file, err)
	}
	withCA := rest.CopyConfig(cfg)
	if err := rest.LoadTLSFiles(withCA); err != nil {
		return nil, fmt.Errorf("kubeconfig of the cluster: context %q of %s: %w", context, file, err)
	}
	return &MemberConfig{
		File:          file,
		Context:       context,
		Endpoint:      strings.TrimSuffix(endpoint.String(), "/"),
		CAData:        withCA.CAData,
		Insecure:      cfg.Insecure,
		ProxyURL:      raw.Clusters[raw.Contexts[context].Cluster].ProxyURL,
		TLSServerName: cfg.ServerName,
		rest:          cfg,
	}, nil
}

// chooseContext returns the context to use: the one asked for, else the one named like the cluster, else the current
// one. The error continues a sentence that began with the name of the file.
func chooseContext(raw *clientcmdapi.Config, asked, cluster string) (string, error) {
	known := slices.Sorted(maps.Keys(raw.Contexts))
	if len(known) == 0 {
		return "", errors.New("has no contexts; it is empty or not a kubeconfig")
	}
	if asked != "" {
		if _, ok := raw.Contexts[asked]; !ok {
			return "", fmt.Errorf("has no context %q; --cluster-context can be %s", asked, strings.Join(known, ", "))
		}
		return asked, nil
	}
	for _, name := range []string{cluster, raw.CurrentContext} {
		if _, ok := raw.Contexts[name]; ok {
			return name, nil
		}
	}
	return "", fmt.Errorf("has no context %q and no current context; give --cluster-context as one of %s",
		cluster, strings.Join(known, ", "))
}

// Connect connects to the member.
func (c *MemberConfig) Connect(ctx context.Context) (*Server, error) {
	return connect(ctx, c.rest, fmt.Sprintf("cluster (context %q of %s)", c.Context, c.File), memberAdvice)
}
