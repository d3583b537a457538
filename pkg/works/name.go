/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

// Package works shows what each member is sent as objects of the kind Work, one per binding and target cluster. They are
// computed when somebody asks and stored nowhere: Of says what one is like, and a Source answers get, list and watch from
// the caches that the controllers use anyway. While nobody asks, it holds nothing and does nothing.
package works

import (
	"strings"

	clusterv1alpha1 "github.com/manifold-k8s/manifold/apis/cluster/v1alpha1"
	"github.com/manifold-k8s/manifold/pkg/binding"
)

// Name returns the name of the Works of a template, which is part of the wire format. namespace is empty for a
// cluster-wide kind.
func Name(namespace, template, kind string) string {
	n := strings.ToLower(strings.ReplaceAll(template, ":", "."))
	full := n + "-" + kind
	if namespace != "" {
		full = namespace + "-" + full
	}
	return n + "-" + binding.Code(strings.ToLower(full))
}

// Namespace returns the namespace of the Works of a cluster.
func Namespace(cluster string) string { return clusterv1alpha1.ExecutionNamespacePrefix + cluster }

// Cluster returns the cluster of which a namespace holds the Works; ok is false for any other namespace.
func Cluster(namespace string) (cluster string, ok bool) {
	cluster, ok = strings.CutPrefix(namespace, clusterv1alpha1.ExecutionNamespacePrefix)
	return cluster, ok && cluster != ""
}
