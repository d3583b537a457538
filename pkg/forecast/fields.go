/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package forecast

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	clusterv1alpha1 "github.com/manifold-k8s/manifold/apis/cluster/v1alpha1"
	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
	"github.com/manifold-k8s/manifold/pkg/binding"
	"github.com/manifold-k8s/manifold/pkg/manifest"
	"github.com/manifold-k8s/manifold/pkg/render"
)

// compare tells which fields change in the clusters that keep a copy, which of them overrides change in the clusters that
// get one, and where a manifest cannot be made. Numbers of replicas are not looked at: they are told as such. Copies of
// which nobody is in charge are left out. Both bindings may be nil.
func (c *Change) compare(in Case, old, next *binding.Binding) {
	if in.Fields == 0 {
		return
	}
	all := slices.DeleteFunc(targets(next), func(t workv1alpha2.TargetCluster) bool { return !binding.Enforced(next, t.Name) })
	for i, t := range all {
		if i == in.Fields {
			c.Uncompared = len(all) - i
			return
		}
		at := slices.IndexFunc(in.Clusters, func(m *clusterv1alpha1.Cluster) bool { return m.Name == t.Name })
		if at < 0 {
			continue // on its way out, and nothing is sent there
		}
		// Both are made for the next binding, so that they do not differ by the share.
		source := manifest.Source{Binding: next, Cluster: in.Clusters[at], Exists: applied(old, t.Name)}
		will := in.After.source(source)
		if in.Before.Template == nil || old == nil || binding.Target(old, t.Name) == nil {
			c.overrides(t.Name, will)
			continue
		}
		c.update(t.Name, in.Before.source(source), will)
	}
}

func (s State) source(of manifest.Source) manifest.Source {
	of.Template, of.ClusterOverrides, of.Overrides = s.Template, s.ClusterOverrides, s.Overrides
	return of
}

// overrides tells what overrides make of a new copy.
func (c *Change) overrides(cluster string, s manifest.Source) {
	if len(s.ClusterOverrides)+len(s.Overrides) == 0 {
		return
	}
	overridden, err := manifest.Of(s)
	if err != nil {
		c.Failures = group(c.Failures, cluster, err.Error())
		return
	}
	s.ClusterOverrides, s.Overrides = nil, nil
	plain, err := manifest.Of(s)
	if err != nil {
		c.Failures = group(c.Failures, cluster, err.Error())
		return
	}
	c.Overridden = group(c.Overridden, cluster, paths(plain, overridden)...)
}

// update tells what changes in a copy that is there.
func (c *Change) update(cluster string, was, will manifest.Source) {
	after, err := manifest.Of(will)
	before, errBefore := manifest.Of(was)
	switch {
	case err != nil && (errBefore == nil || errBefore.Error() != err.Error()):
		c.Failures = group(c.Failures, cluster, err.Error())
	case err != nil:
	case errBefore != nil:
		c.Recovered = append(c.Recovered, cluster)
	default:
		c.Changed = group(c.Changed, cluster, paths(before, after)...)
	}
}

// applied reports whether a cluster is known to hold a copy, which may then keep its own number of replicas.
func applied(b *binding.Binding, cluster string) bool {
	if b == nil {
		return false
	}
	for i := range b.Status.AggregatedStatus {
		if item := &b.Status.AggregatedStatus[i]; item.ClusterName == cluster {
			return item.Applied
		}
	}
	return false
}

// paths are those in which two manifests differ, but for the marks that Manifold puts on copies.
func paths(before, after *unstructured.Unstructured) (out []string) {
	for _, d := range render.Differences(before, after) {
		key, ok := strings.CutPrefix(d.Path, "/metadata/labels/")
		if !ok {
			key, ok = strings.CutPrefix(d.Path, "/metadata/annotations/")
		}
		if !ok || !binding.Mark(unescape.Replace(key)) {
			out = append(out, d.Path)
		}
	}
	return out
}

// unescape reads a step of a JSON pointer.
var unescape = strings.NewReplacer("~1", "/", "~0", "~")

// group adds a cluster to those of which the same is said. Nothing is said without words.
func group(groups []Group, cluster string, words ...string) []Group {
	if len(words) == 0 {
		return groups
	}
	for i := range groups {
		if slices.Equal(groups[i].What, words) {
			groups[i].Clusters = append(groups[i].Clusters, cluster)
			return groups
		}
	}
	return append(groups, Group{Clusters: []string{cluster}, What: words})
}
