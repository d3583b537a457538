/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package explain

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	clusterv1alpha1 "github.com/manifold-k8s/manifold/apis/cluster/v1alpha1"
	hubv1alpha1 "github.com/manifold-k8s/manifold/apis/hub/v1alpha1"
	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
	"github.com/manifold-k8s/manifold/pkg/binding"
	"github.com/manifold-k8s/manifold/pkg/manifest"
	"github.com/manifold-k8s/manifold/pkg/match"
	"github.com/manifold-k8s/manifold/pkg/placement"
	"github.com/manifold-k8s/manifold/pkg/render"
	"github.com/manifold-k8s/manifold/pkg/schedule"
)

// tellClusters goes through the clusters: all of them for a template that somebody governs or needs, else those that may have copies.
func (x *subject) tellClusters() {
	b := x.inForce()
	if b == nil {
		return
	}
	clusters := map[string]*clusterv1alpha1.Cluster{}
	for _, name := range binding.Clusters(b) {
		clusters[name] = nil
	}
	for _, c := range x.Clusters {
		if _, has := clusters[c.Name]; has || x.wanted() {
			clusters[c.Name] = c
		}
	}
	for _, name := range slices.Sorted(maps.Keys(clusters)) {
		x.out.Clusters = append(x.out.Clusters, x.cluster(b, name, clusters[name]))
	}
	x.tellOverrides(clusters)
}

// cluster says what a cluster has of the template. c is nil if there is no such cluster.
func (x *subject) cluster(b *binding.Binding, name string, c *clusterv1alpha1.Cluster) hubv1alpha1.ExplainedCluster {
	out := hubv1alpha1.ExplainedCluster{Name: name}
	if item := itemOf(b, name); item != nil {
		out.Applied, out.Health, out.Message = item.Applied, string(item.Health), item.AppliedMessage
	}
	target := binding.Target(b, name)
	out.Why = x.why(b, name, target)
	if name == x.Cluster {
		out.Template = raw(render.Prune(x.Template))
	}
	if target == nil {
		return out
	}
	out.Target, out.Suspended = true, binding.Suspended(b, name)
	if x.workload {
		n := target.Replicas
		out.Replicas = &n
	}
	if c == nil || !x.governor.Any() && !binding.Required(b, name) {
		return out // nothing is made for it
	}
	s := manifest.Source{
		Binding: b, Template: x.Template, Cluster: c, ClusterOverrides: x.ClusterOverrides, Overrides: x.Overrides, Exists: out.Applied,
	}
	changes, err := manifest.Changes(s)
	if err != nil {
		out.OverrideError = err.Error()
		return out
	}
	out.Changes = fieldChanges(x.gvk.GroupKind(), changes)
	if name == x.Cluster {
		made, err := manifest.Of(s)
		if err != nil {
			out.OverrideError = err.Error()
			return out
		}
		out.Manifest = raw(made)
	}
	return out
}

// why says why a cluster is a target, with its share, or why it is not. Where what is in force is not what scheduling would
// say now, both are told.
func (x *subject) why(b *binding.Binding, name string, target *workv1alpha2.TargetCluster) string {
	placed := slices.ContainsFunc(b.Spec.Clusters, func(t workv1alpha2.TargetCluster) bool { return t.Name == name })
	v, known := x.anew[name]
	switch {
	case target != nil && !placed:
		return "required by " + names(x.requiring(b, name))
	case !x.governor.Any() && placed:
		return "no policy governs the template any more: what is there stays as it is"
	case !x.governor.Any():
		return "nothing that needs it is there"
	case !known:
		return ""
	case target == nil && !v.Kept:
		return v.Reason
	case target != nil && v.Kept && target.Replicas == v.Replicas:
		return v.Reason
	case x.follows():
		return "about to change: " + x.share(v)
	case target == nil:
		return "nothing is moved to it just because the clusters have changed; placed anew, " + x.share(v)
	}
	return "stays as it was placed; placed anew, " + x.share(v)
}

// share says what a verdict gives a cluster.
func (x *subject) share(v schedule.Verdict) string {
	switch {
	case !v.Kept:
		return "it would be left out: " + v.Reason
	case x.workload:
		return fmt.Sprintf("it would get %s: %s", count(int(v.Replicas), "replica"), v.Reason)
	}
	return "it would get the template: " + v.Reason
}

func itemOf(b *binding.Binding, cluster string) *workv1alpha2.AggregatedStatusItem {
	i := slices.IndexFunc(b.Status.AggregatedStatus, func(i workv1alpha2.AggregatedStatusItem) bool { return i.ClusterName == cluster })
	if i < 0 {
		return nil
	}
	return &b.Status.AggregatedStatus[i]
}

// tellOverrides names the override policies that select the template, with the targets that they are for.
func (x *subject) tellOverrides(clusters map[string]*clusterv1alpha1.Cluster) {
	if !x.wanted() {
		return
	}
	for _, o := range match.Overrides(placement.Matchable(x.gvk, x.Template), x.ClusterOverrides, x.Overrides) {
		told := hubv1alpha1.ExplainedOverride{Kind: o.Kind, Namespace: o.Namespace, Name: o.Name}
		for i := range x.out.Clusters {
			if c := &x.out.Clusters[i]; c.Target && clusters[c.Name] != nil && concerns(o, clusters[c.Name]) {
				told.Clusters = append(told.Clusters, c.Name)
			}
		}
		x.out.Overrides = append(x.out.Overrides, told)
	}
}

func concerns(o match.Override, c *clusterv1alpha1.Cluster) bool {
	for _, rule := range o.Rules {
		if ok, _ := match.Cluster(c, rule.TargetCluster); ok {
			return true
		}
	}
	return false
}

func raw(obj *unstructured.Unstructured) *runtime.RawExtension {
	data, err := json.Marshal(obj.Object)
	if err != nil {
		panic(err) // it came from JSON
	}
	return &runtime.RawExtension{Raw: data}
}
