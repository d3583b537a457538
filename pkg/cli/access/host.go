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
	"strings"

	"github.com/spf13/pflag"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

const hostAdvice = "check that the host cluster runs, and that --host-kubeconfig and --host-context lead to it"

// HostFlags say how the host cluster is reached, behind whose API server a hub stands.
type HostFlags struct {
	Kubeconfig string // path
	Context    string // empty means the current one
}

// AddFlags adds the flags to fs.
func (f *HostFlags) AddFlags(fs *pflag.FlagSet) {
	fs.StringVar(&f.Kubeconfig, "host-kubeconfig", "", "Kubeconfig file of the host cluster.")
	fs.StringVar(&f.Context, "host-context", "", "Context in that file. Default: the current context.")
}

// HostConfig is what a kubeconfig says of the host.
type HostConfig struct {
	File     string // path of the kubeconfig
	Context  string
	Endpoint string // URL
	// Kubeconfig has this one context, and no references to other files.
	Kubeconfig *clientcmdapi.Config

	rest *rest.Config
}

// Load reads the kubeconfig, without trying to reach the host.
func (f HostFlags) Load() (*HostConfig, error) {
	if f.Kubeconfig == "" {
		return nil, errors.New("no kubeconfig of the host cluster: give --host-kubeconfig FILE")
	}
	raw, err := clientcmd.LoadFromFile(f.Kubeconfig)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("kubeconfig of the host: %s does not exist; check --host-kubeconfig", f.Kubeconfig)
	}
	if err != nil {
		return nil, fmt.Errorf("kubeconfig of the host: read %s: %w", f.Kubeconfig, err)
	}
	c := &HostConfig{File: f.Kubeconfig, Context: f.Context, Kubeconfig: raw}
	if c.Context == "" {
		c.Context = raw.CurrentContext
	}
	fail := func(err error) (*HostConfig, error) {
		return nil, fmt.Errorf("kubeconfig of the host: context %q of %s: %w", c.Context, f.Kubeconfig, err)
	}
	if _, ok := raw.Contexts[c.Context]; !ok {
		return fail(errors.New("there is no such context; give --host-context"))
	}
	raw.CurrentContext = c.Context
	if err := clientcmd.ResolveLocalPaths(raw); err != nil {
		return fail(err)
	}
	if err := clientcmdapi.MinifyConfig(raw); err != nil {
		return fail(err)
	}
	if err := clientcmdapi.FlattenConfig(raw); err != nil {
		return fail(err)
	}
	if c.rest, err = clientcmd.NewDefaultClientConfig(*raw, &clientcmd.ConfigOverrides{}).ClientConfig(); err != nil {
		return fail(err)
	}
	endpoint, _, err := rest.DefaultServerUrlFor(c.rest)
	if err != nil {
		return fail(err)
	}
	c.Endpoint = strings.TrimSuffix(endpoint.String(), "/")
	return c, nil
}

// Connect connects to the host.
func (c *HostConfig) Connect(ctx context.Context) (*Server, error) {
	return connect(ctx, c.rest, fmt.Sprintf("host cluster (context %q of %s)", c.Context, c.File), hostAdvice)
}
