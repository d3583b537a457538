/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package server

import (
	"fmt"
	"strings"

	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/component-base/version"

	clusterv1alpha1 "github.com/manifold-k8s/manifold/apis/cluster/v1alpha1"
	hubv1alpha1 "github.com/manifold-k8s/manifold/apis/hub/v1alpha1"
	"github.com/manifold-k8s/manifold/pkg/host"
	"github.com/manifold-k8s/manifold/pkg/local"
	"github.com/manifold-k8s/manifold/pkg/native"
	"github.com/manifold-k8s/manifold/pkg/registry/federation"
	"github.com/manifold-k8s/manifold/pkg/unified/metrics"
)

// hostOptions are the flags of aggregated mode: this server behind the API server of a host cluster.
type hostOptions struct {
	// Kubeconfig is the path of a kubeconfig for the host; empty means that there is none.
	Kubeconfig string
	// Mapping names the host's users here.
	Mapping host.Mapping
}

func newHostOptions() hostOptions {
	return hostOptions{Mapping: host.Mapping{UserPrefix: "host:", GroupPrefix: "host:"}}
}

func (o *hostOptions) addFlags(fs *pflag.FlagSet) {
	fs.StringVar(&o.Kubeconfig, "host-kubeconfig", o.Kubeconfig, "Kubeconfig of a host cluster behind whose API server this one is registered, as `kubectl manifold register` writes it. The users of that cluster are then let in through it, as far as it allows them to.")
	fs.StringVar(&o.Mapping.UserPrefix, "host-user-prefix", o.Mapping.UserPrefix, "What is put before the names of the host cluster's users. It ends in a colon and does not begin with system:.")
	fs.StringVar(&o.Mapping.GroupPrefix, "host-group-prefix", o.Mapping.GroupPrefix, "What is put before the names of their groups; likewise.")
}

func (o *hostOptions) validate() []error {
	if err := o.Mapping.Validate(); err != nil {
		var errs []error
		for _, line := range strings.Split(err.Error(), "\n") {
			errs = append(errs, fmt.Errorf("--host-user-prefix, --host-group-prefix: %s", line))
		}
		return errs
	}
	return nil
}

// front returns what lets the host's users in, nil without a host. They reach the groups that only we serve.
func (o *hostOptions) front(groups []native.Group) (*host.Access, error) {
	if o.Kubeconfig == "" {
		return nil, nil
	}
	config, err := clientcmd.BuildConfigFromFlags("", o.Kubeconfig)
	if err != nil {
		return nil, err
	}
	names := sets.New[string]()
	for _, g := range groups {
		names.Insert(g.Version.Group)
	}
	names.Delete(metrics.SchemeGroupVersion.Group) // the host has metrics of its own
	return host.New(host.Config{REST: config, Mapping: o.Mapping, Groups: sets.List(names)})
}

// statusOf tells how the federation is, from the informer of its Clusters.
func statusOf(clusters cache.SharedIndexInformer) federation.Source {
	return func() (hubv1alpha1.FederationStatus, error) {
		status := hubv1alpha1.FederationStatus{KubernetesVersion: version.Get().GitVersion}
		for _, c := range local.All[*clusterv1alpha1.Cluster](clusters.GetStore()) {
			status.Clusters++
			if meta.IsStatusConditionTrue(c.Status.Conditions, clusterv1alpha1.ClusterConditionReady) {
				status.ReadyClusters++
			}
		}
		return status, nil
	}
}
