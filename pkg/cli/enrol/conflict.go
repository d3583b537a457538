/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package enrol

import (
	"fmt"

	clusterv1alpha1 "github.com/manifold-k8s/manifold/apis/cluster/v1alpha1"
)

// Resolve decides whether the cluster with that id may be joined under name, given all Clusters of the hub. It returns
// the Cluster that an earlier join has made for it, nil if it is new to the hub.
func Resolve(name, id string, clusters []clusterv1alpha1.Cluster) (*clusterv1alpha1.Cluster, error) {
	var existing *clusterv1alpha1.Cluster
	for i := range clusters {
		c := &clusters[i]
		if c.Name == name {
			existing = c
			continue
		}
		if c.Spec.ID == id {
			return nil, fmt.Errorf("this cluster is already joined, as %q (id %s, endpoint %s); use that name, "+
				"or run `kubectl manifold unjoin %s` first", c.Name, id, orNone(c.Spec.APIEndpoint), c.Name)
		}
	}
	switch {
	case existing == nil:
		return nil, nil
	case existing.Spec.ID != id:
		return nil, fmt.Errorf("the name %q is taken by another cluster (id %s, endpoint %s); choose another name, "+
			"or run `kubectl manifold unjoin %s` first", name, orNone(existing.Spec.ID), orNone(existing.Spec.APIEndpoint), name)
	case existing.DeletionTimestamp != nil:
		return nil, fmt.Errorf("cluster %q is being removed from the hub; wait until it is gone, "+
			"or run `kubectl manifold unjoin %s --force`", name, name)
	case existing.Spec.SyncMode == clusterv1alpha1.Pull:
		return nil, fmt.Errorf("cluster %q is a member already, by an agent that connects to the hub (sync mode Pull)", name)
	}
	return existing, nil
}

func orNone(s string) string {
	if s == "" {
		return "unknown"
	}
	return s
}
