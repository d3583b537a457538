/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package access

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/pflag"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/resource"
	"k8s.io/client-go/rest"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	clusterv1alpha1 "github.com/manifold-k8s/manifold/apis/cluster/v1alpha1"
	"github.com/manifold-k8s/manifold/pkg/generated/clientset/versioned"
	clusterclient "github.com/manifold-k8s/manifold/pkg/generated/clientset/versioned/typed/cluster/v1alpha1"
)

const hubAdvice = "check that the hub runs, and that --kubeconfig and --context (or KUBECONFIG) lead to it"

// Hub is the API server of the federation.
type Hub struct {
	*Server
	Clusters clusterclient.ClusterInterface
}

// HubFlags are kubectl's flags for a connection, here for that to the hub.
type HubFlags struct {
	config *genericclioptions.ConfigFlags
}

// NewHubFlags returns flags that follow KUBECONFIG and ~/.kube/config until they are set.
func NewHubFlags() *HubFlags {
	config := genericclioptions.NewConfigFlags(true)
	config.ClusterName = nil // --cluster means a member here
	return &HubFlags{config: config}
}

// AddFlags adds the flags to fs.
func (f *HubFlags) AddFlags(fs *pflag.FlagSet) {
	all := pflag.NewFlagSet("", pflag.ContinueOnError)
	f.config.AddFlags(all)
	all.VisitAll(func(flag *pflag.Flag) {
		if flag.Name == "server" {
			flag.Shorthand = "" // -s is for scopes
		}
		fs.AddFlag(flag)
	})
	fs.StringVar(f.config.Context, "karmada-context", "", "The same as --context.")
	if err := fs.MarkHidden("karmada-context"); err != nil {
		panic(err) // it was added a line ago
	}
}

// RESTConfig returns the connection that the flags describe, without trying it.
func (f *HubFlags) RESTConfig() (*rest.Config, error) {
	raw, err := f.config.ToRawKubeConfigLoader().RawConfig()
	if err != nil {
		return nil, fmt.Errorf("kubeconfig of the hub: %w", err)
	}
	if clientcmdapi.IsConfigEmpty(&raw) && *f.config.APIServer == "" { // which kubectl takes for localhost:8080
		return nil, errors.New("no kubeconfig for the hub: give --kubeconfig or set KUBECONFIG, " +
			"for example to the admin.kubeconfig in the data folder of the server")
	}
	cfg, err := f.config.ToRESTConfig()
	if err != nil {
		return nil, fmt.Errorf("kubeconfig of the hub: %w", err)
	}
	return cfg, nil
}

// Object finds out which object of the hub the arguments mean, KIND/NAME or KIND NAME as kubectl has them, without reading
// it. Its namespace is that of the flags, or empty for kinds in none.
func (f *HubFlags) Object(args []string) (*resource.Info, error) {
	namespace, _, err := f.config.ToRawKubeConfigLoader().Namespace()
	if err != nil {
		return nil, fmt.Errorf("kubeconfig of the hub: %w", err)
	}
	infos, err := resource.NewBuilder(f.config).Unstructured().NamespaceParam(namespace).DefaultNamespace().
		ResourceTypeOrNameArgs(false, args...).RequireObject(false).Flatten().Do().Infos()
	if err != nil {
		return nil, err
	}
	if len(infos) != 1 {
		return nil, fmt.Errorf("%d objects are named; give one, as KIND/NAME", len(infos))
	}
	if !infos[0].Namespaced() {
		infos[0].Namespace = ""
	}
	return infos[0], nil
}

// Reach connects to the server that the flags describe, whether or not it is a hub.
func (f *HubFlags) Reach(ctx context.Context) (*Server, error) {
	cfg, err := f.RESTConfig()
	if err != nil {
		return nil, err
	}
	return connect(ctx, cfg, "hub", hubAdvice)
}

// Connect connects to the hub. It is an error when the server there does not serve Clusters.
func (f *HubFlags) Connect(ctx context.Context) (*Hub, error) {
	cfg, err := f.RESTConfig()
	if err != nil {
		return nil, err
	}
	server, err := connect(ctx, cfg, "hub", hubAdvice)
	if err != nil {
		return nil, err
	}
	client, err := versioned.NewForConfig(cfg)
	if err != nil {
		return nil, fmt.Errorf("hub: %w", err)
	}
	hub := &Hub{Server: server, Clusters: client.ClusterV1alpha1().Clusters()}
	return hub, hub.servesClusters(ctx)
}

func (h *Hub) servesClusters(ctx context.Context) error {
	_, err := h.Clusters.List(ctx, metav1.ListOptions{Limit: 1})
	switch {
	case err == nil, apierrors.IsForbidden(err): // what rights are missing, a command tells at large
		return nil
	case apierrors.IsNotFound(err):
		return fmt.Errorf("hub: %s is not a hub: it does not serve clusters of %s; %s",
			h.Host, clusterv1alpha1.SchemeGroupVersion, hubAdvice)
	}
	return fmt.Errorf("list clusters of the hub %s: %w", h.Host, err)
}
