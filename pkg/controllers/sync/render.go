/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package sync

import (
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	clusterv1alpha1 "github.com/manifold-k8s/manifold/apis/cluster/v1alpha1"
	"github.com/manifold-k8s/manifold/pkg/manifest"
)

// render returns the manifest for this member.
func (j *job) render(tmpl *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	obj, ok, err := j.cfg.Clusters.GetStore().GetByKey(j.member)
	if err != nil || !ok {
		return nil, fmt.Errorf("cluster %s is not known", j.member)
	}
	cops, ops := j.cfg.Policies.Overrides(tmpl.GetNamespace())
	return manifest.Of(manifest.Source{
		Binding: j.binding, Template: tmpl, Cluster: obj.(*clusterv1alpha1.Cluster),
		ClusterOverrides: cops, Overrides: ops, Exists: j.have != nil,
		Autoscaled: j.scaler != "",
	})
}
